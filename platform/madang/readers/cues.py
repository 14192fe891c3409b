"""Patterns over the columns of a post: what matches, and where."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from madang.extraction.grounding import PostText, Span

_SENTENCE_END = re.compile(r"[.!?\n;]|', '|\", '")


@dataclass(frozen=True)
class Cue:
    """One match in one column.

    Args:
        match: The match; its groups are in the column's text.
        part: Name of the column.
    """

    match: re.Match[str]
    part: str

    def span(self, group: str | int = 0) -> Span:
        """Where a group stands."""
        return Span(self.part, self.match.start(group), self.match.end(group))

    def before(self, chars: int) -> str:
        """At most so many characters that stand right before it."""
        return self.match.string[max(self.match.start() - chars, 0) : self.match.start()]

    def after(self, chars: int) -> str:
        """At most so many characters that stand right after it."""
        return self.match.string[self.match.end() : self.match.end() + chars]

    def sentence_before(self, chars: int) -> str:
        """What stands right before it in its sentence, at most so many characters."""
        return _SENTENCE_END.split(self.before(chars))[-1]

    def rest_of_sentence(self, chars: int) -> str:
        """What stands right after it in its sentence, at most so many characters."""
        return _SENTENCE_END.split(self.after(chars), maxsplit=1)[0]


def cues(pattern: re.Pattern[str], text: PostText) -> Iterator[Cue]:
    """Every match, the first column's first."""
    for name, part in text.parts.items():
        for match in pattern.finditer(part):
            yield Cue(match, name)


def first_cue(pattern: re.Pattern[str], text: PostText) -> Cue | None:
    """The first match."""
    return next(cues(pattern, text), None)
