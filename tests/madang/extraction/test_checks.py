"""Checks: a row taken, doubled or changed behind madang's back is seen, and stays seen until it is mended."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from scenario import DAY, NEXT_DAY, Project, make_project, post

from madang.extraction.checks import CheckResult, acknowledge_lost, run_checks
from madang.ops import LEDGER
from madang.warehouse.protocol import Change


@dataclass(frozen=True)
class Story:
    """What the checks said after each step, by the step's name."""

    project: Project
    said: dict[str, dict[str, CheckResult]]

    def check(self, step: str, days: tuple[date, date] | None = None) -> None:
        results = run_checks(self.project.warehouse, self.project.task(), days)
        self.said[step] = {result.name: result for result in results}


def change_row(project: Project, post_id: str, **values: object) -> None:
    """Changes a stored row behind madang's back."""
    table = project.task().table
    row = project.warehouse.read("SELECT * FROM attributes.meetups WHERE post_id = ?", [post_id])
    changed = row.with_columns(pl.lit(value).alias(name) for name, value in values.items())
    project.warehouse.commit([Change(table, changed.cast(dict(table.polars_schema)), "upsert")])


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    project = make_project(tmp_path_factory.mktemp("checks") / "project", ("meetups",))
    story = Story(project, {})
    story.check("before any run")
    project.ingest(
        post("p1", "running 모집 4명"), post("p2", "hiking 500명"),
        post("p3", "cafe", event_at="2024-11-28T09:00:00+09:00"), post("p4", "fault"),
    )  # fmt: skip
    routes = [{"when": "chars == 5", "use": "garbage", "max_tokens": 96}, {"use": "local", "max_tokens": 96}]
    project.edit("meetups", lambda task: task.update(models=routes))
    project.run()
    story.check("after a run")
    story.check("one day", (NEXT_DAY, NEXT_DAY))

    project.take_away(project.task().table, "post_id = 'p1'")
    story.check("a row is gone")
    project.run()
    story.check("made again")

    change_row(project, "p1", seats=500, gender="robot")
    story.check("a value is out of range")
    change_row(project, "p1", seats=4, gender="female")

    # The warehouse itself never doubles a key; somebody else's SQL may.
    project.warehouse.read("INSERT INTO attributes.meetups SELECT * FROM attributes.meetups WHERE post_id = 'p3'")
    story.check("a row is doubled")
    table = project.task().table
    [doubled] = project.warehouse.read("SELECT * FROM attributes.meetups WHERE post_id = 'p3' LIMIT 1").partition_by(
        "post_id"
    )
    project.take_away(table, "post_id = 'p3'")
    project.warehouse.commit([Change(table, doubled.cast(dict(table.polars_schema)))])

    ledger = project.warehouse.read("SELECT * FROM ops.ledger WHERE outcome = 'ok' LIMIT 1")
    lost = ledger.with_columns(call_id=pl.lit("c"), outcome=pl.lit("lost")).cast(dict(LEDGER.polars_schema))
    project.warehouse.commit([Change(LEDGER, lost)])
    story.check("a reply is lost")
    acknowledged = [acknowledge_lost(project.warehouse, project.task()) for _ in range(2)]
    story.check("the loss is acknowledged")

    assert acknowledged == [1, 0]
    yield story
    project.close()


def test_before_any_run_there_is_nothing_to_complain_of(story: Story) -> None:
    assert [(name, result.passed) for name, result in story.said["before any run"].items()] == [
        ("completeness", True), ("validity", True), ("grounding", True), ("ranges", True),
    ]  # fmt: skip


def test_after_a_run_what_was_planned_is_accounted_for(story: Story) -> None:
    completeness = story.said["after a run"]["completeness"]

    assert (completeness.passed, completeness.severity) == (True, "error")
    assert completeness.summary == "4 planned = 3 extracted + 1 quarantined + 0 pending"
    assert completeness.table.select("recipe", "day", "planned", "extracted", "quarantined", "pending").rows() == [
        ("meetups@1", str(DAY), 3, 2, 1, 0), ("meetups@1", str(NEXT_DAY), 1, 1, 0, 0),
    ]  # fmt: skip


def test_checks_can_be_asked_of_some_days_only(story: Story) -> None:
    assert story.said["one day"]["completeness"].summary == "1 planned = 1 extracted + 0 quarantined + 0 pending"


def test_a_row_deleted_behind_its_back_turns_completeness_red_until_it_is_made_again(story: Story) -> None:
    gone, again = (story.said[step]["completeness"] for step in ("a row is gone", "made again"))

    assert (gone.passed, gone.summary) == (False, "4 planned ≠ 2 extracted + 1 quarantined + 0 pending on 1 days")
    assert (again.passed, again.summary) == (True, "4 planned = 3 extracted + 1 quarantined + 0 pending")


def test_a_stored_value_outside_its_range_or_labels_turns_ranges_red(story: Story) -> None:
    ranges = story.said["a value is out of range"]["ranges"]
    outside = dict(ranges.table.select("field", "outside").rows())

    assert (ranges.passed, ranges.severity) == (False, "error")
    assert outside == {"is_recruiting": 0, "topics": 0, "gender": 1, "seats": 1}
    assert ranges.summary.startswith("2 stored values are outside their range or labels")


def test_answers_dropped_for_their_range_are_counted_and_are_no_error(story: Story) -> None:
    ranges = story.said["after a run"]["ranges"]

    assert ranges.passed
    assert ranges.summary == "0 stored values are outside their range or labels; 1 answers were dropped for it"


def test_a_doubled_row_turns_completeness_red(story: Story) -> None:
    doubled = story.said["a row is doubled"]["completeness"]

    assert not doubled.passed
    assert "1 doubled rows" in doubled.summary


def test_a_lost_reply_stays_red_until_somebody_acknowledges_it(story: Story) -> None:
    lost, known = (story.said[step]["completeness"] for step in ("a reply is lost", "the loss is acknowledged"))

    assert not lost.passed
    assert lost.summary.endswith("1 received replies are gone from the spool")
    assert (known.passed, known.summary) == (True, "4 planned = 3 extracted + 1 quarantined + 0 pending")


def test_the_table_of_a_check_has_one_row_a_field_and_no_text(story: Story) -> None:
    table = story.said["after a run"]["validity"].table
    seats = table.filter(pl.col("field") == "seats").to_dicts()[0]

    assert table["field"].to_list() == ["is_recruiting", "topics", "gender", "seats"]
    assert {name: seats[name] for name in ("rows", "answered", "out_of_range", "not_in_text", "invalid")} == {
        "rows": 3, "answered": 1, "out_of_range": 1, "not_in_text": 0, "invalid": 0,
    }  # fmt: skip


def test_a_field_that_no_run_has_seen_yet_has_no_answers(tmp_path: Path) -> None:
    """`madang check` ended in a traceback between a new field's declaration and the next run."""
    project = make_project(tmp_path / "project", ("meetups",))
    project.ingest(post("p1", "running 모집 4명"))
    project.run()
    project.edit("meetups", lambda task: task["fields"].update(price={"kind": "number", "min": 0}))

    results = {result.name: result for result in run_checks(project.warehouse, project.task())}

    assert all(result.passed for result in results.values())
    assert results["ranges"].table.filter(field="price").select("rows", "answered", "outside", "confidence").row(0) == (
        1, 0, 0, None,
    )  # fmt: skip
