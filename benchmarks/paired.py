"""Metrics of two systems on the same posts, and what lies between them: both are resampled together.

A metric is a function of counts that add up over posts, as in `madang.evaluation.metrics`; where a post has no label of
a field its counts are zero.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from madang.evaluation.answers import Answer, MentionAnswer
from madang.evaluation.gold import PostKey
from madang.evaluation.intervals import bootstrap, value_of
from madang.evaluation.metrics import Judged, f1_of, ratio

Counts = NDArray[np.float64]
Statistic = Callable[[Counts], Counts]
FieldAnswers = Mapping[PostKey, Judged]


@dataclass(frozen=True)
class Figure:
    """A value with its 95% interval.

    Args:
        value: None where it is not defined.
        low: Lower end.
        high: Upper end.
    """

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Measured:
    """A metric of one system, not yet added up.

    Args:
        counts: Of each post, `(n_posts, n_counts)`.
        statistic: From their sums to the metric.
    """

    counts: Counts
    statistic: Statistic

    @property
    def figure(self) -> Figure:
        """Its value over all posts."""
        return Figure(value_of(self.counts, self.statistic), *(bootstrap(self.counts, self.statistic) or (None, None)))


def measure(metric: str, posts: Sequence[PostKey], judged: FieldAnswers) -> Measured:
    """A metric of a field.

    Args:
        metric: accuracy, f1, value_f1, macro_f1, span_f1, kept_f1 or review_f1.
        posts: In the order in which they are resampled.
        judged: The answers of the posts that have a label.
    """
    if metric == "macro_f1":
        return _macro(posts, judged)
    if metric == "accuracy":
        rows = [[float(judged[post].is_right), 1.0] if post in judged else [0.0, 0.0] for post in posts]
        return Measured(np.array(rows), lambda sums: ratio(sums[..., 0], sums[..., 1]))
    rows = [_items(metric, judged[post]) if post in judged else [0.0] * 3 for post in posts]
    return Measured(np.array(rows), f1_of)


def mean_of(parts: Sequence[Measured]) -> Measured:
    """The mean of metrics of several fields over the same posts."""
    ends = np.cumsum([0, *(part.counts.shape[1] for part in parts)])

    def mean(sums: Counts) -> Counts:
        own = [part.statistic(sums[..., ends[at] : ends[at + 1]]) for at, part in enumerate(parts)]
        return np.asarray(np.nanmean(np.stack(own), axis=0), np.float64)

    return Measured(np.hstack([part.counts for part in parts]), mean)


def difference(one: Measured, other: Measured) -> Figure:
    """How much better one is than the other, over the same resamples of posts."""
    width = one.counts.shape[1]

    def between(sums: Counts) -> Counts:
        return one.statistic(sums[..., :width]) - other.statistic(sums[..., width:])

    return Measured(np.hstack([one.counts, other.counts]), between).figure


def _items(metric: str, judged: Judged) -> list[float]:
    """Right, wrong and missed items of one post."""
    if metric == "value_f1":
        right = judged.is_answer_right
        return [float(right), float(judged.predicted is not None and not right), float(judged.is_stated and not right)]
    gold, given = (_set(metric, answer) for answer in (judged.gold, judged.predicted))
    return [float(len(gold & given)), float(len(given - gold)), float(len(gold - given))]


def _set(metric: str, answer: Answer) -> set[object]:
    if isinstance(answer, frozenset):
        return {one.text if isinstance(one, MentionAnswer) else one for one in answer if _counts_in(metric, one)}
    return {True} if answer is True else set()


def _counts_in(metric: str, item: str | MentionAnswer) -> bool:
    if not isinstance(item, MentionAnswer) or metric == "span_f1":
        return True
    return not item.direction_only if metric == "kept_f1" else bool(item.is_review)


def _macro(posts: Sequence[PostKey], judged: FieldAnswers) -> Measured:
    classes = sorted({str(answer) for one in judged.values() for answer in (one.gold, one.predicted)})
    counts = np.zeros((len(posts), len(classes), 3))
    for row, post in enumerate(posts):
        if post in judged:
            gold, given = (classes.index(str(answer)) for answer in (judged[post].gold, judged[post].predicted))
            if gold == given:
                counts[row, gold, 0] = 1
            else:
                counts[row, given, 1] = counts[row, gold, 2] = 1

    def mean_f1(sums: Counts) -> Counts:
        return np.asarray(np.nanmean(f1_of(sums.reshape(*sums.shape[:-1], -1, 3)), axis=-1), np.float64)

    return Measured(counts.reshape(len(posts), -1), mean_f1)
