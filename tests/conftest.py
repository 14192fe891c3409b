"""Fixtures that tests share: a project of one's own, a warehouse of one's own.

Opening and filling a warehouse takes about a second, so claims about one state share it: `project` is a test's own,
`shared_project` a module's, for stories that are told once and then only read.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from scenario import Project, make_project, open_quickly
from services.bigquery_emulator import bigquery_emulator

from madang.warehouse.ducklake import DuckLakeWarehouse


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project with the task `groups`; this process's environment is its own."""
    made = make_project(tmp_path / "project")
    for name in ("MADANG_PROJECT", "MADANG_HOME", "MADANG_CONFIG"):
        monkeypatch.setenv(name, made.environment[name])
    monkeypatch.delenv("MADANG_LOCAL_MODEL", raising=False)
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared_project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project with the task `meetups`, shared by a module's tests."""
    made = make_project(tmp_path_factory.mktemp("shared") / "project", ("meetups",))
    yield made
    made.close()


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckLakeWarehouse]:
    """A warehouse without tables, shared by a module's tests: each makes tables of its own."""
    opened = open_quickly(tmp_path_factory.mktemp("warehouse") / "warehouse")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def emulator() -> Iterator[str]:
    """Address of a BigQuery on this machine."""
    with bigquery_emulator() as address:
        yield address
