"""The worked queries of docs/queries.md in BigQuery: the same tables, the same text, the same rows."""

import uuid
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
from docs.pages import queries_of
from scenario import Project

from madang.errors import InputError
from madang.settings import BigQuerySettings
from madang.tables import ensure_tables, tables_of
from madang.warehouse import Change
from madang.warehouse.bigquery import BigQueryWarehouse

pytestmark = pytest.mark.service
QUERIES = queries_of("queries.md")
# A function of DuckLake's: BigQuery numbers no snapshots.
DUCKLAKES_OWN = "ducklake_snapshots"


@pytest.fixture(scope="module")
def copy(town: Project, emulator: str) -> Iterator[BigQueryWarehouse]:
    """Every table of the town, with its rows, and the views over them."""
    tasks = [town.task(folder.name) for folder in sorted((town.folder / "assets").iterdir())]
    tables = {table.name: table for task in tasks for table in tables_of(task)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIGQUERY_EMULATOR_HOST", emulator)
        opened = BigQueryWarehouse("madang-test", f"m{uuid.uuid4().hex[:8]}", BigQuerySettings())
        for task in tasks:
            ensure_tables(opened, task)
        opened.commit([
            Change(table, town.warehouse.read(f"SELECT * FROM {name}").cast(dict(table.polars_schema)))
            for name, table in tables.items() if town.warehouse.has(name)
        ])  # fmt: skip
        yield opened
        opened.close()


def plain(value: Any) -> Any:
    """A value as both can write it: BigQuery has no null list, and sums in another order."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    return value or None if isinstance(value, list | str) else value


@pytest.mark.parametrize("title", QUERIES)
def test_a_query_finds_the_same_rows(town: Project, copy: BigQueryWarehouse, title: str) -> None:
    for sql in [sql for sql in QUERIES[title] if DUCKLAKES_OWN not in sql]:
        here, there = town.warehouse.read(sql), copy.read(sql)
        # The emulator leaves lists of structs out of `a.*` where common table expressions are joined.
        left_out = [name for name in here.columns if name not in there.columns]

        assert all(isinstance(here.schema[name], pl.List) for name in left_out), left_out
        assert (not left_out) or "SELECT a.*" in sql
        assert rows(here.drop(left_out)) == rows(there)


def test_a_function_of_ducklakes_is_refused(copy: BigQueryWarehouse) -> None:
    [sql] = [sql for found in QUERIES.values() for sql in found if DUCKLAKES_OWN in sql]

    with pytest.raises(InputError, match="BigQuery refuses it"):
        copy.read(sql)


def rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows by name, in order."""
    return [{name: plain(value) for name, value in row.items()} for row in frame.to_dicts()]
