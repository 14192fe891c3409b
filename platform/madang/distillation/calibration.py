"""How sure a student is, in the only sense that counts: the share of such answers that are right on posts not read.

A line over the head's own log-odds (Platt 1999), one for what is said and one for what is left out: a head that is
seldom wrong when it says a price may often be wrong when it says that there is none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from madang.distillation.deciding import sigmoid
from madang.distillation.heads import Guess

# With fewer a line has nothing to rest on: the share itself, pulled towards one half, stands.
LEAST_POSTS = 20
# A head that was always right would be as sure of a post of another kind, about which it has no opinion: one wrong
# answer at even odds keeps its line rising.
_EVEN = (0.0, False)


@dataclass(frozen=True)
class Line:
    """Log-odds of being right, as a line over a head's own log-odds."""

    slope: float
    offset: float

    def confidence(self, odds: float) -> float:
        """0 to 1."""
        return sigmoid(self.slope * odds + self.offset)


@dataclass(frozen=True)
class Calibration:
    """Of one head.

    Args:
        said: Where it gives a value.
        unsaid: Where it says that there is none.
    """

    said: Line
    unsaid: Line

    def confidence(self, guess: Guess) -> float:
        """Share of such guesses that are wholly right, 0 to 1."""
        return (self.unsaid if guess.answer is None else self.said).confidence(guess.odds)


def calibrate(guesses: Sequence[Guess], right: Sequence[bool]) -> Calibration:
    """Fits both lines on posts that the head had not read."""
    pairs = list(zip(guesses, right, strict=True))
    said, unsaid = (
        _line([(guess.odds, is_right) for guess, is_right in pairs if (guess.answer is None) == is_silent])
        for is_silent in (False, True)
    )
    return Calibration(said, unsaid)


def _line(pairs: Sequence[tuple[float, bool]]) -> Line:
    from sklearn.linear_model import LogisticRegression

    right = sum(is_right for _, is_right in pairs)
    if len(pairs) < LEAST_POSTS or right == 0:
        share = (right + 1) / (len(pairs) + 2)
        return Line(0.0, float(np.log(share / (1 - share))))
    pairs = [*pairs, _EVEN]
    fitted = LogisticRegression(C=10.0).fit([[odds] for odds, _ in pairs], [is_right for _, is_right in pairs])
    return Line(max(float(fitted.coef_[0, 0]), 0.0), float(fitted.intercept_[0]))
