"""Features: live rows, appended when what is live changes, and published as days that Feast can read."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from filelock import FileLock
from scenario import ALL_DAYS, DAY, NEXT_DAY, Project, make_project, post

from madang.features import Published, features_folder, publish
from madang.releases import release, rollback


@dataclass(frozen=True)
class Story:
    """What was published after each step, by the step's name.

    Args:
        project: The project.
        published: What publishing said.
        files: The rows of each published file, by day; `_schema` is the file without rows.
    """

    project: Project
    published: dict[str, Published]
    files: dict[str, dict[str, list[dict[str, Any]]]]

    def publish(self, step: str, days: tuple[date, date] = ALL_DAYS) -> None:
        task, settings = self.project.task(), self.project.settings
        self.published[step] = publish(self.project.warehouse, settings, task, days)
        self.files[step] = {
            file.parent.name: pq.read_table(file).to_pylist()
            for file in features_folder(settings, task).glob("*/*.parquet")
        }

    def served(self, step: str, day: date = DAY) -> dict[str, Any]:
        """The one post of a day as Feast would see it: the row with the newest created timestamp."""
        return max(self.files[step][f"day={day}"], key=lambda row: row["extracted_at"])


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    project = make_project(tmp_path_factory.mktemp("features") / "project", ("meetups",))
    story = Story(project, {}, {})
    project.ingest(post("p1", "running 4명"), post("p2", "cafe", event_at="2024-11-28T09:00:00+09:00"))
    project.run()
    story.publish("first")
    schema = pq.read_schema(features_folder(project.settings, project.task()) / f"day={DAY}" / "part.parquet")
    snapshot = project.warehouse.snapshot
    story.publish("again")
    quiet = project.warehouse.snapshot == snapshot

    project.ingest(post("p1", "hiking 4명"))
    project.run()
    story.publish("edited")
    project.ingest(post("p1", "running 4명"))
    story.publish("edited back")

    project.edit("meetups", lambda task: task["fields"].update(is_small={"kind": "flag", "derive": "seats < 5"}))
    project.run()
    story.publish("another recipe, one day", (DAY, DAY))
    release(project.warehouse, "meetups@2")
    story.publish("released")
    rollback(project.warehouse, "meetups")
    story.publish("rolled back")

    assert quiet, "publishing what is there made a snapshot"
    story.files["schema"] = {field.name: [{"type": field.type}] for field in schema}
    yield story
    project.close()


@pytest.fixture
def two_days(tmp_path: Path) -> Iterator[Story]:
    """A project of its own, of which two days were published, of one post each."""
    project = make_project(tmp_path / "project", ("meetups",))
    project.ingest(post("p1", "running 4명"), post("p2", "cafe", event_at="2024-11-28T09:00:00+09:00"))
    project.run()
    story = Story(project, {}, {})
    story.publish("first")
    yield story
    project.close()


def test_each_touched_day_is_one_file(story: Story) -> None:
    assert story.published["first"] == Published({DAY: 1, NEXT_DAY: 1}, 2)
    assert set(story.files["first"]) == {"_schema", f"day={DAY}", f"day={NEXT_DAY}"}


def test_a_row_holds_values_confidences_and_recipe_under_the_entity_s_key(story: Story) -> None:
    row = story.served("first")

    assert {name: value for name, value in row.items() if not name.endswith(("_at", "__confidence"))} == {
        "meetup_id": "town:p1", "recipe": "meetups@1",
        "is_recruiting": False, "topics": ["running"], "gender": "unspecified", "seats": 4.0, "is_open_to_all": True,
        "is_recruiting__recipe": "meetups@1", "topics__recipe": "meetups@1", "gender__recipe": "meetups@1",
        "seats__recipe": "meetups@1", "is_open_to_all__recipe": "meetups@1",
    }  # fmt: skip
    assert row["event_at"].isoformat() == "2024-11-27T00:00:00+00:00"


def test_files_have_the_types_that_feast_reads(story: Story) -> None:
    types = {name: rows[0]["type"] for name, rows in story.files["schema"].items()}
    instant = pa.timestamp("us", tz="UTC")

    assert types["topics"] == pa.list_(pa.field("item", pa.string()))
    assert types["topics"].value_field.name == "item"
    assert {name: types[name] for name in types if "__" not in name and name not in ("recipe", "topics")} == {
        "meetup_id": pa.string(), "event_at": instant, "extracted_at": instant, "seats": pa.float64(),
        "is_recruiting": pa.bool_(), "gender": pa.string(), "is_open_to_all": pa.bool_(),
    }  # fmt: skip
    assert not {"day", "topics__evidence"} & set(types)


def test_publishing_again_appends_nothing(story: Story) -> None:
    assert story.published["again"] == Published({DAY: 1, NEXT_DAY: 1}, 0)
    assert story.files["again"] == story.files["first"]


def test_an_edit_is_appended_beside_the_old_row(story: Story) -> None:
    assert story.published["edited"] == Published({DAY: 2, NEXT_DAY: 1}, 1)
    assert story.served("edited")["topics"] == ["hiking"]


def test_an_edit_back_appends_the_old_values_as_the_newest(story: Story) -> None:
    moments = [row["extracted_at"] for row in story.files["edited back"][f"day={DAY}"]]

    assert story.published["edited back"] == Published({DAY: 3, NEXT_DAY: 1}, 1)
    assert story.served("edited back")["topics"] == ["running"]
    assert len(set(moments)) == 3


def test_a_recipe_that_is_not_live_is_not_published(story: Story) -> None:
    assert story.published["another recipe, one day"] == Published({DAY: 3}, 0)
    assert story.served("another recipe, one day")["recipe"] == "meetups@1"


def test_a_changed_schema_republishes_every_day(story: Story) -> None:
    """Feast's reader takes the first file's schema for all: a day left as it was would lose or break the new column."""
    files = story.files["another recipe, one day"]

    assert [row["is_small"] for row in files[f"day={NEXT_DAY}"]] == [None]
    assert {len(row) for rows in files.values() for row in rows} == {20}


def test_a_release_appends_its_values_and_a_rollback_appends_the_old_ones_again(story: Story) -> None:
    released, back = story.served("released"), story.served("rolled back")

    assert (released["recipe"], released["is_small"]) == ("meetups@2", True)
    assert (back["recipe"], back["is_small"]) == ("meetups@1", None)
    assert [story.published[step].appended for step in ("released", "rolled back")] == [2, 2]


def test_nothing_published_is_ever_overwritten(story: Story) -> None:
    def moments(step: str) -> set[tuple[Any, ...]]:
        return {
            (row["meetup_id"], row["recipe"], row["extracted_at"])
            for rows in story.files[step].values()
            for row in rows
        }

    steps = ["first", "again", "edited", "edited back", "another recipe, one day", "released", "rolled back"]

    assert all(moments(before) <= moments(after) for before, after in pairwise(steps))


def test_no_draft_is_left_behind(story: Story) -> None:
    folder = features_folder(story.project.settings, story.project.task())

    assert {file.name for file in folder.glob("*/*")} == {"part.parquet"}
    assert pl.read_parquet(folder / "*" / "part.parquet").height == len(
        [row for rows in story.files["rolled back"].values() for row in rows]
    )


def test_a_publication_waits_for_the_one_before(two_days: Story) -> None:
    """Two processes wrote one draft of one name: one failed with FileNotFoundError, and half a file could stay."""
    file = features_folder(two_days.project.settings, two_days.project.task()) / f"day={DAY}" / "part.parquet"
    file.unlink()

    with ThreadPoolExecutor(1) as pool:
        with FileLock(file.parent.parent / "write.lock"):
            waiting = pool.submit(two_days.publish, "second")
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.5)
            is_there_before = file.exists()
        waiting.result()

    assert (is_there_before, file.exists()) == (False, True)
    assert two_days.files["second"] == two_days.files["first"]


def test_a_changed_view_that_was_published_halfway_is_published_whole_by_the_next(two_days: Story) -> None:
    """`_schema` was written first: after a kill, days with the old columns were taken for new ones for ever."""
    folder = features_folder(two_days.project.settings, two_days.project.task())
    last = folder / f"day={NEXT_DAY}" / "part.parquet"
    two_days.project.edit(
        "meetups", lambda task: task["fields"].update(is_small={"kind": "flag", "derive": "seats < 5"})
    )
    last.unlink()
    last.mkdir()  # so that the write of the last day fails
    with pytest.raises(IsADirectoryError):
        two_days.publish("halfway")
    drafts = [draft.name for draft in folder.glob("*/*.draft")]
    last.rmdir()
    two_days.publish("taken up", (DAY, DAY))

    assert drafts == [f"part.{os.getpid()}.draft"]
    assert {day: [row["is_small"] for row in rows] for day, rows in two_days.files["taken up"].items()} == {
        "_schema": [], f"day={DAY}": [None], f"day={NEXT_DAY}": [None],
    }  # fmt: skip
    assert "is_small" in pq.read_schema(folder / "_schema" / "part.parquet").names


def test_rows_from_before_the_entity_was_renamed_are_not_published(two_days: Story) -> None:
    """They have no value in the new key's column, and Feast was given rows of no entity."""
    two_days.project.edit("meetups", lambda task: task.update(entity="gathering"))
    two_days.publish("one day", (DAY, DAY))
    two_days.publish("all days")
    keys = {
        step: {day: [row["gathering_id"] for row in rows] for day, rows in two_days.files[step].items()}
        for step in ("one day", "all days")
    }

    assert keys == {
        "one day": {"_schema": [], f"day={DAY}": ["town:p1"], f"day={NEXT_DAY}": []},
        "all days": {"_schema": [], f"day={DAY}": ["town:p1"], f"day={NEXT_DAY}": ["town:p2"]},
    }
    assert (
        "meetup_id"
        not in pq.read_schema(
            features_folder(two_days.project.settings, two_days.project.task()) / f"day={NEXT_DAY}" / "part.parquet"
        ).names
    )


def test_a_view_without_rows_has_its_columns(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", ("meetups",))
    story = Story(project, {}, {})
    story.publish("empty")
    project.close()

    assert story.published["empty"] == Published({}, 0)
    assert story.files["empty"] == {"_schema": []}
