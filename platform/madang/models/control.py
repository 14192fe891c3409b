"""How many calls may be in flight, and when the next may start.

The limit shrinks by multiplication when the server says that it is too much, or when calls take much longer than they
did, and grows by addition while they succeed: at first quickly, back to where it was before, then slowly. One shrink
counts for all calls that were in flight at the time: a burst of two hundred refusals is one piece of news.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

_SHRINK = 0.7
_SHRINK_SLOW = 0.9
# Calls are slow when their median is this many times the best median seen.
_SLOW = 3.0
_WINDOW_CALLS = 50
_MINUTE = 60.0
_PAUSE_SECONDS = 0.25


@dataclass(frozen=True)
class Rates:
    """What a provider allows.

    Args:
        concurrency: Most calls in flight.
        requests_per_minute: Most calls started in a minute; no limit by default.
        tokens_per_minute: Most tokens sent in a minute, as estimated; no limit by default.
    """

    concurrency: int
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None


class Control:
    """The state of one lane's limits. Not shared between threads."""

    def __init__(self, rates: Rates, clock: Callable[[], float] = time.monotonic) -> None:
        self._rates, self._clock = rates, clock
        self._limit = float(rates.concurrency)
        self._good_limit = float(rates.concurrency)
        self._in_flight = 0
        self._paused_until = 0.0
        self._shrunk_at = float("-inf")
        self._latencies: deque[float] = deque(maxlen=_WINDOW_CALLS)
        self._best_median = float("inf")
        self._requests = _Bucket(rates.requests_per_minute, clock)
        self._tokens = _Bucket(rates.tokens_per_minute, clock)

    @property
    def limit(self) -> int:
        """Calls that may be in flight now."""
        return max(1, int(self._limit))

    @property
    def has_room(self) -> bool:
        """Whether another call may be in flight."""
        return self._in_flight < self.limit

    def wait_seconds(self, tokens: int = 0) -> float:
        """Time until the next call may start; 0 if it may now. Says nothing of room."""
        pause = self._paused_until - self._clock()
        return max(0.0, pause, self._requests.wait_seconds(1), self._tokens.wait_seconds(tokens))

    def started(self, tokens: int = 0) -> float:
        """Counts a call that starts.

        Returns:
            When it started, to be handed back with its outcome.
        """
        self._in_flight += 1
        self._requests.take(1)
        self._tokens.take(tokens)
        return self._clock()

    def succeeded(self, started_at: float) -> None:
        """Counts a call that was answered."""
        self._in_flight -= 1
        self._latencies.append(self._clock() - started_at)
        step = 1.0 if self._limit < self._good_limit else 1.0 / self._limit
        self._limit = min(self._rates.concurrency, self._limit + step)
        if len(self._latencies) == _WINDOW_CALLS:
            middle = median(self._latencies)
            self._best_median = min(self._best_median, middle)
            if middle > _SLOW * self._best_median and started_at > self._shrunk_at:
                self._shrink(_SHRINK_SLOW)
                # Slowness does not pass like a burst: back up slowly, not at once to where it was.
                self._good_limit = self._limit
                self._latencies.clear()

    def overloaded(self, started_at: float, retry_after_seconds: float | None) -> None:
        """Counts a call that the server refused because there were too many (429, 503)."""
        self._in_flight -= 1
        pause = _PAUSE_SECONDS if retry_after_seconds is None else retry_after_seconds
        self._paused_until = max(self._paused_until, self._clock() + pause)
        if started_at > self._shrunk_at:
            self._shrink(_SHRINK)

    def failed(self) -> None:
        """Counts a call that failed for a reason of its own."""
        self._in_flight -= 1

    def _shrink(self, factor: float) -> None:
        self._good_limit = self._limit
        self._limit = max(1.0, self._limit * factor)
        self._shrunk_at = self._clock()


class _Bucket:
    """A token bucket that holds one second's worth, so that a minute's limit is not spent in its first second."""

    def __init__(self, per_minute: int | None, clock: Callable[[], float]) -> None:
        self._per_second = None if per_minute is None else per_minute / _MINUTE
        self._clock = clock
        self._level = max(self._per_second or 0.0, 1.0)
        self._filled_at = clock()

    def wait_seconds(self, amount: float) -> float:
        """Time until so much may be taken; more than the bucket holds may be taken from a full one."""
        if self._per_second is None:
            return 0.0
        self._fill()
        return max(0.0, (min(amount, self._capacity) - self._level) / self._per_second)

    def take(self, amount: float) -> None:
        """Takes; the level may fall below zero, and later takers wait for it."""
        if self._per_second is not None:
            self._fill()
            self._level -= amount

    @property
    def _capacity(self) -> float:
        return max(self._per_second or 0.0, 1.0)

    def _fill(self) -> None:
        now = self._clock()
        assert self._per_second is not None
        self._level = min(self._capacity, self._level + (now - self._filled_at) * self._per_second)
        self._filled_at = now
