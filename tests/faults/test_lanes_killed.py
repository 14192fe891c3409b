"""Every lane of the shipped command line killed with -9 at points that the server counts, alone and amid faults.

After the last run nothing is lost or doubled, at most what was in flight was paid again, and the ledger knows every
call that the server has received.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from faults.books import key, read_books
from faults.lanes import ONLINE, Lane, Point
from faults.shipped import Shipped, enter
from faults.speaking import say
from proving import BatchScript, Latency, RowRule, Rule, Script, proving
from scenario import ALL_DAYS, make_project, posts

from madang.extraction.checks import completeness

KILLED = -9
NOTHING_LEFT = 3
POSTS = 40
ROWS = 12
Count = Callable[[str, object], None]


@dataclass(frozen=True)
class Case:
    """One run after another, each killed, and one that is not.

    Args:
        kills: Where the server ends each.
        concurrency: Calls in flight, or batch jobs.
        has_faults: Whether the provider is in trouble all the while: 429s with and without Retry-After and resets; of a
            batch lane a job refused for now, and rows missing, doubled and under wrong ids.
    """

    kills: tuple[Point, ...]
    concurrency: int = 1
    has_faults: bool = False

    def script(self, lane: str) -> Script:
        """What the server is told."""
        if lane not in ONLINE:
            rules = (
                RowRule(fault="missing", every=5, jobs=(1,)), RowRule(fault="wrong_id", every=4, jobs=(1, 2)),
                RowRule(fault="doubled", every=3),
            )  # fmt: skip
            return Script(batch=BatchScript(seconds=0.5, refusals=1, rows=rules) if self.has_faults else BatchScript())
        faults = (
            Rule(fault="rate_limited", every=5, times=1), Rule(fault="rate_limited", seconds=0.3, every=7, times=1),
            Rule(fault="reset", every=6, times=1),
        )  # fmt: skip
        latency = Latency(kind="lognormal", seconds=0.02 * self.concurrency**0.5)
        return Script(latency=latency, rules=faults if self.has_faults else ())


def at(on: str, number: int, moment: str = "before", **options: int) -> Case:
    """One kill."""
    return Case((Point(on, number, moment),), **options)  # type: ignore[arg-type]


FEW: dict[str, Case] = {
    "gemini": at("model", 20, concurrency=16),
    "openai": at("model", 25, "after", concurrency=8, has_faults=True),
    "anthropic": at("model", 12, concurrency=4),
    "storage": at("batch.get", 1),
    "bigquery": at("bigquery.read", 2),
}  # fmt: skip
MANY: dict[str, tuple[Case, ...]] = {
    "gemini": (
        at("model", 1), at("model", 12), at("model", POSTS), at("model", 30, "after"),
        *(at("model", number, concurrency=16) for number in (1, 2, 17, POSTS - 1, POSTS)),
        *(at("model", number, "after", concurrency=16) for number in (9, POSTS)),
        *(at("model", number, concurrency=16, has_faults=True) for number in (8, 24, 45)),
        Case((Point("model", 15), Point("model", 10)), concurrency=16, has_faults=True),
    ),
    "openai": (
        at("model", 7), at("model", 3, concurrency=16), at("model", 25, concurrency=16),
        at("model", 15, concurrency=16, has_faults=True), at("model", 42, "after", concurrency=16, has_faults=True),
        Case((Point("model", 20), Point("model", 5, "after")), concurrency=16),
    ),
    "anthropic": (at("model", 9, concurrency=4), at("model", 20, "after", concurrency=4, has_faults=True)),
    "storage": (
        at("storage.upload", 1), at("batch.list", 1), at("batch.create", 1), at("batch.create", 1, "after"),
        at("batch.get", 1), at("batch.get", 2, "after"), at("storage.read", 1), at("storage.read", 2),
        at("batch.create", 2, concurrency=3), at("batch.get", 3, concurrency=3, has_faults=True),
        at("storage.read", 3, concurrency=3, has_faults=True),
        Case((Point("batch.create", 1), Point("batch.get", 1)), concurrency=3, has_faults=True),
    ),
    "bigquery": (
        at("bigquery.load", 1), at("batch.create", 1), at("batch.get", 1), at("bigquery.read", 1),
        at("bigquery.read", 2), at("bigquery.read", 3, concurrency=3, has_faults=True),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FEW)
def test_a_lane_killed_once_pays_again_at_most_what_was_in_flight(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = killed_and_finished(name, FEW[name], tmp_path, monkeypatch)

    assert figures["kills"] == 1


@pytest.mark.soak
@pytest.mark.parametrize("name", MANY)
def test_a_lane_killed_anywhere_pays_again_at_most_what_was_in_flight(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Count
) -> None:
    figures: Counter[str] = Counter()

    for number, case in enumerate(MANY[name]):
        figures.update(killed_and_finished(name, case, tmp_path / str(number), monkeypatch))

    for what, count in figures.items():
        record_property(what, count)
    say(f"{name}: {', '.join(f'{count} {what}' for what, count in figures.items())}")
    assert figures["kills"] == sum(len(case.kills) for case in MANY[name])


def killed_and_finished(name: str, case: Case, folder: Path, patch: pytest.MonkeyPatch) -> dict[str, int]:
    """Kills and finishes, and claims of the end what must be true of it.

    Returns:
        Figures for the report.
    """
    count = POSTS if name in ONLINE else ROWS
    project = enter(make_project(folder / "project"), patch)
    project.ingest(*posts(count))
    shipped = Shipped(project)
    script = case.script(name)
    received: set[str] = set()
    again: set[str] = set()
    seen = 0

    with proving(folder / "server") as server:
        lane = Lane(project, server, name)
        lane.configure(case.concurrency)
        for point in (*case.kills, None):
            ended = lane.run_killed(point, script) if point else lane.run()
            assert ended.code in ((KILLED,) if point else (0, NOTHING_LEFT)), (case, ended)
            lines = server.lines(None)
            again |= {key(line["id"]) for line in lines[seen:]} & received
            received |= {key(request) for request in shipped.spooled() | set(shipped.replies())}
            seen = len(lines)
        books = read_books(project, server)

    in_flight = len(case.kills) * case.concurrency if name in ONLINE else 0
    replies = [key(request) for request in shipped.replies()]
    # Nothing that had been received is asked again or gone; every post has one row.
    assert again == set(), case
    assert received <= set(replies), case
    assert len(replies) == len(set(replies)) == count, case
    rows = project.rows("SELECT count(*), count(DISTINCT post_id) FROM attributes.groups")
    assert rows == [(count, count)], case
    # Each settled row is a call of the server's. What is over was in flight, and is unknown to the ledger.
    assert books.unmatched == Counter(), case
    assert books.surplus <= books.unknown, case
    assert books.surplus.total() <= in_flight, case
    # A claim that was taken and not yet sent is unknown too.
    assert books.unknown.total() <= 2 * in_flight, case
    assert books.paid_again <= books.surplus.total(), case
    assert books.lost == 0, case
    assert (shipped.claims("sent"), shipped.logs()) == ([], []), case
    checked = completeness(project.warehouse, project.task(), ALL_DAYS)
    project.close()
    assert (checked.passed, checked.summary) == (
        True, f"{count} planned = {count} extracted + 0 quarantined + 0 pending"
    ), case  # fmt: skip
    return {
        "kills": len(case.kills), "posts": count, "calls": books.received.total(), "settled": books.settled.total(),
        "in flight at most": in_flight, "surplus": books.surplus.total(), "unknown": books.unknown.total(),
        "paid again": books.paid_again, "lost": books.lost, "extracted twice": rows[0][0] - rows[0][1],
    }  # fmt: skip
