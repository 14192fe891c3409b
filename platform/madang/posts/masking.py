"""Takes personal numbers and addresses out of a text before a model sees it, length kept, so that offsets hold.

Digits become 0 and letters x. Telephone numbers are found by phonenumbers (Google's libphonenumber); the patterns
here are for what it does not know. Prices ("500/40", "1억 2천", "38만원") must survive.
"""

import re

import phonenumbers

# Raise it when the same text masks to something else.
MASKING_VERSION = 1

_REGION = "KR"
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_CHAT_LINK = re.compile(r"(?:https?://)?(?:open\.kakao\.com|t\.me|line\.me|discord\.gg|wa\.me)/\S+", re.IGNORECASE)
_CHAT_ID = re.compile(
    r"(?:카톡|카카오톡|kakao(?:talk)?|라인|line|telegram|텔레그램|인스타)\s*(?:아이디|id)?\s*[:：]\s*([\w.@-]{4,})",
    re.IGNORECASE,
)
_RESIDENT = re.compile(r"(?<!\d)\d{6}\s?-\s?[1-4]\d{6}(?!\d)")
_ACCOUNT = re.compile(r"(?<![\d-])\d{2,6}-\d{2,6}-\d{2,8}(?:-\d{1,4})?(?![\d-])")
_CARD = re.compile(r"(?<!\d)\d{4}[- ]\d{4}[- ]\d{4}[- ]\d{4}(?!\d)")
# 공일공 and letters for digits: written so that filters miss them.
_SPELT_PHONE = re.compile(r"(?:[0oO공][1lI일][0oO공])[\s.\-~]*(?:[\d공일이삼사오육칠팔구oO][\s.\-~]*){7,8}")
# Fewer are a date (24-11-27) or a price list (1000-50-10): no bank numbers its accounts with less than ten.
_LEAST_ACCOUNT_DIGITS = 9

# A chat template would read these inside a post as turns of its own.
_CONTROL = re.compile(r"<(?=/?\|?[a-z_0-9|]+>)|\[(?=/?INST\])", re.IGNORECASE)


def mask(text: str) -> str:
    """Masks personal data and control tokens.

    Args:
        text: Text as stored.

    Returns:
        Text of the same length.
    """
    if not text:
        return text
    spans = [
        match.span()
        for pattern in (_EMAIL, _CHAT_LINK, _RESIDENT, _CARD, _SPELT_PHONE)
        for match in pattern.finditer(text)
    ]
    spans += [match.span(1) for match in _CHAT_ID.finditer(text)]
    spans += [match.span() for match in _ACCOUNT.finditer(text) if _digits(match.group()) >= _LEAST_ACCOUNT_DIGITS]
    if any(char.isdigit() for char in text):
        found = phonenumbers.PhoneNumberMatcher(text, _REGION, phonenumbers.Leniency.VALID)
        spans += [(match.start, match.end) for match in found]
    masked = list(text)
    for start, end in spans:
        masked[start:end] = [_blank(char) for char in masked[start:end]]
    # One character for one: the look-alike keeps the offsets and means nothing to a template.
    return _CONTROL.sub(lambda match: "‹" if match.group() == "<" else "⟦", "".join(masked))


def _digits(text: str) -> int:
    return sum(char.isdigit() for char in text)


def _blank(char: str) -> str:
    if char.isdigit():
        return "0"
    return "x" if char.isalpha() else char
