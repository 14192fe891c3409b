"""A student as it is used: heads that score, thresholds that decide, lines that say how sure it is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from madang.distillation.calibration import Calibration
from madang.distillation.deciding import HeadScores, Threshold, decide
from madang.distillation.heads import Guess, Head
from madang.schema.base import FieldKind


class Scorer(Protocol):
    """Scores heads: a linear model, or an encoder."""

    def scores(self, turns: Sequence[str]) -> list[dict[str, HeadScores]]:
        """What every head thinks of every post."""

    def save(self, folder: Path) -> None:
        """Writes itself into a folder."""


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
    """

    fields: Mapping[str, FieldKind]
    heads: tuple[Head, ...]
    scorer: Scorer
    thresholds: Mapping[str, Threshold]
    calibrations: Mapping[str, Calibration]

    @property
    def heads_by_field(self) -> dict[str, Head]:
        """The heads."""
        return {head.field: head for head in self.heads}

    def says(self, turns: Sequence[str]) -> list[dict[str, Said]]:
        """What it says of posts, by field.

        Args:
            turns: What a model is shown of each post.
        """
        return [
            {head.field: self._said(head, scores[head.field]) for head in self.heads}
            for scores in without_overflow(self.scorer.scores, turns)
        ]

    def _said(self, head: Head, scores: HeadScores) -> Said:
        guess = decide(head, self.fields[head.field], scores, self.thresholds[head.field])
        return Said(guess, self.calibrations[head.field].confidence(guess))


def without_overflow(
    score: Callable[[Sequence[str]], list[dict[str, HeadScores]]], turns: Sequence[str]
) -> list[dict[str, HeadScores]]:
    """Scores a batch; one that does not fit the memory is cut in two, and those again.

    Raises:
        MemoryError: A single post does not fit.
    """
    try:
        return score(turns)
    except (MemoryError, RuntimeError) as error:
        if not _is_overflow(error):
            raise
        if len(turns) == 1:
            raise MemoryError("a single post does not fit the memory") from error
    half = len(turns) // 2
    return [*without_overflow(score, turns[:half]), *without_overflow(score, turns[half:])]


def _is_overflow(error: Exception) -> bool:
    """Whether an error means that the memory is full: torch says so by a RuntimeError of its own on every device."""
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or "allocate" in str(error)
