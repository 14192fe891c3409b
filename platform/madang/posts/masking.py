"""Takes personal numbers and addresses out of a text before a model sees it, length kept, so that offsets hold.

Digits become 0 and letters x; what addresses a machine becomes spaces. Telephone numbers are found by phonenumbers
(Google's libphonenumber); the patterns here are for what it does not know. Prices ("500/40", "1억 2천", "38만원") must
survive.
"""

import re

import phonenumbers

from madang.posts.orders import without_orders

# Raise it when the same text masks to something else.
MASKING_VERSION = 3

_REGION = "KR"
# Only where a run of such characters begins, and never back into it: 20,000 times ㅋ took 1.4 s.
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]+)+")
_CHAT_LINK = re.compile(r"(?:https?://)?(?:open\.kakao\.com|t\.me|line\.me|discord\.gg|wa\.me)/\S+", re.IGNORECASE)
_CHAT_WORD = (
    r"(?:카톡|카카오톡|텔레그램|인스타(?:그램)?|라인|(?<![a-z])(?:kakao(?:talk)?|line|telegram|insta(?:gram)?))"
)
_CHAT_ID = re.compile(
    _CHAT_WORD + r"\s{0,3}(?:아이디|id)?(?:은|는)?\s{0,3}[:：]\s{0,3}(?!\d[\d,.]*\s?[만억천원])([a-z0-9._@-]{4,})",
    re.IGNORECASE | re.ASCII,
)
# Without a colon a number may be a price, and a word after "line" just a word: letters, and a sign of a handle.
_BARE_CHAT_ID = re.compile(
    r"(?:(?:카톡|카카오톡|텔레그램|인스타(?:그램)?|라인)\s{0,3}(?:아이디|id)?(?:은|는)?|"
    + _CHAT_WORD
    + r"\s{0,3}(?:아이디|id|(?=\s{0,3}(?:@|[a-z.]*[\d_]))))\s{0,3}"
    r"(?!\d[\d.]*(?:[ap]m|m2|sqft|sf|km|usd|krw|won|k)\b)(@[a-z0-9._]{4,}|(?=[\d._]*[a-z])[a-z0-9._]{4,})",
    re.IGNORECASE | re.ASCII,
)
_RESIDENT = re.compile(r"(?<!\d)\d{6}\s?-\s?[1-4]\d{6}(?!\d)")
# Without a hyphen only where it begins with a day of birth.
_BARE_RESIDENT = re.compile(r"(?<!\d)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\s?[1-8]\d{6}(?!\d)")
_BANK = (
    "국민|신한|우리|하나|농협|기업|수협|신협|새마을(?:금고)?|우체국|제일|씨티|카카오뱅크|카뱅|케이뱅크|토스|kb|nh|ibk|"
    "(?:부산|대구|광주|전북|경남|제주|산업)은행"
)
_BANK_ACCOUNT = re.compile(
    rf"(?:{_BANK})(?:은행|뱅크)?\s{{0,3}}(?:계좌(?:번호)?)?\s{{0,3}}[:：]?\s{{0,3}}(\d{{10,14}})(?!\d|\s?[원만억])",
    re.IGNORECASE,
)
_ACCOUNT = re.compile(r"(?<![\d-])\d{2,6}-\d{2,6}-\d{2,8}(?:-\d{1,4})?(?![\d-])")
_CARD = re.compile(r"(?<!\d)\d{4}[- ]\d{4}[- ]\d{4}[- ]\d{4}(?!\d)")
# 공일공 and letters for digits: written so that filters miss them.
_SPELT_PHONE = re.compile(r"(?:[0oO공][1lI일][0oO공])[\s.\-~_]*(?:[\d공일이삼사오육칠팔구oO][\s.\-~_]*){7,8}")
# Where a telephone number can stand: no syllable of Hangul is part of one, and no valid one has less than five digits.
# The search costs 0.2 ms a post that has only ages, prices and times of day.
_PHONE_STRETCH = re.compile(r"(?<![^가-힣])[^\d가-힣]*+\d(?:[^\d가-힣]*+\d){4}[^가-힣]*+")
# Fewer are a date (24-11-27) or a price list (1000-50-10): no bank numbers its accounts with less than ten.
_LEAST_ACCOUNT_DIGITS = 9

# A chat template would read these inside a post as turns of its own.
_CONTROL = re.compile(r"<(?=/?\|?[a-z_0-9|]+>)|\[(?=/?INST\])", re.IGNORECASE)


def mask(text: str) -> str:
    """Masks personal data, orders to a machine and control tokens.

    Args:
        text: Text as stored.

    Returns:
        Text of the same length.
    """
    if not text:
        return text
    spans = [
        match.span()
        for pattern in (_EMAIL, _CHAT_LINK, _RESIDENT, _BARE_RESIDENT, _CARD, _SPELT_PHONE)
        for match in pattern.finditer(text)
    ]
    spans += [match.span(1) for pattern in (_CHAT_ID, _BARE_CHAT_ID, _BANK_ACCOUNT) for match in pattern.finditer(text)]
    spans += [match.span() for match in _ACCOUNT.finditer(text) if _digits(match.group()) >= _LEAST_ACCOUNT_DIGITS]
    for stretch in _PHONE_STRETCH.finditer(text):
        found = phonenumbers.PhoneNumberMatcher(stretch.group(), _REGION, phonenumbers.Leniency.VALID)
        spans += [(stretch.start() + match.start, stretch.start() + match.end) for match in found]
    masked = list(text)
    for start, end in spans:
        masked[start:end] = [_blank(char) for char in masked[start:end]]
    # One character for one: the look-alike keeps the offsets and means nothing to a template.
    return _CONTROL.sub(lambda match: "‹" if match.group() == "<" else "⟦", without_orders("".join(masked)))


def _digits(text: str) -> int:
    return sum(char.isdigit() for char in text)


def _blank(char: str) -> str:
    if char.isdigit():
        return "0"
    return "x" if char.isalpha() else char
