"""docs/tables.md: current, whole, and nothing in it without a meaning."""

import re

import pytest
from click.testing import CliRunner
from docs.pages import folder
from scenario import REPOSITORY, Project

from madang.cli import main
from madang.views import views_of

PAGE = (folder() / "tables.md").read_text(encoding="utf-8")


def test_the_page_is_what_the_declarations_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MADANG_PROJECT", str(REPOSITORY))

    assert CliRunner().invoke(main, ["docs"]).stdout == PAGE, "run: make docs"


def test_every_table_and_view_of_a_warehouse_is_on_the_page(town: Project) -> None:
    there = town.rows(
        "SELECT table_schema || '.' || table_name FROM information_schema.tables "
        "WHERE table_catalog = current_database()"
    )
    described = re.findall(r"^### (\S+)$", PAGE, re.MULTILINE)

    assert {name for (name,) in there} - set(described) == set()
    assert len(described) == len(set(described))


def test_every_table_and_column_says_what_it_means(town: Project) -> None:
    assert (
        town.rows(
            "SELECT schema_name, table_name, '' FROM duckdb_tables() "
            "WHERE database_name = current_database() AND coalesce(comment, '') = '' UNION ALL "
            "SELECT c.schema_name, c.table_name, column_name FROM duckdb_columns() c "
            "SEMI JOIN duckdb_tables() t ON (c.database_name, c.schema_name, c.table_name) "
            "= (t.database_name, t.schema_name, t.table_name) "
            "WHERE c.database_name = current_database() AND coalesce(c.comment, '') = ''"
        )
        == []
    )


@pytest.mark.parametrize("task", ["goods", "groups", "places", "rentals"])
def test_a_view_s_file_describes_its_columns_in_their_order(town: Project, task: str) -> None:
    views = views_of(town.task(task))

    assert views
    for view in views:
        assert list(view.columns) == town.warehouse.read(f"SELECT * FROM {view.name} LIMIT 0").columns
