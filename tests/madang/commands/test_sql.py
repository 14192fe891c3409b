"""`madang sql`: tables for people, formats for programs, and a query that cannot be shown in one line."""

import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
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
    """Nineteen columns of raw.posts were three characters each."""
    lines = sql("SELECT * FROM raw.posts").stdout.splitlines()

    assert len(lines) == 20
    assert [lines[position] for position in (0, 1, 3, 6, 7, 14, 16, 17)] == [
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

    assert (len(json.loads(line)), json.loads(line)["body"]) == (19, "running\n4명")


def test_of_many_wide_rows_the_first_200_are_printed(sql) -> None:
    lines = sql("SELECT i, repeat('x', 79) AS x FROM range(203) r(i)").stdout.splitlines()

    assert len(lines) == 601
    assert lines[597:] == [
        "-[ row 200 ]-", "i | 199", f"x | {'x' * 79}", "… 3 more rows: use LIMIT and OFFSET, or --format json",
    ]  # fmt: skip


ROWS = "SELECT * FROM (VALUES (1, '가,나', ['a', 'b']), (2, NULL, NULL)) v(number, word, list) ORDER BY number"


def test_csv_has_lists_as_json_and_nothing_for_null(sql) -> None:
    assert sql(ROWS, "--format", "csv").stdout == 'number,word,list\n1,"가,나","[""a"", ""b""]"\n2,,\n'


def test_parquet_goes_to_a_file_as_it_is(sql) -> None:
    read = pl.read_parquet(io.BytesIO(sql(ROWS, "--format", "parquet").stdout_bytes))

    assert read.rows() == [(1, "가,나", ["a", "b"]), (2, None, None)]


def test_format_json_is_one_object_a_row(sql) -> None:
    lines = sql(ROWS, "--format", "json").stdout.splitlines()

    assert [json.loads(line) for line in lines] == [
        {"number": 1, "word": "가,나", "list": ["a", "b"]}, {"number": 2, "word": None, "list": None},
    ]  # fmt: skip


@pytest.mark.parametrize(("rows", "is_paged"), [(3, False), (300, True)])
def test_only_what_is_longer_than_the_terminal_goes_through_the_pager(town: Project, rows: int, is_paged: bool) -> None:
    shown = _in_a_terminal(town, f"SELECT i FROM range({rows}) r(i)")

    assert ("paged:│ 299 │" in shown, "paged:" in shown) == (is_paged, is_paged)
    assert f"│ {rows - 1}" in shown


def test_parquet_is_not_shown_in_a_terminal(town: Project) -> None:
    assert "a terminal cannot show it" in _in_a_terminal(town, "SELECT 1 AS one", "--format", "parquet")


def _in_a_terminal(town: Project, *arguments: str) -> str:
    """What `madang sql` writes to a terminal of 24 lines, whose pager marks every line."""
    pager = town.folder / "pager"
    pager.write_text("#!/bin/sh\nsed s/^/paged:/\n")
    pager.chmod(0o755)
    ours, theirs = pty.openpty()
    command = [Path(sys.executable).with_name("madang"), "sql", *arguments]
    environment = town.environment | {"PAGER": str(pager), "COLUMNS": "80", "LINES": "24"}
    with subprocess.Popen(command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 65_536):
                shown += part
        except OSError:  # the other end is closed: on Linux that is no end of file
            process.wait()
    os.close(ours)
    return shown.decode()


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
            "a value cannot be converted to the type that is asked. Use try_cast or TRY(…)",
        ),
    ],
)
def test_what_cannot_be_shown_is_refused_in_one_line(sql, query: str, message: str) -> None:
    refused = sql(query)

    assert (refused.exit_code, refused.stderr) == (2, f"madang: query: {message}\n")
