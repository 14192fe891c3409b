"""Where the rows of the embedded warehouse lie, and the transaction that writes them anew.

DuckLake's own `merge_adjacent_files` and `flush_inlined_data` give new files an old begin in the catalog. A transaction
that a reader opened before does not see those, because DuckDB's SQLite reader keeps the highest row number of each
table of the catalog, while it does see that the old ones are gone: it counted 153 of 1,153 rows, without an error. So
rows are moved by an ordinary commit, which leaves history as it is.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import duckdb

from madang.warehouse.protocol import Warehouse
from madang.warehouse.sql_text import literal, quote

METADATA = "__ducklake_metadata_madang"
# What one transaction reads: writers get their turn between two.
_TURN_BYTES = 256 * 1024 * 1024
_POST = ("source", "post_id")


@dataclass(frozen=True)
class Part:
    """A data file of a table, or the table of the catalog where rows of its small commits lie.

    Args:
        table: Whose, with its schema.
        name: The file's, without its folders, or the catalog's table's.
        bytes: Size of the file; 0 in the catalog.
        rows: Rows that are not deleted.
        deleted: Rows that are.
        is_inlined: Whether it lies in the catalog.
    """

    table: str
    name: str
    bytes: int
    rows: int
    deleted: int
    is_inlined: bool


def parts(warehouse: Warehouse) -> list[Part]:
    """All parts that the newest snapshot reads, by table and from the smallest to the largest."""
    inlined_deletes = "".join(
        f" UNION ALL SELECT file_id, count(*) FROM {METADATA}.{quote(name)} GROUP BY file_id"
        for name in _catalog_tables(warehouse, "ducklake_inlined_delete_")
    )
    files = warehouse.read(
        "SELECT s.schema_name || '.' || t.table_name, parse_filename(f.path), f.file_size_bytes, "
        "f.record_count - coalesce(d.deleted, 0), coalesce(d.deleted, 0) "
        f"FROM {METADATA}.ducklake_data_file f {_LIVE_TABLES} "
        "LEFT JOIN (SELECT data_file_id, sum(deleted) AS deleted FROM (SELECT data_file_id, delete_count AS deleted "
        f"FROM {METADATA}.ducklake_delete_file WHERE end_snapshot IS NULL{inlined_deletes}) GROUP BY data_file_id) d "
        "ON d.data_file_id = f.data_file_id WHERE f.end_snapshot IS NULL"
    )
    inlined = [
        part for name in _catalog_tables(warehouse, "ducklake_inlined_data_") for part in _inlined(warehouse, name)
    ]
    own = [
        Part(table, name, size, rows, deleted, is_inlined=False)
        for table, name, size, rows, deleted in files.iter_rows()
    ]
    return sorted(own + inlined, key=lambda part: (part.table, part.bytes, part.name))


def turns(wanted: Iterable[Part]) -> Iterator[tuple[str, list[Part]]]:
    """Parts of one table that one transaction rewrites: a quarter of a gigabyte, or a single larger file."""
    by_table: dict[str, list[Part]] = defaultdict(list)
    for part in wanted:
        turn = by_table[part.table]
        if turn and sum(one.bytes for one in turn) + part.bytes > _TURN_BYTES:
            yield part.table, turn
            turn = by_table[part.table] = []
        turn.append(part)
    yield from by_table.items()


def move(cursor: duckdb.DuckDBPyConnection, table: str, names: Sequence[str]) -> int:
    """Writes the rows of some parts of a table to a new file, and deletes them where they were.

    Rows of posts are written in the order of their ids: one post of a million is found in a third of the time.

    Args:
        cursor: In a transaction, and closed after it.
        table: Whose, with its schema.
        names: Of the parts.

    Returns:
        How many rows.
    """
    schema, name = table.split(".")
    listed = f"ducklake_list_files(current_database(), {literal(name)}, schema => {literal(schema)})"
    files = cursor.execute(f"SELECT data_file FROM {listed} WHERE parse_filename(data_file) IN {_list(names)}")
    chosen = _list([*names, *(file for (file,) in files.fetchall())])
    columns = {column for column, *_ in cursor.execute(f"FROM {quote(table)} LIMIT 0").description or []}
    order = ", ".join(_POST) if columns.issuperset(_POST) else "rowid"
    # Without this, ten rows or fewer would go back to the catalog. It ends with the cursor: after an error DuckDB would
    # refuse to reset it, and say only that the transaction is aborted.
    cursor.execute("SET SESSION ducklake_default_data_inlining_row_limit = 0")
    moved = cursor.execute(
        f"INSERT INTO {quote(table)} SELECT * FROM {quote(table)} WHERE filename IN {chosen} ORDER BY {order}"
    ).fetchone()
    cursor.execute(f"DELETE FROM {quote(table)} WHERE filename IN {chosen}")
    assert moved is not None
    return int(moved[0])


def forget_inlined(warehouse: Warehouse) -> int:
    """Takes out of the catalog the deleted rows that no snapshot holds any more: DuckLake's expiry leaves them there.

    Returns:
        How many.
    """
    oldest = f"(SELECT min(snapshot_id) FROM {METADATA}.ducklake_snapshot)"
    gone = [
        warehouse.read(f"DELETE FROM {METADATA}.{quote(name)} WHERE end_snapshot <= {oldest}").item()
        for name in _catalog_tables(warehouse, "ducklake_inlined_data_")
    ]
    for name in _catalog_tables(warehouse, "ducklake_inlined_delete_"):
        warehouse.read(
            f"DELETE FROM {METADATA}.{quote(name)} "
            f"WHERE file_id NOT IN (SELECT data_file_id FROM {METADATA}.ducklake_data_file)"
        )
    return sum(gone)


_LIVE_TABLES = (
    f"JOIN {METADATA}.ducklake_table t ON t.table_id = f.table_id AND t.end_snapshot IS NULL "
    f"JOIN {METADATA}.ducklake_schema s ON s.schema_id = t.schema_id AND s.end_snapshot IS NULL"
)


def _inlined(warehouse: Warehouse, name: str) -> Iterator[Part]:
    found = warehouse.read(
        "SELECT s.schema_name || '.' || t.table_name, rows, deleted FROM (SELECT table_id, table_name FROM "
        f"{METADATA}.ducklake_inlined_data_tables WHERE table_name = {literal(name)}) f {_LIVE_TABLES}, "
        "(SELECT count(*) FILTER (end_snapshot IS NULL) AS rows, count(end_snapshot) AS deleted "
        f"FROM {METADATA}.{quote(name)})"
    )
    for table, rows, deleted in found.iter_rows():
        yield Part(table, name, 0, rows, deleted, is_inlined=True)


def _catalog_tables(warehouse: Warehouse, prefix: str) -> list[str]:
    """Tables of the catalog with a prefix and numbers after it."""
    listed = f"sqlite_query({literal(METADATA)}, 'SELECT name FROM sqlite_schema')"
    found = warehouse.read(f"FROM {listed} WHERE regexp_full_match(name, {literal(prefix + '[0-9_]+')}) ORDER BY name")
    return found["name"].to_list()


def _list(names: Iterable[str]) -> str:
    return f"({', '.join(literal(name) for name in names)})"
