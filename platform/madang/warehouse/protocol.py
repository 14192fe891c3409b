"""What the rest of madang may ask of a warehouse. Every write is a merge on a table's key."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

import polars as pl

from madang.schema.types import Table
from madang.warehouse.evolution import TableChange, refuse_nothing


@dataclass(frozen=True)
class Change:
    """Rows to merge into one table.

    Args:
        table: Where. If it has a `day`, each key has one for good: BigQuery seeks a row in the day that comes with it.
        rows: Rows with the table's columns; the last of two rows with one key wins. A null list may come back empty:
            BigQuery stores no other.
        mode: `insert` leaves rows alone whose key is there (rows that never change); `upsert` replaces those
            that differ; `delete` removes the keys.
    """

    table: Table
    rows: pl.DataFrame
    mode: Literal["insert", "upsert", "delete"] = "insert"


class Warehouse(Protocol):
    """Tables that several processes read and write at once."""

    def ensure(
        self, tables: Sequence[Table], refuse: Callable[[Sequence[TableChange]], None] = refuse_nothing
    ) -> None:  # fmt: skip
        """Creates tables that are missing, adds, widens and renames columns, renames tables; drops none.

        Killed halfway it may be called again: what is done by then stays done.

        Args:
            tables: As they are declared.
            refuse: Called before anything is changed, with what changes in tables that are there; may raise.

        Raises:
            WarehouseError: A column is there with a type that cannot become the declared one, or is to be renamed onto
                another that is there. Nothing was changed.
        """

    def changes_of(self, tables: Sequence[Table]) -> list[TableChange]:
        """What `ensure` would change in tables that are there.

        Raises:
            WarehouseError: See `ensure`.
        """

    def ensure_view(self, name: str, sql: str, describe: str, bigquery: str | None = None) -> bool:
        """Creates a view, or replaces it if its SQL changed.

        Args:
            name: `schema.name`.
            sql: Its query, in DuckDB's dialect.
            describe: What one row is.
            bigquery: The same query in BigQuery's dialect; by default it is translated.

        Returns:
            Whether it was made or replaced.

        Raises:
            InputError: The query is wrong, or cannot be translated.
        """

    def drop_view(self, name: str) -> None:
        """Drops a view, if it is there."""

    def has(self, table: str) -> bool:
        """Whether a table or view `schema.name` is there."""

    def read(
        self,
        sql: str,
        parameters: Sequence[object] = (),
        frames: Mapping[str, pl.DataFrame] | None = None,
        steps: Mapping[str, str] | None = None,
    ) -> pl.DataFrame:
        """Runs a query.

        Args:
            sql: The query.
            parameters: Its values.
            frames: Each may be named in it like a table.
            steps: Queries that run before it, in order, on the same state; each may be named like a table in those
                after it. They take no parameters.
        """

    def commit(self, changes: Sequence[Change]) -> int:
        """Merges all changes in one transaction.

        Returns:
            Rows written. Where nothing differs, nothing is written and there is no snapshot.
        """

    def exclusive(self) -> AbstractContextManager[None]:
        """Keeps other writers out, for reading a state and writing by it."""

    @property
    def snapshot(self) -> int:
        """Number of the newest state; it grows with every commit that wrote something."""

    def close(self) -> None:
        """Gives the connection back."""
