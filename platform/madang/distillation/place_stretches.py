"""What a linear student sees of a stretch that may name a place: of mentions that are looked up in a place directory.

It shares with the places reader what is common knowledge, written by hand: endings of names, chains, particles, cues.
It shares none of the reader's weights, for those have read the very posts by which a student is judged.
"""

from collections.abc import Iterator, Sequence

from madang.distillation.stretches import MAX_CHARS, Stretch
from madang.extraction.grounding import Span
from madang.readers.place_candidates import Candidate
from madang.readers.place_senses import sense_features
from madang.readers.place_spans import Column, PlaceSpan, korean_column
from madang.readers.places import lowered


class PlaceStretches:
    """The stretches of one post.

    Args:
        turn: What a model is shown of it; its first line is the title.
        stretches: Stretches of a field of mentions.
    """

    def __init__(self, turn: str, stretches: Sequence[Stretch]) -> None:
        self._small = lowered(turn[:MAX_CHARS])
        self._stretches = stretches
        self._found = {(span.start, span.end): one for one, span in self._candidates()}

    def names(self) -> Iterator[list[int]]:
        """Of each stretch what tells a name: places in a table."""
        for stretch in self._stretches:
            column, candidate = self._found[stretch.start, stretch.end]
            yield column.features.of(candidate)

    def senses(self, chosen: Sequence[int]) -> Iterator[list[int]]:
        """Of the stretches of these indices what tells their small flags: places in a table."""
        for at in chosen:
            column, candidate = self._found[self._stretches[at].start, self._stretches[at].end]
            yield sense_features(PlaceSpan(column, candidate, 0.0), self._small, 0)

    def _candidates(self) -> Iterator[tuple[tuple[Column, Candidate], Span]]:
        title, _, body = self._small.partition("\n")
        for name, part, before in (("title", title, 0), ("body", body, len(title) + 1)):
            column = korean_column(name, part, name == "title")
            for one in column.candidates:
                yield (column, one), Span(name, before + one.start, before + one.end)
