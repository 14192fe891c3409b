"""Money: reserved before a call, settled after it, within the cap of the run and the cap of the day.

The day's account lies beside the claims, so that all processes share it. Where calls in flight have reserved what is
left, the next one waits for them: they mostly cost less than they may.
"""

import asyncio
from collections.abc import Callable

from madang.errors import CapReached
from madang.extraction.claims import Claims

# Far less than any call costs.
_LEAST_USD = 1e-9


class Cap:
    """What may still be spent.

    Args:
        run_usd: Most money of this run, US dollars; no limit but the day's if None.
        day_usd: Most money of a day, all processes together.
        claims: Holds the day's account.
        today: The day, YYYY-MM-DD, in the project's time zone.
        place: What is capped, for the message.
    """

    def __init__(
        self, run_usd: float | None, day_usd: float, claims: Claims, today: Callable[[], str], place: str
    ) -> None:  # fmt: skip
        self._run, self._day = run_usd, day_usd
        self._claims, self._today, self._place = claims, today, place
        self._spent, self._reserved = 0.0, 0.0
        self._settled = asyncio.Event()
        self._is_stopped = False

    @property
    def spent_usd(self) -> float:
        """What settled calls have cost."""
        return self._spent

    async def reserve(self, usd: float) -> str:
        """Reserves the most that a call can cost.

        Returns:
            The day on whose account it is.

        Raises:
            CapReached: What is left does not pay for the call, and nothing of ours in flight could change that.
        """
        while True:
            day = self._today()
            is_within_run = self._run is None or self._spent + self._reserved + usd <= self._run
            if is_within_run and self._claims.reserve(day, usd, self._day):
                self._reserved += usd
                return day
            is_hopeless = self._run is not None and self._spent + usd > self._run
            if self._reserved <= 0.0 or is_hopeless or self._is_stopped:
                raise self._reached(usd, day, is_within_run=is_within_run)
            self._settled.clear()
            await self._settled.wait()

    def stop(self) -> None:
        """Says that nothing more is sent: whoever waits may wait for a batch job that goes on without us."""
        self._is_stopped = True
        self._settled.set()

    def give_back(self, day: str, usd: float) -> None:
        """Gives back a reservation for a call that is not made."""
        self._claims.settle(day, usd, 0.0)
        self.settle(usd, 0.0)

    def settle(self, reserved_usd: float, spent_usd: float) -> None:
        """Counts what a call has cost; the day's account was settled with its claim."""
        left = self._reserved - reserved_usd
        # What adding and taking away leaves of nothing is nothing: `reserve` would wait for it to be settled.
        self._reserved = left if left > _LEAST_USD else 0.0
        self._spent += spent_usd
        self._settled.set()

    def _reached(self, usd: float, day: str, *, is_within_run: bool) -> CapReached:
        if is_within_run or self._run is None:
            cap, spent = f"the cap of ${self._day:.4f} a day", self._claims.spent_usd(day)
        else:
            cap, spent = f"the cap of ${self._run:.4f}", self._spent
        return CapReached(
            self._place,
            f"{cap} leaves no room for a call of ${usd:.4f} (${spent:.4f} spent, ${self._reserved:.4f} in flight)",
            "Run again with a higher cap; it goes on at the first post not asked",
        )
