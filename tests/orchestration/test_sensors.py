"""What one evaluation of a sensor or of the schedule asks for."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.schedule_definition import ScheduleExecutionData
from dagster._core.definitions.sensor_definition import SensorExecutionData
from dagster_home import APART, FIRST, POSTS, SECOND, Yard, yard_at
from scenario import REPOSITORY

import orchestration.sensors
from assets.posts import LANDED, RAW_POSTS
from orchestration.day_ranges import RANGE_END, RANGE_START
from orchestration.jobs import task_jobs
from orchestration.schedules import nightly
from orchestration.sensors import inbox_sensor, landed_days_sensor
from orchestration.task_tree import load_task_tree
from resources import WarehouseResource

JOBS = task_jobs(load_task_tree(REPOSITORY))


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    with yard_at(tmp_path / "yard") as made:
        yield made


def land(instance: dg.DagsterInstance, *days: str) -> None:
    for day in days:
        instance.report_runless_asset_event(dg.AssetMaterialization(RAW_POSTS, partition=day, metadata={LANDED: 1}))


Requests = list[tuple[str | None, ...]]


def requests(told: SensorExecutionData | ScheduleExecutionData) -> Requests:
    """What a tick asks for, as (job, first day, last day)."""
    asked = told.run_requests or []
    return sorted((request.job_name, request.tags[RANGE_START], request.tags[RANGE_END]) for request in asked)


def evaluate(instance: dg.DagsterInstance, cursor: str | None = None) -> tuple[Requests, str | None]:
    """What one tick asks for, and the cursor after it."""
    sensor = landed_days_sensor(JOBS)
    with dg.build_sensor_context(instance, cursor=cursor, definitions=None) as context:
        told = sensor.evaluate_tick(context)
    return requests(told), told.cursor


def test_landed_days_become_a_run_for_each_stretch_of_each_task(instance: dg.DagsterInstance) -> None:
    land(instance, APART, FIRST, SECOND)

    asked, cursor = evaluate(instance)

    assert asked == [
        ("groups", FIRST, SECOND), ("groups", APART, APART), ("rentals", FIRST, SECOND), ("rentals", APART, APART)
    ]  # fmt: skip
    assert evaluate(instance, cursor) == ([], cursor)


def test_only_days_since_the_last_tick_are_asked_for(instance: dg.DagsterInstance) -> None:
    land(instance, FIRST)
    _, cursor = evaluate(instance)
    land(instance, APART, APART)

    assert evaluate(instance, cursor)[0] == [("groups", APART, APART), ("rentals", APART, APART)]


def test_more_landings_than_one_page_are_all_seen(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orchestration.sensors, "_PAGE", 2)
    land(instance, "2024-11-01", "2024-11-03", "2024-11-05", "2024-11-07", "2024-11-09")

    assert len(evaluate(instance)[0]) == 10


def test_a_day_recorded_without_a_landing_asks_for_nothing(instance: dg.DagsterInstance) -> None:
    """A backfill that includes raw/posts records its days, and once made every task run over them again."""
    instance.report_runless_asset_event(dg.AssetMaterialization(RAW_POSTS, partition=FIRST))

    assert evaluate(instance)[0] == []


def test_a_file_that_came_again_is_another_request(tmp_path: Path) -> None:
    file = tmp_path / "posts.jsonl"
    (tmp_path / "notes.txt").touch()
    sensor, keys = inbox_sensor(tmp_path), list[str | None]()
    for text in ("1", "1", "12"):
        if not file.exists() or file.read_text() != text:
            file.write_text(text)
        with dg.build_sensor_context() as context:
            keys += [request.run_key for request in sensor.evaluate_tick(context).run_requests or []]

    assert (len(keys), keys[0] == keys[1], keys[1] == keys[2]) == (3, True, False)


def night(yard: Yard) -> tuple[Requests, str | None]:
    """What one night asks for, or why nothing."""
    with dg.build_schedule_context(
        resources={"warehouse": WarehouseResource()}, scheduled_execution_time=datetime(2026, 1, 2, 2, tzinfo=UTC)
    ) as context:
        told = nightly(JOBS, yard.settings).evaluate_tick(context)
    return requests(told), told.skip_message


def test_a_night_asks_for_exactly_the_days_with_pending_posts(yard: Yard) -> None:
    yard.ingest(*POSTS)

    before = night(yard)
    yard.run("groups")

    assert before == (
        [("groups", FIRST, SECOND), ("groups", APART, APART), ("rentals", FIRST, FIRST), ("rentals", APART, APART)],
        None,
    )
    assert night(yard) == ([("rentals", FIRST, FIRST), ("rentals", APART, APART)], None)


def test_a_night_without_pending_posts_says_so(yard: Yard) -> None:
    assert night(yard) == ([], "no day has a pending post")


def test_a_night_asks_for_nothing_once_the_cap_is_spent(yard: Yard) -> None:
    yard.ingest(*POSTS)
    yard.run("groups")
    config = yard.folder / "madang.toml"
    config.write_text(config.read_text().replace("[tool.madang]\n", "[tool.madang]\ndaily_cap_usd = 0.03\n"))

    assert night(yard) == ([], "$0.03 of the daily cap of $0.03 is spent")
