"""Numbers as people write them in Korean and English: digits, 천/만/억, native counts."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from madang.extraction.grounding import PostText, Span

_UNITS = {"십": 10, "백": 100, "천": 1_000}
_GROUPS = {"만": 10_000, "억": 100_000_000}
_DIGITS = {"일": 1, "이": 2, "삼": 3, "사": 4, "오": 5, "육": 6, "칠": 7, "팔": 8, "구": 9}
_ENGLISH = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_NATIVE = {"하나": 1, "둘": 2, "셋": 3, "넷": 4, "한": 1, "두": 2, "세": 3, "네": 4}

_NUMBER = re.compile(
    r"(?<![\d.])\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\b(?:" + "|".join(_ENGLISH) + r")\b", re.IGNORECASE
)
# 한 달 and 두 개 count; 한강 does not: a native numeral counts only before a space or a counter.
_NATIVE_NUMBER = re.compile(r"(?<![가-힣])(하나|둘|셋|넷|(?:한|두|세|네)(?=\s?(?:개|칸|곳|명|분|층)))")
_NUMERAL = "일이삼사오육칠팔구십백천만억"
_BIG = "[십백천만억]"
_SIZE = r"\d[\d,]*+(?:\.\d+)?+"
# A numeral syllable also begins words (이사비, 구로역, 일시불): a spelt number ends where a word does.
_END = r"(?=$|[^가-힣]|원|에)"
# Units that make a number something else than money; after a space a word may only begin like one (40 개별난방).
_OTHER = (
    r"(?:평|층|호|분|개|명|칸|인|년|일(?!시)|시|번|세|동|룸|제곱|미터|퍼센트|%|㎡|m²|m2|k?m(?![a-z0-9])|sq|sf\b|"
    r"min|bed|br\b|room)"
)
OTHER_UNIT = re.compile(rf"{_OTHER}|\s+{_OTHER}(?![가-힣])", re.IGNORECASE)
_AMOUNT = re.compile(
    # 일억 2천
    rf"(?:(?<![가-힣])[일이삼사오육칠팔구십백천]+[만억]\s?)?(?<!\d){_SIZE}(?:{_BIG}++|\s[십백천]*[만억]{_END})?"
    # What goes on: 1억 2천, 1억 5000, 1만5천, 1만 5000원, 3천오백; not 1000만 50, 50만 33평 or 40만 이상.
    rf"(?:(?:(?<=억)\s?{_SIZE}{_BIG}*+|(?<={_BIG}){_SIZE}{_BIG}*+|(?<={_BIG})\s{_SIZE}(?:{_BIG}++|(?=\s?원)))"
    rf"(?!{_OTHER}|\s+{_OTHER}(?![가-힣]))"
    rf"|(?<={_BIG})[{_NUMERAL}]+{_END}|(?<=억)\s[{_NUMERAL}]+{_END}|(?<={_BIG})\s[{_NUMERAL}]+(?=원))*",
    re.IGNORECASE,
)
_SPELT_AMOUNT = re.compile(
    rf"(?<![가-힣])(?!만\s\d)(?=[일이삼사오육칠팔구]*{_BIG})[{_NUMERAL}]+"
    rf"(?:(?<=억)\s[{_NUMERAL}]+|(?<=만)\s[{_NUMERAL}]+(?=원))*{_END}"
)


@dataclass(frozen=True)
class NumberSpan:
    """A number in a text.

    Args:
        value: Its value, without any unit.
        start: First code point.
        end: One past the last.
    """

    value: float
    start: int
    end: int


def numbers_in(text: str) -> Iterator[NumberSpan]:
    """Every number of a text, digits and counting words, in no particular order."""
    for match in _NUMBER.finditer(text):
        word = match.group().lower()
        value = float(_ENGLISH[word]) if word in _ENGLISH else float(word.replace(",", ""))
        yield NumberSpan(value, match.start(), match.end())
    for match in _NATIVE_NUMBER.finditer(text):
        yield NumberSpan(float(_NATIVE[match.group(1)]), match.start(1), match.end(1))


def find_number(value: float, text: PostText, words: Mapping[str, float]) -> Span | None:
    """Where a post states a number, in digits or by one of `words` (투룸: 2); None if nowhere."""
    for name, part in text.parts.items():
        for number in numbers_in(part):
            if number.value == value:
                return Span(name, number.start, number.end)
    for word, stated in words.items():
        if stated == value and (span := text.find(word)) is not None:
            return span
    return None


def read_amount(text: str) -> float | None:
    """Value of the first Korean amount: "1억 2천" is 120,000,000 and "3천5백" 3,500; None if there is none.

    A 천 after 억 counts in ten thousands, as it is spoken (1억 2천 is 1억 2천만).
    """
    first = next(amounts_in(text), None)
    return None if first is None else first.value


def amounts_in(text: str) -> Iterator[NumberSpan]:
    """Korean amounts of a text: first those that have digits, in their order, then those spelt out."""
    for pattern in (_AMOUNT, _SPELT_AMOUNT):
        for match in pattern.finditer(text):
            yield NumberSpan(_value(match.group()), match.start(), match.end())


def _value(amount: str) -> float:
    total, section, number, after_eok = 0.0, 0.0, None, False
    for part in re.findall(r"\d[\d,]*(?:\.\d+)?|[일이삼사오육칠팔구십백천만억]", amount):
        if part in _DIGITS:
            number = float(_DIGITS[part])
        elif part in _UNITS:
            section += (1 if number is None else number) * _UNITS[part]
            number = None
        elif part in _GROUPS:
            section += number or 0
            total += (section or 1) * _GROUPS[part]
            section, number, after_eok = 0.0, None, part == "억"
        else:
            number = float(part.replace(",", ""))
    rest = section + (number or 0)
    if after_eok and rest < _GROUPS["만"]:
        rest *= _GROUPS["만"]
    return total + rest
