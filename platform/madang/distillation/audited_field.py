"""What the audited posts say of one field's promise.

The evidence against it is a bet's winnings and no interval: an audit looks every day, and within two hundred looks
intervals at 95% closed a student that was right in exactly 95% of posts in three of ten trials. Ville's inequality
holds over all looks at once.

Source: Ville 1939; Robbins 1970, whose mixture this is, over all shares below the promise alike.
"""

from dataclasses import dataclass
from math import log, log1p

from madang.distillation.promise import CERTAINTY, lower_bound, upper_bound


@dataclass(frozen=True)
class AuditedField:
    """One field of the audited posts.

    Args:
        right: Posts on which student and next model agree.
        n: Posts on which both are known.
    """

    right: int
    n: int

    def is_broken(self, precision: float, fields: int = 1) -> bool:
        """Whether a promise does not hold; of those that do, one in twenty is said to be broken at some look.

        Args:
            precision: Least share of right answers that is promised.
            fields: How many fields are looked at together.
        """
        return self._log_evidence(precision) >= log(fields / (1 - CERTAINTY))

    def told(self, precision: float) -> str:
        """In words."""
        if self.n == 0:
            return "no answer yet"
        span = f"{lower_bound(self.right, self.n):.3f} to {upper_bound(self.right, self.n):.3f}"
        wanted = enough_audited(precision)
        is_told = self.n >= wanted or self.is_broken(precision)
        few = "" if is_told else f"; too few to tell, {wanted} are wanted"
        return f"{self.right} of {self.n} right ({span}{few})"

    def _log_evidence(self, precision: float) -> float:
        """Logarithm of what a bet on every share below the promise has won: its mean likelihood over the promise's."""
        from scipy.special import betainc, betaln

        if self.n == 0:
            return 0.0
        right, wrong = self.right, self.n - self.right
        below = max(float(betainc(right + 1, wrong + 1, precision)), 1e-300)
        mean = float(betaln(right + 1, wrong + 1)) + log(below) - log(precision)
        return mean - right * log(precision) - wrong * log1p(-precision)


def enough_audited(precision: float) -> int:
    """Fewest answers that can confirm a promise: all of them right."""
    n = 1
    while lower_bound(n, n) < precision:
        n += 1
    return n
