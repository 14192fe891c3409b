"""The approved vocabulary of goods: what is sold, brands and who they are, and where its words stand in a text.

Words lie in data files, not in code: people who know goods add to them. Nothing is learned silently; see
madang.proposals.
"""

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, cast

import yaml

VOCABULARY_NUMBERS = 100_000
_FILES = ("goods_products.yaml", "goods_brands.yaml")

Weight = Literal["strong", "weak"]

# What may follow a noun without a space: particles, endings, and words of selling.
_AFTER_NOUN = re.compile(
    r"[^가-힣]|$|(?:은|는|이|가|을|를|도|만|의|에|로|으로|과|와|랑|이랑|들|용|류|급)(?![가-힣])|입니|이에|예요|"
    r"이고|이며|이구|인데|임(?![가-힣])|팝|팔|판매|"
    r"구매|구해|구합|삽니|세트|일괄|새상품|새제품|새거|중고|정품|포함|사이즈|처분|급처|나눔|모음|미개봉|거래|에서|"
    r"양도|파라"
)
_LATIN = re.compile(r"[a-z0-9]")
_HANGUL = re.compile(r"[가-힣]")
_SHORT_CHARS = 2


@dataclass(frozen=True)
class Hit:
    """A word of the vocabulary in a text.

    Args:
        word: As the vocabulary has it, lower case.
        start: First character.
        end: One past the last.
    """

    word: str
    start: int
    end: int


class Words:
    """A set of words that is found in lower-case text, the longest first.

    Args:
        words: Words in lower case.
    """

    def __init__(self, words: Iterator[str]) -> None:
        self._by_start: dict[str, list[str]] = {}
        for word in sorted(set(words), key=lambda word: (-len(word), word)):
            self._by_start.setdefault(word[:1], []).append(word)

    def hits(self, text: str, *, is_title: bool) -> list[Hit]:
        """Words of a text that do not overlap, in order.

        Args:
            text: Lower-case text.
            is_title: Whether it is a title. There words of one syllable count (책), and those of two inside
                compounds (여성코트); in running text they would be found inside others.
        """
        found: list[Hit] = []
        at = 0
        while at < len(text):
            word = self._word_at(text, at, is_title, found[-1].end if found else -1)
            if word is None:
                at += 1
            else:
                found.append(Hit(word, at, at + len(word)))
                at += len(word)
        return found

    def _word_at(self, text: str, at: int, is_title: bool, after_hit: int) -> str | None:
        for word in self._by_start.get(text[at], ()):
            if text.startswith(word, at) and _stands(text, at, at + len(word), is_title, at == after_hit):
                return word
        return None


def _stands(text: str, start: int, end: int, is_title: bool, follows_hit: bool) -> bool:
    before, after = text[start - 1 : start], text[end : end + 1]
    if _LATIN.match(text[start]) and _LATIN.match(before or " "):
        return False
    if _LATIN.match(text[end - 1]):
        return _LATIN.match(after or " ") is None or text[end : end + 2] in ("s ", "s")
    if not _HANGUL.match(text[start]):
        return True
    begins, ends = not _HANGUL.match(before or " "), _AFTER_NOUN.match(text, end) is not None
    if end - start == 1:
        return is_title and begins and ends
    if end - start == _SHORT_CHARS:
        return (begins and ends) or (is_title and (begins or follows_hit or ends))
    return begins or ends or follows_hit


@dataclass(frozen=True)
class Brand:
    """A brand.

    Args:
        name: Canonical name.
        leans: Categories that it alone speaks for, with how strongly.
        is_word: Whether its name is a common word too.
    """

    name: str
    leans: Mapping[str, float]
    is_word: bool = False


@dataclass(frozen=True)
class Vocabulary:
    """Everything that is known of goods.

    Args:
        products: Word to category group and weight. A word may stand in several groups.
        wearers: Word to whom or what a thing is for: women, men, kids, pet, car.
        brands: Way of writing to brand.
        product_words: Finds products.
        wearer_words: Finds whom things are for.
        brand_words: Finds brands.
    """

    products: Mapping[str, tuple[tuple[str, Weight], ...]]
    wearers: Mapping[str, str]
    brands: Mapping[str, Brand]
    product_words: Words
    wearer_words: Words
    brand_words: Words


@cache
def vocabulary() -> Vocabulary:
    """The approved vocabulary, read once."""
    goods, makers = (_loaded(name) for name in _FILES)
    products: dict[str, tuple[tuple[str, Weight], ...]] = {}
    for group, tiers in cast("dict[str, dict[Weight, list[str]]]", goods["groups"]).items():
        for weight, words in tiers.items():
            for word in words:
                products[word] = (*products.get(word, ()), (group, weight))
    wearers = {word: who for who, words in cast("dict[str, list[str]]", goods["for"]).items() for word in words}
    brands: dict[str, Brand] = {}
    for kind in cast("dict[str, dict[str, dict[str, object]]]", makers["kinds"]).values():
        leans = cast("dict[str, float]", kind["leans"])
        for name, aliases in cast("dict[str, list[str]]", kind["names"]).items():
            brands |= {alias: Brand(name, leans) for alias in aliases}
    for name, spec in cast("dict[str, dict[str, object]]", makers["words"]).items():
        common = Brand(name, cast("dict[str, float]", spec["leans"]), is_word=True)
        brands |= dict.fromkeys(cast("list[str]", spec["aliases"]), common)
    return Vocabulary(
        products, wearers, brands, Words(iter(products)), Words(iter(wearers)), Words(iter(brands))
    )  # fmt: skip


@cache
def vocabulary_number() -> int:
    """A number below `VOCABULARY_NUMBERS` that changes when a word of the vocabulary does."""
    return zlib.crc32("".join(_text(name) for name in _FILES).encode()) % VOCABULARY_NUMBERS


def _loaded(name: str) -> dict[str, object]:
    return cast("dict[str, object]", yaml.safe_load(_text(name)))


def _text(name: str) -> str:
    return (files("madang.readers") / "data" / name).read_text(encoding="utf-8")
