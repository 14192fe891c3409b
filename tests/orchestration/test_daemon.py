"""What a real daemon does of its own accord: files in the inbox, days that got posts, backfills, nights."""

import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import dagster as dg
import pytest
from dagster._core.test_utils import create_test_daemon_workspace_context
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._scheduler.scheduler import launch_scheduled_runs
from dagster_home import APART, FIRST, POSTS, SECOND
from dagster_serving import Serving, wait_for
from scenario import REPOSITORY, post

from madang.task import find_tasks
from orchestration.day_ranges import RANGE_END, RANGE_START

# The story is told once, before the first test: a minute on two free cores, three on busy ones.
pytestmark = pytest.mark.timeout(900)

_SENSOR = "dagster/sensor_name"
TASKS = [folder.name for folder in find_tasks(REPOSITORY)]
DAYS = [FIRST, SECOND, "2024-11-20", "2024-11-21", "2024-11-22", "2024-11-23", "2024-11-24", APART]
_BACKFILL = """mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""


def lines(*posts: dict[str, object]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in posts)


def requested(records: list[dg.RunRecord]) -> list[tuple[str, str | None, str | None]]:
    """Job, first and last day of runs, sorted."""
    runs = [record.dagster_run for record in records]
    return sorted((run.job_name, run.tags.get(RANGE_START), run.tags.get(RANGE_END)) for run in runs)


def all_done(records: list[dg.RunRecord], count: int) -> list[dg.RunRecord] | None:
    """The runs, once there are so many and each has ended."""
    return records if len(records) >= count and all(record.dagster_run.is_finished for record in records) else None


@dataclass(frozen=True)
class Story:
    """What came of: two files, one of them broken; the good one again, beside a backfill; a night."""

    serving: Serving
    tasks: list[dg.RunRecord]
    backfill: list[dg.RunRecord]
    night: list[dg.RunRecord]
    landings_at_last: list[dg.RunRecord]
    tasks_at_last: list[dg.RunRecord]


@pytest.fixture(scope="module")
def story(serving: Serving) -> Story:
    def landings() -> list[dg.RunRecord]:
        return serving.runs(**{_SENSOR: "inbox"})

    def tasks() -> list[dg.RunRecord]:
        return serving.runs(**{_SENSOR: "landed_days"})

    serving.drop("broken.jsonl", lines(POSTS[0] | {"post_id": "b1"}) + "{not json\n")
    serving.drop("three_days.jsonl", lines(*POSTS))
    made = wait_for(lambda: all_done(tasks(), 2 * len(TASKS)), 420, "runs of the days that got posts")
    serving.drop("three_days.jsonl", lines(*POSTS))
    keys = (["raw", "posts"], ["attributes", "groups"], ["features", "groups"], ["feast", "groups"])
    params = {
        "assetSelection": [{"path": key} for key in keys],
        "partitionNames": DAYS,
        "fromFailure": False,
        "tags": [],
    }
    launched = serving.ask(_BACKFILL, {"params": params})["launchPartitionBackfill"]
    wait_for(lambda: all_done(landings(), 3), 90, "landing again")
    ticks = len(_ticks(serving, "landed_days"))
    backfill = wait_for(
        lambda: all_done(serving.runs(**{"dagster/backfill": launched["backfillId"]}), 1), 90, "backfill"
    )
    night = _night(serving)
    # Two evaluations after the second landing: enough for anything that would still come of it.
    wait_for(lambda: len(_ticks(serving, "landed_days")) >= ticks + 2, 60, "sensor ticks")
    return Story(serving, made, backfill, night, landings(), tasks())


def _night(serving: Serving) -> list[dg.RunRecord]:
    """Runs of the coming night's two o'clock, by the daemon's own loop over schedules."""
    serving.yard.ingest(post("n1", "cycling 모집", board="groups", event_at="2024-12-01T12:00:00+09:00"))
    before = {record.dagster_run.run_id for record in serving.runs()}
    now, times = datetime.now(UTC), dict[str, Any]()
    with create_test_daemon_workspace_context(
        WorkspaceFileTarget([str(serving.workspace)]), serving.instance
    ) as context:
        for end in (now, now + timedelta(days=1)):
            list(launch_scheduled_runs(context, logging.getLogger("night"), end, times))

    def new() -> list[dg.RunRecord]:
        made = serving.runs(**{"dagster/schedule_name": "nightly_groups"})
        return [record for record in made if record.dagster_run.run_id not in before]

    return wait_for(lambda: all_done(new(), 1), 240, "night")


def _ticks(serving: Serving, sensor: str) -> list[float]:
    """Times of a sensor's ticks, by what the webserver shows."""
    found = serving.ask(
        """query($selector: SensorSelector!) { sensorOrError(sensorSelector: $selector) {
            ... on Sensor { sensorState { ticks(limit: 100) { timestamp status } } } } }""",
        {"selector": {"repositoryName": "__repository__", "repositoryLocationName": "madang", "sensorName": sensor}},
    )
    return [tick["timestamp"] for tick in found["sensorOrError"]["sensorState"]["ticks"]]


def test_a_file_runs_exactly_its_days_of_every_task(story: Story) -> None:
    assert requested(story.tasks) == [(task, *days) for task in TASKS for days in ((FIRST, SECOND), (APART, APART))]
    assert {record.dagster_run.status for record in story.tasks} == {dg.DagsterRunStatus.SUCCESS}


def test_the_rows_are_there(story: Story) -> None:
    yard = story.serving.yard

    rows = "SELECT day::VARCHAR, count(*) FROM attributes.{} GROUP BY day ORDER BY day"
    assert yard.rows(rows.format("groups")) == [
        (FIRST, 2), (SECOND, 1), (APART, 1), ("2024-12-01", 1)
    ]  # fmt: skip
    assert yard.rows(rows.format("rentals")) == [(FIRST, 1), (APART, 1)]


def test_the_same_file_again_lands_nothing_and_runs_nothing(story: Story) -> None:
    yard = story.serving.yard

    assert [record.dagster_run.status.value for record in story.landings_at_last].count("SUCCESS") == 2
    assert len(story.tasks_at_last) == len(story.tasks)
    assert yard.rows("SELECT count(*) FROM raw.posts") == [(len(POSTS) + 1,)]  # and the night's
    digits = sha256(lines(*POSTS).encode()).hexdigest()[:8]
    assert sorted(path.name for path in (yard.inbox / "landed").iterdir()) == [f"three_days-{digits}.jsonl"]


def test_a_broken_file_fails_once_with_its_line_and_stays(story: Story) -> None:
    failed = [record for record in story.landings_at_last if record.dagster_run.status == dg.DagsterRunStatus.FAILURE]
    assert len(failed) == 1

    events = story.serving.instance.all_logs(failed[0].dagster_run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    told = events[0].get_dagster_event().event_specific_data.error_display_string
    file = story.serving.yard.inbox / "broken.jsonl"
    assert f"{file}:2: the line is not JSON (JSONDecodeError). Repair the line; nothing was written" in told
    assert [path.name for path in story.serving.yard.inbox.glob("*.jsonl")] == ["broken.jsonl"]
    assert "not json" not in told


def test_a_backfill_of_a_range_is_one_run(story: Story) -> None:
    """Launched over everything upstream too, as "Materialize all" does; its posts once made all that follows skip."""
    status = [(record.dagster_run.status.value, *requested([record])[0][1:]) for record in story.backfill]
    stats = story.serving.instance.get_run_step_stats(story.backfill[0].dagster_run.run_id)

    assert status == [("SUCCESS", FIRST, APART)]
    assert {step.step_key: step.status.value for step in stats if step.status} == dict.fromkeys(
        ("raw_posts", "attributes__groups", "features__groups", "groups_checks", "feast__groups"), "SUCCESS"
    )


def test_a_night_runs_exactly_the_days_with_pending_posts(story: Story) -> None:
    assert requested(story.night) == [("groups", "2024-12-01", "2024-12-01")]
    assert story.night[0].dagster_run.status == dg.DagsterRunStatus.SUCCESS
    assert story.serving.yard.rows("SELECT post_id FROM attributes.groups WHERE day = '2024-12-01'") == [("n1",)]


def test_every_request_was_sent_once(story: Story) -> None:
    sent = story.serving.yard.sent()

    assert (len(sent), len(set(sent))) == (5, 5)
