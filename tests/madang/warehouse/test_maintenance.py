"""Upkeep of the embedded warehouse: rows stay, files and snapshots that nobody needs go, and each step says so.

Readers notice nothing of it. Compaction once called DuckLake's own functions, which give new files an old begin: in a
transaction that was open meanwhile, in another process, 1,153 rows became 153, without an error.
"""

import json
import os
import sqlite3
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest
from faults.backfilling import COUNTS, PAUSE_SECONDS, chunk, rows
from faults.shipped import Life
from scenario import open_quickly

from madang.errors import WarehouseError
from madang.schema.types import INTEGER, TEXT, Column, Table
from madang.warehouse import ducklake, maintenance
from madang.warehouse.ducklake import DuckLakeWarehouse, load_extensions
from madang.warehouse.ducklake_files import Part, parts, turns
from madang.warehouse.maintenance import Compacted, Expired, compact, delete_orphans, expire, statistics
from madang.warehouse.protocol import Change
from madang.warehouse.scrubbing import scrub

FAULTS = Path(__file__).parents[2] / "faults"
READING, BACKFILLING = FAULTS / "reading.py", FAULTS / "backfilling.py"
ENVIRONMENT = os.environ | {"PYTHONPATH": str(FAULTS.parent)}
ALL = "SELECT count(*), sum(v) FROM town.counts"


@pytest.fixture
def grown(tmp_path: Path) -> DuckLakeWarehouse:
    """Ten commits of a hundred rows, three of one row, and half of the first chunk deleted."""
    warehouse = open_quickly(tmp_path / "warehouse")
    warehouse.ensure([COUNTS])
    for number in range(10):
        warehouse.commit([Change(COUNTS, rows(list(range(number * 100, number * 100 + 100))))])
    for number in range(3):
        warehouse.commit([Change(COUNTS, rows([1000 + number]))])
    warehouse.commit([Change(COUNTS, rows(list(range(50))), "delete")])
    return warehouse


def _files(warehouse: DuckLakeWarehouse) -> list[Path]:
    return sorted(warehouse.folder.glob("data/**/*.parquet"))


def _live(warehouse: DuckLakeWarehouse) -> tuple[int, int]:
    """Data files that the newest snapshot reads, and their bytes."""
    sizes = [part.bytes for part in parts(warehouse) if not part.is_inlined]
    return len(sizes), sum(sizes)


def test_compaction_makes_one_file_of_many_and_keeps_every_row(grown: DuckLakeWarehouse) -> None:
    before, (files, size) = grown.read(ALL).rows(), _live(grown)
    done = compact(grown)
    again = compact(grown)

    assert grown.read(ALL).rows() == before == [(953, sum(range(50, 1003)))]
    after = _live(grown)
    assert (files, after[0]) == (10, 1)
    assert done == Compacted(953, 3, files_before=10, files_after=1, bytes_before=size, bytes_after=after[1])
    assert again == Compacted(0, 0, files_before=1, files_after=1, bytes_before=after[1], bytes_after=after[1])


def test_large_files_stay_and_only_what_came_since_is_written_anew(
    grown: DuckLakeWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    compact(grown)
    [large] = _newest(grown)
    monkeypatch.setattr(maintenance, "_TINY_BYTES", 0)
    grown.commit([Change(COUNTS, rows([2000 + number])) for number in range(11)])
    first = compact(grown)
    grown.commit([Change(COUNTS, rows(list(range(3000, 3020))))])
    second = compact(grown)

    assert (first.rows, first.inlined_rows, second.rows) == (11, 11, 31)
    assert large in _newest(grown)
    assert grown.read(ALL).item(0, 0) == 953 + 11 + 20


def test_files_of_like_size_are_joined_though_none_is_tiny(
    grown: DuckLakeWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "_TINY_BYTES", 0)

    assert (compact(grown).files_after, compact(grown).rows) == (1, 0)


def test_one_transaction_rewrites_a_quarter_of_a_gigabyte_or_one_larger_file() -> None:
    sizes = {"town.a": (100, 100, 100, 300), "town.b": (1,)}
    wanted = [
        Part(table, f"{table}{size}", size * 1024 * 1024, rows=1, deleted=0, is_inlined=False)
        for table, own in sizes.items() for size in own
    ]  # fmt: skip
    found = sorted((table, [part.bytes // 1024**2 for part in turn]) for table, turn in turns(wanted))

    assert found == [("town.a", [100]), ("town.a", [100, 100]), ("town.a", [300]), ("town.b", [1])]


def _newest(warehouse: DuckLakeWarehouse) -> list[str]:
    return [part.name for part in parts(warehouse) if not part.is_inlined]


def test_a_file_whose_last_rows_were_deleted_from_the_catalog_goes_too(grown: DuckLakeWarehouse) -> None:
    """Its deletes of ten rows or fewer lie in the catalog, and DuckLake keeps a file that is empty by both."""
    grown.commit([Change(COUNTS, rows([201, 202]), "delete")])
    compact(grown)

    assert [(part.rows, part.deleted) for part in parts(grown) if not part.is_inlined] == [(951, 0)]


def test_compaction_tells_which_file_is_gone(grown: DuckLakeWarehouse) -> None:
    """It said "Current transaction is aborted": a setting was reset on the way out, which hid the first error."""
    gone = _files(grown)[0]
    gone.unlink()

    with pytest.raises(WarehouseError, match=f"{gone.name}: it is gone"):
        compact(grown)


@pytest.mark.parametrize("step", ["compact", "scrub"])
def test_an_open_transaction_of_another_program_reads_the_same_throughout(grown: DuckLakeWarehouse, step: str) -> None:
    command = [sys.executable, str(READING), str(grown.catalog), ALL]
    with Life(command, ENVIRONMENT) as analyst:
        analyst.line("open")
        for number in range(20, 23):
            grown.commit([Change(COUNTS, rows(chunk(number)))])
            done = compact(grown) if step == "compact" else scrub(grown, patience_seconds=0.2)
        time.sleep(0.3)
        analyst.say()
        read = analyst.end()

    assert (read.code, read.err) == (0, "")
    answer = json.loads(read.out)
    assert answer["seen"] == [[[953, sum(range(50, 1003))]]]
    assert answer["asked"] > 3
    assert answer["after"][0][0] == 1253
    assert step == "compact" or not done
    assert scrub(grown, patience_seconds=5)


def test_a_backfill_beside_compaction_loses_and_doubles_nothing(grown: DuckLakeWarehouse) -> None:
    turns = 0
    with ExitStack() as lives:
        writers = [
            lives.enter_context(Life([sys.executable, str(BACKFILLING), str(grown.folder), str(first)], environment))
            for environment, first in [(ENVIRONMENT, 100), (ENVIRONMENT, 10_000)]
        ]
        for writer in writers:
            writer.line("open")
        deadline = time.monotonic() + 120
        while (turns < 4 or not _have_both_gone_on(grown)) and time.monotonic() < deadline:
            turns += 1
            compact(grown)
            time.sleep(PAUSE_SECONDS)  # the lock keeps no queue
        for writer in writers:
            writer.say()
        ended = [writer.end() for writer in writers]

    assert [(end.code, end.err) for end in ended] == [(0, "")] * 2
    numbers = [(100, int(ended[0].out)), (10_000, int(ended[1].out))]
    assert all(last > first + 4 for first, last in numbers)
    written = {f"k{one}": one for first, last in numbers for number in range(first, last) for one in chunk(number)}
    changed = {
        f"k{one}": one + 1
        for first, last in numbers
        for number in range(first - 1, last - 1)
        for one in chunk(number)[:5]
    }
    expected = {f"k{one}": one for one in range(50, 1003)} | written | changed
    found = grown.read("SELECT k, v FROM town.counts").rows()
    assert (len(found), dict(found)) == (len(expected), expected)


def _have_both_gone_on(warehouse: DuckLakeWarehouse) -> bool:
    """Whether each of the two writers has committed more than four chunks, the first ones of 100 and of 10,000."""
    told = warehouse.read("SELECT max(v) FILTER (v < 1000000) >= 10600, max(v) >= 1000600 FROM town.counts").row(0)
    return all(told)


def test_compaction_begins_again_when_a_foreign_program_changes_the_rows_meanwhile(
    grown: DuckLakeWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ours wait for each other; a foreign DuckDB takes no lock."""
    attempts, move = [], ducklake.move

    def beside(cursor: duckdb.DuckDBPyConnection, table: str, names: Sequence[str]) -> int:
        attempts.append(move(cursor, table, names))
        if len(attempts) == 1:
            with duckdb.connect() as foreign:
                load_extensions(foreign)
                foreign.execute(f"ATTACH 'ducklake:sqlite:{grown.catalog}' AS theirs")
                foreign.execute("DELETE FROM theirs.town.counts WHERE k = 'k500'")
        return attempts[-1]

    monkeypatch.setattr(ducklake, "move", beside)
    done = compact(grown)

    assert (attempts, done.rows, done.files_after) == ([953, 952], 952, 1)
    assert grown.read(ALL).rows() == [(952, sum(range(50, 1003)) - 500)]


def test_the_past_reads_the_same_after_compaction_until_it_expires(
    grown: DuckLakeWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "_GRACE", timedelta(0))
    before = [_at(grown, version) for version in range(3, grown.snapshot + 1)]
    compact(grown)
    after = [_at(grown, version) for version in range(3, 3 + len(before))]
    kept = expire(grown, days=1)
    files, size = len(_files(grown)), len(grown.read("SELECT * FROM ducklake_snapshots(current_database())"))
    _age(grown, timedelta(days=2))
    gone = expire(grown, days=1)

    assert before == after
    assert (before[-2], before[-1]) == ((1003, sum(range(1003))), (953, sum(range(50, 1003))))
    assert (kept.snapshots, kept.inlined_rows) == (0, 0)
    assert (gone.snapshots, gone.inlined_rows) == (size - 1, 3)
    assert len(_files(grown)) == files - gone.files == 1
    assert grown.read(ALL).item(0, 0) == 953


def _at(warehouse: DuckLakeWarehouse, version: int) -> tuple[object, ...]:
    return warehouse.read(f"SELECT count(*), sum(v) FROM town.counts AT (VERSION => {version})").row(0)


def test_a_snapshot_that_was_the_newest_until_now_stays_however_old_it_is(grown: DuckLakeWarehouse) -> None:
    """After a quiet month a reader may have begun on it a moment before the next commit."""
    last = grown.snapshot
    _age(grown, timedelta(days=2))
    grown.commit([Change(COUNTS, rows([5000]))])
    gone = expire(grown, days=1)

    assert gone.snapshots == last
    assert _at(grown, last)[0] == 953


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
    for part in range(3):
        ids = [f"p{number * 7919 % 1000:03}" for number in range(part * 300, part * 300 + 300)]
        seats = pl.DataFrame({"source": ["town"] * 300, "post_id": ids, "v": [part] * 300})
        warehouse.commit([Change(table, seats)])
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
    assert found.disk_bytes == sum(file.stat().st_size for file in _files(grown)) > found.tables["bytes"].sum()
    assert found.catalog_bytes == grown.catalog.stat().st_size


def test_an_empty_warehouse_needs_nothing(tmp_path: Path) -> None:
    warehouse = open_quickly(tmp_path / "warehouse")

    assert (compact(warehouse), expire(warehouse, 1), delete_orphans(warehouse)) == (
        Compacted(0, 0, 0, 0, 0, 0), Expired(0, 0, 0), 0,
    )  # fmt: skip
    assert statistics(warehouse).tables.is_empty()
