"""What the classifiers of Korean places see of a candidate: its ending, its words and its neighbours."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from madang.readers.hashed_linear import place_of
from madang.readers.place_candidates import Candidate, Word
from madang.readers.place_lexicon import korean_lexicon

_AREA = re.compile(r"[가-힣]{1,4}제?\d{0,2}(?:동|가|구|시|군|읍|면|리)$")
_BEFORE = re.compile(r"[\[(<{'\"‘“/,.~\-#:+&→@*!?\n]|->")
_SPEECH = re.compile(r"(?:요|다|까|네|죠|용|당|욤|함|음|는|은|던|고|서|며|면|지만|는데|ㅠ|ㅋ|ㅎ)$")


class PlaceFeatures:
    """Features of the candidates of one text column, as places in a table of weights.

    Args:
        words: Words of the column.
        text: The column, folded.
        is_title: Whether it is the first column.
    """

    def __init__(self, words: list[Word], text: str, is_title: bool) -> None:
        self._words = words
        self._text = text
        self._is_title = is_title
        self._left: dict[int, list[int]] = {}
        self._right: dict[tuple[int, int], tuple[list[int], str]] = {}
        self._counts = Counter(stem_of(word.text) for word in words)

    def of(self, candidate: Candidate) -> list[int]:
        """Features of one candidate."""
        if candidate.first not in self._left:
            self._left[candidate.first] = [place_of(name) for name in self._before(candidate.first)]
        ending = candidate.last, candidate.tail
        if ending not in self._right:
            self._right[ending] = [place_of(name) for name in self._after(*ending)], self._follows(*ending)
        right, follows = self._right[ending]
        name = self._text[candidate.start : candidate.end]
        return [
            *self._left[candidate.first],
            *right,
            *_inside(name),
            *map(place_of, self._joint(candidate, name, follows)),
        ]

    def _before(self, first: int) -> Iterator[str]:
        yield f"lb {_mark(self._words[first].before)}"
        for distance in (1, 2):
            word = self._words[first - distance] if first >= distance else None
            if word is None:
                yield f"l{distance} none"
                break
            yield f"l{distance} {stem_of(word.text)}"
            yield f"l{distance}k {kind_of(word.text)}"
            yield f"l{distance}e {word.text[-2:]}"
            if _mark(self._words[first - distance + 1].before) != " ":
                break

    def _after(self, last: int, tail: int) -> Iterator[str]:
        word = self._words[last]
        yield f"t {word.text[len(word.text) - tail :]}"
        yield f"tf {self._follows(last, tail)}"
        yield f"uncut {max(word.tails) - tail}"
        for distance in (1, 2, 3):
            after = self._words[last + distance] if last + distance < len(self._words) else None
            if after is None:
                yield f"r{distance} none"
                break
            if distance == 1:
                yield f"rb {_mark(after.before)}"
            yield f"r{distance} {stem_of(after.text)}"
            yield f"r{distance}k {kind_of(after.text)}"
            yield f"r{distance}p {after.text[:2]}"

    def _follows(self, last: int, tail: int) -> str:
        """What the name is followed by, coarsely."""
        word = self._words[last]
        if tail:
            rest = word.text[len(word.text) - tail :]
            return "particle" if rest in korean_lexicon().particles else "locating"
        if last + 1 == len(self._words):
            return "end"
        after = self._words[last + 1]
        mark = _mark(after.before)
        return kind_of(after.text) if mark == " " else f"mark {mark}"

    def _joint(self, candidate: Candidate, name: str, follows: str) -> Iterator[str]:
        kind = name_kind(name)
        yield f"kf {kind} {follows}"
        yield f"kl {kind} {_mark(self._words[candidate.first].before)}"
        yield f"kt {kind} {self._is_title}"
        if candidate.first:
            yield f"kp {kind} {kind_of(self._words[candidate.first - 1].text)}"
        if self._is_title and candidate.end - candidate.start == len(self._text.strip()):
            yield f"whole title {kind}"
        if self._counts[name] > 1:
            yield f"again {kind}"
        count = candidate.last - candidate.first + 1
        yield f"n {count} {kind}"
        if count > 1:
            first, last = self._words[candidate.first], self._words[candidate.last]
            last_text = last.text[: len(last.text) - candidate.tail]
            yield f"fk {kind_of(first.text)} {name_kind(last_text)}"
            yield f"f {first.text}"
            yield f"inner tail {max(first.tails)}"
            yield f"fe {first.text[-1]}"
            yield f"speech {bool(_SPEECH.search(first.text))}"


@lru_cache(maxsize=50_000)
def stem_of(word: str) -> str:
    """A word without the longest particle that leaves two characters."""
    lexicon = korean_lexicon()
    for cut in range(min(5, len(word) - 2), 0, -1):
        if word[-cut:] in lexicon.particles:
            return word[:-cut]
    return word


@lru_cache(maxsize=50_000)
def kind_of(word: str) -> str:
    """What a word tells as a neighbour."""
    lexicon = korean_lexicon()
    stem = stem_of(word)
    for text in (word, stem):
        if text in lexicon.locating:
            return "locating"
        if text in lexicon.areas or _AREA.fullmatch(text):
            return "area"
        if text in lexicon.generic:
            return "generic"
        if text in lexicon.chains:
            return "chain"
        if text in lexicon.landmarks:
            return "landmark"
    ending = lexicon.ending(stem)
    if ending is not None and len(ending[0]) > 1 and len(stem) > len(ending[0]):
        return f"named {ending[1]}"
    if _SPEECH.search(word):
        return "speech"
    return "other"


@lru_cache(maxsize=50_000)
def name_kind(name: str) -> str:
    """What a candidate tells by its own words."""
    lexicon = korean_lexicon()
    joined = name.replace(" ", "")
    for kind, words in (("not", lexicon.not_places), ("generic", lexicon.generic), ("chain", lexicon.chains),
                        ("landmark", lexicon.landmarks), ("locating", lexicon.locating)):  # fmt: skip
        if joined in words:
            return kind
    if joined in lexicon.areas or _AREA.fullmatch(joined):
        return "area"
    last = name.rsplit(" ", 1)[-1]
    if " " in name and last in lexicon.generic:
        return "described generic"
    if " " in name and last in lexicon.chains:
        return "described chain"
    ending = lexicon.ending(joined)
    if ending is not None:
        return f"{ending[1]} {min(len(ending[0]), 2)} {min(len(joined) - len(ending[0]), 3)}"
    return "none"


@lru_cache(maxsize=50_000)
def _inside(name: str) -> list[int]:
    return [place_of(feature) for feature in _inside_names(name)]


def _inside_names(name: str) -> Iterator[str]:
    lexicon = korean_lexicon()
    joined = name.replace(" ", "")
    kind = name_kind(name)
    yield f"name {joined}"
    yield f"kind {kind}"
    yield f"length {min(len(joined), 12)}"
    for length in (1, 2, 3, 4):
        yield f"s{length} {joined[-length:]}"
    yield f"p2 {joined[:2]}"
    yield f"p3 {joined[:3]}"
    padded = f"^{joined}$"
    for length in (2, 3):
        for at in range(len(padded) - length + 1):
            yield f"g {padded[at : at + length]}"
    yield f"digit {bool(re.search('[0-9]', joined))} latin {bool(re.search('[a-z]', joined))}"
    ending = lexicon.ending(joined)
    if ending is not None:
        stem = joined[: -len(ending[0])]
        yield f"stem {kind_of(stem) if stem else 'none'} {ending[1]}"
        yield f"ending {ending[0]} {min(len(stem), 3)}"
    if (particle := name[len(stem_of(name)) :]) != "":
        yield f"carries {particle}"
    yield f"speech {bool(_SPEECH.search(name))}"


def _mark(between: str) -> str:
    found = _BEFORE.search(between)
    if found is not None:
        return found.group()
    return " " if not between.strip() else "*"
