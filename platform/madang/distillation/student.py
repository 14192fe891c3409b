"""A student as it is used: heads that score, thresholds that decide, lines that say how sure it is."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Protocol, runtime_checkable

from madang.distillation.calibration import Calibration
from madang.distillation.deciding import HeadScores, Threshold, decide
from madang.distillation.encoder_network import Encoded
from madang.distillation.heads import Guess, Head
from madang.distillation.overflow import without_overflow
from madang.distillation.packing import ahead
from madang.distillation.way_choice import SAMPLE_POSTS, WayChoice
from madang.evaluation.answers import Answer
from madang.schema.base import FieldKind

# Many batches of like length on a GPU; their tokens and stretches take some hundred MB.
_WINDOW_POSTS = 4_096


class Scorer(Protocol):
    """Scores heads: a linear model, or an encoder."""

    def scores(self, turns: Sequence[str]) -> list[dict[str, HeadScores]]:
        """What every head thinks of every post."""

    def save(self, folder: Path) -> None:
        """Writes itself into a folder."""


@runtime_checkable
class Encoding(Protocol):
    """A scorer that reads posts before it scores them."""

    def encode(self, turns: Sequence[str]) -> list[Encoded]:
        """Posts as it reads them."""

    def scores_of(self, encoded: Sequence[Encoded]) -> list[dict[str, HeadScores]]:
        """What every head thinks of every post."""


@dataclass(frozen=True)
class Said:
    """What a student says of one field of one post.

    Args:
        guess: Its answer.
        confidence: Share of such answers that are wholly right, 0 to 1.
    """

    guess: Guess
    confidence: float


@dataclass(frozen=True)
class Student:
    """A whole student.

    Args:
        fields: The fields that it answers, as they were declared when it learnt.
        heads: Their heads.
        scorer: Scores them.
        thresholds: By field.
        calibrations: By field.
        way_choice: Of an encoder of the registry, which runs in the fastest way that hardly changes an answer.
    """

    fields: Mapping[str, FieldKind]
    heads: tuple[Head, ...]
    scorer: Scorer
    thresholds: Mapping[str, Threshold]
    calibrations: Mapping[str, Calibration]
    way_choice: WayChoice | None = None

    @property
    def heads_by_field(self) -> dict[str, Head]:
        """The heads."""
        return {head.field: head for head in self.heads}

    def says(self, turns: Sequence[str]) -> list[dict[str, Said]]:
        """What it says of posts, by field, in their order.

        Args:
            turns: What a model is shown of each post.

        Raises:
            MemoryError: A single post does not fit the memory.
        """
        return list(self.stream(turns))

    def stream(self, turns: Iterable[str]) -> Iterator[dict[str, Said]]:
        """The same of any number of posts, as they come.

        Two windows of posts are read ahead of what is given: a thread makes tokens of the next while the device works.
        """
        choice = self.way_choice
        # The exact way is slow: another is chosen as soon as it has answered enough.
        sizes = chain([SAMPLE_POSTS] if choice is not None and not choice.is_made else (), repeat(_WINDOW_POSTS))
        for window, scores in self._scored(_windows(turns, sizes)):
            if choice is not None:
                choice.saw(window, self._answers)
            for one in scores:
                yield {head.field: self._said(head, one[head.field]) for head in self.heads}

    def _scored(self, windows: Iterator[list[str]]) -> Iterator[tuple[list[str], list[dict[str, HeadScores]]]]:
        scorer = self.scorer
        if isinstance(scorer, Encoding):
            encode = scorer.encode
            for window, encoded in ahead(windows, lambda window: (window, encode(window))):
                yield window, scorer.scores_of(encoded)
        else:
            for window in windows:
                yield window, without_overflow(scorer.scores, window)

    def _answers(self, scores: Sequence[dict[str, HeadScores]]) -> list[dict[str, Answer]]:
        return [{head.field: self._guess(head, one[head.field]).value for head in self.heads} for one in scores]

    def _guess(self, head: Head, scores: HeadScores) -> Guess:
        return decide(head, self.fields[head.field], scores, self.thresholds[head.field])

    def _said(self, head: Head, scores: HeadScores) -> Said:
        guess = self._guess(head, scores)
        return Said(guess, self.calibrations[head.field].confidence(guess))


def _windows(turns: Iterable[str], sizes: Iterator[int]) -> Iterator[list[str]]:
    source = iter(turns)
    while window := list(islice(source, next(sizes))):
        yield window
