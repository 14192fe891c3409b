"""English place names, of any scale from a country to a hospital: where they may stand and what a classifier sees.

English posts name countries, states and cities where Korean ones name shops, so the language decides what a place is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

import yaml

from madang.readers.hashed_linear import place_of
from madang.readers.place_candidates import Candidate, Word

MAX_WORDS = 5
_WORD = re.compile(
    r"(?:[^\W\d_]\.){2,}|[^\W_]+(?:['’&.\-][^\W_]+)*\.?(?=\s[A-Z]|(?<=st\.)|(?<=St\.))|[^\W_]+(?:['’&\-][^\W_]+)*"
)
_URL = re.compile(r"https?://\S+|www\.\S+|@\w+")
_NAMED = ("countries", "regions", "states", "cities")


@dataclass(frozen=True)
class _Gazetteer:
    kinds: dict[str, str]
    abbreviations: frozenset[str]
    endings: dict[str, str]
    openers: frozenset[str]
    prepositions: frozenset[str]


@cache
def _gazetteer() -> _Gazetteer:
    words = yaml.safe_load(files("madang.readers").joinpath("data/places_en.yaml").read_text("utf-8"))
    return _Gazetteer(
        {_joined(name): kind for kind in _NAMED for name in words[kind]},
        frozenset(words["abbreviations"]),
        {ending: kind for kind, of in words["endings"].items() for ending in of},
        frozenset(words["openers"]),
        frozenset(words["prepositions"]),
    )


def words_of(text: str) -> list[Word]:
    """The words of a text; addresses of web pages and account names are none."""
    text = _URL.sub(lambda found: " " * len(found.group()), text)
    words: list[Word] = []
    end = 0
    for found in _WORD.finditer(text):
        word = found.group()
        tails = [0]
        if word[-2:].lower() in ("'s", "’s"):
            tails.append(2)
        elif word[-1] in ".s" and len(word) > 4:
            tails.append(1)
        words.append(Word(word, found.start(), found.end(), text[end : found.start()], tuple(tails)))
        end = found.end()
    return words


def candidates_of(words: list[Word]) -> Iterator[Candidate]:
    """Every stretch of words that may be a name: capitals, a hashtag, or known in lower case."""
    kinds = _gazetteer().kinds
    for first, word in enumerate(words):
        for last in range(first, min(first + MAX_WORDS, len(words))):
            if last > first and words[last].before != " ":
                break
            ending = words[last]
            for tail in ending.tails:
                text = " ".join(one.text for one in words[first : last + 1])
                text = text[: len(text) - tail]
                is_written_as_name = not word.text[0].islower() and (
                    first == last or not ending.text[0].islower() or _last(text) in _gazetteer().endings
                )
                if len(text) > 1 and (is_written_as_name or _joined(text) in kinds or "#" in word.before[-1:]):
                    yield Candidate(first, last, tail, word.start, ending.end - tail)


class EnglishPlaceFeatures:
    """Features of the candidates of one text column, as places in a table of weights.

    Args:
        words: Words of the column.
        text: The column, as it stands.
    """

    def __init__(self, words: list[Word], text: str) -> None:
        self._words = words
        self._text = text
        self._is_shouted = sum(word.text.isupper() for word in words) * 2 > len(words)

    def of(self, candidate: Candidate) -> list[int]:
        """Features of one candidate."""
        name = self._text[candidate.start : candidate.end]
        return [*_inside(name), *map(place_of, self._around(candidate, name))]

    def _around(self, candidate: Candidate, name: str) -> Iterator[str]:
        kind = _kind(name)
        shape = _shape(name)
        first, last = candidate.first, candidate.last
        before = self._words[first - 1].text.lower() if first else "none"
        mark = _mark(self._words[first].before)
        after_word = self._words[last + 1] if last + 1 < len(self._words) else None
        after = "none" if after_word is None else after_word.text.lower()
        after_mark = "end" if after_word is None else _mark(after_word.before)
        tail = self._words[last].text[len(self._words[last].text) - candidate.tail :] if candidate.tail else ""
        gazetteer = _gazetteer()
        yield f"en b {before}"
        yield f"en bm {mark} {kind}"
        yield f"en bp {before in gazetteer.prepositions} {mark} {kind} {shape}"
        yield f"en bk {_word_kind(self._words[first - 1].text) if first else 'none'} {mark} {kind}"
        yield f"en a {after}"
        yield f"en am {after_mark} {kind} {tail}"
        yield f"en ak {_word_kind(after_word.text) if after_word else 'none'} {after_mark} {kind}"
        yield f"en ae {gazetteer.endings.get(after, '')} {shape} {after_mark}"
        yield f"en uncut {max(self._words[last].tails) - candidate.tail}"
        yield f"en shouted {self._is_shouted} {shape} {kind}"
        yield f"en start {first == 0} {kind} {shape}"
        if first > 1:
            yield f"en b2 {self._words[first - 2].text.lower()} {before}"
        if after_word is not None and last + 2 < len(self._words):
            yield f"en a2 {after} {self._words[last + 2].text.lower()}"


@lru_cache(maxsize=50_000)
def _inside(name: str) -> list[int]:
    return [place_of(feature) for feature in _inside_names(name)]


def _inside_names(name: str) -> Iterator[str]:
    gazetteer = _gazetteer()
    words = name.split(" ")
    lower = name.lower()
    kind, shape = _kind(name), _shape(name)
    yield f"en name {_joined(name)}"
    yield f"en kind {kind} {shape}"
    yield f"en n {len(words)} {shape}"
    yield f"en last {words[-1].lower()} {len(words) > 1}"
    yield f"en first {words[0].lower()} {len(words) > 1}"
    yield f"en ending {gazetteer.endings.get(words[-1].lower(), '')} {min(len(words), 3)} {shape}"
    yield f"en opener {words[0].lower() in gazetteer.openers} {min(len(words), 3)} {shape}"
    yield f"en parts {' '.join(_word_kind(word) for word in words[:4])}"
    padded = f"^{lower}$"
    for length in (3, 4):
        for at in range(len(padded) - length + 1):
            yield f"en g {padded[at : at + length]}"


@lru_cache(maxsize=50_000)
def _kind(name: str) -> str:
    gazetteer = _gazetteer()
    if name in gazetteer.abbreviations:
        return "abbreviation"
    if (kind := gazetteer.kinds.get(_joined(name))) is not None:
        return kind
    last = _last(name)
    if " " in name and last in gazetteer.endings:
        return f"ends {gazetteer.endings[last]}"
    return "other"


@lru_cache(maxsize=50_000)
def _word_kind(word: str) -> str:
    kind = _kind(word)
    if kind != "other":
        return kind
    lower = word.lower()
    gazetteer = _gazetteer()
    if lower in gazetteer.prepositions:
        return "preposition"
    if lower in gazetteer.endings:
        return f"ending {gazetteer.endings[lower]}"
    if lower in gazetteer.openers:
        return "opener"
    return _shape(word)


def _shape(name: str) -> str:
    if name.isupper():
        return "upper"
    if any(char.isdigit() for char in name):
        return "digit"
    words = name.split(" ")
    if all(word[:1].isupper() for word in words):
        return "camel" if any(char.isupper() for word in words for char in word[1:]) else "title"
    return "lower" if name.islower() else "mixed"


def _joined(name: str) -> str:
    return name.lower().replace(" ", "")


def _last(name: str) -> str:
    return name.rsplit(" ", 1)[-1].lower()


def _mark(between: str) -> str:
    stripped = between.strip()
    return stripped[-1] if stripped else " "
