"""What an operator sees of a provider in trouble: where posts end, what the ledger says, how the command ends."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from faults.lanes import Lane
from faults.shipped import Ended
from proving import Rule, Script, proving
from scenario import ALL_DAYS, Project, make_project, post, posts

from madang.extraction.checks import completeness
from madang.ops import PLANS, QUARANTINE
from madang.schema.types import Table
from madang.warehouse.protocol import Change

FIRST_DAY = date(2024, 11, 1)
QUICK = {"tries": 2, "first_delay_seconds": 0.02}
STATES = "SELECT state, count(*) FROM ops.plans GROUP BY state"
# A line of the ledger by what it counts: nothing, what the call used, or what it had reserved because nobody knows.
LEDGER = """
    SELECT outcome || CASE WHEN usd = 0 THEN ', free' WHEN usd = reserved_usd THEN ', as reserved' ELSE ', as used' END
    FROM ops.ledger WHERE day BETWEEN ? AND ? ORDER BY sent_at
"""
FREE, RESERVED, OK = "transient, free", "transient, as reserved", "ok, as used"


@dataclass(frozen=True)
class Fault:
    """What happens to one post.

    Args:
        rule: What the server does to its requests.
        ledger: Its calls.
        quarantine: Its class and message in quarantine; None if it has a row.
    """

    rule: dict[str, Any]
    ledger: list[str]
    quarantine: tuple[str, str] | None = None


@dataclass(frozen=True)
class Outage:
    """What happens to every post.

    Args:
        rule: What the server does to all requests.
        ledger: Calls of one post.
        code: How the command ends.
        message: What it says at last.
        lane: Whom it asks.
        settings: The lane's own.
    """

    rule: dict[str, Any]
    ledger: list[str]
    code: int
    message: str
    lane: str = "gemini"
    settings: dict[str, float] = field(default_factory=dict)


def once(fault: str, **options: Any) -> dict[str, Any]:
    return {"fault": fault, "times": 1, **options}


def first(fault: str) -> dict[str, Any]:
    """Until somebody complains."""
    return {"fault": fault, "complaints": False}


NO_OBJECT = "no JSON object with the asked keys in a reply of "
FAULTS = {
    "429": Fault(once("rate_limited"), [FREE, OK]),
    "429 with Retry-After": Fault(once("rate_limited", seconds=0.2), [FREE, OK]),
    "503 twice": Fault(once("unavailable") | {"times": 2}, [FREE, FREE, OK]),
    "500": Fault(once("server_error"), [FREE, OK]),
    "reset": Fault(once("reset"), [RESERVED, OK]),
    "closed without a word": Fault(once("drop"), [RESERVED, OK]),
    "closed in the middle": Fault(once("cut_body"), [RESERVED, OK]),
    "slow drip": Fault(once("drip", seconds=0.3), [OK]),
    "drip slower than the timeout": Fault(once("drip", seconds=60), [RESERVED, OK]),
    "truncated JSON": Fault(first("truncated_json"), [OK, OK]),
    "truncated JSON again": Fault({"fault": "truncated_json"}, [OK, OK]),
    "wrong schema": Fault(first("wrong_schema"), [OK, OK]),
    "wrong schema again": Fault({"fault": "wrong_schema"}, [OK, OK], ("invalid_reply", NO_OBJECT)),
    "prose": Fault(first("prose"), [OK, OK]),
    "prose again": Fault({"fault": "prose"}, [OK, OK], ("invalid_reply", NO_OBJECT)),
    "cut at the limit": Fault({"fault": "length", "max_tokens_below": 150}, [OK, OK]),
    "cut at any limit": Fault({"fault": "length"}, [OK, OK], ("truncated", "the reply was cut at 192 tokens")),
    "refusal": Fault({"fault": "refusal"}, ["refused, as used"], ("refused", "the provider refused to answer (")),
    "blocked": Fault({"fault": "blocked"}, ["refused, as used"], ("refused", "the provider refused to answer (")),
    "too long": Fault({"fault": "too_long"}, ["too_long, free"], ("too_long", "HTTP 400 (")),
    "bad request": Fault({"fault": "bad_request"}, ["permanent, free"], ("permanent", "HTTP 400 (")),
}  # fmt: skip
FAILED = r"madang: groups \S+: 3 calls failed transiently and stay pending\. Run again\n"
OUTAGES = {
    "429": Outage({"fault": "rate_limited"}, [FREE] * 2, 2, FAILED),
    "429 with Retry-After": Outage({"fault": "rate_limited", "seconds": 0.1}, [FREE] * 2, 2, FAILED),
    "503": Outage({"fault": "unavailable"}, [FREE] * 2, 2, FAILED),
    "reset": Outage({"fault": "reset"}, [RESERVED] * 2, 2, FAILED),
    "drip slower than the timeout": Outage(
        {"fault": "drip", "seconds": 60}, [RESERVED] * 2, 2, FAILED, settings={"timeout_seconds": 0.5}
    ),
    "no quota left": Outage(
        {"fault": "quota"}, ["misconfigured, free"], 5,
        r"madang: local: HTTP 429 \(.*insufficient_quota\)\. Correct the model's key or settings, and run again\n",
        lane="openai",
    ),
    "key refused": Outage(
        {"fault": "unauthorized"}, ["misconfigured, free"], 5,
        r"madang: local: HTTP 401 \(.*\)\. Correct the model's key or settings, and run again\n",
    ),
}  # fmt: skip
GIVEN_UP = sum(fault.quarantine is not None for fault in FAULTS.values())


def day_of(name: str) -> date:
    """Each post has a day of its own, so that the ledger says whose a call is."""
    return FIRST_DAY + timedelta(list(FAULTS).index(name))


@dataclass(frozen=True)
class Story:
    """One run of all faults, each on a post of its own, and a check after it."""

    project: Project
    run: Ended
    check: Ended


@pytest.fixture(
    scope="module", params=["gemini", *(pytest.param(name, marks=pytest.mark.soak) for name in ("openai", "anthropic"))]
)
def story(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("faults")
    project = make_project(folder / "project")
    project.ingest(
        *(post(name, f"running 모집: {name}.", event_at=f"{day_of(name)}T09:00:00+09:00") for name in FAULTS)
    )
    rules = tuple(Rule(holds=f": {name}.", **fault.rule) for name, fault in FAULTS.items())
    with proving(folder / "server", Script(rules=rules)) as server:
        lane = Lane(project, server, request.param)
        lane.configure(4, QUICK | {"tries": 6}, timeout_seconds=10)
        yield Story(project, lane.run(), lane.run("check"))
    project.close()


@pytest.mark.parametrize("name", FAULTS)
def test_a_post_ends_as_a_row_or_in_quarantine_and_each_try_is_in_the_ledger(story: Story, name: str) -> None:
    fault, day = FAULTS[name], day_of(name)
    states = story.project.rows("SELECT state FROM ops.plans WHERE post_id = ?", name)
    quarantine = story.project.rows("SELECT failure, message FROM ops.quarantine WHERE post_id = ?", name)
    topics = story.project.rows("SELECT topics FROM attributes.groups WHERE post_id = ?", name)

    assert [line for (line,) in story.project.rows(LEDGER, day, day)] == fault.ledger
    if fault.quarantine is None:
        assert (states, quarantine, topics) == ([("extracted",)], [], [(["running"],)])
    else:
        failure, message = fault.quarantine
        assert (states, topics) == ([("quarantined",)], [])
        assert [(found, said[: len(message)]) for found, said in quarantine] == [(failure, message)]
    assert completeness(story.project.warehouse, story.project.task(), (day, day)).passed


def test_the_operator_sees_how_many_posts_were_given_up(story: Story) -> None:
    extracted = len(FAULTS) - GIVEN_UP

    assert story.run.code == 0, story.run
    assert f"{extracted} extracted, {GIVEN_UP} quarantined, 0 pending" in story.run.out
    assert story.run.err == ""
    assert story.check.code == 0, story.check
    assert (
        f"ok      groups: completeness: {len(FAULTS)} planned = {extracted} extracted + {GIVEN_UP} quarantined + "
        "0 pending\n"
    ) in story.check.out


def test_a_gap_after_any_of_these_faults_turns_the_check_red(story: Story) -> None:
    """Each day holds one post: what is taken away there is its row or its place in quarantine."""
    project = story.project
    tables = (project.task().table, QUARANTINE)
    kept = [(table, rows_of(project, table)) for table in tables]
    taken = sum(project.take_away(table, "true") for table in tables)

    red = completeness(project.warehouse, project.task(), ALL_DAYS)
    project.warehouse.commit([Change(table, rows) for table, rows in kept])

    assert taken == len(FAULTS)
    assert red.summary == f"{len(FAULTS)} planned ≠ 0 extracted + 0 quarantined + 0 pending on {len(FAULTS)} days"
    assert not red.passed
    assert completeness(project.warehouse, project.task(), ALL_DAYS).passed


@pytest.fixture
def lane(project: Project, tmp_path: Path) -> Iterator[Lane]:
    """Gemini at a server of the test's own, with three posts to ask."""
    project.ingest(*posts(3))
    with proving(tmp_path / "server") as server:
        made = Lane(project, server, "gemini")
        made.configure(1, QUICK)
        yield made


@pytest.mark.parametrize("name", OUTAGES)
def test_posts_of_an_outage_stay_pending_and_the_next_run_asks_them(lane: Lane, name: str) -> None:
    outage, project = OUTAGES[name], lane.project
    lane = Lane(project, lane.server, outage.lane)
    lane.configure(1, QUICK, **outage.settings)
    lane.server.tell(None, Rule(**outage.rule))

    ended = lane.run()
    states = dict(project.rows(STATES))
    pending = completeness(project.warehouse, project.task(), ALL_DAYS)
    calls = Counter(line for (line,) in project.rows(LEDGER, *ALL_DAYS))
    lane.configure(1, QUICK)
    lane.server.tell()
    after = project.run()

    assert (ended.code, states) == (outage.code, {"pending": 3}), ended
    assert re.fullmatch(outage.message, ended.err), ended
    # A model that lets nobody in is asked once; what only fails has its tries for each post.
    assert calls == Counter(outage.ledger * (3 if len(outage.ledger) > 1 else 1))
    assert (pending.passed, pending.summary) == (True, "3 planned = 0 extracted + 0 quarantined + 3 pending")
    assert (after.progress.extracted, after.pending) == (3, 0)
    assert completeness(project.warehouse, project.task(), ALL_DAYS).passed


def test_a_model_that_only_fails_is_left_alone(lane: Lane) -> None:
    lane.configure(1, {"tries": 50, "first_delay_seconds": 0.02, "breaks_after": 4, "breaks_after_seconds": 0})
    lane.server.tell(None, Rule(fault="unavailable"))

    ended = lane.run()

    assert ended.code == 5, ended
    assert ended.err == "madang: local: it only fails (HTTP 503 (UNAVAILABLE 503)). Run again later\n"
    assert dict(lane.project.rows(STATES)) == {"pending": 3}
    assert len(lane.server.lines()) == 4


def test_a_pending_post_that_is_called_done_turns_the_check_red(lane: Lane) -> None:
    project = lane.project
    lane.server.tell(None, Rule(fault="reset"))
    project.run()
    done = rows_of(project, PLANS).head(1).with_columns(state=pl.lit("extracted"))

    project.warehouse.commit([Change(PLANS, done, "upsert")])
    red = completeness(project.warehouse, project.task(), ALL_DAYS)

    assert (red.passed, red.summary) == (False, "3 planned ≠ 0 extracted + 0 quarantined + 2 pending on 1 days")


def rows_of(project: Project, table: Table) -> pl.DataFrame:
    """All rows of a table, as they can be committed again."""
    return project.warehouse.read(f"SELECT * FROM {table.name}").cast(dict(table.polars_schema))
