"""Features: live rows, appended to `features.<view>` and published for Feast: as Parquet days, in BigQuery as a view.

Feast takes the row with the newest created timestamp, so a row's `extracted_at` here is the moment from which it
held: the latest of extraction, release and landing. A rollback, or an edit back to an old text, appends the old
values again under a new moment; nothing is overwritten, and "as known then" stays answerable.

What the source took away leaves the published days, and so Feast: its rows stay in the table only, as history.
"""

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock

from madang.extraction.plan import Days
from madang.posts.table import CURRENT, content_hash_sql
from madang.served_features import ensure_served, rows_by_day
from madang.settings import BigQueryAddress, Settings
from madang.tables import ensure_tables
from madang.task import Task
from madang.warehouse.protocol import Change, Warehouse


@dataclass(frozen=True)
class Published:
    """What publishing did.

    Args:
        rows: Feature rows of the days, by day.
        appended: Rows that were not there before.
    """

    rows: dict[date, int]
    appended: int


def publish(warehouse: Warehouse, settings: Settings, task: Task, days: Days) -> Published:
    """Appends the live rows of some days, and writes those days' Parquet files, or makes BigQuery's view of them.

    Args:
        warehouse: Where attributes and features are.
        settings: Says where `features/` lies.
        task: The task; its view bears its name.
        days: First and last partition, both included.
    """
    ensure_tables(warehouse, task)
    with warehouse.exclusive():
        appended = warehouse.commit([Change(task.features_table, _live_rows(warehouse, task, days))])
    if isinstance(settings.warehouse, BigQueryAddress):
        ensure_served(warehouse, task)
        return Published(rows_by_day(warehouse, task, days), appended)
    folder = features_folder(settings, task)
    folder.mkdir(parents=True, exist_ok=True)
    # Read and written under one lock: of two processes, the later to write a day would else bring the older rows.
    with FileLock(folder / "write.lock"):
        counts = _write_days(warehouse, task, folder, days)
    return Published({day: count for day, count in counts.items() if days[0] <= day <= days[1]}, appended)


def _write_days(warehouse: Warehouse, task: Task, folder: Path, days: Days) -> dict[date, int]:
    """Writes some days, or all if the view's columns changed; gives the rows of each day written.

    Feast's reader takes the schema of the first file of a view for all of them: `_schema/part.parquet`, without
    rows, sorts first. It is written last, so that a publication killed halfway is taken up again as a changed view.
    """
    file = folder / "_schema" / "part.parquet"
    empty = _published_rows(warehouse, task, (date.max, date.max)).drop("day")
    is_changed = not _has_schema(file, empty)
    rows = _published_rows(warehouse, task, (date.min, date.max) if is_changed else days)
    counts = {}
    for (day,), frame in rows.group_by("day", maintain_order=True):
        assert isinstance(day, date)
        _write(folder / f"day={day}" / "part.parquet", frame.drop("day"))
        counts[day] = frame.height
    first, last = (f"day={day}" for day in days)
    written = {f"day={day}" for day in counts}
    for old in folder.glob("day=*/part.parquet"):
        # All its rows are of posts taken away since, or bear the key of an entity since renamed.
        if old.parent.name not in written and (is_changed or first <= old.parent.name <= last):
            _write(old, empty)
    if is_changed:
        _write(file, empty)
    return counts


def _published_rows(warehouse: Warehouse, task: Task, days: Days) -> pl.DataFrame:
    """Rows of some days; rows from before the task's entity was renamed have no key, and stay in the table only."""
    columns = ", ".join(f'"{column.name}"' for column in task.features_table.columns)
    key = f"{task.declaration.entity}_id"
    rows = warehouse.read(
        f'SELECT {columns} FROM features."{task.name}" WHERE day BETWEEN ? AND ? AND "{key}" IS NOT NULL '
        f'AND "{key}" NOT IN (FROM gone) ORDER BY day, event_at, extracted_at',
        list(days),
        {"gone": pl.DataFrame({key: taken_away(warehouse, days)}, schema={key: pl.String()})},
    ).cast(task.features_table.polars_schema)
    return rows.with_columns(pl.col("recipe").alias(f"{name}__recipe") for name in task.fields)


def taken_away(warehouse: Warehouse, days: Days) -> list[str]:
    """Keys of the posts of some days that their source has taken away."""
    found = warehouse.read(
        "SELECT key FROM (SELECT source || ':' || post_id AS key, deleted FROM raw.posts "
        f"WHERE day BETWEEN ? AND ? {CURRENT}) WHERE deleted ORDER BY key",
        list(days),
    )
    return found["key"].to_list()


def remove_published(folder: Path, key: str, *, is_dry_run: bool = False) -> int:
    """Rewrites a view's Parquet days without the rows of one post; gives how many there were.

    Args:
        folder: The view's folder.
        key: `source:post_id`.
        is_dry_run: Whether to count only.
    """
    removed = 0
    with FileLock(folder / "write.lock"):
        for file in sorted(folder.glob("day=*/part.parquet")):
            # A day that was published before the entity was renamed has its old name.
            keys = [name for name in pq.read_schema(file).names if name.endswith("_id")]
            held = pl.read_parquet(file, columns=keys, hive_partitioning=False).filter(_is_of(keys, key))
            if held.is_empty():
                continue
            day = pl.read_parquet(file, hive_partitioning=False)
            kept = day.filter(~_is_of(keys, key))
            removed += held.height
            if not is_dry_run:
                write_parquet(file, kept, pq.read_schema(file))
        for draft in [] if is_dry_run else folder.glob("*/*.draft"):  # of publications that were killed
            draft.unlink()
    return removed


def _is_of(keys: list[str], key: str) -> pl.Expr:
    return pl.any_horizontal(pl.col(name).eq_missing(pl.lit(key)) for name in keys)


def _has_schema(file: Path, frame: pl.DataFrame) -> bool:
    return file.exists() and pq.read_schema(file).equals(_plain_schema(frame.to_arrow().schema))


def features_folder(settings: Settings, task: Task) -> Path:
    """Folder of a view's Parquet days."""
    return settings.home / "features" / task.name


def held_rows_sql(task: Task) -> str:
    """SQL of the live rows of days $1 to $2: `event_at` of each is known, and from `extracted_at` on it held."""
    return f"""
        SELECT a.* REPLACE (
            coalesce(a.event_at, p.first_ingested_at) AS event_at,
            greatest(a.extracted_at, r.released_at, p.ingested_at) AS extracted_at
        )
        FROM attributes."{task.name}__live" a
        JOIN (
            SELECT source, post_id, ingested_at,
                {content_hash_sql(task.text_columns, images=task.most_images)} AS content_hash,
                min(ingested_at) OVER (PARTITION BY source, post_id) AS first_ingested_at
            FROM raw.posts WHERE day BETWEEN $1 AND $2 {CURRENT}
        ) p USING (source, post_id, content_hash)
        JOIN (SELECT recipe, max(released_at) AS released_at FROM ops.releases GROUP BY recipe) r ON a.recipe = r.recipe
        WHERE a.day BETWEEN $1 AND $2
        """


def _live_rows(warehouse: Warehouse, task: Task, days: Days) -> pl.DataFrame:
    values = ", ".join(f'a."{column.name}"' for column in task.feature_columns)
    return warehouse.read(
        f"SELECT a.source || ':' || a.post_id AS \"{task.declaration.entity}_id\", a.event_at, a.recipe, "
        f"a.extracted_at, a.day, {values} FROM ({held_rows_sql(task)}) a",
        list(days),
    )


def _write(path: Path, frame: pl.DataFrame) -> None:
    write_parquet(path, frame, _plain_schema(frame.to_arrow().schema))


def write_parquet(path: Path, frame: pl.DataFrame, schema: pa.Schema) -> None:
    """Writes beside the file and renames: a reader sees the old day or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.draft")  # not .parquet: Feast reads whatever is called that
    # Parquet's own name for a list's child is `element`; Feast's readers look for Arrow's `item`.
    pq.write_table(frame.to_arrow().cast(schema), draft, compression="zstd", use_compliant_nested_type=False)
    draft.replace(path)


def _plain_schema(schema: pa.Schema) -> pa.Schema:
    """Arrow types that Feast's DuckDB store can read: no large or view types, list children named `item`."""
    return pa.schema([pa.field(field.name, _plain(field.type)) for field in schema])


def _plain(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_large_list(kind) or pa.types.is_list(kind):
        return pa.list_(pa.field("item", _plain(kind.value_type)))
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", tz="UTC")
    if pa.types.is_integer(kind):
        return pa.float64()  # Feast materialises through pandas, where an integer cannot be null
    return kind
