"""One figure of an evaluation, with its interval and its baseline."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """One metric of one field.

    Args:
        value: 0 to 1; None where it is not defined (the precision of no answer at all).
        low: Lower end of the 95% interval; None where the value is.
        high: Upper end.
        n: Posts on which it rests: for precision those with an answer, for recall_stated those whose text states
            the value, for abstention the others, for ece those with a confidence, else all that have gold.
        baseline: The same metric of the answer that is most frequent in gold (which may be none), on the same posts.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    baseline: float | None
