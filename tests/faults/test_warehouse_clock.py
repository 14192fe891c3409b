"""A clock that jumps back: what landed and ran last is live, whatever the instants say; nothing is lost or doubled."""

import sys
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo

import pytest
from scenario import Project, make_project, post

from madang.releases import live, release, rollback
from madang.warehouse import Change


class _Earlier(datetime):
    """A clock that is two hours slow."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) - timedelta(hours=2)


@pytest.fixture
def jump(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Sets back the clock of every module of madang that has been imported."""

    def set_back() -> None:
        for name, module in list(sys.modules.items()):
            if name.startswith("madang.") and getattr(module, "datetime", None) is datetime:
                monkeypatch.setattr(module, "datetime", _Earlier)

    return set_back


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("clock") / "project", ("meetups",))


LIVE = "SELECT post_id, recipe, seats FROM attributes.meetups__live"


def test_an_edit_after_the_jump_is_what_is_live(project: Project, jump: Callable[[], None]) -> None:
    project.ingest(post("p1", "running 모집 4명"))
    project.run()
    jump()
    project.ingest(post("p1", "running 모집 6명"))
    project.run()

    assert project.rows(LIVE) == [("p1", "meetups@1", 6)]
    sql = "SELECT seats, extracted_at < max(extracted_at) OVER () FROM attributes.meetups ORDER BY seats"
    assert project.rows(sql) == [
        (4, False), (6, True),
    ]  # fmt: skip
    assert len(project.sent()) == 2


def test_releases_follow_their_number_and_not_the_clock(project: Project, jump: Callable[[], None]) -> None:
    project.ingest(post("p1", "running 모집 6명"))
    project.run()
    jump()
    project.edit("meetups", lambda declared: declared["fields"]["seats"].update(max=5))
    project.run()
    release(project.warehouse, "meetups@2")
    released = project.rows(LIVE)
    rollback(project.warehouse, "meetups")

    assert released == [("p1", "meetups@2", None)]
    assert project.rows(LIVE) == [("p1", "meetups@1", 6)]
    assert live(project.warehouse, "meetups") == "meetups@1"


def test_a_run_after_the_jump_sends_and_writes_nothing_again(project: Project, jump: Callable[[], None]) -> None:
    project.ingest(post("p1"), post("p2", "hiking 모집"))
    project.run()
    before = project.warehouse.snapshot
    jump()
    project.ingest(post("p1"), post("p2", "hiking 모집"))
    again = project.run()

    assert (again.progress.extracted, len(project.sent()), project.warehouse.snapshot) == (0, 2, before)


def test_snapshots_grow_by_number(project: Project, jump: Callable[[], None]) -> None:
    """DuckLake's own clock is the machine's; a commit is found by its number, whose order no clock changes."""
    task = project.task()
    project.ingest(post("p1"))
    project.run()
    rows = project.warehouse.read("SELECT * FROM attributes.meetups").cast(dict(task.table.polars_schema))
    numbers = []
    for seconds in (0, 3600):
        project.warehouse.commit(
            [
                Change(
                    task.table,
                    rows.with_columns(extracted_at=rows["extracted_at"] - timedelta(seconds=seconds)),
                    "upsert",
                )
            ]
        )
        numbers.append(project.warehouse.snapshot)

    assert numbers[1] == numbers[0] + 1
