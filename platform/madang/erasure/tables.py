"""Rows of the warehouse that hold a post: whatever table names it, so that a table added later is covered."""

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from madang.erasure.receipt import Post
from madang.ops import ERASURES, REPLIES
from madang.schema.types import TEXT, Column, Table
from madang.warehouse.bigquery import BigQueryWarehouse
from madang.warehouse.protocol import Change, Warehouse
from madang.warehouse.sql_text import quote


@dataclass(frozen=True)
class Doomed:
    """Rows of one table that go.

    Args:
        change: Deletes them.
        rows: How many there are.
    """

    change: Change
    rows: int

    @property
    def table(self) -> str:
        """Name of the table."""
        return self.change.table.name


def tables_by_post(warehouse: Warehouse) -> dict[str, list[str]]:
    """Columns of every table that has `source` and `post_id`, without the receipts; views are none of them."""
    return {
        name: columns
        for name, columns in _tables(warehouse).items()
        if {"source", "post_id"} <= set(columns) and name != ERASURES.name
    }


def doomed_rows(warehouse: Warehouse, post: Post, request_hashes: Collection[str]) -> list[Doomed]:
    """Everything to delete: rows that bear the post's name, features that bear its key, and replies.

    Args:
        warehouse: Where.
        post: The post.
        request_hashes: Replies that are about it alone.
    """
    wanted = [(name, post.frame()) for name in sorted(tables_by_post(warehouse))]
    for name, columns in sorted(_tables(warehouse).items()):
        if name.startswith("features."):
            # A view whose entity was renamed has a column of the old name too.
            wanted += [(name, pl.DataFrame({column: [post.key]})) for column in columns if column.endswith("_id")]
    if warehouse.has(REPLIES.name):
        hashes = pl.DataFrame({"request_hash": list(request_hashes)}, schema={"request_hash": pl.String()})
        wanted.append((REPLIES.name, hashes))
    return [_doomed(warehouse, name, keys) for name, keys in wanted]


def _doomed(warehouse: Warehouse, name: str, keys: pl.DataFrame) -> Doomed:
    if keys.height == 1:  # by value: BigQuery then reads the blocks that may hold it, and needs no staging table
        is_of = " AND ".join(f"{quote(column)} = ?" for column in keys.columns)
        found = warehouse.read(f"SELECT count(*) AS n FROM {quote(name)} WHERE {is_of}", list(keys.row(0)))
    else:
        found = warehouse.read(
            f"SELECT count(*) AS n FROM {quote(name)} SEMI JOIN doomed USING ({', '.join(map(quote, keys.columns))})",
            frames={"doomed": keys},
        )
    table = Table(name, tuple(Column(column, TEXT) for column in keys.columns), tuple(keys.columns))
    return Doomed(Change(table, keys, "delete"), int(found.item()))


def _tables(warehouse: Warehouse) -> dict[str, list[str]]:
    if isinstance(warehouse, BigQueryWarehouse):
        return warehouse.datasets.columns()
    found = warehouse.read(
        "SELECT t.table_schema || '.' || t.table_name AS name, list(c.column_name ORDER BY c.ordinal_position) "
        "FROM information_schema.tables t JOIN information_schema.columns c "
        "USING (table_catalog, table_schema, table_name) "
        "WHERE t.table_catalog = current_database() AND t.table_type = 'BASE TABLE' GROUP BY ALL"
    )
    return dict(found.iter_rows())
