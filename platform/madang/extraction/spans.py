"""Quantities that are not known yet, with both ends: what past calls say of the sum of further ones.

The ends are a prediction interval of the sum (about 95% where posts come as they came), and a tenth beyond it on
either side, because they do not.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

# Fewer say too little of the spread.
ENOUGH_CALLS = 20
# Two standard errors: about 95% where calls come as they came.
_Z = 1.96
# What the plan's posts, or the provider, may differ from the past by, whatever the spread.
_DRIFT = 0.1


@dataclass(frozen=True)
class Span:
    """A quantity that is not known yet.

    Args:
        low: Lower end.
        expected: Most likely.
        high: Upper end.
    """

    low: float
    expected: float
    high: float

    def __add__(self, other: "Span") -> "Span":
        """The sum if all ends come together: wider than it will mostly be."""
        return Span(self.low + other.low, self.expected + other.expected, self.high + other.high)

    def to_json(self, digits: int | None = None) -> dict[str, float]:
        """Plain form, rounded; whole numbers by default."""
        return {
            "low": round(self.low, digits), "expected": round(self.expected, digits), "high": round(self.high, digits)
        }  # fmt: skip


NOTHING = Span(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Mean:
    """The mean of past calls.

    Args:
        value: Mean of one call.
        spread: Standard deviation of one call.
        calls: How many.
    """

    value: float
    spread: float
    calls: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Mean | None":
        """The mean of values; None of too few."""
        if len(values) < ENOUGH_CALLS:
            return None
        return cls(fmean(values), stdev(values), len(values))

    def sum_of(self, calls: int) -> Span:
        """What so many further calls come to."""
        total = self.value * calls
        error = _Z * self.spread * calls * math.sqrt(1 / calls + 1 / self.calls)
        low = max(total * (1 - _DRIFT) - error, 0.0)
        return Span(low, total, total * (1 + _DRIFT) + error)


@dataclass(frozen=True)
class InputFit:
    """Input tokens of a call: a line over the length of its post, by least squares.

    A ratio of tokens to characters would not do: a prompt in English with a schema in JSON and a post in Korean differ
    by three times, so it would be wrong as soon as the prompt or the posts' lengths are others.

    Args:
        prefix: Tokens of a call besides those of its post.
        a_char: Tokens of a character of the post.
        spread: Standard deviation of one call from the line.
        calls: How many it rests on.
        mean_chars: Their posts' mean length.
        scatter: Sum of squares of their posts' lengths around it.
        prefix_by_script: What their prompt and schema come to by script, so that another prompt can be scaled.
    """

    prefix: float
    a_char: float
    spread: float
    calls: int
    mean_chars: float
    scatter: float
    prefix_by_script: float

    @classmethod
    def of(cls, calls: Sequence[tuple[int, int]], prefix_by_script: float) -> "InputFit | None":
        """Fits calls of one recipe, each its tokens and its post's characters; None of too few."""
        if len(calls) < ENOUGH_CALLS:
            return None
        tokens, chars = fmean(call[0] for call in calls), fmean(call[1] for call in calls)
        scatter = sum((call[1] - chars) ** 2 for call in calls)
        slope = sum((call[1] - chars) * (call[0] - tokens) for call in calls) / scatter if scatter else 0.0
        slope = min(max(slope, 0.0), tokens / max(chars, 1.0))  # else a prefix, or a character, of less than nothing
        prefix = tokens - slope * chars
        spread = stdev(call[0] - prefix - slope * call[1] for call in calls)
        return cls(prefix, slope, spread, len(calls), chars, scatter, prefix_by_script)

    def sum_of(self, calls: int, post_chars: float, prefix_by_script: float) -> Span:
        """What so many further calls come to.

        Args:
            calls: How many; at least 1.
            post_chars: Characters of all their posts.
            prefix_by_script: What a call's prompt and schema come to by script.
        """
        prefix = self.prefix
        if self.prefix_by_script:
            prefix *= prefix_by_script / self.prefix_by_script
        total = calls * prefix + self.a_char * post_chars
        beyond = (post_chars / calls - self.mean_chars) ** 2 / self.scatter if self.scatter else 0.0
        error = _Z * self.spread * calls * math.sqrt(1 / calls + 1 / self.calls + beyond)
        return Span(max(total * (1 - _DRIFT) - error, 0.0), total, total * (1 + _DRIFT) + error)
