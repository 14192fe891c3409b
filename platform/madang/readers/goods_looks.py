"""Size or capacity, and colour, as a post words them.

Which numbers are sizes follows from the category: 66 is a size of a blouse, 270 of a shoe, 256 of a phone.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from madang.extraction.grounding import Span
from madang.readers.found import Found

_STORAGE = re.compile(
    r"(?<![\d.])(?:(?:8|16|32|64|128|256|512)\s?(?:gb|g(?![a-z0-9])|기가(?:바이트)?)|(?:1|2|4|8)\s?(?:tb|"
    r"테라(?:바이트)?|t(?![a-z])))(?!\s?(?:램|ram|메모리\s?램))|(?<=\s)(?:64|128|256|512)(?=\s|$)"
)
_RAM_BEFORE = re.compile(r"(?:램|ram|메모리)\s?:?\s?$|,\s?$")
_VOLUME = re.compile(
    r"(?<![\d.])\d+(?:\.\d+)?\s?(?:ml|밀리|리터|l(?![a-z])|kg|g(?![a-z]))(?:\s?[x×*]\s?\d+\s?(?:개|포|병|팩|매)?)?"
)
_MEASURE = re.compile(
    r"(?:지름|가로|세로|높이|폭|길이|직경|총장|총기장은?|가슴품|"
    r"단면)[은는이\s:]{0,3}(?:약\s?)?\d+(?:\.\d+)?\s?(?:cm|센치|센티|mm|m)?(?:\s?[,/x×*\-]?\s?(?:가로|세로|높이|폭|"
    r"깊이|길이)[은는이\s:]{0,3}\d+(?:\.\d+)?\s?(?:cm|센치|센티|mm)?)*|"
    r"(?<![\d.,])\d+(?:\.\d+)?\s?(?:cm|mm)?\s?[x×*]\s?\d+(?:\.\d+)?(?:\s?(?:cm|"
    r"mm)?\s?[x×*]\s?\d+(?:\.\d+)?)?\s?(?:cm|mm|센치)?(?!\d)|"
    r"(?<![\d.])\d+(?:\.\d+)?\s?(?:cm|센치|센티|인치|\"|inch(?:es)?)(?![가-힣])|\d\s?인용"
)
_SHOE = re.compile(
    r"(?<!\d)2[1-9][05]\s?(?:mm)?(?![\d,만gmkl])|\b(?:us|uk|eu)\s?\d{1,2}(?:\.5)?\b|(?<=size )\d{1,2}(?:\.5)?\b"
)
_LETTERS = r"(?:xs|s|m|l|xl|xxl|xxxl|[2-4]xl|xxs)"
_CLOTHES = re.compile(
    rf"(?<![a-z0-9])w\s?\d{{2}}\s?l\s?\d{{2}}|(?<![\d.,])(?:44|55|66|77|88|99)\s?[-~]\s?(?:마른\s?)?(?:44|55|66|77|"
    rf"88|99)|(?<![\d.,])(?:4[4-9]|55|66|77|88)(?:반|\.5)?(?=\s?(?:사이즈|size|정도|$|\s|,|\)|\.|까지))|"
    rf"(?<![a-z0-9])(?P<letters>{_LETTERS})\s?\(\s?\d{{2,3}}\s?(?:[~-]\s?\d{{2,3}})?\s?\)|(?<![\d.,])(?:7[05]|"
    rf"8[05]|9[05]|1[0-5][05])(?:\s?호)?(?=\s?(?:사이즈|size|\)|$|\s|,|/|이에|입니|에요|~))(?!\s?(?:%|프로|개|번))|"
    rf"(?<![a-z0-9&'’`+-])(?:{_LETTERS})(?=\s?(?:사이즈|size|$|\)|,|/|\n|\s(?!급)|[가-힣](?!급)))(?![a-z0-9'’`+])|"
    rf"(?<![a-z])(?:free|프리)(?=\s?(?:사이즈|size))|(?<!\d)\d사이즈|(?<!\d)(?:2[4-9]|3[0-8])(?=\s?(?:사이즈|size|"
    rf"인치))|\d{{1,2}}\s?(?:개월|m(?![a-z]))"
)
_SIZE_WORD = re.compile(
    rf"(?<![\dlmsx])(?<!\d )(?:사이즈|size|싸이즈|치수|\bsz)(?:는|가|은|:|\s|\(|표기|is|on|tag|label|\W)*?\s?"
    rf"(?P<size>(?:(?:us|eu|uk)\s)?\d{{1,3}}(?:[./]\d{{1,2}})?(?:\s?[~x*-]\s?\d{{1,4}})?(?![\d%a-z])|"
    rf"{_LETTERS}\s?\([\d~\s-]+\)|"
    rf"(?:{_LETTERS}|x-?large|xx-?large|small|medium|large|free|프리)(?![a-z]))"
)
_WEAR = frozenset(["womens_clothing", "mens_fashion", "kids", "womens_accessories", "sports_leisure", "pet"])

_LOAN = (
    "블랙|화이트|실버|골드|로즈골드|핑크골드|샴페인골드|스페이스그레이|스페이스\\s그레이|스그|그레이|네이비블루|"
    "네이비|베이지|브라운|카키|핑크|블루|레드|그린|옐로우|옐로|퍼플|바이올렛|오렌지|"
    "아이보리|민트|버건디|와인|라벤더|차콜|버건디|카멜|멜란지|그라파이트|미드나이트|스타라이트|티타늄|티탄|코랄|"
    "올리브|머스타드|인디고|실버티타늄|블랙골드|딥블루|오닉스|연청|진청|중청|흑청|투명|블루코랄|로즈"
)
_NATIVE = (
    "검정|검은|흰|하얀|빨강|빨간|파랑|파란|노랑|노란|초록|분홍|보라|회|갈|은|금|남|하늘|연두|주황|자주|살구|연회|"
    "진회|연분홍|베이지|곤"
)
_MODIFIER = (
    "다크|라이트|딥|진|연|블리스|로얄|스카이|오프|매트|제트|리얼|세일|펄|파스텔|크림|티타늄|팬텀|미스틱|코스믹|"
    "내추럴|데저트|원더|멜란지|그라파이트|스페이스|로즈|핑크|블랙|아이스|카본|베이비|소프트"
)
_ENGLISH = (
    "black|white|grey|gray|navy|blue|red|green|yellow|brown|beige|pink|purple|orange|cream|tan|olive|khaki|"
    "burgundy|silver|gold|maroon|teal|charcoal|ivory|camo|multicolor|indigo|turquoise|lavender|mint"
)
COLOR = re.compile(
    rf"(?<![가-힣])(?:(?:{_MODIFIER})\s?)?(?:{_LOAN})(?:색(?!상))?(?:\s?(?:앤|&|,|/|와|"
    rf"과)\s?(?:{_LOAN}))?(?:(?![가-힣])|(?=[색컬칼톤빛와과의이은는을를입로으앤인임팝판]|\d|정상|공기|풀박|하우|"
    rf"제품|박스|케이스|무선|미개|상태|중고|새|자급|급처|기가|단품|팔|가죽|여성|남성|니트|원피스|가방|자켓|코트|"
    rf"패딩))|"
    rf"(?:{_NATIVE})색(?:\s?(?:과|와|,)\s?(?:{_NATIVE})색)*|(?<![가-힣])(?:검정|빨강|파랑|노랑|초록|분홍|"
    rf"보라)(?=\s|$|,)|"
    rf"(?<![a-z])(?:(?:dark|light|navy|faded|forest|army|olive|off|baby|royal|sky|"
    rf"hot)[\s-])?(?:{_ENGLISH})(?![a-z])(?:\s?[/&]\s?(?:{_ENGLISH})(?![a-z]))?"
)
# A colour word in another role: 골드 등급, 블랙박스, 블랙진, 핑크퐁, the Red Wing.
_NO_COLOR_AFTER = re.compile(
    r"박스|진(?![가-힣])|퐁|라벨|야크|베리|독(?![가-힣])|미디어|투스|푸드|브라운|바\b|핑크|버튼|쉐딩|\s?(?:wing|"
    r"owens|sox|bull|label|hat|friday|crew)"
)
_NAMED_BY_COLOR = frozenset(["plant", "food", "ticket_voucher", "beauty", "health_supplement", "books"])
_COLOR_WORD = re.compile(r"(?:색상|컬러|칼라|색|colou?r)(?:은|는|이|:|\s)*\s?")


def size(parts: Mapping[str, str], category: str | None) -> Found | None:
    """Size or capacity, the title first.

    Args:
        parts: Columns in lower case.
        category: What is sold, which says what kind of size to look for.
    """
    for name, part in parts.items():
        for match_start, match_end in _sizes(part, category):
            return Found("", (Span(name, match_start, match_end),))
    return None


def _sizes(part: str, category: str | None) -> Iterator[tuple[int, int]]:
    """Stretches that are sizes, the likeliest kind first."""
    if category in _WEAR:
        for match in _SIZE_WORD.finditer(part):
            yield match.start("size"), match.end("size")
        patterns = {"sports_leisure": [_MEASURE, _SHOE], "kids": [_CLOTHES]}.get(
            category or "", [_SHOE, _CLOTHES, _MEASURE]
        )
    elif category == "digital":
        patterns = [_STORAGE]
    elif category in ("beauty", "food", "health_supplement"):
        patterns = [_VOLUME]
    else:
        patterns = [_MEASURE, _VOLUME]
    for pattern in patterns:
        for match in pattern.finditer(part):
            if pattern is _STORAGE and _RAM_BEFORE.search(part[max(0, match.start() - 5) : match.start()]):
                continue
            yield match.start(), match.end()


def color(parts: Mapping[str, str], category: str | None, brands: Sequence[Span]) -> Found | None:
    """Colour, where the post names it as one first, else the title first.

    Args:
        parts: Columns in lower case.
        category: What is sold; a flower's or a flavour's colour is part of its name.
        brands: Where brands stand: 브라운 may be one.
    """
    for name, part in parts.items():
        for word in _COLOR_WORD.finditer(part):
            match = COLOR.match(part, word.end())
            if match is not None:
                return Found("", (Span(name, match.start(), match.end()),))
    if category in _NAMED_BY_COLOR:
        return None
    for name, part in parts.items():
        for match in COLOR.finditer(part):
            is_brand = any(one.field == name and one.start < match.end() and match.start() < one.end for one in brands)
            if not is_brand and _NO_COLOR_AFTER.match(part, match.end()) is None:
                return Found("", (Span(name, match.start(), match.end()),))
    return None
