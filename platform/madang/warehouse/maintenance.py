"""Upkeep of the embedded warehouse: few large files, no older snapshots than are wanted, no file that nobody needs.

Each step may run while others write, and while they ask single queries; files that go stay for a day first. But a
transaction that a reader opened before compaction must be begun anew: DuckDB's SQLite reader keeps the highest row
number of the catalog's tables for a transaction, so what compaction writes there it does not see, and its queries give
fewer rows, without an error. BigQuery does all of it by itself.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from madang.warehouse.ducklake import DuckLakeWarehouse
from madang.warehouse.sql_text import literal, quote

_GRACE = timedelta(days=1)
# A file of which less than this is deleted is cheaper to read than to write anew.
_DELETED_SHARE = 0.25
# Large files that one call writes, of half a gigabyte: writers get their turn between two calls.
_FILES_A_TURN = 4
_METADATA = "__ducklake_metadata_madang"


@dataclass(frozen=True)
class Compacted:
    """What compaction did.

    Args:
        flushed_rows: Rows of small commits that went from the catalog into files.
        merged_files: Files that were read to make larger ones.
        rewritten_files: Files that were written anew without their deleted rows.
        created_files: Files that took the place of both.
    """

    flushed_rows: int
    merged_files: int
    rewritten_files: int
    created_files: int


@dataclass(frozen=True)
class Expired:
    """What expiry did.

    Args:
        snapshots: Snapshots that went.
        files: Data files that went, which none of the others needs.
    """

    snapshots: int
    files: int


@dataclass(frozen=True)
class Statistics:
    """What there is.

    Args:
        tables: Columns `name`, `rows`, `files`, `bytes` of these, `delete_files` (lists of deleted rows).
        snapshots: How many the history holds.
        oldest_at: When the oldest of them was made: the warehouse can be read as it was since then.
        catalog_bytes: Size of the catalog, where rows of small commits lie too.
    """

    tables: pl.DataFrame
    snapshots: int
    oldest_at: datetime
    catalog_bytes: int


def compact(warehouse: DuckLakeWarehouse) -> Compacted:
    """Writes rows of small commits to files, and small files and half-deleted ones to larger ones."""
    _sort_by_post(warehouse)
    flushed = warehouse.maintain("ducklake_flush_inlined_data")
    rewritten = warehouse.maintain("ducklake_rewrite_data_files", f"delete_threshold => {_DELETED_SHARE}")
    read, created = 0, _total(rewritten, "files_created")
    while (
        turn := warehouse.maintain("ducklake_merge_adjacent_files", f"max_compacted_files => {_FILES_A_TURN}")
    ).height:
        read += _total(turn, "files_processed")
        created += _total(turn, "files_created")
    return Compacted(_total(flushed, "rows_flushed"), read, _total(rewritten, "files_processed"), created)


def _sort_by_post(warehouse: DuckLakeWarehouse) -> None:
    """Has files of posts written in the order of their ids: one of a million is found in a third of the time."""
    unsorted = warehouse.read(
        "SELECT c.schema_name || '.' || c.table_name AS name FROM duckdb_columns() c "
        f"JOIN {_METADATA}.ducklake_schema s ON s.schema_name = c.schema_name AND s.end_snapshot IS NULL "
        f"JOIN {_METADATA}.ducklake_table t "
        "ON t.table_name = c.table_name AND t.schema_id = s.schema_id AND t.end_snapshot IS NULL "
        "WHERE c.database_name = current_database() AND c.column_name IN ('source', 'post_id') AND NOT EXISTS "
        f"(SELECT 1 FROM {_METADATA}.ducklake_sort_info o WHERE o.table_id = t.table_id AND o.end_snapshot IS NULL) "
        "GROUP BY name HAVING count(*) = 2 ORDER BY name"
    )
    for name in unsorted["name"]:
        with warehouse.exclusive():
            warehouse.read(f"ALTER TABLE {quote(name)} SET SORTED BY (source ASC, post_id ASC)")


def expire(warehouse: DuckLakeWarehouse, days: int) -> Expired:
    """Drops snapshots older than so many days, and the files that only they needed.

    Args:
        warehouse: Where.
        days: How far back the warehouse can be read as it was.
    """
    snapshots = warehouse.maintain("ducklake_expire_snapshots", _older_than(timedelta(days=days)))
    files = warehouse.maintain("ducklake_cleanup_old_files", _older_than(_GRACE))
    return Expired(snapshots.height, files.height)


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
        f"JOIN {_METADATA}.ducklake_schema s ON s.schema_id = i.schema_id AND s.end_snapshot IS NULL ORDER BY name"
    )
    counts = " UNION ALL ".join(f"SELECT {literal(name)}, count(*) FROM {quote(name)}" for name in tables["name"])
    rows: dict[str, int] = dict(warehouse.read(counts).iter_rows()) if counts else {}
    history = warehouse.read("SELECT count(*), min(snapshot_time) FROM ducklake_snapshots(current_database())")
    snapshots, oldest_at = history.row(0)
    counted = pl.col("name").replace_strict(rows, return_dtype=pl.Int64).alias("rows")
    return Statistics(
        tables.select("name", counted, "files", "bytes", "delete_files"), snapshots, oldest_at,
        warehouse.catalog.stat().st_size,
    )  # fmt: skip


def _older_than(age: timedelta) -> str:
    return f"older_than => TIMESTAMPTZ {literal((datetime.now(UTC) - age).isoformat())}"


def _total(found: pl.DataFrame, column: str) -> int:
    return int(found[column].sum()) if column in found.columns else 0
