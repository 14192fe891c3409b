"""The warehouse in BigQuery: a dataset for each schema, every commit one transaction of merges from staging tables.

BigQuery keeps no keys, and two inserts never conflict: so each commit first updates, inside its transaction, the one
row of `<dataset>_ops.warehouse_lock`. Of two that meet there, BigQuery cancels one, which then comes again; and a
process that holds the row (`exclusive`) keeps the others out until it gives it back or it runs out.
"""

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import polars as pl
import polars.selectors as cs
from sqlglot import exp

from madang.errors import WarehouseError
from madang.schema.types import Table
from madang.warehouse import bigquery_tables as tables_of
from madang.warehouse.bigquery_datasets import STAGING, Datasets
from madang.warehouse.bigquery_jobs import Conflict, Jobs, job_id, reference
from madang.warehouse.bigquery_merge import CommitScript, Staged
from madang.warehouse.bigquery_sql import located_in, to_bigquery
from madang.warehouse.evolution import Evolution, TableChange, refuse_nothing
from madang.warehouse.protocol import Change

if TYPE_CHECKING:
    from google.cloud import bigquery

    from madang.settings import BigQuerySettings

_LOCK = "warehouse_lock"
_HELD_SECONDS = 300
_WAIT_SECONDS = 600
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 5.0
_CONFLICTS = 10
_LOADS_AT_ONCE = 4


class BigQueryWarehouse:
    """Datasets `<dataset>_raw`, `<dataset>_ops` … of one project.

    Args:
        project: Id of the project.
        dataset: What the datasets' names begin with.
        settings: Location and caps.
        read_only: Refuses to write, and to make anything.
        client: Client to use; by default one of the environment's credentials.
    """

    def __init__(
        self, project: str, dataset: str, settings: "BigQuerySettings", *, read_only: bool = False,
        client: "bigquery.Client | None" = None,
    ) -> None:  # fmt: skip
        self._project, self._dataset, self._settings, self._read_only = project, dataset, settings, read_only
        self._jobs = Jobs(project, settings, client)
        self.datasets = Datasets(self._jobs, project, dataset)
        self._me = uuid.uuid4().hex
        self._mutex = threading.RLock()
        self._depth = 0
        self._there: set[str] = set()
        self._ensured: dict[str, Table] = {}
        self._lock = self._located("ops", _LOCK)
        if read_only:
            if not self._has(self._lock):
                raise WarehouseError(f"{project}.{dataset}", "there is no warehouse yet", "Run: madang ingest PATH")
        else:
            self._make_lock()

    def changes_of(self, tables: Sequence[Table]) -> list[TableChange]:
        """See `Warehouse`."""
        return [change for table in tables for change in self._evolution(table).changes]

    def ensure(
        self, tables: Sequence[Table], refuse: Callable[[Sequence[TableChange]], None] = refuse_nothing
    ) -> None:  # fmt: skip
        """See `Warehouse`. Tables with a `day` are partitioned by it; each is clustered by its key."""
        wanted = [table for table in tables if self._ensured.get(table.name) != table]
        needed = [evolution for evolution in map(self._evolution, wanted) if evolution.is_needed]
        if needed:
            self._refuse_if_read_only()
            with self.exclusive():
                # Looked at again: another process may have done it meanwhile, and a rename cannot be done twice.
                needed = [self._evolution(evolution.table) for evolution in needed]
                refuse([change for evolution in needed for change in evolution.changes])
                for evolution in needed:
                    target = self._located(*evolution.table.name.split("."))
                    tables_of.make_dataset(self._jobs, target, self._settings)
                    for statement in tables_of.statements(self._located, evolution):
                        self._jobs.query(statement, "ensure")
        self._ensured |= {table.name: table for table in wanted}

    def ensure_view(self, name: str, sql: str, describe: str, bigquery: str | None = None) -> bool:
        """See `Warehouse`. The SQL is kept in the view's description, to see whether it changed."""
        schema, view = name.split(".")
        target = self._located(schema, view)
        comment = f"{describe}\n{bigquery or sql}"
        found = self._jobs.table(reference(target))
        if found is not None and found.description == comment:
            return False
        self._refuse_if_read_only()
        body = to_bigquery(sql, self._located) if bigquery is None else located_in(bigquery, self._located)
        with self.exclusive():
            tables_of.make_dataset(self._jobs, target, self._settings)
            self._jobs.query(
                f"CREATE OR REPLACE VIEW {tables_of.quoted(target)} "
                f"OPTIONS (description = {tables_of.literal(comment)}) AS {body}",
                "ensure",
            )
        return True

    def drop_view(self, name: str) -> None:
        """See `Warehouse`."""
        target = self._located(*name.split("."))
        if self._jobs.table(reference(target)) is not None:
            self._refuse_if_read_only()
            self._jobs.query(f"DROP VIEW IF EXISTS {tables_of.quoted(target)}", "ensure")

    def has(self, table: str) -> bool:
        """See `Warehouse`."""
        schema, name = table.split(".")
        return self._has(self._located(schema, name))

    def read(
        self,
        sql: str,
        parameters: Sequence[object] = (),
        frames: Mapping[str, pl.DataFrame] | None = None,
        steps: Mapping[str, str] | None = None,
    ) -> pl.DataFrame:
        """See `Warehouse`. Steps are common table expressions of one query; frames are loaded into staging tables."""
        with ExitStack() as stack:
            staged = {name: stack.enter_context(self._staged_frame(frame)) for name, frame in (frames or {}).items()}
            nulls = [number for number, value in enumerate(parameters, 1) if value is None]
            text = to_bigquery(sql, self._located, staged, steps, nulls)
            values = {f"p{number}": value for number, value in enumerate(parameters, 1) if value is not None}
            values = {name: value for name, value in values.items() if f"@{name}" in text}
            if self._read_only:  # a person's query, which nobody has estimated
                self._refuse_if_large(text, values)
            found = self._jobs.query(text, "read", values)
        return found.with_columns(cs.decimal().cast(pl.Float64()))

    def commit(self, changes: Sequence[Change]) -> int:
        """See `Warehouse`. Comes again where another writer was in the way; merges are the same the second time."""
        changes = [change for change in changes if change.rows.height]
        if not changes:
            return 0
        self._refuse_if_read_only()
        with self._mutex, ExitStack() as stack:
            staged = stack.enter_context(self._staged_changes(changes))
            script = CommitScript(self._lock, self._me, _HELD_SECONDS, is_exclusive=self._depth > 0).text(staged)
            for attempt in range(_CONFLICTS):
                try:
                    return int(self._jobs.query(script, "commit")["written"][0])
                except Conflict as conflict:
                    if attempt == _CONFLICTS - 1 or "madang: lost" in conflict.culprit:
                        raise
                    time.sleep(min(_FIRST_PAUSE_SECONDS * 2**attempt, _LONGEST_PAUSE_SECONDS))
        raise AssertionError("unreachable")

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """See `Warehouse`. May be entered again by the same thread; a commit inside it renews it."""
        with self._mutex:
            if self._depth == 0:
                self._take()
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._give_back()

    @property
    def snapshot(self) -> int:
        """Number of commits that wrote something."""
        return int(self._jobs.query(f"SELECT commits FROM {tables_of.quoted(self._lock)}", "read")["commits"][0])

    def close(self) -> None:
        """See `Warehouse`."""
        self._jobs.client.close()  # type: ignore[no-untyped-call]

    def _located(self, schema: str, name: str) -> exp.Table:
        return exp.table_(name, db=f"{self._dataset}_{schema}", catalog=self._project, quoted=True)

    def _has(self, table: exp.Table) -> bool:
        known = f"{table.db}.{table.name}"
        if known not in self._there and self._jobs.table(reference(table)) is not None:
            self._there.add(known)
        return known in self._there

    def _evolution(self, table: Table) -> Evolution:
        return tables_of.difference(self, self._jobs, self._located, table)

    def _make_lock(self) -> None:
        if self._has(self._lock):
            return
        tables_of.make_dataset(self._jobs, self._lock, self._settings)
        tables_of.make_dataset(self._jobs, self._located(STAGING, "any"), self._settings, expires=True)
        name = tables_of.quoted(self._lock)
        # The row comes with the table: of two processes that make it at once, the second finds it made.
        self._jobs.query(
            f"CREATE TABLE IF NOT EXISTS {name} AS SELECT CAST(NULL AS STRING) AS `owner`, "
            "CAST(NULL AS TIMESTAMP) AS `expires_at`, 0 AS `commits`, CAST(NULL AS TIMESTAMP) AS `committed_at`",
            "ensure",
        )

    def _take(self) -> None:
        """Waits until no other process holds the lock, and holds it."""
        self._refuse_if_read_only()
        lock = CommitScript(self._lock, self._me, _HELD_SECONDS, is_exclusive=False)
        end, pause = time.monotonic() + _WAIT_SECONDS, _FIRST_PAUSE_SECONDS
        while not self._is_taken(lock):
            if time.monotonic() > end:
                raise WarehouseError(
                    f"{self._project}.{self._dataset}", f"another process has held it for {_WAIT_SECONDS} s",
                    "See which one writes; its hold runs out by itself when it has ended",
                )  # fmt: skip
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    def _is_taken(self, lock: CommitScript) -> bool:
        try:
            return bool(self._jobs.query(lock.take, "lock")["taken"][0])
        except Conflict:
            return False

    def _give_back(self) -> None:
        lock = CommitScript(self._lock, self._me, _HELD_SECONDS, is_exclusive=True)
        with suppress(WarehouseError):  # what cannot be given back runs out, and hides no error of the block
            self._jobs.query(lock.give_back, "lock")

    @contextmanager
    def _staged_changes(self, changes: Sequence[Change]) -> Iterator[list[Staged]]:
        staged = [Staged.of(change, self._located(*change.table.name.split(".")), self._stage()) for change in changes]
        try:
            with ThreadPoolExecutor(_LOADS_AT_ONCE) as pool:
                list(pool.map(self._load, staged))
            yield staged
        finally:
            self._jobs.forget([reference(item.source) for item in staged])

    def _load(self, staged: Staged) -> None:
        columns = [column for column in staged.change.table.columns if column.name in staged.rows.columns]
        fields = [tables_of.field(column) for column in columns]
        self._jobs.load(staged.rows, staged.source, fields, job_id())

    @contextmanager
    def _staged_frame(self, frame: pl.DataFrame) -> Iterator[exp.Table]:
        table = self._stage()
        try:
            fields = tables_of.fields_of(frame)
            self._jobs.load(frame, table, fields, job_id())
            yield table
        finally:
            self._jobs.forget([reference(table)])

    def _stage(self) -> exp.Table:
        return self._located(STAGING, f"s_{uuid.uuid4().hex}")

    def _refuse_if_large(self, sql: str, values: Mapping[str, Any]) -> None:
        read = self._jobs.bytes_of(sql, values)
        if read > self._settings.most_bytes_billed:
            raise WarehouseError(
                "query",
                f"it would read {read / 1e9:.1f} GB, and the cap is {self._settings.most_bytes_billed / 1e9:.1f}",
                "Read fewer days or columns, or raise `most_bytes_billed` of [tool.madang.bigquery]",
            )  # fmt: skip

    def _refuse_if_read_only(self) -> None:
        if self._read_only:
            raise WarehouseError(f"{self._project}.{self._dataset}", "it was opened to read", "Open it to write")
