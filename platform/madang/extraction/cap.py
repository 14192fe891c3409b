"""The cap of a run: money is reserved before a call and settled after it.

Where calls in flight have reserved what is left, the next one waits for them: they mostly cost less than they may.
"""

import asyncio

from madang.errors import CapReached


class Cap:
    """What a run may still spend.

    Args:
        cap_usd: Most money, US dollars.
    """

    def __init__(self, cap_usd: float) -> None:
        self._cap, self._spent, self._reserved = cap_usd, 0.0, 0.0
        self._settled = asyncio.Event()

    @property
    def spent_usd(self) -> float:
        """What settled calls have cost."""
        return self._spent

    async def reserve(self, usd: float, place: str) -> None:
        """Reserves the most that a call can cost.

        Raises:
            CapReached: Nothing is in flight, and what is left does not pay for the call.
        """
        while self._spent + self._reserved + usd > self._cap:
            if self._reserved <= 0.0 or self._spent + usd > self._cap:
                raise CapReached(
                    place, f"the cap of ${self._cap:.4f} leaves no room for a call of ${usd:.4f} "
                    f"(${self._spent:.4f} spent, ${self._reserved:.4f} in flight)",
                    "Run again with a higher cap; it goes on at the first post not asked",
                )  # fmt: skip
            self._settled.clear()
            await self._settled.wait()
        self._reserved += usd

    def settle(self, reserved_usd: float, spent_usd: float) -> None:
        """Turns a reservation into what the call really cost; 0 for one that was not sent."""
        self._reserved = max(0.0, self._reserved - reserved_usd)
        self._spent += spent_usd
        self._settled.set()
