"""What a student promises of the posts that it keeps: each field is right at least so often, with 95% confidence.

A post is as sure as its least sure field. Thresholds are tried from the strictest on, in steps fixed beforehand, and
trying ends at the first that fails Clopper's and Pearson's bound. Taking the laxest threshold that happens to pass
would break the promise: of twenty tries one passes by luck. In a fixed sequence the first false pass is the only risk.

Source: Clopper, Pearson 1934; fixed-sequence testing as in Angelopoulos, Bates, Candès, Jordan, Lei 2021.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log

import numpy as np
from numpy.typing import NDArray

CERTAINTY = 0.95
PRECISION = 0.95
STEPS = 20
# A sequence that begins with the fewest posts that can pass at all ends at its first error; this many bear three.
_FIRST_STEP_FACTOR = 2.7


@dataclass(frozen=True)
class Records:
    """What a student said of posts that it had not read, one post of each cluster of near-duplicates.

    Args:
        fields: Names of fields.
        confidences: Shape `(n_posts, n_fields)`, 0 to 1.
        right: Same shape: 1 right, 0 wrong, NaN where there is no label.
    """

    fields: tuple[str, ...]
    confidences: NDArray[np.float64]
    right: NDArray[np.float64]

    def of(self, fields: Sequence[str]) -> "Records":
        """The same of some fields."""
        own = [self.fields.index(name) for name in fields]
        return Records(tuple(fields), self.confidences[:, own], self.right[:, own])

    @property
    def sureness(self) -> NDArray[np.float64]:
        """Of each post: that of its least sure field."""
        least: NDArray[np.float64] = self.confidences.min(axis=1)
        return least


@dataclass(frozen=True)
class Promise:
    """What holds of the posts that are kept.

    Args:
        precision: Least share of right answers of each field.
        threshold: A post is kept that is at least so sure; None where no threshold keeps the promise.
        share: Share of posts that are kept.
        bounds: Lower bound of each field's share of right answers at the threshold.
    """

    precision: float
    threshold: float | None
    share: float
    bounds: dict[str, float]


@dataclass(frozen=True)
class Trade:
    """A point of the trade-off: what is kept, and how right that is.

    Args:
        threshold: Least sureness.
        share: Share of posts that are kept; the others go to the teacher.
        right: Share of their answers that are right, the worst field.
        low: Its lower bound.
        high: Its upper bound.
        field: That field.
    """

    threshold: float
    share: float
    right: float
    low: float
    high: float
    field: str


def make_promise(records: Records, precision: float) -> Promise:
    """The laxest threshold that keeps a promise of every field.

    Args:
        records: On which it rests; the student has read none of them.
        precision: Least share of right answers, 0 to 1.
    """
    kept: Promise = Promise(precision, None, 0.0, {})
    for threshold, members in _steps(records, precision):
        bounds = {name: lower_bound(right, n) for name, right, n in _fields(records, members)}
        if any(low < precision for low in bounds.values()):
            break
        kept = Promise(precision, threshold, float(members.mean()), bounds)
    return kept


def trade_off(records: Records) -> list[Trade]:
    """What is kept and how right that is, from the strictest threshold to none."""
    found = []
    sureness = np.sort(records.sureness)[::-1]
    for step in range(1, STEPS + 1):
        threshold = float(sureness[max(1, round(len(sureness) * step / STEPS)) - 1])
        members = records.sureness >= threshold
        worst = min(_fields(records, members), key=lambda one: one[1] / one[2], default=None)
        if worst is not None:
            name, right, n = worst
            low, high = lower_bound(right, n), upper_bound(right, n)
            found.append(Trade(threshold, float(members.mean()), right / n, low, high, name))
    return found


def lower_bound(right: int, n: int, certainty: float = CERTAINTY) -> float:
    """One-sided bound below which a share lies with no more than the remaining probability."""
    from scipy.stats import beta

    return 0.0 if right == 0 else float(beta.ppf(1 - certainty, right, n - right + 1))


def upper_bound(right: int, n: int, certainty: float = CERTAINTY) -> float:
    """One-sided bound above which a share lies with no more than the remaining probability."""
    return 1.0 - lower_bound(n - right, n, certainty)


def _steps(records: Records, precision: float) -> list[tuple[float, NDArray[np.bool_]]]:
    """Thresholds from the strictest on, with who passes. They depend on how sure posts are, never on what is right."""
    fewest = ceil(_FIRST_STEP_FACTOR * log(1 - CERTAINTY) / log(precision))
    sureness = np.sort(records.sureness)[::-1]
    n = len(sureness)
    if n < fewest:
        return []
    counts = np.unique(np.linspace(fewest, n, STEPS).round().astype(int))
    thresholds = [float(sureness[count - 1]) for count in counts]
    return [(threshold, records.sureness >= threshold) for threshold in dict.fromkeys(thresholds)]


def _fields(records: Records, members: NDArray[np.bool_]) -> list[tuple[str, int, int]]:
    """Of each field with labels among the members: its name, its right answers and all of them."""
    found = []
    for column, name in enumerate(records.fields):
        right = records.right[members, column]
        right = right[~np.isnan(right)]
        if len(right):
            found.append((name, int(right.sum()), len(right)))
    return found
