"""The command line killed with -9: nothing received is lost, and nothing is sent twice but what was in flight."""

import random
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from time import sleep

import pytest
from faults.shipped import Shipped, enter, until, write_locked
from faults.speaking import say
from scenario import ALL_DAYS, Project, make_project, posts

from madang.extraction.checks import completeness

KILLED = -9


@pytest.fixture
def shipped(project: Project) -> Shipped:
    return Shipped(project)


def killed_sending(shipped: Shipped, kill_at: int, concurrency: int) -> set[str]:
    """A run that dies of its model's so-many-th request.

    Returns:
        Request hashes of the replies that it left in the spool.
    """
    ended = shipped.run("run", "groups", kill_at=kill_at, concurrency=concurrency)

    assert ended.code == KILLED, ended
    return shipped.spooled()


def test_a_run_killed_at_every_stage_loses_no_reply_and_repeats_only_what_was_in_flight(shipped: Shipped) -> None:
    project, home = shipped.project, shipped.project.home
    gate = project.folder / "gate"
    catalog, claims = home / "warehouse" / "catalog.sqlite", home / "claims.sqlite"
    project.ingest(*posts(80))
    received: set[str] = set()

    # Before any reply, with a reply on the way, with replies synced: nothing is in the warehouse yet.
    assert killed_sending(shipped, kill_at=1, concurrency=4) == set()
    left = killed_sending(shipped, kill_at=24, concurrency=4)
    assert 20 <= len(left) <= 23
    received |= left
    left = killed_sending(shipped, kill_at=20, concurrency=1)
    assert len(left) == 19
    received |= left
    assert set(shipped.replies()) == received - left
    assert shipped.unknown().total() <= 4 + 4

    # While the dead run's replies are brought home: data files written, the catalog not.
    there = shipped.data_files("ops.replies")
    with write_locked(catalog), shipped.start("run", "groups") as life:
        until(lambda: shipped.data_files("ops.replies") != there, life)
        assert life.kill().code == KILLED
    assert shipped.spooled() == left
    assert set(shipped.replies()) == received - left

    # When they are home, and neither the claims nor the spool say so.
    with write_locked(claims), shipped.start("run", "groups") as life:
        until(lambda: set(shipped.replies()) == received, life)
        assert life.kill().code == KILLED
    assert shipped.spooled() == left

    # In the merge of posts: data files written, the catalog not.
    there = shipped.data_files("attributes.groups")
    before = shipped.sent().total()
    with shipped.start("run", "groups", "--limit", "60", gate=str(gate)) as life:
        until(lambda: shipped.sent().total() > before, life)
        with write_locked(catalog):
            gate.touch()
            until(lambda: shipped.data_files("attributes.groups") != there, life)
            assert life.kill().code == KILLED
    assert project.rows("SELECT count(*) FROM attributes.groups") == [(0,)]
    received |= shipped.spooled()
    assert len(received) == 60

    # After the merge, before the claims say so.
    before = shipped.sent().total()
    gate.unlink()
    with shipped.start("run", "groups", gate=str(gate)) as life, ExitStack() as held:
        until(lambda: shipped.sent().total() > before, life)
        with write_locked(catalog):
            gate.touch()
            until(lambda: len(shipped.claims("received")) == 20, life)
            held.enter_context(write_locked(claims))
        until(lambda: project.rows("SELECT count(*) FROM attributes.groups") == [(80,)], life)
        assert life.kill().code == KILLED
    received |= shipped.spooled()

    ended = shipped.run("run", "groups")

    assert ended.code == 3, ended
    assert len(received) == 80
    assert sorted(shipped.replies()) == sorted(received)
    # A request that was claimed and never reached the model is unknown too, hence not the same but at most.
    assert Counter(received) <= shipped.sent() <= Counter(received) + shipped.unknown()
    assert shipped.answered() == Counter(received)
    assert shipped.logs() == []
    assert project.rows("SELECT count(*), count(DISTINCT post_id) FROM attributes.groups") == [(80, 80)]
    checked = completeness(project.warehouse, project.task(), ALL_DAYS)
    assert (checked.passed, checked.summary) == (True, "80 planned = 80 extracted + 0 quarantined + 0 pending")


@pytest.mark.soak
@pytest.mark.parametrize("concurrency", [1, 4, 16])
def test_ten_runs_killed_anywhere_lose_no_reply_and_repeat_only_what_was_in_flight(
    concurrency: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    chance = random.Random(concurrency)
    count = 60
    requests = [1, 2, 15, 30, 45, count - 1, count]
    figures: Counter[str] = Counter()

    for kill_at in [*requests, None, None, None]:
        shipped = Shipped(make_project(tmp_path / f"at-{kill_at}-{chance.random()}"))
        project = enter(shipped.project, monkeypatch)
        project.ingest(*posts(count))
        with shipped.start(
            "run", "groups", concurrency=concurrency, kill_at=kill_at or 0, seconds=0.1 * concurrency / 4
        ) as life:
            if kill_at is None:  # at a moment of its own, in the merge or after it too
                until(lambda shipped=shipped: shipped.sent().total() > 0, life)
                sleep(chance.uniform(0, 3))
                life.process.kill()
            killed = life.end()
        received = shipped.spooled() | set(shipped.replies())
        ended = shipped.run("run", "groups", concurrency=concurrency)
        sent, unknown = shipped.sent(), shipped.unknown()

        assert killed.code in ({KILLED} if kill_at else {KILLED, 0}), killed
        assert ended.code == 0 or shipped.project.rows("SELECT count(*) FROM attributes.groups") == [(count,)], ended
        assert received <= set(shipped.replies())
        assert sorted(shipped.replies()) == sorted(sent)
        assert all(sent[request] == 1 for request in received)
        assert sent <= Counter(set(sent)) + unknown
        # Killed from outside, it may have taken the next claims before it wrote down what had just come.
        assert unknown.total() <= (concurrency if kill_at else 2 * concurrency)
        assert max(sent.values()) <= 2
        rows = project.rows("SELECT count(*), count(DISTINCT post_id) FROM attributes.groups")
        assert rows == [(count, count)]
        checked = completeness(project.warehouse, project.task(), ALL_DAYS)
        assert (checked.passed, checked.table["extracted"].sum()) == (True, count)
        figures.update({
            "kills": 1, "posts": count, "calls": sent.total(), "received before": len(received),
            "unknown": unknown.total(), "paid again": sent.total() - len(sent),
            "lost": len(received - set(shipped.replies())), "extracted twice": rows[0][0] - rows[0][1],
        })  # fmt: skip
        project.warehouse.close()

    for what, counted in figures.items():
        record_property(what, counted)
    say(f"concurrency {concurrency}: {', '.join(f'{counted} {what}' for what, counted in figures.items())}")
    assert figures["kills"] == 10
