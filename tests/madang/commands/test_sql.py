"""`madang sql`: a narrow table as it is, a wide one row by row, and a query that cannot be shown in one line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from scenario import Project, make_project, post

from madang.cli import main


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with one post of two lines."""
    project = make_project(tmp_path_factory.mktemp("sql") / "project", ("meetups",))
    project.ingest(post("p1", "running\n4명", extra={"a": 1}))
    project.close()
    return project


@pytest.fixture
def sql(town: Project) -> Callable[..., Result]:
    """Runs a query in a terminal of 80 columns."""

    def run(*arguments: str | Path) -> Result:
        environment = {name: value for name, value in town.environment.items() if name.startswith("MADANG_")}
        return CliRunner().invoke(main, ["sql", *map(str, arguments)], env={**environment, "COLUMNS": "80"})

    return run


def test_a_narrow_table_is_printed_as_a_table(sql) -> None:
    assert sql("SELECT post_id, 1.5 AS half FROM raw.posts").stdout.splitlines() == [
        "┌─────────┬──────┐",
        "│ post_id ┆ half │",
        "│ ---     ┆ ---  │",
        "│ str     ┆ f64  │",
        "╞═════════╪══════╡",
        "│ p1      ┆ 1.5  │",
        "└─────────┴──────┘",
    ]


def test_a_table_wider_than_the_terminal_is_printed_one_column_a_line(sql) -> None:
    """Eighteen columns of raw.posts were three characters each."""
    lines = sql("SELECT * FROM raw.posts").stdout.splitlines()

    assert len(lines) == 19
    assert [lines[position] for position in (0, 1, 3, 6, 7, 13, 15, 16)] == [
        "-[ row 1 ]--------",
        "source          | town",
        "revision        | 1",
        "body            | running\\n4명",
        "images          | []",
        "event_at        | 2024-11-27 00:00:00+00:00",
        "day             | 2024-11-27",
        "deleted         | false",
    ]


def test_json_is_one_object_a_row_however_wide(sql) -> None:
    [line] = sql("SELECT * FROM raw.posts", "--json").stdout.splitlines()

    assert (len(json.loads(line)), json.loads(line)["body"]) == (18, "running\n4명")


def test_of_many_wide_rows_the_first_200_are_printed(sql) -> None:
    lines = sql("SELECT i, repeat('x', 79) AS x FROM range(203) r(i)").stdout.splitlines()

    assert len(lines) == 601
    assert lines[597:] == [
        "-[ row 200 ]-", "i | 199", f"x | {'x' * 79}", "… 3 more rows: use LIMIT and OFFSET, or --json",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "it holds no statement. Write one, such as: SELECT count(*) FROM raw.posts"),
        (
            "SELECT ingested_at - event_at AS age FROM raw.posts",
            "column 'age' is INTERVAL, which cannot be shown. Cast it to VARCHAR",
        ),
        (
            "SELECT body::INTEGER FROM raw.posts",
            "a value cannot be converted to the type it is cast to. Use try_cast, which gives null",
        ),
    ],
)
def test_what_cannot_be_shown_is_refused_in_one_line(sql, query: str, message: str) -> None:
    refused = sql(query)

    assert (refused.exit_code, refused.stderr) == (2, f"madang: query: {message}\n")
