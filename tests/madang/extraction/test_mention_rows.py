"""Mentions of a run: a table of their own, one row a mention, written with their extraction and live with it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scenario import Project, make_project, post, write_posts

from madang.evaluation import evaluate
from madang.extraction.checks import run_checks
from madang.releases import live

FIELDS: dict[str, Any] = {
    "spots": {
        "kind": "mentions",
        "of": {"is_review": {"kind": "flag"}, "district": {"kind": "label", "of": ["north", "south"]}},
        "keep": "is_review",
    },
    "is_long": {"kind": "flag", "derive": "len(spots) > 1"},
}
POSTS = [post("p1", "#Park #Hall #park 모집"), post("p2", "#Gate north"), post("p3", "hello")]
ROWS = ("SELECT post_id, ordinal, text, field, \"start\", \"end\", kept, is_review, district, model, lane "
        "FROM attributes.meetups__spots ORDER BY post_id, ordinal")  # fmt: skip
GOLD = [
    {"post_id": "p1", "spots": [{"text": "#park", "is_review": True, "direction_only": False}]},
    {"post_id": "p2", "spots": [{"text": "#gate", "is_review": False, "direction_only": True}]},
    {"post_id": "p3", "spots": []},
]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project whose scripted model mentions every word with a #."""
    project = make_project(tmp_path_factory.mktemp("mentions") / "project", ("meetups",))
    project.edit("meetups", lambda declared: declared.update(fields=FIELDS))
    project.ingest(*POSTS)
    project.run()
    yield project
    project.close()


def test_each_mention_is_a_row_with_its_origin(told: Project) -> None:
    assert told.rows(ROWS) == [
        ("p1", 1, "#Park", "body", 0, 5, True, True, "south", "online:scripted-local", "online"),
        ("p1", 2, "#Hall", "body", 6, 11, True, True, "south", "online:scripted-local", "online"),
        ("p2", 1, "#Gate", "body", 0, 5, False, False, "north", "online:scripted-local", "online"),
    ]


def test_the_extraction_holds_the_texts_of_those_kept(told: Project) -> None:
    rows = told.rows("SELECT post_id, spots, is_long, len(spots__evidence) FROM attributes.meetups ORDER BY post_id")

    assert rows == [("p1", ["#Park", "#Hall"], True, 2), ("p2", [], False, 0), ("p3", [], False, 0)]


def test_all_checks_pass(told: Project) -> None:
    assert [result.name for result in run_checks(told.warehouse, told.task()) if not result.passed] == []


def test_running_again_doubles_no_mention(told: Project) -> None:
    told.run()

    assert len(told.rows(ROWS)) == 3


def test_stored_mentions_are_scored_without_a_call(told: Project, tmp_path: Path) -> None:
    posts, gold = write_posts(tmp_path / "posts.jsonl", POSTS), write_posts(tmp_path / "gold.jsonl", GOLD)
    recipe = live(told.warehouse, "meetups")

    report = evaluate(told.task(), told.settings, posts, gold=gold, warehouse=told.warehouse, recipe=recipe)

    found = report.fields["spots"]
    assert (found["span_f1"].value, found["span_f1"].baseline) == (pytest.approx(0.8), 0.0)
    assert found["review_f1"].value == pytest.approx(2 / 3)
    assert report.sent == 0


def test_asked_mentions_are_scored_like_stored_ones(told: Project, tmp_path: Path) -> None:
    posts, gold = write_posts(tmp_path / "posts.jsonl", POSTS), write_posts(tmp_path / "gold.jsonl", GOLD)

    report = evaluate(told.task(), told.settings, posts, gold=gold)

    assert report.fields["spots"]["span_f1"].value == pytest.approx(0.8)


def test_mentions_of_a_deleted_post_are_not_live(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", ("meetups",))
    project.edit("meetups", lambda declared: declared.update(fields=FIELDS))
    project.ingest(*POSTS)
    project.run()
    project.ingest(post("p1", "#Park #Hall #park 모집", deleted=True))

    rows = project.rows("SELECT post_id FROM attributes.meetups__spots__live")
    project.close()

    assert rows == [("p2",)]


def test_what_a_reader_mentions_is_a_row_too(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", ("meetups",))
    fields = {"spots": FIELDS["spots"] | {"read": "own.spots"}}
    project.edit("meetups", lambda declared: declared.update(fields=fields, readers={"own": "reader:read"}))
    project.ingest(post("p1", "#Park good"))

    project.run()

    assert project.rows(ROWS) == [("p1", 1, "#Park", "body", 0, 5, True, True, "north", None, "reader")]
    project.close()


def test_mentions_in_the_posts_themselves_are_gold_of_the_field_called_like_them(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", ("meetups",))
    fields = {"mentions": {"kind": "mentions", "read": "own.spots"}}
    project.edit("meetups", lambda declared: declared.update(fields=fields, readers={"own": "reader:read"}))
    mentioned = [{"text": "#Hall", "start": 6, "end": 11, "type": "Hall"}]
    posts = write_posts(tmp_path / "posts.jsonl", [post("p1", "#Park #Hall", mentions=mentioned), post("p2", "hm")])

    report = evaluate(project.task(), project.settings, posts, gold_from="mentions")

    assert (report.n, report.fields["mentions"]["span_f1"].value) == (1, pytest.approx(2 / 3))
    project.close()
