"""Where a value stands in the post.

A quote is compared after NFKC, case folding and without white space, but offsets are always those of the
text as it is stored: code points, end exclusive. Clusters (a base and its combining marks, a decomposed
Hangul syllable) are normalised whole, so that a composed quote is found in decomposed text.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass


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


@dataclass(frozen=True)
class _Folded:
    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]


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
        needle = _fold(quote).text
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
                return Span(name, folded.starts[at], folded.ends[at + len(needle) - 1])
        return None

    def quoted(self, span: Span) -> str:
        """The text of a span."""
        return self.parts[span.field][span.start : span.end]


def _fold(text: str) -> _Folded:
    folded: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for start, end in _clusters(text):
        for char in unicodedata.normalize("NFKC", text[start:end]).casefold():
            if not char.isspace():
                folded.append(char)
                starts.append(start)
                ends.append(end)
    return _Folded("".join(folded), tuple(starts), tuple(ends))


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or not _continues(text[at]):
            yield start, at
            start = at


def _is_whole(text: str, start: int, end: int) -> bool:
    """Whether a stretch cuts no cluster: 가 does not stand in a decomposed 각."""
    return not _continues(text[start]) and (end == len(text) or not _continues(text[end]))


def _continues(char: str) -> bool:
    # U+1160 to U+11FF are the vowels and finals of decomposed Hangul; they have combining class 0.
    return unicodedata.combining(char) != 0 or "\u1160" <= char <= "\u11ff"
