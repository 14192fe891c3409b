"""Two homes run the same days on one warehouse: leases keep them apart, and outlive no owner for long."""

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from faults.homes import Homes
from faults.shipped import Life, until
from filelock import FileLock, Timeout
from scenario import ALL_DAYS, DAY, post

from madang.extraction.checks import completeness

AT = ("2024-11-27T09:00:00+09:00", "2024-11-28T09:00:00+09:00")
COUNT = 20


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[Callable[[int], Homes]]:
    """Makes homes with twenty posts of two days."""
    made = []

    def make(lease_seconds: int) -> Homes:
        homes = Homes(tmp_path, lease_seconds)
        homes.ingest(*(post(f"p{number}", f"running {number}번", event_at=AT[number % 2]) for number in range(COUNT)))
        made.append(homes)
        return homes

    yield make
    for one in made:
        one.warehouse.close()


def is_complete(homes: Homes) -> bool:
    rows = homes.rows("SELECT count(*), count(DISTINCT post_id) FROM attributes.meetups")
    task = homes.one.project.task("meetups")
    return rows == [(COUNT, COUNT)] and completeness(homes.warehouse, task, ALL_DAYS).passed


def is_stopped(process_id: int) -> bool:
    """Whether all threads of a process have stopped."""
    threads = Path(f"/proc/{process_id}/task").glob("*/stat")
    return all(thread.read_text().rpartition(")")[2].split()[0] == "T" for thread in threads)


def pause(life: Life, homes: Homes) -> None:
    """Stops a process at a moment when it does not write: its lock on the warehouse would stop the other home too."""
    lock = FileLock(homes.folder / "warehouse" / "write.lock")
    while True:
        life.process.send_signal(signal.SIGSTOP)
        # The signal is sent, not yet obeyed: a thread that still ran took the lock after it had been looked at.
        until(lambda: is_stopped(life.process.pid))
        try:
            lock.acquire(timeout=0.1)
        except Timeout:
            life.process.send_signal(signal.SIGCONT)
            time.sleep(0.05)
        else:
            lock.release()
            return


def test_two_homes_that_start_together_send_each_request_once(homes: Callable[[int], Homes]) -> None:
    two = homes(30)

    with two.one.start("run", "meetups", seconds=0.1) as first, two.two.start("run", "meetups", seconds=0.1) as second:
        ended = [first.end(), second.end()]

    assert sorted(end.code for end in ended) == [0, 3], ended
    assert Counter(two.sent().values()) == {1: COUNT}
    assert is_complete(two)
    assert two.rows("SELECT * FROM ops.leases") == []


def test_days_that_another_home_works_on_are_left_to_it_and_stay_pending(homes: Callable[[int], Homes]) -> None:
    two = homes(30)
    gate = two.folder / "gate"

    with two.one.start("run", "meetups", "--to", str(DAY), gate=str(gate)) as first:
        until(two.one.project.sent, first)
        planned = two.two.run("plan", "meetups")
        beside = two.two.run("run", "meetups")
        again = two.two.run("run", "meetups")
        pending = two.rows("SELECT day, count(*) FROM ops.plans WHERE state = 'pending' GROUP BY day")
        gate.touch()
        ended = first.end()

    left = f"2024-11-27 is left to home {two.one.identity[:8]} on "
    assert (ended.code, beside.code, again.code) == (0, 0, 3), (ended, beside, again)
    assert all(left in told for told in (planned.out, beside.out, again.err))
    assert "10 extracted, 0 quarantined, 10 pending" in beside.out
    assert "all 10 pending posts are leased: " in again.err
    assert "or longer if it is renewed. Run again when those runs have ended" in again.err
    assert pending == [(DAY, 10)]
    assert Counter(two.sent().values()) == {1: COUNT}
    assert is_complete(two)


def test_a_lease_is_renewed_for_as_long_as_its_run_works(homes: Callable[[int], Homes]) -> None:
    two = homes(6)
    gate = two.folder / "gate"

    with two.one.start("run", "meetups", gate=str(gate)) as first:
        until(two.one.project.sent, first)
        taken_at = two.rows("SELECT min(taken_at) FROM ops.leases")[0][0]
        until(lambda: datetime.now(UTC) > taken_at + timedelta(seconds=9), first)
        beside = two.two.run("run", "meetups")
        gate.touch()
        ended = first.end()

    assert (ended.code, beside.code) == (0, 3), (ended, beside)
    assert Counter(two.sent().values()) == {1: COUNT}
    assert two.two.project.sent() == []


def test_a_dead_homes_days_are_taken_over_when_its_lease_has_run_out(homes: Callable[[int], Homes]) -> None:
    two = homes(6)

    killed = two.one.run("run", "meetups", kill_at=7)
    at_once = two.two.run("run", "meetups")
    until(lambda: two.rows("SELECT max(expires_at) FROM ops.leases")[0][0] < datetime.now(UTC))
    later = two.two.run("run", "meetups")

    assert (killed.code, at_once.code, later.code) == (-9, 3, 0), (killed, at_once, later)
    assert f"2024-11-27, 2024-11-28 are taken over from home {two.one.identity[:8]} on " in later.out
    # The dead home's replies lie in its spool, on a machine that the other one does not see.
    assert two.sent() - Counter(two.one.project.sent()) == Counter(two.two.project.sent())
    assert len(two.one.project.sent()) <= 8
    assert is_complete(two)
    assert two.rows("SELECT * FROM ops.leases") == []

    # When it is back it brings home what it had paid for, and repeats nothing.
    back = two.one.run("run", "meetups")
    assert back.code == 3, back
    assert two.sent().total() <= COUNT + 8
    assert is_complete(two)


def test_a_run_that_was_paused_past_its_lease_sends_nothing_more(homes: Callable[[int], Homes]) -> None:
    two = homes(2)

    with two.one.start("run", "meetups", seconds=0.3) as first:
        until(lambda: len(two.one.project.sent()) >= 4, first)
        pause(first, two)
        before = list(two.one.project.sent())
        until(lambda: two.rows("SELECT max(expires_at) FROM ops.leases")[0][0] < datetime.now(UTC))
        over = two.two.run("run", "meetups")
        first.process.send_signal(signal.SIGCONT)
        paused = first.end()

    assert (over.code, paused.code) == (0, 2), (over, paused)
    assert "stopped sending: the lease on 2024-11-27 ran out and was taken over by another home" in paused.err
    assert two.one.project.sent() == before
    assert len(two.two.project.sent()) == COUNT
    assert is_complete(two)


def test_processes_of_one_home_share_its_days(homes: Callable[[int], Homes]) -> None:
    two = homes(30)
    gate = two.folder / "gate"
    leased = "SELECT DISTINCT owner, count(DISTINCT run) OVER () FROM ops.leases"

    with (
        two.one.start("run", "meetups", gate=str(gate)) as first,
        two.one.start("run", "meetups", "--to", str(DAY), gate=str(gate)) as second,
    ):
        until(two.one.project.sent, first)
        until(lambda: two.rows(leased) == [(two.one.identity, 2)], second)
        gate.touch()
        ended = [first.end(), second.end()]

    assert [end.code for end in ended] == [0, 0], ended
    assert Counter(two.sent().values()) == {1: COUNT}
    assert is_complete(two)
    assert two.rows("SELECT * FROM ops.leases") == []
