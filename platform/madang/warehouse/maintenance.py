"""Upkeep of the embedded warehouse: few large files, no older snapshots than are wanted, no file that nobody needs.

Each step may run while others write and while they read, also in a transaction that was opened before: compaction is a
commit like any other, and what an expired snapshot held goes only when no transaction can have begun on it for days.
BigQuery does all of it by itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby

import polars as pl

from madang.warehouse.ducklake import DuckLakeWarehouse
from madang.warehouse.ducklake_files import METADATA, Part, parts, turns
from madang.warehouse.sql_text import literal, quote

_GRACE = timedelta(days=1)
# A file of which less than this is deleted is cheaper to read than to write anew.
_DELETED_SHARE = 0.25
# A file and those smaller than it are joined if it is no more than so many times as large as they together: a row is
# written anew a few times in its life, and not every night. From the larger size on a file stays as it is; below the
# smaller one opening it costs as much as reading it.
_TIMES_AS_LARGE = 4
_LARGE_BYTES = 128 * 1024 * 1024
_TINY_BYTES = 1024 * 1024
# Rows that one commit leaves in the catalog: so few are not worth a file of their own.
_FEW_ROWS = 10


@dataclass(frozen=True)
class Compacted:
    """What compaction did, and what the newest snapshot reads before and after it.

    Args:
        rows: Rows that were moved.
        inlined_rows: How many of these lay in the catalog, where small commits leave them.
        files_before: Data files.
        files_after: Data files.
        bytes_before: Size of these files.
        bytes_after: Size of these files.
    """

    rows: int
    inlined_rows: int
    files_before: int
    files_after: int
    bytes_before: int
    bytes_after: int


@dataclass(frozen=True)
class Expired:
    """What expiry did.

    Args:
        snapshots: Snapshots that went.
        files: Data files that went, which none of the others needs.
        inlined_rows: Deleted rows that went from the catalog, for the same reason.
    """

    snapshots: int
    files: int
    inlined_rows: int


@dataclass(frozen=True)
class Statistics:
    """What there is.

    Args:
        tables: Columns `name`, `rows`, `files`, `bytes` of these, `delete_files` (lists of deleted rows).
        snapshots: How many the history holds.
        oldest_at: When the oldest of them was made: the warehouse can be read as it was since then.
        catalog_bytes: Size of the catalog, where rows of small commits lie too.
        disk_bytes: Size of all data files, also of those that only older snapshots need.
    """

    tables: pl.DataFrame
    snapshots: int
    oldest_at: datetime
    catalog_bytes: int
    disk_bytes: int


def compact(warehouse: DuckLakeWarehouse) -> Compacted:
    """Moves rows of small commits, of small files and of files with many deleted rows to larger files.

    It costs what has come since the last time, by about the logarithm of what there is: large files stay.
    """
    before = parts(warehouse)
    rows = inlined_rows = 0
    for table, turn in turns(_worth_moving(before)):
        rows += warehouse.rewrite(table, [part.name for part in turn])
        inlined_rows += sum(part.rows for part in turn if part.is_inlined)
    # A file of which the last rows were deleted beside deletes that lie in the catalog is empty, and yet stays.
    warehouse.maintain("ducklake_rewrite_data_files", f"delete_threshold => {_DELETED_SHARE}")
    return Compacted(rows, inlined_rows, *_files_and_bytes(before, parts(warehouse)))


def _worth_moving(found: Sequence[Part]) -> Iterator[Part]:
    """Of each table: files with many deleted rows, and small parts if there are several or many rows in the catalog."""
    for _, own in groupby((part for part in found if part.rows), key=lambda part: part.table):
        small: list[Part] = []
        waiting: list[Part] = []
        waiting_bytes = 0
        for part in own:
            if not part.is_inlined and part.deleted >= _DELETED_SHARE * (part.rows + part.deleted):
                yield part
            elif part.bytes < _LARGE_BYTES:
                waiting.append(part)
                if part.bytes <= max(_TINY_BYTES, _TIMES_AS_LARGE * waiting_bytes):
                    small, waiting = [*small, *waiting], []
                waiting_bytes += part.bytes
        if len(small) > 1 or any(part.is_inlined and part.rows > _FEW_ROWS for part in small):
            yield from small


def _files_and_bytes(*moments: Sequence[Part]) -> Iterator[int]:
    files = [[part for part in found if not part.is_inlined] for found in moments]
    yield from (len(found) for found in files)
    yield from (sum(part.bytes for part in found) for found in files)


def expire(warehouse: DuckLakeWarehouse, days: int) -> Expired:
    """Drops snapshots that were followed by another so many days ago, and what only they needed.

    How old a snapshot is itself does not count: after a quiet month a reader may have begun on it a moment ago.

    Args:
        warehouse: Where.
        days: How far back the warehouse can be read as it was.
    """
    followed = warehouse.read(
        "SELECT snapshot_id FROM (SELECT snapshot_id, lead(snapshot_time) OVER (ORDER BY snapshot_id) AS followed_at "
        "FROM ducklake_snapshots(current_database())) WHERE followed_at < ?",
        [datetime.now(UTC) - timedelta(days=days)],
    )["snapshot_id"].to_list()
    if followed:
        warehouse.maintain("ducklake_expire_snapshots", f"versions => {followed}")
    rows = warehouse.forget_inlined()
    files = warehouse.maintain("ducklake_cleanup_old_files", _older_than(_GRACE))
    return Expired(len(followed), files.height, rows)


def delete_orphans(warehouse: DuckLakeWarehouse) -> int:
    """Deletes data files of which the catalog knows nothing: a process killed before its commit leaves such.

    Returns:
        How many.
    """
    return warehouse.maintain("ducklake_delete_orphaned_files", _older_than(_GRACE)).height


def statistics(warehouse: DuckLakeWarehouse) -> Statistics:
    """Sizes of the tables and of the history. Ranges of columns, by which files are passed over, are always current."""
    tables = warehouse.read(
        "SELECT s.schema_name || '.' || i.table_name AS name, i.file_count AS files, i.file_size_bytes AS bytes, "
        "i.delete_file_count AS delete_files FROM ducklake_table_info(current_database()) i "
        f"JOIN {METADATA}.ducklake_schema s ON s.schema_id = i.schema_id AND s.end_snapshot IS NULL ORDER BY name"
    )
    counts = " UNION ALL ".join(f"SELECT {literal(name)}, count(*) FROM {quote(name)}" for name in tables["name"])
    rows: dict[str, int] = dict(warehouse.read(counts).iter_rows()) if counts else {}
    history = warehouse.read("SELECT count(*), min(snapshot_time) FROM ducklake_snapshots(current_database())")
    snapshots, oldest_at = history.row(0)
    counted = pl.col("name").replace_strict(rows, return_dtype=pl.Int64).alias("rows")
    return Statistics(
        tables.select("name", counted, "files", "bytes", "delete_files"), snapshots, oldest_at,
        warehouse.catalog.stat().st_size,
        sum(file.stat().st_size for file in (warehouse.folder / "data").rglob("*.parquet")),
    )  # fmt: skip


def _older_than(age: timedelta) -> str:
    return f"older_than => TIMESTAMPTZ {literal((datetime.now(UTC) - age).isoformat())}"
