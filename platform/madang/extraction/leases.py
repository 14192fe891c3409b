"""Leases: which home works on which days of a task, where several homes share one warehouse.

Claims keep the processes of one home apart, and other homes do not see them. So a run takes the days that it has posts
to do in while it plans, renews them while it works and gives them back; the days of another living home are left to
that. Each run has its own row, so a day is free once the last run of its home has ended. A lease that was not renewed
in time is taken over: what its owner had in flight, or received and not yet committed, is asked once more. A batch job
goes on, and is paid for, when its home is dead, so a run that claims for one leaves its days leased for a day.

Instants are those of each host's own clock. A lease is renewed each quarter of its length and trusted for two thirds,
after which nothing is sent before it is renewed: clocks may differ by the last third. A home that is copied must lose
its `home.id`, or both copies are one owner.
"""

import os
import socket
import threading
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
from pydantic import JsonValue

from madang.errors import MadangError
from madang.extraction.claims import Claim, Claims, Held
from madang.extraction.plan import Days, Plan
from madang.extraction.spool import is_alive
from madang.ops import LEASES
from madang.warehouse.protocol import Change, Warehouse

_RENEWED_SHARE = 1 / 4
_TRUSTED_SHARE = 2 / 3
_MOST_DAYS_TOLD = 3
# Within which providers promise that a batch job has ended.
_BATCH_LENGTH = timedelta(hours=24)


@dataclass(frozen=True)
class Lease:
    """One row of ops.leases.

    Args:
        task: Name of the task.
        day: Partition.
        run: Run that works on it.
        owner: Identity of its home.
        host: Machine of the run.
        taken_at: UTC.
        expires_at: UTC.
    """

    task: str
    day: date
    run: str
    owner: str
    host: str
    taken_at: datetime
    expires_at: datetime

    @property
    def holder(self) -> str:
        """Who has it, for a message."""
        return f"home {self.owner[:8]} on {self.host} (run {self.run})"

    @property
    def end(self) -> str:
        """Until when, for a message."""
        return f"{self.expires_at:%Y-%m-%d %H:%M:%S} UTC"

    def to_json(self) -> dict[str, JsonValue]:
        """Plain form."""
        return {
            "day": self.day.isoformat(), "owner": self.owner, "host": self.host, "run": self.run,
            "expires_at": self.expires_at.isoformat(),
        }  # fmt: skip


@dataclass(frozen=True)
class Leased:
    """What leases did to a plan.

    Args:
        elsewhere: Days with pending posts that another living home has; of several runs there, the last to expire.
        posts: Pending posts of these days.
        taken_over: Leases of other homes that had expired, on days that are ours now.
    """

    elsewhere: tuple[Lease, ...] = ()
    posts: int = 0
    taken_over: tuple[Lease, ...] = ()

    def lines(self) -> list[str]:
        """For a person: a line for each run that something is left to, or was taken over from."""
        left = [
            f"{told} left to {lease.holder} until {lease.end}, or longer if it is renewed"
            for told, lease in _by_run(self.elsewhere)
        ]
        over = [
            f"{told} taken over from {lease.holder}, whose lease ran out at {lease.end}"
            for told, lease in _by_run(self.taken_over)
        ]
        return left + over


class Leases:
    """The leases of one run.

    Args:
        warehouse: Shared by homes; holds ops.leases.
        task: Name of the task.
        run: Identity of the run.
        home: Folder of the home.
        seconds: Length of a lease.
    """

    def __init__(self, warehouse: Warehouse, task: str, run: str, home: Path, seconds: int) -> None:
        self._warehouse, self._task, self._run = warehouse, task, run
        self._owner, self._spool = home_identity(home), home / "spool"
        self._length = timedelta(seconds=seconds)
        self._left_for = self._length
        self._days: set[date] = set()
        self._expires_at = datetime.max.replace(tzinfo=UTC)
        self._lost: MadangError | None = None
        self._renewing = threading.Lock()
        self._ended = threading.Event()

    def take(self, plan: Plan, limit: int | None = None) -> tuple[Plan, Leased]:
        """Takes the days of a plan's posts that no other living home has. The caller has the warehouse exclusively.

        Args:
            plan: What is pending; made after the warehouse was entered.
            limit: Most posts to do; days beyond the oldest so many are not taken.

        Returns:
            The plan without the posts that are left to others, and what was left to them or taken over from them.
        """
        now = datetime.now(UTC)
        elsewhere = leased_elsewhere(self._warehouse, plan, self._owner)
        others = [lease.day for lease in elsewhere.elsewhere]
        free = plan.posts.filter(~pl.col("day").is_in(others))
        self._days = set((free if limit is None else free.head(limit))["day"])
        there = [lease for lease in _read(self._warehouse, self._task, plan.days) if lease.day in self._days]
        expired = [lease for lease in there if lease.expires_at <= now]
        dead = [
            lease for lease in there
            if lease.expires_at > now and lease.owner == self._owner and not self._is_living(lease.run)
        ]  # fmt: skip
        if any(lease.expires_at > now + self._length for lease in dead):
            # A batch job of theirs goes on under this run.
            self._left_for = max(self._length, _BATCH_LENGTH)
        self._expires_at = now + self._length
        ours = [
            Lease(self._task, day, self._run, self._owner, socket.gethostname(), now, now + self._left_for)
            for day in sorted(self._days)
        ]
        self._warehouse.commit([Change(LEASES, _frame(expired + dead), "delete"), Change(LEASES, _frame(ours))])
        taken_over = tuple(lease for lease in expired if lease.owner != self._owner)
        return replace(plan, posts=free), Leased(elsewhere.elsewhere, elsewhere.posts, taken_over)

    def require(self) -> None:
        """Makes sure, before a call is sent, that the days are still ours; renews them itself where that is late.

        Raises:
            MadangError: Another home has taken one over, or nobody can say.
        """
        if self._lost is None and self._is_late():
            with self._renewing:
                if self._is_late():  # the thread may have renewed them meanwhile
                    try:
                        self._renew()
                    except (duckdb.Error, OSError) as error:
                        raise self._stop(f"its leases cannot be renewed ({type(error).__name__})") from error
        if self._lost is not None:
            raise self._lost

    def lengthen(self) -> None:
        """Leaves the days leased for as long as a batch job may run, whatever becomes of this process."""
        if self._left_for < _BATCH_LENGTH:  # at the first claim of many
            self._left_for = _BATCH_LENGTH
            # Where it fails now, the next renewal does it; a job is not created at once.
            with self._renewing, suppress(MadangError, duckdb.Error, OSError):
                self._renew()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Renews what is taken in the block until the block ends, and gives it back then.

        Not where an error or a person ended a run with a batch job: the job may go on.
        """
        is_over = False
        keeping = threading.Thread(target=self._keep, name=f"leases of {self._run}", daemon=True)
        keeping.start()
        try:
            yield
            is_over = True
        finally:
            self._ended.set()
            keeping.join()
            if is_over or self._left_for < _BATCH_LENGTH:
                # What cannot be given back runs out by itself, and hides no error of the run.
                with suppress(MadangError, duckdb.Error, OSError):
                    self._give_back()

    def _keep(self) -> None:
        while not self._ended.wait(self._length.total_seconds() * _RENEWED_SHARE) and self._lost is None:
            # A renewal that fails is tried again; if none comes through, `require` says so.
            with self._renewing, suppress(MadangError, duckdb.Error, OSError):
                self._renew()

    def _renew(self) -> None:
        if not self._days:
            return
        with self._warehouse.exclusive():
            # By the clock under the lock: waiting for it may have taken longer than the lease.
            now = datetime.now(UTC)
            there = _read(self._warehouse, self._task, (min(self._days), max(self._days)))
            ours = [lease for lease in there if lease.run == self._run]
            gone = self._days - {lease.day for lease in ours}
            if gone:
                taken = next((lease.holder for lease in there if lease.day in gone), "another home, which has ended")
                self._lost = self._stop(f"the lease on {min(gone)} ran out and was taken over by {taken}")
                return
            end = pl.lit(now + self._left_for, pl.Datetime("us", "UTC"))
            self._warehouse.commit([Change(LEASES, _frame(ours).with_columns(expires_at=end), "upsert")])
        self._expires_at = now + self._length

    def _is_living(self, run: str) -> bool:
        """Whether a run of our own home lives, seen by the locks on its logs."""
        return any(is_alive(self._spool, f"{run}/{log.name}") for log in (self._spool / run).glob("*.log"))

    def _is_late(self) -> bool:
        return datetime.now(UTC) > self._expires_at - (1 - _TRUSTED_SHARE) * self._length

    def _give_back(self) -> None:
        with self._warehouse.exclusive():
            if self._days:
                there = _read(self._warehouse, self._task, (min(self._days), max(self._days)))
                ours = [lease for lease in there if lease.run == self._run]
                self._warehouse.commit([Change(LEASES, _frame(ours), "delete")])

    def _stop(self, why: str) -> MadangError:
        return MadangError(f"{self._task} {self._run}", f"stopped sending: {why}",
                           "Run again: posts that nobody has done yet are still pending")  # fmt: skip


class LeasedClaims(Claims):
    """Claims that are only given while the run's leases hold."""

    def __init__(self, file: Path, leases: Leases) -> None:
        super().__init__(file)
        self._leases = leases

    def reserve(self, day: str, usd: float, cap_usd: float) -> bool:
        """See `Claims`. Every call begins here: where the lease is lost, nothing is reserved and nothing sent."""
        self._leases.require()
        return super().reserve(day, usd, cap_usd)

    def take(self, claim: Claim) -> Held | None:
        """See `Claims`."""
        if claim.lane == "batch":
            self._leases.lengthen()
        return super().take(claim)


def leased_elsewhere(warehouse: Warehouse, plan: Plan, owner: str) -> Leased:
    """Days of a plan's posts that a living home other than `owner` has; none where there are no leases yet."""
    if not warehouse.has(LEASES.name):
        return Leased()
    now = datetime.now(UTC)
    posts: dict[date, int] = dict(plan.posts.group_by("day").len().iter_rows())
    living = [lease for lease in _read(warehouse, plan.task, plan.days) if lease.expires_at > now]
    others = {lease.day: lease for lease in living if lease.owner != owner and lease.day in posts}
    return Leased(tuple(others[day] for day in sorted(others)), sum(posts[day] for day in others))


def home_identity(home: Path) -> str:
    """Identity of a home, made on first use and kept in its `home.id`."""
    file = home / "home.id"
    if not file.exists():
        home.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(f".{uuid.uuid4().hex}")
        draft.write_text(uuid.uuid4().hex)
        # Of two processes that make it at once, the second keeps the first one's.
        with suppress(FileExistsError):
            os.link(draft, file)
        draft.unlink()
    return file.read_text().strip()


def _read(warehouse: Warehouse, task: str, days: Days) -> list[Lease]:
    found = warehouse.read(
        f"SELECT {', '.join(LEASES.polars_schema)} FROM ops.leases WHERE task = ? AND day BETWEEN ? AND ? "
        "ORDER BY expires_at",
        [task, *days],
    )
    return [Lease(**row) for row in found.iter_rows(named=True)]


def _frame(leases: Iterable[Lease]) -> pl.DataFrame:
    return pl.DataFrame([vars(lease) for lease in leases], schema=LEASES.polars_schema)


def _by_run(leases: Iterable[Lease]) -> list[tuple[str, Lease]]:
    """The days of each run in words, and one of its leases."""
    runs: dict[str, list[Lease]] = {}
    for lease in leases:
        runs.setdefault(lease.run, []).append(lease)
    return [(_days_told([lease.day for lease in own]), own[-1]) for own in runs.values()]


def _days_told(days: list[date]) -> str:
    if len(days) > _MOST_DAYS_TOLD:
        return f"{len(days)} days from {days[0]} to {days[-1]} are"
    return f"{', '.join(map(str, days))} {'is' if len(days) == 1 else 'are'}"
