"""The terms of a deal: what the author wants, whether the price is open, how the thing changes hands, how many."""

import re
from collections.abc import Mapping

from madang.extraction.grounding import Span
from madang.readers.found import Found

_BUY_TITLE = re.compile(
    r"삽니다|삼니다|사봅니다|구합니다|구해요|구해봐요|구합니당|구매합니다|구매해요|구매원|구매\s?희망|매입|구함|"
    r"사요(?![가-힣])|구매하고|\bwtb\b|want(?:ed)? to buy|looking (?:for|to buy)|\biso\b|\bwanted\b"
)
_BUY = re.compile(
    r"삽니다|삼니다|사봅니다|구합니다|구해봅니다|매입합니다|매입해|구매\s?희망합니다|구매희망|사고\s?싶|\bwtb\b|"
    r"want(?:ed)? to buy"
)
_SELL = re.compile(
    r"팝니다|팜니다|팔아요|팔아용|팔게요|팔께요|팔려고|팔고|판매|팔아봅|내놓|내놔|처분|급처|양도|팝니당|팔아여|"
    r"드립니다|selling|for sale|\bsale\b|\bfs\b"
)
_GIVE = re.compile(
    r"무료\s?나눔|나눔\s?(?:합니다|해요|드려|드림|입니다|중|$)|그냥\s?(?:가져가|드려|드림)|무료로\s?(?:드|가져)|"
    r"공짜로?\s?(?:드|가져)|\[나눔\]|\(나눔\)|giving away|free to (?:a )?good home|for free\b|curb alert|"
    r"\bfree\b(?=[:!\s-]*(?:$|to|pick|curb|stuff|couch|desk|sofa))"
)
_GIVE_NOT = re.compile(r"(?:사은품|덤|서비스|증정|나눔\s?안|나눔x)")
_EXCHANGE = re.compile(
    r"교환\s?(?:원|해요|합니다|구|희망|하실|하고|가요|원츄)|맞교환|대차|\btrades?\b(?: only| for)|swap for"
)
_EXCHANGE_TITLE = re.compile(r"교환(?!\s?(?:가능|x|불|❌|환불|권|완료|받|년))")
_OTHER = re.compile(r"사기(?:글|꾼|당|피해)|도용|분실|찾습니다|질문|문의드립|시세\s?(?:좀|얼마)|조심하세요")

_NO = (
    r"(?:불가|안\s?(?:됩|되|돼|해|받|합)|x(?![a-z])|❌|✖|🚫|없|사절|금지|노(?![트])|정중히|거절|no|어렵|어려|힘들|"
    r"차단|받지\s?않|하지\s?않|말아|문의\s?(?:x|금지|사절)|요청.{0,6}(?:차단|x|사절|안)|요구.{0,10}(?:않|사절|"
    r"차단)|절대|ㄴㄴ)"
)
_BARGAIN = r"(?:네\s?고|내\s?고|에\s?눌|에\s?누리|애누리|흥정|가격\s?(?:조정|제안|할인|흥정)|네고문의|디씨|깎)"
_FIXED = re.compile(
    rf"{_BARGAIN}[은는이가도을를요청문의,\s/및:~]{{0,10}}?\s?(?:[가-힣]{{1,4}}\s)?{_NO}|노\s?네\s?고|노\s?에눌|"
    rf"무\s?네고|쿨\s?거래만|마지막\s?가격|최종\s?가격|정가제|가격\s?(?:고정|변동\s?없)|찔러보기|깎아\s?달|"
    r"\b(?:price (?:is )?firm|firm on price|no (?:low\s?balls?|offers|haggling)|non-negotiable|firm\b)"
)
_OPEN = re.compile(
    rf"{_BARGAIN}[은는이가도을를,\s:]{{0,3}}(?:[가-힣]{{1,4}}\s)?(?:가능|됩|환영|해\s?드|받|ok|o(?![a-z])|있|조금|"
    rf"살짝|약간|합의|협의|쪼금|가(?![가-힣]))|쿨\s?(?:거래|매)?\s?(?:하시면|시|"
    rf"이면)?\s?(?:에는)?\s?(?:쿨\s?)?(?:네고|에눌|내고)|쿨네고|"
    r"가격\s?(?:제안|제시)|가격은?\s?(?:협의|조율|조정)|네고는?\s?(?:만나서|직거래|현장|조금)|(?:직거래|만나서|"
    r"쿨거래)시?\s?(?:살짝\s?)?(?:네고|에눌)|얼마간\s?네고|깎아\s?드|"
    r"\b(?:obo|or best offer|best offer|negotiable(?!\s?(?:[=:]|값|필드|field))|make (?:me )?an? offer|offer me|"
    r"open to offers|"
    r"send (?:me )?offers?|accepting offers|waiting for your suggestions)\b"
)
_OPEN_NOT = re.compile(r"^\s?(?:은|는|도|이)?\s?(?:안|불|x|없|사절|어렵|힘들)")
_DIRECT = re.compile(
    r"직\s?거래|직접\s?(?:거래|오셔|오시|가져|가지|수령|만나|보시고\s?구매|보고)|대면|비대면|문고리|문\s?앞|"
    r"방문\s?(?:수령|거래|하셔)|가지러\s?오|가져가셔야|픽업|만나서|거래\s?(?:장소|지역|위치|가능\s?지역|"
    r"는\s?[가-힣]{2,6}(?:역|동|에서))|"
    r"(?:역|앞|동|구청|입구|상가|아파트|출구)(?:\s?근처)?에서\s?(?:거래|만나|직|뵙)|가지러|오셔서|선호\s?지역|"
    r"찾으러\s?오|문에\s?걸|우체통|5?직(?=\s?\d)|"
    r"\b(?:local (?:pick\s?-?up|only|meet)|pick\s?-?up|meet ?up|in person|cash on pickup|porch)"
)
_DIRECT_NOT = re.compile(r"^\s?(?:은|는|도|만|이)?\s?(?:x(?![a-z])|❌|불가|안\s?(?:합|해|됩|돼|되)|어렵|힘들|사절)")
_DELIVERY = re.compile(
    r"택배|택포|반\s?택(?!시)|편택|우체국|배송|우편|퀵(?:\s?가능|으로|배송|비|\s?,|\s?신청)|착불|선불|배달해|화물|"
    r"용달|무배|등기|준등기|"
    r"\b(?:shipping|ships?|shipped|ship to|delivery|mail(?:ed)?|postage)\b"
)
_DELIVERY_NOT_AFTER = re.compile(
    r"^[은는도로비거래/,\s\w가-힣]{0,12}?\s?(?:x(?![a-z0-9])|❌|✖|🚫|불가|안\s?(?:합|해|됩|돼|되|받|함|하)|어렵|"
    r"힘들|사절|하지\s?않|금지|없(?!이)|no\b|연락\s?주지|제외)"
)
_DELIVERY_NOT_BEFORE = re.compile(
    r"(?:직배송|해외\s?배송|구매\s?당시|총알|로켓|새벽|당일|빠른|방금|no|not|don't|무통보|방법방문)\s?$"
)
_FORM = re.compile(
    r"방법\s?방문\s?택배\s?신청하기[,\s]*직거래[,\s]*택배(?:[,\s]*안전거래)?|편한\s?택배\s*(?:퀵)?\s*신청하기|"
    r"택배\s?신청하기"
)
_COUNTER = "개|권|병|벌|장|매|종|켤레|쌍|세트|박스|롤|팩|포기|대|점|마리|봉|캔|자루|가지|pcs|pieces|ea"
_COUNT = re.compile(
    rf"(?<![\d.,a-z])(\d{{1,3}})\s?(?:{_COUNTER})(?![가-힣]?(?:월|입|당|씩\s?들|들이|용|연석)|\s?이상)|"
    rf"(?<![가-힣\d])(두|세|네|다섯|여섯)\s?(?:{_COUNTER})(?![가-힣]{{2}})"
)
_COUNT_BODY = re.compile(
    rf"(?:총|모두|전부|다해서)\s?(\d{{1,3}})\s?(?:{_COUNTER})|(?<![\d.,a-z])(\d{{1,3}})\s?(?:{_COUNTER})\s?(?:를|"
    rf"을)?\s?(?:일괄|판매|팝니다|팔아|있습|소장|구성|남았|가격)|(?<![가-힣])(두|세)\s?개\s?(?:다|일괄|세트|판매|"
    rf"합)|(둘)\s?다(?!\s?호환)"
)
_KOREAN = {"두": 2, "둘": 2, "세": 3, "네": 4, "다섯": 5, "여섯": 6}
_MOST = 200


def intent(parts: Mapping[str, str]) -> Found:
    """What the author wants; who says nothing sells, since that is what the board is for."""
    title_name, title = next(iter(parts.items()))
    head = parts if title.strip() else {name: part[:160] for name, part in parts.items()}
    for pattern, label in ((_BUY_TITLE, "buy"), (_GIVE, "give_away"), (_EXCHANGE_TITLE, "exchange")):
        match = pattern.search(title)
        if match is not None and _SELL.search(title) is None and _GIVE_NOT.search(title) is None:
            return Found(label, (Span(title_name, match.start(), match.end()),))
    sold = _first(_SELL, head)
    bought = _first(_BUY, head)
    if bought is not None and (sold is None or (bought.field == sold.field and bought.start < sold.start)):
        return Found("buy", (bought,))
    if sold is not None:
        return Found("sell", (sold,))
    for pattern, label in ((_OTHER, "other"), (_BUY, "buy"), (_GIVE, "give_away"), (_EXCHANGE, "exchange")):
        span = _first(pattern, parts)
        if span is not None and not (label in ("other", "give_away") and _SELL.search(" ".join(parts.values()))):
            return Found(label, (span,))
    return Found("sell")


def negotiable(parts: Mapping[str, str]) -> Found | None:
    """Whether the price is open: true, false, or None where the post does not say."""
    for name, part in parts.items():
        opened = next((one for one in _OPEN.finditer(part) if not _OPEN_NOT.match(part, one.end())), None)
        fixed = _FIXED.search(part)
        if opened is not None and (fixed is None or opened.start() < fixed.start()):
            return Found(True, (Span(name, opened.start(), opened.end()),))
        if fixed is not None:
            return Found(False, (Span(name, fixed.start(), fixed.end()),))
    return None


def trade(parts: Mapping[str, str]) -> Found:
    """How the thing changes hands: `direct`, `delivery`, both, or nothing said."""
    ways: dict[str, Span] = {}
    for name, part in parts.items():
        # What a board's own form prints in every post says nothing.
        text = _FORM.sub(lambda match: " " * len(match.group()), part)
        for match in _DIRECT.finditer(text):
            if _DIRECT_NOT.match(text[match.end() : match.end() + 12]) is None:
                ways.setdefault("direct", Span(name, match.start(), match.end()))
        for match in _DELIVERY.finditer(text):
            refused = _DELIVERY_NOT_AFTER.match(text[match.end() : match.end() + 26])
            if (
                refused is None
                and _DELIVERY_NOT_BEFORE.search(text[max(0, match.start() - 10) : match.start()]) is None
            ):
                ways.setdefault("delivery", Span(name, match.start(), match.end()))
    order = [way for way in ("direct", "delivery") if way in ways]
    return Found(tuple(order), tuple(ways[way] for way in order))


def quantity(parts: Mapping[str, str]) -> Found | None:
    """How many things are sold, where a post counts them and they are more than one."""
    for at, (name, part) in enumerate(parts.items()):
        for match in (_COUNT if at == 0 else _COUNT_BODY).finditer(part):
            word = next(group for group in match.groups() if group)
            count = _KOREAN[word] if word in _KOREAN else int(word)
            if 1 < count <= _MOST:
                return Found(float(count), (Span(name, match.start(), match.end()),))
    return None


def _first(pattern: re.Pattern[str], parts: Mapping[str, str]) -> Span | None:
    for name, part in parts.items():
        match = pattern.search(part)
        if match is not None:
            return Span(name, match.start(), match.end())
    return None
