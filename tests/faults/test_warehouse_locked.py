"""A catalog that another program keeps locked: a run waits, loses nothing, and says what to do if it waits in vain."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from faults.shipped import Life
from scenario import Project, posts

from madang.errors import WarehouseError
from madang.warehouse import ducklake

# From another process: SQLite's locks hold between processes, not within one.
_LOCKING = """
import sqlite3, sys
catalog = sqlite3.connect(sys.argv[1], isolation_level=None)
catalog.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.readline()
"""


@contextmanager
def locked(project: Project) -> Iterator[Life]:
    """Keeps the catalog locked until it is told."""
    with Life([sys.executable, "-c", _LOCKING, str(project.warehouse.catalog)], project.environment) as life:
        life.line("locked")
        yield life


@pytest.mark.parametrize("seconds", [30])
def test_a_run_waits_for_a_locked_catalog_and_loses_nothing(project: Project, seconds: int) -> None:
    project.ingest(*posts(5))
    project.run(limit=1)  # so that tables are there, and rows are all that waits
    with locked(project) as life:
        threading.Timer(seconds, life.say).start()
        report = project.run()

    assert report.seconds >= seconds
    assert project.rows("SELECT count(*), count(DISTINCT post_id) FROM attributes.groups") == [(5, 5)]
    assert len(project.sent()) == len(set(project.sent())) == 5


def test_a_catalog_that_stays_locked_is_named_with_a_remedy_and_nothing_is_lost(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.ingest(*posts(3))
    project.run(limit=1)
    monkeypatch.setattr(ducklake, "_PATIENCE_SECONDS", 0.5)
    with (
        locked(project),
        pytest.raises(WarehouseError, match=r"catalog\.sqlite: another program has kept it locked .* End that program"),
    ):
        project.run()
    project.run()

    assert project.rows("SELECT count(*), count(DISTINCT post_id) FROM attributes.groups") == [(3, 3)]
    assert len(project.sent()) == len(set(project.sent())) == 3
