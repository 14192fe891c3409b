"""Leases of one process: what is taken, what is left to others, what a run does whose leases are gone."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from scenario import ALL_DAYS, DAY, NEXT_DAY, Project, frame, make_project, post

from madang.errors import MadangError, NothingPlanned
from madang.extraction.claims import Claim
from madang.extraction.leases import LeasedClaims, Leases, home_identity
from madang.extraction.plan import Plan, make_plan
from madang.extraction.run import run_task
from madang.extraction.spool import Spool
from madang.models.catalogue import Catalogue
from madang.ops import LEASES
from madang.recipe import recipe_of
from madang.tables import ensure_tables
from madang.warehouse.protocol import Change

LENGTH = 300
LOGS: dict[str, Spool] = {}


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Project]:
    """A project with a post on each of two days."""
    made = make_project(tmp_path / "project", ("meetups",))
    made.ingest(post("p1"), post("p2", "hiking 모집", event_at="2024-11-28T09:00:00+09:00"))
    ensure_tables(made.warehouse, made.task())
    yield made
    made.close()
    for run in list(LOGS):
        LOGS.pop(run).close(is_settled=True)


def planned(town: Project) -> Plan:
    recipe = recipe_of(town.task(), Catalogue(town.settings).identity)
    return make_plan(town.warehouse, town.task(), recipe, ALL_DAYS)


def leases(town: Project, run: str, home: str, seconds: int = LENGTH) -> Leases:
    """Of a run that lives: its log is locked."""
    folder = town.folder / home
    if not (folder / "home.id").exists():
        folder.mkdir()
        (folder / "home.id").write_text(home)
    if run not in LOGS:
        LOGS[run] = Spool(folder / "spool", run)
    return Leases(town.warehouse, "meetups", run, folder, seconds)


def held(town: Project) -> list[tuple[object, ...]]:
    return town.rows("SELECT day, run, owner FROM ops.leases ORDER BY day, run")


def hours_left(town: Project) -> list[tuple[object, ...]]:
    return town.rows("SELECT run, round(epoch(expires_at - now()) / 3600)::INT FROM ops.leases ORDER BY run, day")


def lease_away(town: Project, run: str, expires_at: datetime) -> None:
    """A row of a home that is far away, for the first day."""
    row = {"task": "meetups", "day": DAY, "run": run, "owner": "far", "host": "away",
           "taken_at": expires_at - timedelta(seconds=LENGTH), "expires_at": expires_at}  # fmt: skip
    town.warehouse.commit([Change(LEASES, frame(LEASES, row))])


def test_a_run_takes_only_the_days_of_the_posts_that_it_may_do(town: Project) -> None:
    plan, leased = leases(town, "r1", "near").take(planned(town), limit=1)

    assert held(town) == [(DAY, "r1", "near")]
    assert (plan.posts.height, leased.lines()) == (2, [])


def test_runs_of_one_home_share_a_day_and_those_of_another_leave_it_until_the_last_has_ended(town: Project) -> None:
    leases(town, "r1", "near").take(planned(town), limit=1)
    second = leases(town, "r2", "near")
    with second.kept():
        second.take(planned(town), limit=1)
        both = held(town)
    plan, leased = leases(town, "r3", "far").take(planned(town))

    assert both == [(DAY, "r1", "near"), (DAY, "r2", "near")]
    assert held(town) == [(DAY, "r1", "near"), (NEXT_DAY, "r3", "far")]
    assert plan.posts["post_id"].to_list() == ["p2"]
    assert (leased.posts, [lease.owner for lease in leased.elsewhere]) == (1, ["near"])


def test_an_expired_lease_is_taken_over_and_its_owner_named(town: Project) -> None:
    lease_away(town, "r0", datetime(2024, 11, 27, 1, 2, 3, tzinfo=UTC))

    plan, leased = leases(town, "r1", "near").take(planned(town))

    assert plan.posts.height == 2
    assert held(town) == [(DAY, "r1", "near"), (NEXT_DAY, "r1", "near")]
    assert leased.lines() == [
        "2024-11-27 is taken over from home far on away (run r0), whose lease ran out at 2024-11-27 01:02:03 UTC"
    ]


def test_what_is_kept_is_given_back_at_the_end_even_of_a_failure(town: Project) -> None:
    own = leases(town, "r1", "near")

    with pytest.raises(KeyError, match="2"):
        fail_with(own, town)

    assert held(town) == []


def fail_with(own: Leases, town: Project) -> None:
    """Fails with the number of leases that were there."""
    with own.kept():
        own.take(planned(town))
        raise KeyError(len(held(town)))


def test_a_run_that_is_stopped_with_a_batch_job_leaves_its_days_leased(town: Project) -> None:
    own = leases(town, "r1", "near")
    own.lengthen()

    with pytest.raises(KeyError):
        fail_with(own, town)

    assert hours_left(town) == [("r1", 24), ("r1", 24)]


def test_nothing_is_reserved_once_a_lease_is_gone(town: Project) -> None:
    own = leases(town, "r1", "near", seconds=1)
    claims = LeasedClaims(town.home / "claims.sqlite", own)
    own.take(planned(town))
    assert claims.reserve("2024-11-27", 0.1, 1.0)
    town.take_away(LEASES, "day = '2024-11-27'")
    lease_away(town, "r2", datetime.now(UTC) + timedelta(seconds=LENGTH))

    with own.kept():  # renews four times a second, and finds it gone
        while own._lost is None:
            time.sleep(0.05)
        with pytest.raises(MadangError, match="stopped sending: the lease on 2024-11-27 ran out and was taken over by "
                           r"home far on away \(run r2\)"):  # fmt: skip
            claims.reserve("2024-11-27", 0.1, 1.0)

    assert claims._connection.execute("SELECT reserved_usd FROM money").fetchall() == [(0.1,)]
    assert held(town) == [(DAY, "r2", "far")]
    claims.close()


def test_what_a_dead_run_of_the_same_home_had_leased_goes_with_the_next_one(town: Project) -> None:
    leases(town, "r1", "near").take(planned(town), limit=1)
    LOGS.pop("r1").close(is_settled=False)

    leases(town, "r2", "near").take(planned(town), limit=1)

    assert held(town) == [(DAY, "r2", "near")]


def test_a_batch_jobs_days_stay_leased_for_a_day_when_their_home_dies(town: Project) -> None:
    """A job goes on when the process that began it is dead, and another home would pay for it again."""
    own = leases(town, "r1", "near")
    own.take(planned(town))
    claims = LeasedClaims(town.home / "claims.sqlite", own)
    claims.take(claim_of("online"))
    before = hours_left(town)

    claims.take(claim_of("batch"))

    assert (before, hours_left(town)) == ([("r1", 0), ("r1", 0)], [("r1", 24), ("r1", 24)])
    LOGS.pop("r1").close(is_settled=False)
    leases(town, "r2", "near").take(planned(town))
    assert hours_left(town) == [("r2", 24), ("r2", 24)]
    claims.close()


def claim_of(lane: str) -> Claim:
    return Claim(lane, lane, "r1/1.log", "r1", "meetups", "meetups@1", "m", lane, str(DAY), 0.0, "", str(DAY))


def test_a_lease_that_ran_out_and_was_not_taken_is_renewed_before_the_next_call(town: Project) -> None:
    own = leases(town, "r1", "near")
    own.take(planned(town))
    then = datetime.now(UTC) - timedelta(seconds=1)
    rows = town.warehouse.read("SELECT * FROM ops.leases").with_columns(
        expires_at=pl.lit(then, pl.Datetime("us", "UTC"))
    )
    town.warehouse.commit([Change(LEASES, rows, "upsert")])
    own._expires_at = then

    own.require()

    assert town.rows("SELECT min(expires_at) > now() + INTERVAL 290 SECONDS FROM ops.leases") == [(True,)]


def test_a_run_with_everything_leased_elsewhere_says_by_whom(town: Project) -> None:
    shared = town.settings.model_copy(update={"home": town.folder / "other", "warehouse": town.warehouse.folder})
    lease_away(town, "r0", datetime(2100, 1, 1, tzinfo=UTC))

    report = run_task(town.task(), shared, town.warehouse, (DAY, DAY))

    with pytest.raises(NothingPlanned, match=r"all 1 pending posts are leased: 2024-11-27 is left to home far on away "
                       r"\(run r0\) until 2100-01-01 00:00:00 UTC"):  # fmt: skip
        report.require_posts()
    assert (report.pending, town.sent()) == (1, [])


def test_only_a_warehouse_outside_of_the_home_costs_leases(town: Project) -> None:
    """Each lease is a commit of 50 ms; inside a home the claims lie beside the warehouse."""
    shared = town.settings.model_copy(update={"home": town.folder / "other", "warehouse": town.warehouse.folder})
    seen = []

    for settings in (town.settings, shared):
        run_task(
            town.task(), settings, town.warehouse, ALL_DAYS, limit=1,
            on_plan=lambda plan, leased: seen.append([day for day, _, _ in held(town)]),
        )  # fmt: skip

    assert seen == [[], [NEXT_DAY]]
    assert (town.home / "home.id").exists() is False


def test_a_home_keeps_its_identity(tmp_path: Path) -> None:
    first, second = home_identity(tmp_path / "a"), home_identity(tmp_path / "a")

    assert first == second != home_identity(tmp_path / "b")
    assert [file.name for file in (tmp_path / "a").iterdir()] == ["home.id"]
