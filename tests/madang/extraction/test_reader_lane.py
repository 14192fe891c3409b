"""The lane of readers: a task that asks nothing needs no model, makes no call, and is run, planned and scored."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import reader
from scenario import ALL_DAYS, MEETUPS, Project, make_project, post, write_posts

from madang.evaluation import evaluate
from madang.extraction.checks import per_field, run_checks
from madang.extraction.estimate import estimate
from madang.extraction.plan import make_plan
from madang.models.catalogue import Catalogue
from madang.recipe import recipe_of
from madang.recipe_changes import PartChange, recipe_change

FIELDS: dict[str, Any] = {
    "seats": {"kind": "number", "integer": True, "read": "own.seats"},
    "gender": MEETUPS["fields"]["gender"] | {"read": "own.gender"},
    "is_large": {"kind": "flag", "derive": "seats > 9"},
}
POSTS = [post("p1", "seats 4 women"), post("p2", "seats 12"), post("p3", "boom"), post("p4", "…"), post("p5", "hello")]


def read_only(attributes: dict[str, Any], **changes: object) -> None:
    attributes |= {"fields": FIELDS, "readers": {"own": "reader:read"}} | changes
    attributes.pop("models", None)


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project whose readers have read five posts."""
    project = make_project(tmp_path_factory.mktemp("read") / "project", ("meetups",))
    project.edit("meetups", read_only)
    (project.folder / "assets" / "meetups" / "prompt.md").unlink()
    project.ingest(*POSTS)
    project.run()
    yield project
    project.close()


def test_every_post_ends_as_a_row_or_in_quarantine_without_a_call(read: Project) -> None:
    rows = read.rows("SELECT post_id, seats, gender, is_large, lane, model, request_hash, status "
                     "FROM attributes.meetups ORDER BY post_id")  # fmt: skip

    assert rows == [
        ("p1", 4, "female", False, "reader", None, None, "ok"),
        ("p2", 12, "unspecified", True, "reader", None, None, "ok"),
        ("p4", None, "unspecified", None, "reader", None, None, "empty"),
        ("p5", None, "unspecified", None, "reader", None, None, "ok"),
    ]
    assert read.sent() == []
    assert read.rows("SELECT count(*) FROM ops.ledger") == [(0,)]


def test_a_post_on_which_a_reader_raises_is_in_quarantine_under_its_name(read: Project) -> None:
    assert read.rows("SELECT post_id, failure, message FROM ops.quarantine") == [
        ("p3", "reader_error", "reader own raised ZeroDivisionError")
    ]


def test_all_checks_pass(read: Project) -> None:
    assert all(result.passed for result in run_checks(read.warehouse, read.task()))


def test_running_again_changes_nothing(read: Project) -> None:
    before = read.warehouse.snapshot

    read.run()

    assert read.warehouse.snapshot == before


def test_a_readers_new_version_makes_a_new_recipe_and_no_call(read: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "VERSION", 2)
    task, catalogue = read.task(), Catalogue(read.settings)

    plan = make_plan(read.warehouse, task, recipe_of(task, catalogue.identity), ALL_DAYS)
    change = recipe_change(read.warehouse, plan.recipe)
    calls = estimate(read.warehouse, task, catalogue, plan).calls

    assert plan.counts["recipe"] == 4
    assert change is not None
    assert change.parts == (PartChange("reader", "own: 1 → 2"),)
    assert not change.parts[0].is_asked_again
    assert (calls.total, calls.blank) == (0, plan.posts.height)


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Project]:
    """A project whose task asks a model."""
    project = make_project(tmp_path / "project", ("meetups",))
    yield project
    project.close()


def test_a_task_that_asks_is_read_again_from_its_replies_when_a_reader_changes(
    asking: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    seats = MEETUPS["fields"]["seats"] | {"read": "own.seats", "decide": "both"}
    asking.edit("meetups", lambda declared: declared.update(
        fields=MEETUPS["fields"] | {"seats": seats}, readers={"own": "reader:read"}))  # fmt: skip
    asking.ingest(post("p1", "모집 12번 seats 4"))
    asking.run("meetups")
    monkeypatch.setattr(reader, "VERSION", 2)

    report = asking.run("meetups")

    assert (len(asking.sent()), report.progress.sent, report.progress.extracted) == (1, 0, 1)
    found = per_field(asking.warehouse, asking.task("meetups"), ALL_DAYS)
    assert found.filter(field="seats").select("answered", "reader_disagrees").rows() == [(2, 2)]
    validity = next(one for one in run_checks(asking.warehouse, asking.task("meetups")) if one.name == "validity")
    assert validity.summary.endswith("are valid; readers read 2 of them otherwise")


def test_a_post_whose_reader_raises_after_the_call_keeps_its_reply(asking: Project) -> None:
    asking.edit("meetups", lambda declared: declared.update(
        fields=MEETUPS["fields"] | {"seats": FIELDS["seats"]}, readers={"own": "reader:read"}))  # fmt: skip
    asking.ingest(post("p1", "모집 boom"))

    asking.run("meetups")

    assert asking.rows("SELECT failure FROM ops.quarantine") == [("reader_error",)]
    assert asking.rows("SELECT count(*) FROM ops.replies") == [(1,)]


GOLD = [
    {"post_id": "p1", "seats": 4, "topics": []},
    {"post_id": "p2", "seats": 11},
    {"post_id": "p3", "seats": None},
]


def test_the_lane_of_readers_is_scored_without_a_call(read: Project, tmp_path: Path) -> None:
    posts, gold = write_posts(tmp_path / "posts.jsonl", POSTS), write_posts(tmp_path / "gold.jsonl", GOLD)

    report = evaluate(read.task(), read.settings, posts, gold=gold)

    assert (report.lane, report.sent, report.failed) == ("reader", 0, 1)
    assert report.fields["seats"]["accuracy"].value == 2 / 3


def test_in_the_lane_of_readers_a_task_that_asks_is_scored_on_what_its_readers_find(
    asking: Project, tmp_path: Path
) -> None:
    asking.edit("meetups", lambda declared: declared.update(
        fields=MEETUPS["fields"] | {"seats": FIELDS["seats"] | {"decide": "model"}},
        readers={"own": "reader:read"}))  # fmt: skip
    posts, gold = write_posts(tmp_path / "posts.jsonl", POSTS), write_posts(tmp_path / "gold.jsonl", GOLD)

    report = evaluate(asking.task("meetups"), asking.settings, posts, gold=gold, lane="reader")

    assert (report.lane, report.sent, list(report.fields)) == ("reader", 0, ["seats"])
