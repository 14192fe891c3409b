"""Money of Korean rental adverts, and the way a home is offered: 500/40, 천에 오십, 전세 1억 2천, 관리비 별도.

Two numbers are deposit and rent, one beside 전세 is a deposit. What is offered besides (전세 1억도 가능) is no answer:
an advert has one price, and where that is not said there is none.
"""

import re
from collections.abc import Iterable

from madang.extraction.grounding import PostText
from madang.readers.cues import Cue, cues, first_cue
from madang.readers.found import Found
from madang.readers.money import Money
from madang.readers.numbers import OTHER_UNIT, read_amount

_MANWON = 10_000.0
_DIGITS = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_SMALL = "일이삼사오육칠팔구"
# 1억 2,000만, 5천, 2천5백만, 1000만, 500, 천, 삼천오백, 오십
_AMOUNT = (
    rf"(?:{_DIGITS}\s?억(?:\s?{_DIGITS}\s?[천백]?(?:\s?만)?)?|{_DIGITS}\s?천(?:\s?\d\s?백)?(?:\s?만)?|"
    rf"{_DIGITS}\s?백(?:\s?만)?|{_DIGITS}\s?만|{_DIGITS}|"
    rf"[{_SMALL}]?(?:억|천|백|십)[{_SMALL}천백십]*만?|[{_SMALL}]만)(?:\s?원(?!룸))?"
)
# A spelt number begins a word; digits may follow one (올수리500/40) but no other digits (010-500).
_START = rf"(?:(?<![\d.,/\-])(?=\d)|(?<![가-힣\d])(?=[{_SMALL}억천백십]))"
_NOT_MONEY = (
    r"(?![\d,.]*\d|\s?[대회차위등]|\s?개월|\s?세대|이후|부터|학번|\s?호선|\s?[pP](?![a-z])|-\d|/\d{3}|"
    r"월\s?(?:말|초|중|입주|\d{1,2}\s?일))"
)
_RENT_WORD = r"(?:월세?|임대료|차임)?\s?"
_PAIR = re.compile(
    rf"{_START}(?P<deposit>(?>{_AMOUNT}))(?P<between>\s?/\s?{_RENT_WORD}|\s?에\s?{_RENT_WORD}|\s?[-–—]\s?{_RENT_WORD}|"
    rf"(?<=[천억만])\s?[.,]?\s?(?=\d)|(?<=[천억만]원)\s?[.,]?\s?(?=\d))(?P<rent>{_AMOUNT}){_NOT_MONEY}"
    rf"(?:\s?/\s?(?:관리비?\s?)?(?P<maintenance>\d{{1,2}}(?:\.\d)?)(?:\s?만\s?원?)?(?![\d/.월일층평호]))?"
)
_SAID = r"\s?[:=]?\s?(?:은|는|이|가|도)?\s?(?:약|총|단|딱)?\s?"
_DEPOSIT = re.compile(
    rf"(?:보증금|(?<!가입)보증(?!보험)|(?<![가-힣])보(?=\s?[\d천]))\]?{_SAID}(?P<amount>{_AMOUNT}){_NOT_MONEY}"
)
_RENT = re.compile(
    rf"(?:월\s?임대료|월\s?차임|(?<!전)월세|임대료|방세|방값|렌트비|"
    rf"(?<![\d가-힣])(?<!주차 )(?<!주차비 )월(?=\s?[\d{_SMALL}]))\]?{_SAID}"
    rf"(?P<amount>{_AMOUNT}){_NOT_MONEY}"
)
_JEONSE = re.compile(rf"(?<![반월])전세(?:금|가격?|보증금)?\]?{_SAID}(?P<amount>{_AMOUNT}){_NOT_MONEY}")
_AMOUNT_JEONSE = re.compile(rf"{_START}(?P<amount>{_AMOUNT})\s?(?:에\s)?전세(?!자금|\s?대출|\s?보증)")
_NO_DEPOSIT = re.compile(
    r"무\s?보증금?(?!\s?보험)|보증금\s?(?:은|이|도)?\s?(?:없|무(?![가-힣])|안\s?받|0원|[xX](?![A-Za-z]))"
)
# 7,000만원 behind the type of a home, as some boards write their titles, is what is lent for it.
_TITLE_AMOUNT = re.compile(
    rf"^[가-힣/,\s]*(?:원룸|투룸|쓰리룸|이상|주택|빌라|아파트|오피스텔|상가|사무실|창고|기타)\s+(?P<amount>{_DIGITS}\s?[억만천][^/-]*?)"
    rf"(?:\s-\s|\s*$)"
)
_MAINTENANCE = re.compile(
    rf"관(?:리비?|비)\]?\s?(?:\([^)\d]{{0,20}}\))?{_SAID}(?:월|매달|매월|한\s?달에?|평균)?\s?"
    rf"(?:[가-힣A-Za-z,·+\s]{{0,16}}포함\s?)?(?P<amount>\d{{1,3}}(?:\.\d)?\s?만\s?\d?천?|\d[\d,]{{4,7}}\s?원|"
    rf"\d{{1,2}}(?:\.\d)?|"
    rf"[{_SMALL}]?십?[{_SMALL}]?만)(?![\d%]|\s?[평층개월일/]|\s?[천백억에])"
)
# 관리비는 겨울 기준 18만원: with its unit it may stand further away.
_FAR_MAINTENANCE = re.compile(
    r"관리비(?![^\d.!?\n]{0,14}(?:보증|월세|전세|없))[^\d.!?\n/]{1,14}(?P<amount>\d{1,3}(?:\.\d)?\s?만)(?!\s?(?:에|/))"
)
_NO_MAINTENANCE = re.compile(
    r"관리비?\s?(?:는|가|도|은)?\s?[:=]?\s?(?:따로\s?|전혀\s?|별도\s?)?(?:없|무(?![가-힣])|제로|[xX](?![A-Za-z])|0\s?만?\s?원|"
    r"(?<=\s)0(?!\d))|"
    r"(?:무|노)\s?관리비|관리비(?:를|은|는)?\s?안\s?(?:받|내)"
)
# 전세 1.2억도 가능, 보증금 500 올리면: not the price, but what else could be agreed.
_ALTERNATIVE = re.compile(
    r"\s?(?:만\s?원?\s?)?(?:도\s|도$|도\s?가능|씩|당(?![가-힣])|\s?(?:올|내리|추가|인상|인하|조정|깎|차감|할인|증액))"
)

_POSSIBLE = re.compile(r"\s?(?:까지|가(?:능|(?![가-힣])))")

_SALE = re.compile(r"매매(?!\s?(?:가능|대금|계약서|사업))|급매(?!물)|팝니다|팔아요|매도|분양(?!가)")
_SHORT = re.compile(
    r"단기(?:간)?(?!\s?(?:도|가능|가(?![가-힣])|[oOxXvV]|불가|계약\s?가능|임대\s?가능|렌트\s?가능|문의|[,/·]?\s?장기|부터|\s?\d\s?개월|로도))|"
    r"한\s?달\s?살기"
)
_SUBLET = re.compile(
    r"전대(?:차)?(?![가-힣]*(?:학|생|미문))|재임대|(?:방|집|원룸|투룸|오피스텔|계약|자취방|기숙사|월세|단기|고시원|가게|상가)\s?(?:을|를)?\s?"
    r"(?:승계|양도)|^\s*\[?양도\]?|승계자?\s?(?:구|찾)"
)
_JEONSE_WORD = re.compile(
    r"(?<![반월/])전세(?!\s?(?:도\s?)?(?:가능|대출|자금|보증|전환|사기|반환|권|임대|가(?![가-힣])|집|끼|안고|[/,·]\s?월세|"
    r"난|계약|금\s?반환|\s?[\d.,]+\s?[억천]?\s?만?원?도|로\s?(?:변경|전환)|\s?문의|[oOxX]))"
)
_MONTHLY_WORD = re.compile(
    r"반\s?전세|(?<![전/])월세(?!\s?(?:도\s?)?(?:전환|시\s|로\s?(?:전환|변경|돌)|[/,·]\s?전세|지원|문의|가능|살|내고\s?있|냈|보증금\s?지))"
)


def read_deal(text: PostText) -> dict[str, Found]:
    """What a home costs and how it is offered.

    Returns:
        Of `deal_type`, `deposit`, `monthly_rent` and `maintenance` those that are stated.
    """
    found: dict[str, Found] = {}
    named = _named_deal(text)
    if named is None or named.value != "sale":
        found |= _prices(text)
    found |= {key: one for key, one in _maintenance(text).items() if key not in found}
    if named is not None and (named.value in ("sale", "sublet", "short_term") or "deal_type" not in found):
        found["deal_type"] = named
    return found


def _prices(text: PostText) -> dict[str, Found]:
    found: dict[str, Found] = {}
    for part in text.parts:
        own = _priced(PostText({part: text.parts[part]}))
        if not found:
            found = own
        elif "deposit" not in found and "deposit" in own:
            found["deposit"] = own["deposit"]
    return found


def _priced(text: PostText) -> dict[str, Found]:
    """The price of one column: a pair, amounts that are named, or one amount beside the word 전세."""
    for cue in cues(_PAIR, text):
        found = _pair(cue)
        if found:
            return found
    found = {}
    deposit, rent = _amount(cues(_DEPOSIT, text), 100_000), _amount(cues(_RENT, text), 50_000)
    jeonse = _amount(cues(_JEONSE, text), 5_000_000) or _amount(cues(_AMOUNT_JEONSE, text), 5_000_000)
    title = first_cue(_TITLE_AMOUNT, text)
    if rent is not None:
        found = {"monthly_rent": rent, "deal_type": Found("monthly", rent.spans)}
    elif jeonse is not None:
        return {"deposit": jeonse, "deal_type": Found("jeonse", jeonse.spans)}
    elif (
        title is not None
        and not re.search("월|매매", title.match.string)
        and (one := _amount(iter([title]), 5_000_000))
    ):
        return {"deposit": one, "deal_type": Found("jeonse", one.spans)}
    if deposit is not None:
        found["deposit"] = deposit
    elif (none := first_cue(_NO_DEPOSIT, text)) is not None:
        found["deposit"] = Found(Money(0.0, "KRW"), (none.span(),))
    return found


def _pair(cue: Cue) -> dict[str, Found]:
    """Deposit and rent of two numbers, where they can be that: 12/25 is a day, 2024-11 a month, 24/7 neither."""
    deposit, rent = _won(cue.match["deposit"]), _won(cue.match["rent"])
    between = cue.match["between"]
    if (
        deposit is None
        or rent is None
        or not (500_000 <= deposit <= 5e9 and 30_000 <= rent <= 3e7 and rent <= 2 * deposit)
    ):
        return {}
    if OTHER_UNIT.match(cue.match.string, cue.match.end("rent")) or _ALTERNATIVE.match(cue.after(8)):
        return {}
    is_dash = any(dash in between for dash in "-–—")
    if is_dash and (deposit < 1_000_000 or (19e6 <= deposit <= 20.4e6 and rent < 130_000)):
        return {}
    found = {
        "deposit": Found(Money(deposit, "KRW"), (cue.span("deposit"),)),
        "monthly_rent": Found(Money(rent, "KRW"), (cue.span("rent"),)),
        "deal_type": Found("monthly", (cue.span(),)),
    }
    if cue.match["maintenance"]:
        amount = Money(float(cue.match["maintenance"]) * _MANWON, "KRW")
        found["maintenance"] = Found(amount, (cue.span("maintenance"),))
    return found


def _amount(found: Iterable[Cue], least: float) -> Found | None:
    """The first amount that is worth at least so many won."""
    for cue in found:
        won = _won(cue.match["amount"])
        end = cue.match.end("amount")
        rest = cue.match.string[end : end + 8]
        is_offer = _ALTERNATIVE.match(rest) or _POSSIBLE.match(rest)
        if won is None or won < least or OTHER_UNIT.match(cue.match.string, end) or is_offer:
            continue
        return Found(Money(won, "KRW"), (cue.span("amount"),))
    return None


def _won(amount: str) -> float | None:
    """Value of an amount; a number without 만, 억 or a large 원 counts ten thousands."""
    value = read_amount(amount)
    if value is None or any(group in amount for group in "만억") or value >= 100_000:
        return value
    return value * _MANWON


def _maintenance(text: PostText) -> dict[str, Found]:
    for cue in (*cues(_MAINTENANCE, text), *cues(_FAR_MAINTENANCE, text)):
        won = _won(cue.match["amount"])
        if won is not None and 5_000 <= won <= 3_000_000:
            return {"maintenance": Found(Money(won, "KRW"), (cue.span("amount"),))}
    none = first_cue(_NO_MAINTENANCE, text)
    return {} if none is None else {"maintenance": Found(Money(0.0, "KRW"), (none.span(),))}


def _named_deal(text: PostText) -> Found | None:
    """How a home is offered, by the words for it, the title's first."""
    for part, written in text.parts.items():
        column = PostText({part: written})
        for deal, pattern in _DEALS:
            cue = first_cue(pattern, column)
            if cue is not None:
                return Found(deal, (cue.span(),))
    return None


_DEALS = (
    ("sublet", _SUBLET),
    ("short_term", _SHORT),
    ("sale", _SALE),
    ("jeonse", _JEONSE_WORD),
    ("monthly", _MONTHLY_WORD),
)
