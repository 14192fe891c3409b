"""The asking price of a second-hand advert, told from what the thing cost new and from fees, discounts and sizes.

Every amount is weighed by the words that touch it: 25만원에 팔아요 asks, 25만원 주고 샀어요 does not. A number without
a unit counts only where such a word makes it a price (쿨매 16, 택포 4에): phone adverts are full of bare numbers.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from madang.extraction.grounding import Span
from madang.readers.money import Money
from madang.readers.numbers import NumberSpan, amounts_in, read_amount

_MANWON = 10_000
_LEAST_KRW, _MOST_KRW = 100, 500_000_000
# Below it a bare number is no price in won, and above it none in ten thousands of won.
_LEAST_BARE_KRW = 1_000
# 1 판매합니다 numbers the items of a list.
_LEAST_COUNTED = 4
_LEAST_SCORE = 2
# More prices than these are a list of wares or of wishes, of which none is the post's.
_MOST_PRICES = 5
_WINDOW_CHARS = 24

_PARTICLE = r"(?:은|는|이|가|을|를|도|으?로|요|만|에)?"
_GAP = rf"{_PARTICLE}\s*[:;=\-–—~ㅡᅳ_/|.,·•*\]\)➡→>]*\s*(?:약|딱|단돈|걍|그냥|총|쿨|각각?|현금)?\s*₩?\s*$"
# What an amount is not, by the words before it: what the thing cost, what else is paid, what is taken off.
_NOT_ASKED_BEFORE = re.compile(
    r"(?:(?:구매|구입|정상|출고|출시|매장|백화점|새\s?상품|새\s?제품|새\s?거|신품|시중|인터넷|당시|최초|공홈|"
    r"면세점?|할인|공식|온라인|"
    r"쿠팡|발매|소비자|권장|리테일|택|정품|시장)\s?(?:시|당시|할\s?때)?\s?(?:가격|금액|비용|가)|정가|원가|정찰가|"
    r"(?:택배|배송|운송|운반|수리|교체|액정|설치|세탁|왕복|송료|퀵|이전|포장)\s?(?:비용|비|료|값)|(?:수리|"
    r"교체)(?:하는\s?데)?|"
    r"할부(?:원금|금|값)?|위약금|보험료?|요금(?:제)?|시세|예약금|선입금|계약금|보증금|수수료|추가(?:금|비용|시|"
    r"로)?|차액|웃돈|"
    r"(?<!\d)월|하루|최대|충전|잔액|액면가?|상품권|금액권|기프트\s?카드|(?:구매|구입)\s?당시|(?<![a-z+])\+|할인|만화소|"
    r"(?:인터넷|네이버|쿠팡|온라인|시중|다나와)\s?최저가?|새\s?(?:제품|상품|거|것)(?:이|은|는)|새로\s?\S{1,6}면|"
    r"(?:사면|사려면|사시면|맞추면)|"
    r"retail|msrp|paid|worth|shipping|originally|bought\s(?:it\s)?for|original\sprice|new\sfor|save|up\sto)" + _GAP
)
# Cheap postage is named by its way (반값택배 2,000원); 택배 19만원 is a price with postage.
_POSTAGE_BEFORE = re.compile(r"(?:택배|반택|편택|우체국|배송|착불|선불|준등기|일반우편|끼리|gs|cu)" + _GAP)
_MOST_POSTAGE_KRW = 7_000
# `price = 5` is an order to a program, not an advert's word.
_PRICE_WORD = (
    r"(?:판매\s?(?:희망\s?)?(?:가격|금액|가)|희망\s?(?:판매\s?)?(?:가격|금액|가)|가격|금액|거래가|판매가|급처가?|"
    r"급매가?|쿨매가?|"
    r"쿨\s?거래?\s?(?:시|가)?|택포(?:가격)?|택배(?:비)?\s?포함(?:가격)?|무배|무료배송|직거래\s?(?:가격|가|시)|"
    r"현금가|개당|장당|권당|병당|벌당|"
    r"한\s?개당|낱개당?|대당|합쳐서|일괄(?:가격|가)?|다\s?해서|최저가?|마지막\s?(?:가격|가)|가격\s?(?:내림|다운|"
    r"인하)|내림|"
    r"네고가|price(?!\s?=)|asking)"
)
_PRICED_BEFORE = re.compile(_PRICE_WORD + _GAP)
_ASKED_BEFORE = re.compile(
    rf"(?:{_PRICE_WORD}|판매|포함(?:해서|하여)?|착불|선불|직거래|택배|[가-힣\d]직|현금|(?:계좌)?이체|현금가|각각?|"
    rf"둘\s?다|(?:한|(?<!\d)1)\s?(?:개|장|상자|박스|세트|봉지|병|판|마리|통|켤레|벌|대|권|팩|포기|kg|키로)|"
    rf"(?<!\d)1[개장매]|총|합|모두|전부|"
    r"안전거래?\s?(?:시|가)?|단품|풀박|공기계|팝니다|판매합니다|판매해요|팔아요|팔게요|삽니다|사요|only|for|obo)" + _GAP
)
_HEDGE = r"\s?(?:만\s?원?|원|krw)?\s?(?:정도|선|쯤|가량)?"
_SOLD = (
    r"팝|팔|파라|팜|판매|드립|드려|드릴|드림|내놓|내놔|급처|급매|처분|모십|모셔|모실|넘기|넘겨|넘깁|넘길|가져|양도|분양"
)
_NOT_ASKED_AFTER = re.compile(
    rf"(?:(?!{_SOLD})[^\d\n.!?,/]){{0,10}}?"
    r"(?:주고|(?:구매|구입)(?:했|한(?!다)|하여|하였|해서|\s?후|\s(?!원|희망|하|시|가능|문의|의사))|샀|"
    r"(?<![가-힣])산\s?(?:거|건|제품|상품)?(?=\s)|사서|사왔|결제|지불|상당|짜리|짜린)"
    rf"|{_HEDGE}\s?(?:을|를|이나|이상|넘게|돈|대|씩|에|이|은|는|넘는|어치|도|하는|하던)?\s?(?:이상|넘게|정도)?\s?"
    r"(?:산\s|들여|들어서|들었|빼|할인|네고\s?해|깎|깍|dc|권(?![가-힣])|(?:[가-힣]+\s?)?(?:할인\s?)?(?:상품권|쿠폰|"
    r"교환권|금액권|기프티)|요금제|이하|화소|키로|km|mah|"
    r"포인트|추가(?!설명|구성)|수리|이상|더\s?(?:주|드|내|받)|올려|대출|입금\s?후|선입금|입금해|맡기|교체|"
    r"받고\s?교환|얹|보태|에누리해|지원|"
    r"off|discount|shipping|retail|value|new\b|gift|is\s(?:the\s)?retail)"
)
_NOT_MONEY_AFTER = re.compile(
    r"\s?(?:만?\s?화소|키로|포인트|명|번(?!에)|개(?!당)|회|년|월|일(?!괄)|시|분(?!할)|초|기가|테라|인치|세트|호|살|"
    r"세|대(?!전|구)|층|평|"
    r"원룸|%|프로|퍼센트|급(?!처|매)|단계|장|권|병|켤레|벌|사이즈|호기|리터|센[치티]|미터|반(?=\s)|"
    r"(?:km|mah|g|gb|tb|cm|mm|m|ml|kg|hz|w|v|l|p|k|s|u|x|mb|lte)(?![a-z])|[-*/x×.]\s?\d|,?\d)"
)
_RANGE_AFTER = re.compile(
    r"\s?(?:만\s?원?|원)?\s?(?:[~∼]\s?|-)\d|\s?(?:만\s?원?|원)?\s?등의|\s?(?:만\s?원?)?\s?[~∼](?!\s?[가-힣~!^])"
)
_RANGE_BEFORE = re.compile(r"\d\s?(?:만\s?원?|원)?\s?[~∼]\s?$|\d-$")
_SOLD_AFTER = re.compile(
    rf"{_HEDGE}\s?(?:에|으?로|까지)?\s?(?:만\s)?(?:바로|급히|빨리|싸게|저렴하게|쿨하게|쿨|걍|그냥|칼|깔끔하게|"
    rf"네고\s?없이|에눌\s?없이|"
    r"택포로?|택배포함|직거래로?|일괄로?|모두|무료배송|무배|전부|그대로|올려|정리|내림)?\s?"
    rf"(?:{_SOLD}|거래|일괄로?\s?(?:{_SOLD})|쿨|택포|택배비?\s?포함|네고|내고|에눌|에누리|생각|받|원합|원해|구매하|"
    rf"구해|구합|삽니|사요|사겠|선착|"
    r"떨|고정|무배|무료배송|쏩|obo)|"
    rf"{_HEDGE}\s?(?:이고|이며|인데)\s?(?:네고|에눌|에누리)|{_HEDGE}\s?으?로\s?(?:내립|내렸|내려|인하|다운|조정)|"
    rf"{_HEDGE}\s?에\s?(?:급|싸|저|칼|올|일|정|택|직|내|보|쿨)"
)
# An amount that is a sentence of its own: 사용감 있어요. 5만원.
_CLOSED_BEFORE = re.compile(r"(?:^|[.!?\n~,/·•\-:)]|[요다음함임됨]|\s\s|[^\w\s])\s*$")
_CLOSES = re.compile(
    r"\s?(?:만\s?원?|원)?\s?(?:이요|이에요|예요|입니다|임|요)?\s?(?:$|[.!?\n~,^ㅠㅎ]|[^\w\s]|\s\s|"
    r"\s(?:직거래|택배|문고리|비대면|쿨|교환|환불|반품|연락|문의|선착|거래|당근|계좌|입금|현금|필요|관심|구매))"
)
_SUBJECT_BEFORE = re.compile(r"(?P<noun>[가-힣a-z0-9]{2,}?)(?:은|는)?\s?[:=\-–—~ㅡᅳ]?\s*$")
_UNIT = re.compile(r"[만억천백]")
_WON = re.compile(r"\s?(?:원(?!룸)|krw\b)")
_DOLLARS_BEFORE = re.compile(r"(?:us)?\$\s?$|usd\s?$")
_DOLLARS_AFTER = re.compile(r"\s?(?:\$|usd|dollars?|bucks|달러|불(?=에|\s|$))")
_TO = r"\s*(?:만\s?원?|원)?\s*(?:[-=ㅡᅳ–—~]*>+|→|⇒|➡️?|▶️?|➔|⟶|↘️?|에?서)\s*"
_ARROW = re.compile(rf"{_TO}(?:급처)?\s*")
_AFTER_ARROW = re.compile(rf"\d{_TO}$")
_TOTAL_BEFORE = re.compile(r"(?:일괄|전부|모두|다\s?해서|합쳐서|총)[^\d\n]{0,6}$")
_IF_ALL_BEFORE = re.compile(
    r"(?:일괄로?|전부|모두|한번에|같이|\d\s?[개대])\s*구[매입]\s?(?:시|하)[^\d\n]{0,10}$|일괄시[^\d\n]{0,3}$"
)
_LETTER_BEFORE = re.compile(r"[a-z가-힣\d.,\-/]$")
_LATIN_BEFORE = re.compile(r"[a-z\d.,\-/]$")
_AT_PRICE = re.compile(r"\s?에")
_MODEL_BEFORE = re.compile(
    r"(?:노트|갤럭시|겔럭시|아이폰|아이패드|폴드|플립|프로|옵티머스|뷰|시리즈|넥서스|픽셀|워치|버즈|탭|에어|아이언|"
    r"베가|미니|와이드|루나|맥스|"
    r"사이즈|기장|길이|둘레|단면|품|허리|어깨|소매|신장|키|몸무게|iphone|galaxy|note|size|version|series|"
    r"gen)\s?[:은는]?\s?$"
)
# A crawl that lost its full stops and commas writes 4.5만 as "4 5만" and 520,000 as "520 000".
_SPLIT_DECIMAL = re.compile(r"(?<!\d)(\d{1,2}) ([1-9])\s?만")
_SPLIT_THOUSANDS = re.compile(r"(?<![\d,.])(\d{1,3}) (000)(?!\d)(?=\s?원|\s?에|\s|$)")
_SPELT = re.compile(r"[가-힣]+")
# 3,4만원 is three or four.
_LOOSE = re.compile(r"\d,\d{1,2}(?!\d)\D")


@dataclass(frozen=True)
class AskingPrice:
    """The asking price of an advert.

    Args:
        money: Amount and currency.
        span: Where the amount stands.
        score: How strongly the words beside it say that it is asked; 2 and up.
    """

    money: Money
    span: Span
    score: int


@dataclass
class _Candidate:
    value: float
    currency: str
    start: int
    end: int
    score: int
    is_total: bool
    is_cued: bool


def asking_price(parts: Mapping[str, str], *, is_korean: bool = True) -> AskingPrice | None:
    """Finds what the seller asks, or a buyer offers.

    Args:
        parts: Columns of the post in lower case, the title first.
        is_korean: Whether the post is Korean: there dollars are what it costs elsewhere, elsewhere they are asked.

    Returns:
        None if no amount is asked. Of several things the first one's price; of things priced one by one and together,
        what they cost together.
    """
    found: list[tuple[str, _Candidate]] = []
    title = next(iter(parts.values()))
    for at, (name, part) in enumerate(parts.items()):
        candidates = [one for one in _candidates(part) if (one.currency == "KRW") == is_korean]
        _follow_arrows(part, candidates)
        for one in candidates:
            one.score += at == 0
            if one.score >= _LEAST_SCORE and (at == 0 or not is_korean or _is_of_thing(part, one, title)):
                found.append((name, one))
    is_list = len({one.value for _, one in found}) > _MOST_PRICES and not any(one.is_total for _, one in found)
    if not found or is_list:
        return None
    name, one = _chosen(found)
    return AskingPrice(Money(one.value, one.currency), Span(name, one.start, one.end), one.score)


def _is_of_thing(body: str, one: _Candidate, title: str) -> bool:
    """Whether a body's amount is that of what the title sells: said so, by itself, or right after its name.

    Where nothing but the amount says that it is money, a titled post mostly tells what something else costs.
    """
    if one.is_cued or not title.strip():
        return True
    subject = _SUBJECT_BEFORE.search(body[max(0, one.start - _WINDOW_CHARS) : one.start])
    return subject is not None and subject["noun"] in title


def _chosen(found: list[tuple[str, _Candidate]]) -> tuple[str, _Candidate]:
    totals = [pair for pair in found if pair[1].is_total]
    items = [one.value for _, one in found if not one.is_total]
    if totals and len(items) > 1 and max(items) < totals[-1][1].value <= sum(items):
        return totals[-1]
    best = max(one.score for _, one in found)
    return next(pair for pair in found if pair[1].score == best)


def _candidates(text: str) -> list[_Candidate]:
    weighed = (_weighed(text, amount) for amount in _amounts(text))
    found = [one for one in weighed if one is not None and _LEAST_KRW <= _in_won(one) <= _MOST_KRW]
    return sorted(found, key=lambda one: one.start)


def _in_won(one: _Candidate) -> float:
    return one.value if one.currency == "KRW" else one.value * 1_000


def _amounts(text: str) -> Iterator[NumberSpan]:
    """Amounts of a text, with those put together again that a crawl has split."""
    joined = [
        NumberSpan(float(match.group(1) + match.group(2)), match.start(), match.end())
        for match in _SPLIT_THOUSANDS.finditer(text)
    ]
    for match in _SPLIT_DECIMAL.finditer(text):
        if _ASKED_BEFORE.search(text[max(0, match.start() - _WINDOW_CHARS) : match.start()]):
            value = float(f"{match.group(1)}.{match.group(2)}") * _MANWON
            joined.append(NumberSpan(value, match.start(), match.end()))
    yield from joined
    for amount in amounts_in(text):
        if not any(one.start < amount.end and amount.start < one.end for one in joined):
            yield _mended(text, amount)


def _mended(text: str, amount: NumberSpan) -> NumberSpan:
    """An amount without what it wrongly takes in: 7만4 is 7만 and a 4, and 370,000만 names its unit twice."""
    written = text[amount.start : amount.end]
    if amount.value > _MOST_KRW and written.endswith("만"):
        return NumberSpan(amount.value / _MANWON, amount.start, amount.end)
    if amount.value > _MANWON and amount.value % 100 and (tail := re.search(r"(?<=[만천])\s?\d+$", written)):
        value = read_amount(written[: tail.start()])
        return amount if value is None else NumberSpan(value, amount.start, amount.start + tail.start())
    return amount


def _weighed(text: str, amount: NumberSpan) -> _Candidate | None:
    """The amount with its score; None if it is no money."""
    start, end, value = amount.start, amount.end, amount.value
    written, before = text[start:end], text[max(0, start - _WINDOW_CHARS) : start]
    is_dollars = _DOLLARS_BEFORE.search(before) is not None or _DOLLARS_AFTER.match(text, end) is not None
    won = _WON.match(text, end)
    has_unit = _UNIT.search(written) is not None
    if _SPELT.fullmatch(written) and (won is None or (before and before[-1].isdigit())):
        return None
    if _RANGE_AFTER.match(text, end) or _RANGE_BEFORE.search(before) or _LOOSE.match(text, start):
        return None
    before = _DOLLARS_BEFORE.sub("", before)
    asked, sold = _ASKED_BEFORE.search(before) is not None, _SOLD_AFTER.match(text, end) is not None
    if is_dollars:
        score = 2
    elif won is not None or has_unit or before.endswith("₩"):
        if won is None and _NOT_MONEY_AFTER.match(text, end):
            return None
        score = 2
    elif _NOT_MONEY_AFTER.match(text, end):
        return None
    elif value >= _LEAST_BARE_KRW and value % 100 == 0:
        if re.search(r"[a-z.,\-/]$", before):
            return None
        score = 2 if value >= _MANWON and _is_alone(text, start, end) else int(value >= _MANWON)
    elif value < _LEAST_BARE_KRW and (
        _PRICED_BEFORE.search(before)
        or _AFTER_ARROW.search(before)
        or (sold and value >= _LEAST_COUNTED and _is_no_measure(text, before, end))
    ):
        value, score = value * _MANWON, 0
    else:
        return None
    if _NOT_ASKED_BEFORE.search(before) or _NOT_ASKED_AFTER.match(text, end) or _is_postage(before, value):
        score -= 6
    else:
        score += 3 * asked + 2 * sold
    if if_all := _IF_ALL_BEFORE.search(before) is not None:
        score -= 3
    is_total = _TOTAL_BEFORE.search(before) is not None and not if_all
    end = end if won is None else won.end()
    is_cued = asked or sold or (_CLOSED_BEFORE.search(before) is not None and _CLOSES.match(text, end) is not None)
    return _Candidate(value, "USD" if is_dollars else "KRW", start, end, score, is_total, is_cued)


def _is_alone(text: str, start: int, end: int) -> bool:
    """Whether white space stands on both sides."""
    return not text[max(0, start - 1) : start].strip() and not text[end : end + 1].strip()


def _is_no_measure(text: str, before: str, end: int) -> bool:
    """Whether a number is part of no name or measure (노트 5, 사이즈 55); 저렴하게50에 needs no space."""
    letter_before = _LATIN_BEFORE if _AT_PRICE.match(text, end) else _LETTER_BEFORE
    return not letter_before.search(before) and not _MODEL_BEFORE.search(before)


def _is_postage(before: str, value: float) -> bool:
    return value <= _MOST_POSTAGE_KRW and _POSTAGE_BEFORE.search(before) is not None


def _follow_arrows(text: str, candidates: list[_Candidate]) -> None:
    """Of 70→65 only what the arrow ends at is asked."""
    for old, new in pairwise(candidates):
        if _ARROW.fullmatch(text, old.end, new.start):
            old.score, new.score, new.is_cued = old.score - 10, max(new.score, 0) + 4, True
