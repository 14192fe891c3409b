"""Upkeep of the embedded warehouse: rows stay, files and snapshots that nobody needs go, and each step says so."""

import os
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from scenario import open_quickly

from madang.schema.types import INTEGER, TEXT, Column, Table
from madang.warehouse import maintenance
from madang.warehouse.ducklake import DuckLakeWarehouse
from madang.warehouse.maintenance import Compacted, Expired, compact, delete_orphans, expire, statistics
from madang.warehouse.protocol import Change

COUNTS = Table("town.counts", (Column("k", TEXT, "Whose"), Column("v", INTEGER, "How many")), ("k",), "A count")
ALL = "SELECT count(*), sum(v) FROM town.counts"


@pytest.fixture
def grown(tmp_path: Path) -> DuckLakeWarehouse:
    """Ten commits of a hundred rows, three of one row, and half of the first chunk deleted."""
    warehouse = open_quickly(tmp_path / "warehouse")
    warehouse.ensure([COUNTS])
    for chunk in range(10):
        warehouse.commit([Change(COUNTS, _rows(range(chunk * 100, chunk * 100 + 100)))])
    for number in range(3):
        warehouse.commit([Change(COUNTS, _rows([1000 + number]))])
    warehouse.commit([Change(COUNTS, _rows(range(50)), "delete")])
    return warehouse


def _rows(numbers: range | list[int]) -> pl.DataFrame:
    return pl.DataFrame({"k": [f"k{number}" for number in numbers], "v": list(numbers)}, schema=COUNTS.polars_schema)


def _files(warehouse: DuckLakeWarehouse) -> list[Path]:
    return sorted(warehouse.folder.glob("data/**/*.parquet"))


def test_compaction_makes_one_file_of_many_and_keeps_every_row(grown: DuckLakeWarehouse) -> None:
    before = grown.read(ALL).rows()
    done = compact(grown)

    assert done == Compacted(flushed_rows=3, merged_files=11, rewritten_files=1, created_files=2)
    assert grown.read(ALL).rows() == before == [(953, sum(range(50, 1003)))]
    assert compact(grown) == Compacted(0, 0, 0, 0)


def test_the_past_can_be_read_until_it_expires(grown: DuckLakeWarehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "_GRACE", timedelta(0))
    then = grown.snapshot - 4
    compact(grown)
    whole = grown.read(f"SELECT count(*) FROM town.counts AT (VERSION => {then})").item()
    kept = expire(grown, days=1)
    files, size = len(_files(grown)), len(grown.read("SELECT * FROM ducklake_snapshots(current_database())"))
    _age(grown, timedelta(days=2))
    gone = expire(grown, days=1)

    assert whole == 1000
    assert kept.snapshots == 0
    assert gone.snapshots == size - 1
    assert len(_files(grown)) == files - gone.files == 1
    assert grown.read(ALL).item(0, 0) == 953


def _age(warehouse: DuckLakeWarehouse, age: timedelta) -> None:
    """Makes every snapshot older than it is."""
    with closing(sqlite3.connect(warehouse.catalog)) as catalog:
        then = (datetime.now(UTC) - age).strftime("%Y-%m-%d %H:%M:%S.%f+00")
        catalog.execute("UPDATE ducklake_snapshot SET snapshot_time = ?", [then])
        catalog.commit()


def test_rows_of_posts_lie_in_the_order_of_their_ids_after_compaction(tmp_path: Path) -> None:
    columns = (Column("source", TEXT, "Where"), Column("post_id", TEXT, "Which"), Column("v", INTEGER, "How many"))
    table = Table("town.seats", columns, ("source", "post_id"), "A post")
    warehouse = open_quickly(tmp_path / "warehouse")
    warehouse.ensure([table])
    for chunk in range(3):
        ids = [f"p{number * 7919 % 1000:03}" for number in range(chunk * 300, chunk * 300 + 300)]
        rows = pl.DataFrame({"source": ["town"] * 300, "post_id": ids, "v": [chunk] * 300})
        warehouse.commit([Change(table, rows)])
    old = set(_files(warehouse))
    compact(warehouse)
    [file] = set(_files(warehouse)) - old
    ids = pl.read_parquet(file, columns=["post_id"])["post_id"]

    assert (len(ids), ids.is_sorted()) == (900, True)
    assert warehouse.read("SELECT count(*), count(DISTINCT post_id) FROM town.seats").rows() == [(900, 900)]


def test_only_orphans_older_than_a_day_are_deleted(grown: DuckLakeWarehouse) -> None:
    folder = _files(grown)[0].parent
    old, fresh = folder / "ducklake-old.parquet", folder / "ducklake-fresh.parquet"
    for orphan in (old, fresh):
        orphan.write_bytes(_files(grown)[0].read_bytes())
    two_days_ago = time.time() - 2 * 86_400
    os.utime(old, (two_days_ago, two_days_ago))
    deleted = delete_orphans(grown)

    assert (deleted, old.exists(), fresh.exists()) == (1, False, True)
    assert grown.read(ALL).item(0, 0) == 953


def test_statistics_say_how_large_what_is(grown: DuckLakeWarehouse) -> None:
    found = statistics(grown)

    assert found.tables.select("name", "rows", "files", "delete_files").rows() == [("town.counts", 953, 10, 1)]
    assert found.tables["bytes"].sum() == sum(
        file.stat().st_size for file in _files(grown) if "delete" not in file.name
    )
    assert found.snapshots == grown.snapshot + 1
    assert datetime.now(UTC) - found.oldest_at < timedelta(minutes=5)
    assert found.catalog_bytes == grown.catalog.stat().st_size


def test_an_empty_warehouse_needs_nothing(tmp_path: Path) -> None:
    warehouse = open_quickly(tmp_path / "warehouse")

    assert (compact(warehouse), expire(warehouse, 1), delete_orphans(warehouse)) == (
        Compacted(0, 0, 0, 0), Expired(0, 0), 0,
    )  # fmt: skip
    assert statistics(warehouse).tables.is_empty()
