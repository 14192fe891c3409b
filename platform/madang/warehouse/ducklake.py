"""The embedded warehouse: DuckDB over a DuckLake catalog in SQLite.

A plain DuckDB file lets one process write or many read; this catalog, in WAL mode, lets readers stay open while
several processes write. All our writers hold one file lock around a commit, so a transaction never meets another.
"""

import json
import re
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import duckdb
import polars as pl
import polars.selectors as cs
from filelock import FileLock

from madang.errors import DiskFull, InputError, WarehouseError
from madang.schema.types import Table
from madang.warehouse.comments import outdated_comments
from madang.warehouse.damage import damage_of
from madang.warehouse.ducklake_files import forget_inlined, move
from madang.warehouse.ducklake_tables import spelling, statements
from madang.warehouse.evolution import Evolution, State, TableChange, is_empty, refuse_nothing
from madang.warehouse.protocol import Change
from madang.warehouse.quoted_values import may_quote_value
from madang.warehouse.sql_text import literal, quote

FORMAT_VERSION = 1
_ALIAS = "madang"
_T = TypeVar("_T")
# A backup of the catalog, or somebody else's VACUUM, keeps it locked for as long as it lasts.
_PATIENCE_SECONDS = 60.0
_LONGEST_PAUSE_SECONDS = 2.0
_LEAST_ROOM_BYTES = 1024 * 1024
# Types that polars cannot hold: it fails on the first, and panics where one is nested.
_NOT_IN_POLARS = re.compile(r"\b(INTERVAL|UNION)\b")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


class DuckLakeWarehouse:
    """A warehouse in one folder: `catalog.sqlite`, `data/`, `format.json`, `write.lock`."""

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self.folder = folder
        self.catalog = folder / "catalog.sqlite"
        self._lock = FileLock(folder / "write.lock", thread_local=False)
        self._mutex = threading.RLock()
        if read_only and not self.catalog.is_file():
            raise WarehouseError(folder, "there is no warehouse yet", "Run: madang ingest PATH")
        if not read_only:
            folder.mkdir(parents=True, exist_ok=True)
        self._check_format()
        self._connection = self._attach(read_only=read_only)

    def ensure(
        self, tables: Sequence[Table], refuse: Callable[[Sequence[TableChange]], None] = refuse_nothing
    ) -> None:  # fmt: skip
        """See `Warehouse`."""
        is_current = not any(evolution.is_needed for evolution in self._evolutions(tables))
        if is_current and not outdated_comments(self, tables):
            return
        with self.exclusive():
            # Read again under the lock: another process may have made them meanwhile. One transaction, because ten
            # tables in one of their own each took 2.4 s, and together 0.2 s.
            evolutions, comments = self._evolutions(tables), outdated_comments(self, tables)
            refuse([change for evolution in evolutions for change in evolution.changes])
            self._retried(lambda: self._evolve(evolutions, comments))

    def _evolve(self, evolutions: Sequence[Evolution], comments: Sequence[str]) -> None:
        with self._transaction() as cursor:
            for evolution in evolutions:
                for statement in statements(evolution):
                    cursor.execute(statement)
            for comment in comments:
                cursor.execute(comment)

    def changes_of(self, tables: Sequence[Table]) -> list[TableChange]:
        """See `Warehouse`."""
        return [change for evolution in self._evolutions(tables) for change in evolution.changes]

    def ensure_view(self, name: str, sql: str, describe: str, bigquery: str | None = None) -> bool:
        """See `Warehouse`. The SQL is kept in the view's comment, to see whether it changed."""
        comment = f"{describe}\n{sql}"
        schema, view = name.split(".")
        found = self.read("SELECT comment FROM duckdb_views() WHERE database_name = ? AND schema_name = ? "
                          "AND view_name = ?", [_ALIAS, schema, view])  # fmt: skip
        if found.height and found["comment"][0] == comment:
            return False
        with self.exclusive():
            self._retried(lambda: self._make_view(name, sql, comment))
        return True

    def _make_view(self, name: str, sql: str, comment: str) -> None:
        with self._transaction() as cursor:
            cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(name.partition('.')[0])}")
            cursor.execute(f"CREATE OR REPLACE VIEW {quote(name)} AS {sql}")
            cursor.execute(f"COMMENT ON VIEW {quote(name)} IS {literal(comment)}")

    def drop_view(self, name: str) -> None:
        """See `Warehouse`."""
        if self.has(name):
            with self.exclusive():
                self._retried(partial(self._connection.execute, f"DROP VIEW IF EXISTS {quote(name)}"))

    def has(self, table: str) -> bool:
        """See `Warehouse`."""
        schema, name = table.split(".")
        found = self.read("SELECT 1 FROM information_schema.tables WHERE table_catalog = ? AND table_schema = ? "
                          "AND table_name = ?", [_ALIAS, schema, name])  # fmt: skip
        return found.height > 0

    def read(
        self,
        sql: str,
        parameters: Sequence[object] = (),
        frames: Mapping[str, pl.DataFrame] | None = None,
        steps: Mapping[str, str] | None = None,
    ) -> pl.DataFrame:
        """See `Warehouse`. Steps are temporary tables of one transaction."""
        with self._mutex:
            cursor = self._connection.cursor()
            try:
                cursor.execute(f"USE {_ALIAS}")
                for name, frame in (frames or {}).items():
                    cursor.register(name, frame.to_arrow())
                if steps:
                    cursor.execute("BEGIN TRANSACTION")
                for name, step in (steps or {}).items():
                    cursor.execute(f"CREATE TEMP TABLE {quote(name)} AS {step}")
                return _fetched(cursor.execute(sql, list(parameters)))
            except duckdb.Error as error:
                if may_quote_value(error):
                    # DuckDB quotes the value, which may be a post's text: neither its message nor its cause goes on.
                    raise InputError(
                        "query", "a value cannot be converted to the type that is asked", "Use try_cast or TRY(…)"
                    ) from None
                raise self._explained(error) from error
            finally:
                cursor.close()

    def commit(self, changes: Sequence[Change]) -> int:
        """See `Warehouse`. Retries while SQLite is busy; every attempt starts from nothing."""
        changes = [change for change in changes if change.rows.height]
        if not changes:
            return 0
        with self.exclusive():
            try:
                return self._retried(lambda: self._merge(changes))
            except duckdb.BinderException as error:
                raise WarehouseError(
                    self.folder, "a table lacks a column that this process writes: another has renamed it since",
                    "Run again: replies that were received are kept, and are read under the present declaration",
                ) from error  # fmt: skip

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """See `Warehouse`. May be entered again by the same thread."""
        with self._mutex, self._lock:
            yield

    def rewrite(self, table: str, names: Sequence[str]) -> int:
        """Moves the rows of some parts of a table to a new file, by a commit like any other.

        A program that takes no lock of ours and commits meanwhile makes it begin again, as it does to every commit.

        Args:
            table: Whose, with its schema.
            names: Of the parts.

        Returns:
            How many rows.
        """
        with self.exclusive():
            return self._retried(lambda: self._move(table, names))

    def _move(self, table: str, names: Sequence[str]) -> int:
        with self._transaction() as cursor:
            return move(cursor, table, names)

    def forget_inlined(self) -> int:
        """Takes deleted rows out of the catalog that no snapshot holds any more; gives how many."""
        with self.exclusive():
            return self._retried(lambda: forget_inlined(self))

    def maintain(self, function: str, *options: str) -> pl.DataFrame:
        """Runs one of DuckLake's own functions of upkeep, in turn with writers.

        Args:
            function: Its name.
            options: Each as `name => value`, in SQL.

        Returns:
            What it says of what it did.
        """
        arguments = ", ".join([literal(_ALIAS), *options])
        with self.exclusive():
            return self._retried(lambda: self.read(f"SELECT * FROM {function}({arguments})"))

    @property
    def snapshot(self) -> int:
        """Number of the newest snapshot; it grows with every commit that wrote something."""
        found = self.read(f"SELECT max(snapshot_id) AS id FROM ducklake_snapshots({literal(_ALIAS)})")
        return int(found["id"][0])

    def close(self) -> None:
        """See `Warehouse`."""
        self._connection.close()

    def _retried(self, work: Callable[[], _T]) -> _T:
        began, pause_seconds = time.monotonic(), 0.1
        while True:
            try:
                return work()
            except duckdb.Error as error:
                if "database is locked" not in str(error):
                    raise self._explained(error) from error
                if time.monotonic() - began > _PATIENCE_SECONDS:
                    raise WarehouseError(
                        self.catalog,
                        f"another program has kept it locked for {_PATIENCE_SECONDS:.0f} s; nothing was written",
                        "End that program (`fuser` names it) and run again: it goes on where it was",
                    ) from error  # fmt: skip
                time.sleep(pause_seconds)
                pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)

    def _explained(self, error: duckdb.Error) -> Exception:
        # With no room for the index of its log, SQLite says no more than that.
        is_full = "disk I/O error" in str(error) and shutil.disk_usage(self.folder).free < _LEAST_ROOM_BYTES
        if is_full or DiskFull.is_meant(error):
            return DiskFull.at(self.folder, str(error).splitlines()[0])
        return damage_of(error, self.folder / "data") or error

    def _merge(self, changes: Sequence[Change]) -> int:
        written = 0
        with self._transaction() as cursor:
            for change in changes:
                rows = _last_of_each(change.rows, change.table.key)
                schema = change.table.polars_schema
                is_delete = change.mode == "delete"
                rows = rows.select(change.table.key) if is_delete else rows.select(schema.names()).cast(schema)
                # Text goes over as views. As offsets it would be copied, a sixth of a large merge's time.
                cursor.register("incoming", rows.to_arrow(compat_level=pl.CompatLevel.newest()))
                written += self._merge_one(cursor, change, _same_key(rows, change.table.key))
                cursor.unregister("incoming")
        return written

    def _merge_one(self, cursor: duckdb.DuckDBPyConnection, change: Change, same_key: str) -> int:
        """DuckLake has no keys, so rows are matched here; a statement that writes no row makes no snapshot."""
        target = quote(change.table.name)
        if change.mode == "delete":
            return _written(cursor, f"DELETE FROM {target} t WHERE EXISTS (SELECT 1 FROM incoming i WHERE {same_key})")
        names = ", ".join(quote(column.name) for column in change.table.columns)
        values = ", ".join(_cast(f"i.{quote(column.name)}", column.type.duckdb) for column in change.table.columns)
        if change.mode == "insert":
            return _written(
                cursor,
                f"INSERT INTO {target} ({names}) SELECT {values} FROM incoming i "
                f"WHERE NOT EXISTS (SELECT 1 FROM {target} t WHERE {same_key})",
            )
        others = [column for column in change.table.columns if column.name not in change.table.key]
        differs = " OR ".join(
            f"t.{quote(column.name)} IS DISTINCT FROM {_cast(f'i.{quote(column.name)}', column.type.duckdb)}"
            for column in others
        )
        assignments = ", ".join(
            f"{quote(column.name)} = {_cast(f'i.{quote(column.name)}', column.type.duckdb)}" for column in others
        )
        return _written(
            cursor,
            f"MERGE INTO {target} AS t USING incoming i ON {same_key} "
            f"WHEN MATCHED AND ({differs}) THEN UPDATE SET {assignments} "
            f"WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({values})",
        )

    @contextmanager
    def _transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        cursor = self._connection.cursor()
        try:
            cursor.execute(f"USE {_ALIAS}")
            cursor.execute("BEGIN TRANSACTION")
            yield cursor
            cursor.execute("COMMIT")
        except BaseException:
            _roll_back(cursor)
            raise
        finally:
            cursor.close()

    def _evolutions(self, tables: Sequence[Table]) -> list[Evolution]:
        found = self.read("SELECT schema_name || '.' || table_name, column_name, data_type FROM duckdb_columns() "
                          "WHERE database_name = ?", [_ALIAS])  # fmt: skip
        there: dict[str, dict[str, str]] = {}
        for table, column, kind in found.iter_rows():
            there.setdefault(table, {})[column] = spelling(kind)
        state = State(there.get, lambda kind: spelling(kind.duckdb), partial(is_empty, self, there.get))
        return [Evolution.of(table, state) for table in tables]

    def _check_format(self) -> None:
        file = self.folder / "format.json"
        if file.is_file():
            version = json.loads(file.read_text())["version"]
            if version > FORMAT_VERSION:
                raise WarehouseError(
                    self.folder, f"it is of format {version}, and this madang knows {FORMAT_VERSION}", "Upgrade madang"
                )
        elif self.folder.is_dir() and not self.catalog.is_file():
            file.write_text(json.dumps({"version": FORMAT_VERSION}))

    def _attach(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect()
        load_extensions(connection)
        options = "READ_ONLY" if read_only else f"DATA_PATH {literal(str(self.folder / 'data'))}"
        with self._lock:
            try:
                if not read_only:
                    with closing(sqlite3.connect(self.catalog)) as catalog:
                        # With SQLite's default journal one open reader makes a writer fail after five seconds.
                        catalog.execute("PRAGMA journal_mode=WAL")
                connection.execute(f"ATTACH {literal(f'ducklake:sqlite:{self.catalog}')} AS {_ALIAS} ({options})")
            except (duckdb.Error, sqlite3.DatabaseError) as error:
                raise WarehouseError(
                    self.catalog, f"it cannot be attached ({error})", "Restore it from a backup"
                ) from error
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"USE {_ALIAS}")
        return connection


def _fetched(cursor: duckdb.DuckDBPyConnection | None) -> pl.DataFrame:
    """Rows of a query that has run; `cursor` is None where there was no statement, whatever DuckDB's types say."""
    if cursor is None:
        raise InputError("query", "it holds no statement", "Write one, such as: SELECT count(*) FROM raw.posts")
    for name, kind, *_ in cursor.description or []:
        if _NOT_IN_POLARS.search(_QUOTED.sub("", str(kind))):
            raise InputError("query", f"column {name!r} is {kind}, which cannot be shown", "Cast it to VARCHAR")
    found = cursor.pl()
    # Counts and sums of integers come as HUGEINT, which Arrow has only as a decimal, of scale 0.
    whole = [name for name, kind in found.schema.items() if isinstance(kind, pl.Decimal) and kind.scale == 0]
    try:
        return found.with_columns(pl.col(whole).cast(pl.Int64())).with_columns(cs.decimal().cast(pl.Float64()))
    except pl.exceptions.InvalidOperationError:
        raise InputError(
            "query", f"an integer of {', '.join(whole)} has more than 64 bits", "Cast it to DOUBLE or VARCHAR"
        ) from None


def _last_of_each(rows: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """The last row of each key. Rows that are unique already, as most are, are told by hashes, a tenth of the work."""
    if rows.select(key).hash_rows().n_unique() == rows.height:
        return rows
    return rows.unique(subset=list(key), keep="last", maintain_order=True)


def _same_key(rows: pl.DataFrame, key: Sequence[str]) -> str:
    """Condition that row `t` has the key of row `i`, one of these rows.

    By `=` DuckDB passes over what cannot match, which `IS NOT DISTINCT FROM` makes it read: 1.5 times the time of a
    large merge. A key that is null equals nothing by `=`, however.
    """
    equals = {name: "IS NOT DISTINCT FROM" if rows[name].null_count() else "=" for name in key}
    return " AND ".join(f"t.{quote(name)} {equal} i.{quote(name)}" for name, equal in equals.items())


def _written(cursor: duckdb.DuckDBPyConnection, sql: str) -> int:
    found = cursor.execute(sql).fetchone()
    assert found is not None
    return int(found[0])


def load_extensions(connection: duckdb.DuckDBPyConnection) -> None:
    """Loads DuckLake and SQLite support; the first time on a machine it is installed from its packages."""
    for name, package in (("ducklake", "ducklake"), ("sqlite_scanner", "sqlite_scanner")):
        try:
            connection.execute(f"LOAD {name}")
        except duckdb.Error:
            from duckdb_extensions import import_extension

            import_extension(package, con=connection)
            connection.execute(f"LOAD {name}")


def _cast(value: str, kind: str) -> str:
    return f"CAST({value} AS JSON)" if kind == "JSON" else value


def _roll_back(cursor: duckdb.DuckDBPyConnection) -> None:
    try:
        cursor.execute("ROLLBACK")
    except duckdb.Error:  # the transaction is gone already: nothing is left to roll back
        return
