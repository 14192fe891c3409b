"""The script of one commit in BigQuery: all merges in one transaction, behind the lock's row.

Each statement names the days of its rows as constants, so that BigQuery reads and bills those partitions alone: what it
would have to look up in the staging table, it does not prune by. A row is sought in its own day only, so the `day` of a
key must never change: a post's is fixed when it first lands, and all its rows have it from there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl
from sqlglot import exp

from madang.schema.types import DATE
from madang.warehouse.bigquery_tables import identifier, is_plain, literal, quoted
from madang.warehouse.protocol import Change


@dataclass(frozen=True)
class Staged:
    """One change and the table in which its rows wait.

    Args:
        change: What is asked for.
        target: Where it goes.
        source: Where its rows wait.
        rows: One row a key, with the table's columns, or the key's alone where rows are deleted.
        days: Partitions that the rows are in, in order; none where they do not say, or the table has no partitions.
    """

    change: Change
    target: exp.Table
    source: exp.Table
    rows: pl.DataFrame
    days: tuple[date, ...] = ()

    @classmethod
    def of(cls, change: Change, target: exp.Table, source: exp.Table) -> "Staged":
        """Makes rows unique: of two with one key, the last is meant."""
        rows = change.rows.unique(subset=list(change.table.key), keep="last", maintain_order=True)
        schema = change.table.polars_schema
        if change.mode == "delete":
            key = pl.Schema({name: schema[name] for name in change.table.key})
            return cls(change, target, source, rows.select(change.table.key).cast(key), _days(change))
        return cls(change, target, source, rows.select(schema.names()).cast(schema), _days(change))

    @property
    def statement(self) -> str:
        """SQL of the change."""
        target, source = quoted(self.target), quoted(self.source)
        if self.change.mode == "delete":
            same = f"EXISTS (SELECT 1 FROM {source} AS i WHERE {self._same_key})"
            return f"DELETE FROM {target} AS t WHERE {same}{self._of_days}"
        names = [column.name for column in self.change.table.columns]
        update = self._update if self.change.mode == "upsert" else ""
        return (
            f"MERGE INTO {target} AS t USING {source} AS i ON {self._same_key}{self._of_days}{update} "
            f"WHEN NOT MATCHED THEN INSERT ({', '.join(map(identifier, names))}) "
            f"VALUES ({', '.join(f'i.{identifier(name)}' for name in names)})"
        )

    @property
    def _same_key(self) -> str:
        """Equality of both sides, which BigQuery can join by; null is a value of a key, too."""
        return " AND ".join(
            f"t.{identifier(key)} = i.{identifier(key)}" if self.rows[key].null_count() == 0
            else f"{_as_text('t', key)} = {_as_text('i', key)}"
            for key in self.change.table.key
        )  # fmt: skip

    @property
    def _of_days(self) -> str:
        named = ", ".join(f"DATE '{day}'" for day in self.days)
        return f" AND t.`day` IN ({named})" if named else ""

    @property
    def _update(self) -> str:
        others = [column for column in self.change.table.columns if column.name not in self.change.table.key]
        if not others:
            return ""
        differs = " OR ".join(
            f"t.{identifier(column.name)} IS DISTINCT FROM i.{identifier(column.name)}" if is_plain(column.type)
            else f"{_as_text('t', column.name)} <> {_as_text('i', column.name)}"
            for column in others
        )  # fmt: skip
        values = ", ".join(f"{identifier(column.name)} = i.{identifier(column.name)}" for column in others)
        return f" WHEN MATCHED AND ({differs}) THEN UPDATE SET {values}"


@dataclass(frozen=True)
class CommitScript:
    """SQL of the lock, and of commits behind it.

    Args:
        lock: Its table, of one row.
        owner: Who asks.
        seconds: How long it is held without a word.
        is_exclusive: Whether the owner holds it already: a commit then fails if it was lost meanwhile.
    """

    lock: exp.Table
    owner: str
    seconds: int
    is_exclusive: bool

    def text(self, staged: Sequence[Staged]) -> str:
        """The script; its last statement gives the rows `written`, and nothing is committed where there are none."""
        free = f"`owner` = {self._me}" if self.is_exclusive else self._is_free
        # The row is written within the transaction: of two commits that meet, BigQuery cancels one.
        counted = "`commits` = `commits` + 1, `committed_at` = CURRENT_TIMESTAMP()"
        missed = "lost" if self.is_exclusive else "held"
        lines = [
            "DECLARE written INT64 DEFAULT 0",
            "BEGIN TRANSACTION",
            f"UPDATE {self._name} SET {counted}{self._renewed} WHERE {free}",
            f"IF @@row_count = 0 THEN RAISE USING MESSAGE = 'madang: {missed}'; END IF",
        ]
        for item in staged:
            lines += [item.statement, "SET written = written + @@row_count"]
        lines += ["IF written = 0 THEN ROLLBACK TRANSACTION; ELSE COMMIT TRANSACTION; END IF", "SELECT written"]
        return ";\n".join(lines) + ";"

    @property
    def take(self) -> str:
        """Takes the lock if it is free; `taken` says whether."""
        return (
            f"UPDATE {self._name} SET `owner` = {self._me}, `expires_at` = {self._end} WHERE {self._is_free};\n"
            "SELECT @@row_count = 1 AS taken;"
        )

    @property
    def give_back(self) -> str:
        """Gives it back, if it is still held."""
        return f"UPDATE {self._name} SET `owner` = NULL, `expires_at` = NULL WHERE `owner` = {self._me}"

    @property
    def _name(self) -> str:
        return quoted(self.lock)

    @property
    def _me(self) -> str:
        return literal(self.owner)

    @property
    def _end(self) -> str:
        return f"TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL {self.seconds} SECOND)"

    @property
    def _renewed(self) -> str:
        return f", `expires_at` = {self._end}" if self.is_exclusive else ""

    @property
    def _is_free(self) -> str:
        return "(`owner` IS NULL OR `expires_at` < CURRENT_TIMESTAMP())"


def _days(change: Change) -> tuple[date, ...]:
    is_partitioned = any(column.name == "day" and column.type == DATE for column in change.table.columns)
    if not is_partitioned or "day" not in change.rows.columns or change.rows["day"].null_count():
        return ()
    return tuple(change.rows["day"].cast(pl.Date()).unique().sort())


def _as_text(side: str, name: str) -> str:
    """A value as text that is never null: the text of a string has quotes, so null is like no other."""
    return f"COALESCE(TO_JSON_STRING({side}.{identifier(name)}), 'null')"
