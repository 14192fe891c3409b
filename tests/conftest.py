"""Fixtures that tests share: a project of one's own, a warehouse of one's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from scenario import Project, make_project

from madang.warehouse.ducklake import DuckLakeWarehouse


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project with the task `groups`; this process's environment is its own."""
    made = make_project(tmp_path / "project")
    for name in ("MADANG_PROJECT", "MADANG_HOME", "MADANG_CONFIG"):
        monkeypatch.setenv(name, made.environment[name])
    monkeypatch.delenv("MADANG_LOCAL_MODEL", raising=False)
    yield made
    if "warehouse" in vars(made):
        made.warehouse.close()


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[DuckLakeWarehouse]:
    """An empty warehouse."""
    opened = DuckLakeWarehouse(tmp_path / "warehouse")
    yield opened
    opened.close()
