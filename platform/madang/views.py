"""A task's own tables for analysts: each `views/<name>.sql` beside its declaration is the view `analytics.<name>`.

A view is never behind: it reads live rows, so a backfill, a release or a rollback shows in it at once. Its file opens
with what one row is, then a line for each column, `-- name: what it means`: no warehouse keeps those for a view.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from madang.errors import DeclarationError, InputError
from madang.task import Task
from madang.warehouse.protocol import Warehouse

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_DESCRIPTION = re.compile(r"--\s*(?P<describe>\S[^\n]*)\n(?P<rest>.+)", re.DOTALL)
_COLUMN = re.compile(r"--\s*(?P<name>[a-z][a-z0-9_]*):\s*(?P<describe>\S.*)")


@dataclass(frozen=True)
class View:
    """A view as its file declares it.

    Args:
        name: `analytics.<name>`.
        describe: What one row is.
        columns: What each column means, by name.
        sql: Its query.
    """

    name: str
    describe: str
    columns: Mapping[str, str]
    sql: str


def ensure_views(warehouse: Warehouse, task: Task, *, is_live_changed: bool = False) -> None:
    """Creates the task's views that are missing or have changed; its tables and live view must be there.

    Args:
        warehouse: Where they are made.
        task: Whose views they are.
        is_live_changed: Whether what they read has other columns now: all are made anew then, for one that reads a
            column that is gone or renamed would else be found out by its next reader.

    Raises:
        DeclarationError: A file's name or SQL is wrong. The views before it are made.
    """
    for view in views_of(task) if is_live_changed else []:
        warehouse.drop_view(view.name)
    for file in _files(task):
        view = _read(file)
        try:
            warehouse.ensure_view(view.name, view.sql, view.describe, _bigquery(file))
        except duckdb.Error as error:
            raise DeclarationError(file, str(error).splitlines()[0], "Correct the SQL") from error
        except InputError as error:
            raise DeclarationError(
                file, error.culprit, f"Correct the SQL, or write BigQuery's own as bigquery/{file.name} beside it"
            ) from error


def views_of(task: Task) -> list[View]:
    """The task's views, by name.

    Raises:
        DeclarationError: A file's name is wrong, or it does not say what a row is.
    """
    return [_read(file) for file in _files(task)]


def _files(task: Task) -> list[Path]:
    return sorted((task.folder / "views").glob("*.sql"))


def _bigquery(file: Path) -> str | None:
    """The same view in BigQuery's dialect, where sqlglot cannot carry it over: `views/bigquery/<name>.sql`."""
    own = file.parent / "bigquery" / file.name
    return own.read_text(encoding="utf-8") if own.is_file() else None


def _read(file: Path) -> View:
    if _NAME.fullmatch(file.stem) is None:
        raise DeclarationError(file, f"{file.stem!r} is not a view's name", "Name it in lower case, such as prices.sql")
    found = _DESCRIPTION.match(file.read_text(encoding="utf-8"))
    if found is None:
        raise DeclarationError(file, "its first line is no comment", "Begin with `-- ` and what one row of it is")
    lines, columns = found["rest"].strip().splitlines(), {}
    while lines and (column := _COLUMN.fullmatch(lines[0].strip())):
        columns[column["name"]] = column["describe"]
        lines = lines[1:]
    return View(f"analytics.{file.stem}", found["describe"].strip(), columns, "\n".join(lines).strip())
