"""A task's own tables for analysts: each `views/<name>.sql` beside its declaration is the view `analytics.<name>`.

A view is never behind: it reads live rows, so a backfill, a release or a rollback shows in it at once.
"""

import re
from pathlib import Path

import duckdb

from madang.errors import DeclarationError
from madang.task import Task
from madang.warehouse.protocol import Warehouse

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_DESCRIPTION = re.compile(r"--\s*(?P<describe>\S[^\n]*)\n(?P<sql>.+)", re.DOTALL)


def ensure_views(warehouse: Warehouse, task: Task) -> None:
    """Creates the task's views that are missing or have changed; its tables and live view must be there.

    Raises:
        DeclarationError: A file's name or SQL is wrong. The views before it are made.
    """
    for file in sorted((task.folder / "views").glob("*.sql")):
        describe, sql = _read(file)
        try:
            warehouse.ensure_view(f"analytics.{file.stem}", sql, describe)
        except duckdb.Error as error:
            raise DeclarationError(file, str(error).splitlines()[0], "Correct the SQL") from error


def _read(file: Path) -> tuple[str, str]:
    if _NAME.fullmatch(file.stem) is None:
        raise DeclarationError(file, f"{file.stem!r} is not a view's name", "Name it in lower case, such as prices.sql")
    found = _DESCRIPTION.match(file.read_text(encoding="utf-8"))
    if found is None:
        raise DeclarationError(file, "its first line is no comment", "Begin with `-- ` and what one row of it is")
    return found["describe"].strip(), found["sql"].strip()
