"""From a dataset to a student and what is known of it: every figure is of posts that the student in question had not
read.

Posts are read in folds. What is kept is a student of all posts where folds are cheap; where they are not, the first
fold's, so that what was measured is what is kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from madang.distillation.calibration import calibrate
from madang.distillation.curve_plot import Curve
from madang.distillation.dataset import Dataset
from madang.distillation.deciding import HeadScores, best_threshold, decide, is_right
from madang.distillation.heads import Guess, Head, StudentKind
from madang.distillation.promise import Records
from madang.distillation.student import Scorer, Student
from madang.schema.base import FieldKind

FOLDS = 5
NEWEST_SHARE = 0.2


class Teaching(Protocol):
    """Fits scorers on parts of one dataset."""

    @property
    def kind(self) -> StudentKind:
        """What its students are called in the registry."""

    @property
    def curve(self) -> Curve:
        """Epochs of the training of the student that is kept; none where nothing is trained in epochs."""

    @property
    def settings(self) -> Mapping[str, object]:
        """Everything that decides what is learnt besides the posts."""

    @property
    def folds_read(self) -> int:
        """How many of the folds are held out in turn; one where a fit takes minutes."""

    def fit(self, learned: Sequence[int], name: str) -> Scorer:
        """Fits a scorer on the posts of these indices; the name tells one fit from another where it can resume."""

    def forget(self) -> None:
        """Removes what was kept for the case that the process is killed."""


@dataclass(frozen=True)
class Fitted:
    """A student with what it said of posts that it, or one just like it, had not read.

    Args:
        student: The student that is kept.
        guesses: By index of a post, then by field; posts that were never held out are absent.
        forward: The same of the newest posts by a student of the older ones; empty where times are not known.
        records: The guesses with what is right, one post a cluster.
    """

    student: Student
    guesses: Mapping[int, Mapping[str, Guess]]
    forward: Mapping[int, Mapping[str, Guess]]
    records: Records


def fit_student(dataset: Dataset, teaching: Teaching, fields: Mapping[str, FieldKind], heads: Sequence[Head]) -> Fitted:
    """Fits, chooses thresholds, calibrates.

    Args:
        dataset: Labelled posts.
        teaching: The kind of student.
        fields: The fields that it answers.
        heads: Their heads.
    """
    folds = np.array(dataset.folds(FOLDS))
    scored: dict[int, dict[str, HeadScores]] = {}
    scorer: Scorer | None = None
    for fold in range(teaching.folds_read):
        scorer = teaching.fit(np.flatnonzero(folds != fold).tolist(), f"fold{fold}")
        scored |= _held(dataset, scorer, np.flatnonzero(folds == fold).tolist())
    if scorer is None or teaching.folds_read > 1:
        scorer = teaching.fit(list(range(len(dataset.posts))), "all")
    thresholds, calibrations = {}, {}
    guesses: dict[int, dict[str, Guess]] = {at: {} for at in sorted(scored)}
    for head in heads:
        own = [at for at in guesses if head.field in dataset.posts[at].answers]
        answers = [dataset.posts[at].answers[head.field] for at in own]
        field, weights = fields[head.field], dataset.weights
        threshold = best_threshold(
            head, field, [scored[at][head.field] for at in own], answers, [weights[at] for at in own]
        )
        for at, scores in scored.items():
            guesses[at][head.field] = decide(head, field, scores[head.field], threshold)
        right = [is_right(guesses[at][head.field].value, answer) for at, answer in zip(own, answers, strict=True)]
        thresholds[head.field] = threshold
        calibrations[head.field] = calibrate([guesses[at][head.field] for at in own], right)
    student = Student(fields, tuple(heads), scorer, thresholds, calibrations)
    return Fitted(student, guesses, _forward(dataset, teaching, student), _records(dataset, student, guesses))


def _held(dataset: Dataset, scorer: Scorer, held: Sequence[int]) -> dict[int, dict[str, HeadScores]]:
    return dict(zip(held, scorer.scores([dataset.posts[at].turn for at in held]), strict=True))


def _forward(dataset: Dataset, teaching: Teaching, student: Student) -> dict[int, dict[str, Guess]]:
    newest = np.array(dataset.newest(NEWEST_SHARE))
    if not newest.any() or teaching.folds_read == 1:
        return {}
    scorer = teaching.fit(np.flatnonzero(~newest).tolist(), "older")
    return {
        at: {
            head.field: decide(head, student.fields[head.field], scores[head.field], student.thresholds[head.field])
            for head in student.heads
        }
        for at, scores in _held(dataset, scorer, np.flatnonzero(newest).tolist()).items()
    }


def _records(dataset: Dataset, student: Student, guesses: Mapping[int, Mapping[str, Guess]]) -> Records:
    names = tuple(head.field for head in student.heads)
    first: dict[int, int] = {}
    for at in guesses:
        first.setdefault(dataset.clusters[at], at)
    chosen = list(first.values())
    confidences = [
        [student.calibrations[name].confidence(guesses[at][name]) for name in names] for at in chosen
    ]  # fmt: skip
    right = [
        [
            float(is_right(guesses[at][name].value, dataset.posts[at].answers[name]))
            if name in dataset.posts[at].answers
            else float("nan")
            for name in names
        ]
        for at in chosen
    ]
    return Records(names, np.array(confidences), np.array(right))
