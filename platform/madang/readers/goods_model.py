"""Model or product line, as a title names it: a device, a model number, or the words between brand and product.

Titles go brand, line, product, then size, colour and terms (아디다스 베켄바우어 트랙탑 베이지 2XL). Words that any
thing of the kind could bear (롱, 가죽, 니트) make no line.
"""

import re
from collections.abc import Mapping

from madang.extraction.grounding import Span
from madang.readers.goods_looks import COLOR
from madang.readers.goods_words import vocabulary

_DEVICE = re.compile(
    r"갤럭시\s?탭\s?[as]\d{0,2}(?:\s?(?:울트라|플러스|fe|라이트|\+))?|갤럭시\s?(?:워치|버즈|핏)\s?\d?(?:\s?(?:프로|"
    r"클래식|fe|라이브|울트라))?|"
    r"아이패드(?:\s?(?:프로|에어|미니|pro|air|mini))?(?:\s?\d{1,2}(?:\.\d)?\s?(?:세대|인치)?)?(?:\s?m\d)?|"
    r"(?:애플\s?)워치\s?(?:se|울트라)?\s?\d{0,2}|에어팟(?:\s?(?:프로|맥스))?(?:\s?\d\s?(?:세대)?)?|"
    r"맥북\s?(?:에어|프로|air|pro)?(?:\s?m\d(?:\s?(?:pro|max))?)?|rtx\s?\d{4}(?:\s?(?:ti|super))?(?:\s[a-z]+)?"
)
_CODE = re.compile(
    r"(?<![a-z0-9])(?=[a-z0-9-]{0,30}\d)[a-z]{1,6}[-\s]?[a-z0-9]{0,20}\d[a-z0-9-]{0,20}(?![a-z0-9가-힣])"
)
_NO_CODE = re.compile(
    r"^(?:\d*(?:g|gb|tb|ml|mm|cm|kg|l|m|xl|w|v|k|p|hz)|[smlx]+\d*|w\d+|a\d?|x\d+|usb\d?|mp3|lte\d?|\d+x\d+|4k|5g|r|"
    r"us\d+|ddr\d|m\d|iphone.*|size.*)$"
)
# Where the line ends: brackets, additions, sizes, terms.
_STOP = re.compile(
    r"[\[(/,+&~]|\s-\s|(?<!\S)(?:새\s?상품|새\s?제품|새거|신제품|미개봉|미사용|팝니다|팔아요|판매|팔|세트|셋|풀박|"
    r"풀세트|정품|급처|사이즈|나눔|"
    r"무료|포함|모음|일괄|기프티콘|쿠폰|교환권|상품권|이용권|거래|저렴|구매|택|[sab]급|삽니다|for\b|size\b|brand\b|"
    r"new\b|like\b)|"
    r"(?<!\S)\d+(?:\.\d+)?\s?(?:ml|g|kg|gb|tb|l|mm|cm|개|종|권|병|벌|장|매|환|포|인용|인치|사이즈|호|월|년|회|p|롤|"
    r"m|천원|만원|원)(?![a-z])|"
    r"(?<!\S)(?:2[1-9][05]|44|55|66|77|8[05]|9[05]|1[0-2][05]|xs|s|m|l|xl|xxl|2xl|free)(?!\S)"
)
_PLAIN = frozenset([
    "가죽", "소가죽", "울", "기모", "롱", "숏", "미니", "대형", "소형", "중형", "무선", "유선", "남성", "여성",
    "남자", "여자", "여성용", "남성용", "아동", "유아", "겨울", "여름", "봄", "가을", "오버핏", "크롭", "빈티지",
    "클래식", "블루투스", "접이식", "원목", "스텐", "정품", "한정판", "반팔", "긴팔", "벨벳", "실크", "스웨이드",
    "메쉬", "캐시미어", "린넨", "데님", "경량", "골프", "오리지널", "그래픽", "부품용", "업소용", "메리노", "레더",
    "일자", "자개", "로고", "컨벡션", "무쇠", "알루미늄", "인테리어", "여성의류", "전기", "스마트", "트레이닝",
    "아기", "어린이", "로봇", "두", "vintage", "leather", "wool", "cotton", "denim", "nylon", "black", "size",
    "mens", "men's", "women's", "womens", "classic", "running", "road", "acoustic", "electric", "dutch",
])  # fmt: skip
_WORN = frozenset(["womens_clothing", "mens_fashion", "womens_accessories", "beauty", "kids", "home_kitchen", "food"])
_MOST_WORDS = 5
_WORD = re.compile(r"\S+")


def device(parts: Mapping[str, str]) -> Span | None:
    """A tablet, watch, earphones or computer that the title names; phones have a module of their own."""
    name, title = next(iter(parts.items()))
    match = _DEVICE.search(title)
    return None if match is None else Span(name, match.start(), match.start() + len(match.group().rstrip()))


def model_number(parts: Mapping[str, str]) -> Span | None:
    """A model number in the title (HX-MK20Y3C), of several the longest."""
    name, title = next(iter(parts.items()))
    found = [
        match for match in _CODE.finditer(title) if _NO_CODE.match(match.group().replace(" ", "").strip("-")) is None
    ]
    longest = max(found, key=lambda match: len(match.group()), default=None)
    return None if longest is None else Span(name, longest.start(), longest.end())


def product_line(parts: Mapping[str, str], brand: Span | None, category: str | None) -> Span | None:
    """The words after a title's brand, if they are more than what the thing is.

    Args:
        parts: Columns in lower case, the title first.
        brand: Where the brand stands.
        category: What is sold: of clothes and cosmetics the product's own word belongs to the line.
    """
    name, title = next(iter(parts.items()))
    if brand is None or brand.field != name:
        return None
    ends = [match.start() for match in (_STOP.search(title, brand.end + 1), COLOR.search(title, brand.end)) if match]
    words = list(_WORD.finditer(title, brand.end, min(ends, default=len(title))))
    while words and words[0].group() in _PLAIN:
        words.pop(0)
    while words and category not in _WORN and _is_product(words[-1].group()):
        words.pop()
    if not words or len(words) > _MOST_WORDS or all(_is_product(word.group()) for word in words):
        return None
    start, end = words[0].start(), words[-1].end()
    number = _CODE.search(title, start, end) if category not in _WORN else None
    if number is not None and _NO_CODE.match(number.group()) is None:
        return Span(name, number.start(), number.end())
    return Span(name, start, end)


def _is_product(word: str) -> bool:
    """Whether a word says no more than what the thing is."""
    hits = vocabulary().product_words.hits(word, is_title=True)
    return word in _PLAIN or (bool(hits) and hits[0].start == 0 and hits[-1].end >= len(word) - 1)
