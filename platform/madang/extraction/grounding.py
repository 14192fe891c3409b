"""Where a value stands in the post.

A quote is compared after NFKC, case folding and without white space, but offsets are always those of the
text as it is stored: code points, end exclusive. Clusters (a base and its combining marks, a decomposed
Hangul syllable) are normalised whole, so that a composed quote is found in decomposed text. A quote that stands nowhere
so is looked for once more without what people leave out when they quote: particles, honorifics, commas of numbers.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import accumulate
from typing import cast

from madang.posts.clusters import clusters, continues


@dataclass(frozen=True)
class Span:
    """A stretch of one text column.

    Args:
        field: Name of the text column ("title" or "body").
        start: First code point.
        end: One past the last code point.
    """

    field: str
    start: int
    end: int


class _Folded:
    """A folded text, and where each of its characters comes from.

    Args:
        parts: The folded clusters; a blank one is empty.
        bounds: Where each cluster begins in the text, and at last where the text ends.
    """

    def __init__(self, parts: Sequence[str], bounds: Sequence[int]) -> None:
        self.text = "".join(parts)
        self._parts, self._bounds = parts, bounds

    def bounds_of(self, start: int, end: int) -> tuple[int, int]:
        """The whole clusters of the text from which a stretch of the folded text, not empty, comes."""
        ends = list(accumulate(map(len, self._parts)))
        return self._bounds[bisect_right(ends, start)], self._bounds[bisect_left(ends, end) + 1]


class PostText:
    """The text columns of one post, as the model saw them (masked), in declared order."""

    def __init__(self, parts: Mapping[str, str]) -> None:
        self.parts = dict(parts)
        self._folded: dict[str, _Folded] = {}

    @property
    def chars(self) -> int:
        """Code points in all columns together."""
        return sum(len(part) for part in self.parts.values())

    @property
    def is_blank(self) -> bool:
        """Whether no column holds a letter or a digit: there is nothing to ask about."""
        return not any(char.isalnum() for part in self.parts.values() for char in part)

    @property
    def is_korean(self) -> bool:
        """Whether a syllable or letter of Hangul stands anywhere."""
        return any(
            "가" <= char <= "힣" or "\u1100" <= char <= "\u11ff" for part in self.parts.values() for char in part
        )

    def find(self, quote: str) -> Span | None:
        """First place at which `quote` stands; None if it stands nowhere or is blank."""
        needle = _needle(quote)
        if not needle:
            return None
        for name, part in self.parts.items():
            exact = part.find(quote)
            if exact >= 0 and _is_whole(part, exact, exact + len(quote)):
                return Span(name, exact, exact + len(quote))
            if name not in self._folded:
                self._folded[name] = _fold(part)
            folded = self._folded[name]
            at = folded.text.find(needle)
            if at >= 0:
                return Span(name, *folded.bounds_of(at, at + len(needle)))
        return self._find_loosely(quote)

    def _find_loosely(self, quote: str) -> Span | None:
        """A quote that left out particles, an honorific or the commas of a number, or that kept its own particle."""
        for pattern in _loose(quote):
            for name, folded in self._folded.items():
                match = pattern.search(folded.text)
                if match:
                    return Span(name, *folded.bounds_of(*match.span("quote")))
        return None

    def quoted(self, span: Span) -> str:
        """The text of a span."""
        return self.parts[span.field][span.start : span.end]


# The same cues are looked for in every post: folding them anew took a tenth of a run's CPU.
@lru_cache(maxsize=4096)
def _needle(quote: str) -> str:
    return _fold(quote).text


# Longest first: 에서 before 에. Only what stands between two words of the quote, or at its end, may be left out.
_PARTICLES = "|".join(
    ("에서는", "에게서", "으로는", "이라는", "께서는", "에서", "에게", "까지", "부터", "으로", "이나", "이랑", "하고",
     "께서", "라는", *"은는이가을를의에로도만와과랑나")
)  # fmt: skip
_HONORIFICS = "선생님|사장님|님들|님|씨"
_BETWEEN = f"(?:{_HONORIFICS})?(?:{_PARTICLES})?"
_OWN_END = re.compile(f"(?<=[가-힣a-z0-9]{{2}})(?:{_HONORIFICS})?(?:{_PARTICLES})$")
_MOST_LOOSE_WORDS = 12


@lru_cache(maxsize=4096)
def _loose(quote: str) -> tuple[re.Pattern[str], ...]:
    """Patterns over folded text: as quoted but for what people leave out, then without the quote's own particle."""
    words = [word for word in map(_needle, quote.split()) if word]
    if not 0 < len(words) <= _MOST_LOOSE_WORDS:
        return ()
    ways = [words]
    bare = _OWN_END.sub("", words[-1])
    if bare != words[-1]:
        ways.append([*words[:-1], bare])
    return tuple(re.compile(f"(?P<quote>{_BETWEEN.join(map(_loose_word, way))})") for way in ways)


def _loose_word(word: str) -> str:
    """A word with the commas that its numbers may have: 1000만원 stands in 1,000만원, and the other way round."""
    pieces = re.split(r"(\d[\d,]*\d)", word)
    return "".join(
        f"(?<![\\d,.]){',?'.join(piece.replace(',', ''))}(?!\\d)" if at % 2 else re.escape(piece)
        for at, piece in enumerate(pieces)
    )


def _fold(text: str) -> _Folded:
    parts = [_folded_char(char) for char in text]
    if None not in parts:
        return _Folded(cast("list[str]", parts), range(len(text) + 1))
    stretches = clusters(text)
    return _Folded([_folded(text[start:end]) for start, end in stretches], [0, *(end for _, end in stretches)])


# Every code point at most; those of one corpus are a few thousand.
@cache
def _folded_char(char: str) -> str | None:
    """A character that stands for itself, folded; None for one that continues the one before it."""
    return None if continues(char) else _folded(char)


def _folded(cluster: str) -> str:
    folded = unicodedata.normalize("NFKC", cluster).casefold()
    return "".join(char for char in folded if not char.isspace())


def _is_whole(text: str, start: int, end: int) -> bool:
    """Whether a stretch cuts no cluster: 가 does not stand in a decomposed 각."""
    return not continues(text[start]) and (end == len(text) or not continues(text[end]))
