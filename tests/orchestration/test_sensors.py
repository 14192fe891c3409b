"""What one evaluation of a sensor or of the schedule asks for."""

import shutil
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
from orchestration.jobs import Job, task_jobs
from orchestration.schedules import nightly
from orchestration.sensors import inbox_sensor, landed_days_sensor
from orchestration.task_tree import load_task_tree
from resources import WarehouseResource

JOBS = task_jobs(load_task_tree(REPOSITORY))
TASKS = [job.name for job in JOBS]
# What the other tasks take of POSTS.
OTHERS = [("places", FIRST, SECOND), ("rentals", FIRST, FIRST), ("rentals", APART, APART)]


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

    assert asked == [(task, *days) for task in TASKS for days in ((FIRST, SECOND), (APART, APART))]
    assert evaluate(instance, cursor) == ([], cursor)


def test_only_days_since_the_last_tick_are_asked_for(instance: dg.DagsterInstance) -> None:
    land(instance, FIRST)
    _, cursor = evaluate(instance)
    land(instance, APART, APART)

    assert evaluate(instance, cursor)[0] == [(task, APART, APART) for task in TASKS]


def test_more_landings_than_one_page_are_all_seen(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orchestration.sensors, "_PAGE", 2)
    land(instance, "2024-11-01", "2024-11-03", "2024-11-05", "2024-11-07", "2024-11-09")

    assert len(evaluate(instance)[0]) == 5 * len(TASKS)


def test_a_day_recorded_without_a_landing_asks_for_nothing(instance: dg.DagsterInstance) -> None:
    """A backfill that includes raw/posts records its days, and once made every task run over them again."""
    instance.report_runless_asset_event(dg.AssetMaterialization(RAW_POSTS, partition=FIRST))

    assert evaluate(instance)[0] == []


def look(inbox: Path, cursor: str | None = None) -> SensorExecutionData:
    """One tick of the inbox."""
    with dg.build_sensor_context(cursor=cursor) as context:
        return inbox_sensor(inbox).evaluate_tick(context)


def test_a_file_that_came_again_is_another_request(tmp_path: Path) -> None:
    file, cursor, keys = tmp_path / "posts.jsonl", None, list[list[str | None]]()
    for text in ("1", "1", "1", "12", "12"):
        if not file.exists() or file.read_text() != text:
            file.write_text(text)
        told = look(tmp_path, cursor)
        cursor = told.cursor
        keys.append([request.run_key for request in told.run_requests or []])

    assert [len(asked) for asked in keys] == [0, 1, 1, 0, 1]
    assert keys[1] == keys[2] != keys[4]


def test_a_file_that_is_still_copied_gets_no_run(tmp_path: Path) -> None:
    """It got one each tick; the first moved the file, and the later ones failed on a path that was gone."""
    file, cursor = tmp_path / "posts.csv", None
    for size in (1, 2, 3):
        file.write_text("1" * size)
        told = look(tmp_path, cursor)
        cursor = told.cursor

        assert told.run_requests == []
        assert told.skip_message == "not yet the same at two ticks: posts.csv"


def test_suffixes_are_read_in_any_case_and_foreign_ones_are_told(tmp_path: Path) -> None:
    for name in ("notes.txt", "sheet.xlsx", "README", ".hidden.jsonl"):
        (tmp_path / name).touch()
    told = look(tmp_path)
    (tmp_path / "POSTS.CSV").touch()
    again = look(tmp_path, look(tmp_path, told.cursor).cursor)

    assert told.skip_message == (
        f"{tmp_path} holds no file to land; ignored suffixes: .txt, .xlsx, none "
        "(only .jsonl, .ndjson, .csv, .parquet are read)"
    )
    assert [request.run_config["ops"]["raw_posts"]["config"]["paths"] for request in again.run_requests or []] == [
        [str(tmp_path / "POSTS.CSV")]
    ]


def tick(yard: Yard, job: Job) -> ScheduleExecutionData:
    """One night of a task's schedule."""
    with dg.build_schedule_context(
        resources={"warehouse": WarehouseResource()}, scheduled_execution_time=datetime(2026, 1, 2, 2, tzinfo=UTC)
    ) as context:
        return nightly(job, yard.settings).evaluate_tick(context)


def night(yard: Yard) -> tuple[Requests, set[str | None]]:
    """What one night asks for, and why its schedules ask for nothing."""
    told = [tick(yard, job) for job in JOBS]
    return [asked for one in told for asked in requests(one)], {one.skip_message for one in told if one.skip_message}


def test_a_night_asks_for_exactly_the_days_with_pending_posts(yard: Yard) -> None:
    yard.ingest(*POSTS)

    before = night(yard)
    yard.run("groups")

    assert before[0] == [("groups", FIRST, SECOND), ("groups", APART, APART), *OTHERS]
    assert night(yard) == (OTHERS, {"no day has a pending post"})


def test_a_folder_broken_since_the_start_fails_its_own_night_only(yard: Yard, tmp_path: Path) -> None:
    yard.ingest(*POSTS)
    copy = tmp_path / "copy"
    shutil.copytree(REPOSITORY / "assets", copy / "assets")
    (copy / "assets" / "groups" / "defs.yaml").write_text("attributes: [")
    asked, failed = [], []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MADANG_PROJECT", str(copy))
        for job in JOBS:
            try:
                asked += requests(tick(yard, job))
            except dg.DagsterError:
                failed.append(job.name)

    assert (asked, failed) == (OTHERS, ["groups"])


def test_a_night_without_pending_posts_says_so(yard: Yard) -> None:
    assert night(yard) == ([], {"no day has a pending post"})


def test_a_night_asks_for_nothing_once_the_cap_is_spent(yard: Yard) -> None:
    yard.ingest(*POSTS)
    yard.run("groups")
    config = yard.folder / "madang.toml"
    config.write_text(config.read_text().replace("[tool.madang]\n", "[tool.madang]\ndaily_cap_usd = 0.03\n"))

    assert night(yard) == ([], {"$0.03 of the daily cap of $0.03 is spent"})
