"""A task's own views: `analytics.<name>`, from SQL files beside its declaration."""

from pathlib import Path

import pytest
from scenario import Project, make_project

from madang.errors import DeclarationError
from madang.tables import ensure_tables


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = make_project(tmp_path / "project", ("meetups",))
    (made.folder / "assets" / "meetups" / "views").mkdir()
    return made


def _write(project: Project, name: str, text: str) -> None:
    (project.folder / "assets" / "meetups" / "views" / name).write_text(text, encoding="utf-8")


def test_a_sql_file_is_a_view_that_follows_its_task(project: Project) -> None:
    sql = "SELECT seats, count(*) AS posts\nFROM attributes.meetups__live\nGROUP BY seats"
    _write(project, "sizes.sql", f"-- Posts a seat count\n{sql}")

    ensure_tables(project.warehouse, project.task())

    assert project.rows("SELECT * FROM analytics.sizes") == []
    assert project.rows("SELECT split_part(comment, chr(10), 1) FROM duckdb_views() WHERE view_name = 'sizes'") == [
        ("Posts a seat count",)
    ]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("sizes.sql", "SELECT 1 AS one", "its first line is no comment"),
        ("Sizes 2.sql", "-- Sizes\nSELECT 1 AS one", "'Sizes 2' is not a view's name"),
        ("sizes.sql", "-- Sizes\nSELECT nothing FROM attributes.meetups__live", "nothing"),
    ],
)
def test_a_wrong_file_is_named(project: Project, name: str, text: str, told: str) -> None:
    _write(project, name, text)

    with pytest.raises(DeclarationError, match=told) as raised:
        ensure_tables(project.warehouse, project.task())

    assert name in str(raised.value)
