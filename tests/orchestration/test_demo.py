"""`madang demo --posts`: the user's own posts, whatever else has landed. The scripted model answers."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result
from dagster_home import FIRST, SECOND, Yard, yard_at
from rich.console import Console
from scenario import post, write_posts

from madang.extraction.run import run_task
from orchestration.demo import demo
from orchestration.demo_report import show_posts
from orchestration.demo_scope import Scope, scope_of


@pytest.fixture
def yard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Yard]:
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # the demo silences it
    monkeypatch.setenv("COLUMNS", "200")
    with yard_at(tmp_path / "yard") as made:
        yield made


def at(day: str, source: str, *ids: str) -> list[dict[str, object]]:
    """Posts of a day that `groups` takes."""
    return [post(name, f"running 모집 {name}", source=source, event_at=f"{day}T12:00:00+09:00") for name in ids]


def keys(rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame([{"source": row["source"], "post_id": row["post_id"]} for row in rows])


def run_demo(*arguments: str | Path) -> Result:
    return CliRunner().invoke(demo, [str(argument) for argument in arguments])


def test_own_posts_are_read_and_shown_though_others_are_pending(yard: Yard, tmp_path: Path) -> None:
    """After the samples had run, the rest of the samples was read instead of the user's posts.

    And a task of which no post had ever landed ended the demo: attributes.rentals__live does not exist.
    """
    others = at("2024-11-01", "samples", "s1", "s2") + at(SECOND, "samples", "s3")
    yard.ingest(*others)
    own = [{"id": "o1", "board": "운동", "content": "running 모집 o1", "at": f"{FIRST}T12:00:00+09:00"}]
    file = write_posts(tmp_path / "own.jsonl", own)
    told = run_demo("--posts", file, "--map", "post_id=id", "--map", "body=content", "--map", "event_at=at")

    assert told.exit_code == 0, told.output
    assert yard.rows("SELECT source, post_id FROM attributes.groups") == [("own", "o1")]
    assert (
        "left out  rentals: none of 1 posts matches its `where`, board in ('rentals', '주거/부동산') "
        "(boards found: '운동')"
    ) in told.output
    assert "groups  own:o1  groups@1" in told.output
    assert "samples:" not in told.output


def test_posts_of_no_task_are_refused_with_the_reason(yard: Yard, tmp_path: Path) -> None:
    file = write_posts(tmp_path / "own.jsonl", [post("o1", board="자유"), post("o2", board=None)])
    told = run_demo("--posts", file)

    assert told.exit_code == 3
    assert "(boards found: none, '자유')" in told.output
    assert "its posts have landed, and no task takes one" in told.stderr


def test_posts_of_others_that_come_first_are_counted_and_bounded(yard: Yard) -> None:
    own = at(FIRST, "zoo", "z1") + at(SECOND, "zoo", "z2")
    yard.ingest(*own, *at(FIRST, "aaa", "a1", "a2"), *at(SECOND, "aaa", "a3"))
    task = yard.task("groups")

    both, one, none = (scope_of(yard.settings, yard.warehouse, task, keys(own), limit) for limit in (None, 2, 1))

    assert isinstance(both, Scope)
    assert isinstance(one, Scope)
    assert isinstance(none, Scope)
    assert [(scope.posts, scope.others, scope.left) for scope in (both, one, none)] == [
        (5, 3, 0), (3, 2, 1), (0, 0, 1)
    ]  # fmt: skip
    assert [day.isoformat() for day in one.days] == [FIRST, FIRST]


def test_a_second_demo_shows_again_what_it_read(yard: Yard) -> None:
    own = at(FIRST, "town", "t1")
    yard.ingest(*own)
    task = yard.task("groups")
    yard.run("groups")

    scope = scope_of(yard.settings, yard.warehouse, task, keys(own), 12)

    assert isinstance(scope, Scope)
    assert (scope.posts, [day.isoformat() for day in scope.days]) == (0, [FIRST, FIRST])
    yard.ingest(*at(FIRST, "town", "t2"))
    report = run_task(task, yard.settings, yard.warehouse, scope.days, limit=scope.posts)
    assert (report.limited_to, report.pending) == (0, 1)


def test_only_the_current_text_of_a_post_is_shown(yard: Yard) -> None:
    own = at(FIRST, "town", "t1")
    yard.ingest(*own)
    task = yard.task("groups")
    yard.run("groups")
    scope = scope_of(yard.settings, yard.warehouse, task, keys(own), 12)
    assert isinstance(scope, Scope)
    console = Console(width=200)
    with console.capture() as before:
        show_posts(console, yard.warehouse, scope)
    yard.ingest(own[0] | {"body": "edited"})
    with console.capture() as after:
        show_posts(console, yard.warehouse, scope)

    assert "running 모집 t1" in before.get()
    assert after.get().startswith("groups: no post of these has a row")
