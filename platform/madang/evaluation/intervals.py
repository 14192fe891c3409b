"""95% intervals: Wilson for proportions, a percentile bootstrap over posts for everything else.

Posts are resampled and not items, which are clustered in them. Where all posts are right, or all wrong, resampling
has nothing to draw from and would call three right posts certain: F1 takes Wilson's interval there.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.float64]
Statistic = Callable[[Counts], Counts]

RESAMPLES = 1_000
_SEED = 20_241_127
_Z = 1.959963984540054  # of the normal distribution, at 0.975
# Counts of one chunk of resamples stay under 32 MB, whatever the number of posts.
_CHUNK_CELLS = 4_000_000


def wilson(right: int, n: int) -> tuple[float, float]:
    """Interval of a proportion.

    Args:
        right: Successes.
        n: Trials, at least one.

    Source: Wilson 1927, without continuity correction.
    """
    share = right / n
    spread = _Z * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    centre, scale = share + _Z**2 / (2 * n), 1 + _Z**2 / n
    return min(max((centre - spread) / scale, 0.0), share), max(min((centre + spread) / scale, 1.0), share)


def value_of(counts: Counts, statistic: Statistic) -> float | None:
    """A statistic of all posts together; None where it is not defined.

    Args:
        counts: Counts of each post, (n_posts, n_counts).
        statistic: From sums of counts, (n_rows, n_counts), to values, (n_rows,); NaN where not defined.
    """
    value = float(statistic(counts.sum(axis=0, keepdims=True))[0])
    return None if math.isnan(value) else value


def bootstrap(counts: Counts, statistic: Statistic) -> tuple[float, float] | None:
    """Interval of a statistic by resampling posts, the same resamples on every call.

    Resamples in which the statistic is not defined are left out. The ends never exclude the statistic itself:
    one that is biased upwards under resampling (calibration error) could otherwise lie below its own interval.

    Args:
        counts: Counts of each post, (n_posts, n_counts).
        statistic: As in `value_of`.

    Returns:
        2.5% and 97.5% percentile, or None where the statistic is not defined.
    """
    value = value_of(counts, statistic)
    if value is None:
        return None
    generator = np.random.default_rng(_SEED)
    n = counts.shape[0]
    chunk = max(1, _CHUNK_CELLS // n)
    values = [
        statistic(_weights(generator, min(chunk, RESAMPLES - start), n) @ counts)
        for start in range(0, RESAMPLES, chunk)
    ]
    low, high = np.nanpercentile(np.concatenate(values), [2.5, 97.5])
    return min(float(low), value), max(float(high), value)


def f1_interval(counts: Counts, statistic: Statistic) -> tuple[float, float] | None:
    """Interval of an F1 over counts of right, wrong and missed items, (n_posts, 3).

    Where the F1 is 0 or 1, Wilson's interval of the posts that hold an item stands for that of the share J of items
    that are right, and F1 = 2J / (1 + J).
    """
    value = value_of(counts, statistic)
    n = int((counts.sum(axis=1) > 0).sum())
    if value not in (0.0, 1.0) or n == 0:
        return bootstrap(counts, statistic)
    low, high = wilson(n if value == 1.0 else 0, n)
    return 2 * low / (1 + low), 2 * high / (1 + high)


def _weights(generator: np.random.Generator, resamples: int, n: int) -> Counts:
    """How often each post was drawn, (resamples, n)."""
    drawn = generator.integers(0, n, size=(resamples, n)) + n * np.arange(resamples)[:, None]
    return np.bincount(drawn.ravel(), minlength=resamples * n).reshape(resamples, n).astype(np.float64)
