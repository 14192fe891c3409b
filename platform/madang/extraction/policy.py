"""What is done about a failed call: transient ones are tried again, a model that only fails is given a rest.

Every try is a call of its own, with its own claim and its own line in the ledger.
"""

import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Policy:
    """How much patience a run has.

    Args:
        tries: Calls of one request, the first included.
        deadline_seconds: From the first call of a request, after which it is not tried again.
        first_delay_seconds: Before the second try; doubled for each further one, unless the server says how long.
        most_delay_seconds: Longest delay of our own choosing.
        breaks_after: Transient failures of a model in a row, without a reply between them, after which it rests.
        breaks_after_seconds: And this long since its last reply: a short burst of refusals is not an outage.
        rest_seconds: How long it rests.
    """

    tries: int = 8
    deadline_seconds: float = 600.0
    first_delay_seconds: float = 0.5
    most_delay_seconds: float = 30.0
    breaks_after: int = 20
    breaks_after_seconds: float = 30.0
    rest_seconds: float = 60.0

    def of_jobs(self, tries: int) -> "Policy":
        """For requests that go through batch jobs: a failed job is one failure, not one a row, and a day is not late.

        Nothing is waited for before the next try: the lane waits until no more requests come.

        Args:
            tries: Jobs that a request may go through.
        """
        return replace(
            self, tries=tries, deadline_seconds=float("inf"), first_delay_seconds=0.0, breaks_after=sys.maxsize
        )

    def delay_seconds(self, tries: int, retry_after_seconds: float | None) -> float:
        """Time to wait before the next try, with jitter so that a burst does not come back as one.

        Args:
            tries: Calls made so far.
            retry_after_seconds: What the server asked for.
        """
        if retry_after_seconds is not None:
            return retry_after_seconds * random.uniform(1.0, 1.2)  # noqa: S311 - spreads load, guards nothing
        own = min(self.most_delay_seconds, self.first_delay_seconds * 2.0 ** (tries - 1))
        return own * random.uniform(0.5, 1.5)  # noqa: S311


class Tries:
    """How often one request was called, and since when."""

    def __init__(self, policy: Policy, clock: Callable[[], float] = time.monotonic) -> None:
        self._policy, self._clock = policy, clock
        self._count = 0
        self._first_at = clock()

    def next_delay_seconds(self, retry_after_seconds: float | None) -> float | None:
        """Counts a failed call; time until the next one, or None if the request has had its chances."""
        self._count += 1
        delay = self._policy.delay_seconds(self._count, retry_after_seconds)
        is_late = self._clock() + delay > self._first_at + self._policy.deadline_seconds
        return None if self._count >= self._policy.tries or is_late else delay


class Breaker:
    """Whether a model rests."""

    def __init__(self, policy: Policy, clock: Callable[[], float] = time.monotonic) -> None:
        self._policy, self._clock = policy, clock
        self._failures = 0
        self._answered_at = clock()
        self._rests_until = float("-inf")

    @property
    def is_open(self) -> bool:
        """Whether the model rests, and nothing should be sent to it."""
        return self._clock() < self._rests_until

    def answered(self) -> None:
        """Counts a reply, or a failure that says that the model is there."""
        self._failures = 0
        self._answered_at = self._clock()

    def failed(self) -> None:
        """Counts a transient failure. After a rest a single one is enough to rest again."""
        self._failures += 1
        now = self._clock()
        is_long = now - self._answered_at >= self._policy.breaks_after_seconds
        if self._failures >= self._policy.breaks_after and is_long:
            self._rests_until = now + self._policy.rest_seconds
