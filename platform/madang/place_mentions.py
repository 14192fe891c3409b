"""`features.place_mentions`: which post means which place, for a product to read; of every task that links mentions.

The table is a history, to which only rows are added: all mentions of a post are written again under the moment from
which they held, with one row of ordinal 0 where none is left. Its live view, and the published Parquet days, hold what
holds now. Feast has no view of it: Feast serves one newest row of an entity, and here a post has several.
"""

from datetime import date

import pyarrow as pa
from filelock import FileLock

from madang.extraction.plan import Days
from madang.features import Published, held_rows_sql, write_parquet
from madang.posts.table import CURRENT
from madang.schema import current_name
from madang.schema.flag import FlagField
from madang.schema.mentions import MentionsField
from madang.schema.types import BOOLEAN, DATE, FLOAT, INSTANT, INTEGER, TEXT, Column, Table
from madang.settings import Settings
from madang.tables import ensure_tables
from madang.task import Task
from madang.warehouse.protocol import Change, Warehouse

PLACE_MENTIONS = Table(
    "features.place_mentions",
    (
        Column("post_id", TEXT, "source:post_id"),
        Column("place_id", TEXT, "The place that is meant, by the directory's own id; null where none was linked"),
        Column("place_name", TEXT, "As the directory writes it"),
        Column("is_review", BOOLEAN, "Whether the author tells an experience of it; null where the task does not ask"),
        Column("kept", BOOLEAN, "Whether it counts by the task's declaration"),
        Column("probability", FLOAT, "That the place is meant, 0 to 1; null where none was linked"),
        Column("outcome", TEXT, "linked, or why not; null before a directory was imported"),
        Column("text", TEXT, "As it stands in the post"),
        Column("field", TEXT, "Text column of its first occurrence"),
        Column("start", INTEGER, "First code point of it there, in the stored text"),
        Column("end", INTEGER, "One past its last code point"),
        Column(
            "ordinal", INTEGER, "Its place among the post's mentions, from 1; 0 where none is left: all else is null"
        ),
        Column("task", TEXT, "Name of the task that found it"),
        Column("recipe", TEXT, "Which recipe found it, as task@number"),
        Column("directory", TEXT, "Version of the directory; null before one was imported"),
        Column("event_at", INSTANT, "When the post happened, UTC"),
        Column("extracted_at", INSTANT, "From when the post's mentions held, UTC"),
        Column("day", DATE, "Partition"),
    ),
    ("post_id", "event_at", "recipe", "extracted_at", "ordinal"),
    "A mention of a place by a post, as it held from a moment on",
)
_VIEW = "features.place_mentions__live"


def publish_place_mentions(warehouse: Warehouse, settings: Settings, task: Task, days: Days) -> Published:
    """Appends what holds now of a task's linked mentions of some days, and writes those days' Parquet files.

    Args:
        warehouse: Where mentions and links are.
        settings: Says where `features/` lies.
        task: A task with a linked field.
        days: First and last partition, both included.

    Returns:
        The mentions published, of all tasks; and how many rows were appended, of this one.
    """
    ensure_tables(warehouse, task)
    warehouse.ensure([PLACE_MENTIONS])
    columns = ", ".join(f'm."{column.name}"' for column in PLACE_MENTIONS.columns)
    sql = (
        f"SELECT {columns} FROM (SELECT *, max(extracted_at) OVER (PARTITION BY day, post_id, task) AS held_from "
        "FROM features.place_mentions) m SEMI JOIN ("
        f"SELECT key AS post_id FROM (SELECT source || ':' || post_id AS key, deleted FROM raw.posts {CURRENT}) "
        "WHERE NOT deleted) p ON m.post_id = p.post_id WHERE m.extracted_at = m.held_from AND m.ordinal > 0"
    )
    warehouse.ensure_view(_VIEW, sql, "What holds now of features.place_mentions: mentions of current undeleted posts")
    with warehouse.exclusive():
        rows = warehouse.read(_held_sql(task), list(days)).cast(PLACE_MENTIONS.polars_schema)
        appended = warehouse.commit([Change(PLACE_MENTIONS, rows)])
    return Published(_write_days(warehouse, settings, days), appended)


def _held_sql(task: Task) -> str:
    """SQL of the rows of days $1 to $2."""
    assert task.linked_field is not None
    field = task.fields[task.linked_field]
    assert isinstance(field, MentionsField)
    name = current_name(field.of, "is_review")
    is_review = f'm."{name}"' if isinstance(field.of.get(name), FlagField) else "NULL"
    # A moment for all mentions of a post: a reader who takes the newest gets all of them, and none from before.
    return f"""
        SELECT a.source || ':' || a.post_id AS post_id, m.place_id, m.place_name, {is_review} AS is_review, m.kept,
            CASE WHEN m.place_id IS NOT NULL THEN m.probability END AS probability, m.outcome,
            m.text, m.field, m."start", m."end", coalesce(m.ordinal, 0) AS ordinal, '{task.name}' AS task, a.recipe,
            m.directory, a.event_at,
            greatest(a.extracted_at, coalesce(
                max(m.linked_from) OVER (PARTITION BY a.source, a.post_id), a.extracted_at)) AS extracted_at, a.day
        FROM ({held_rows_sql(task)}) a
        LEFT JOIN links."{task.name}__{task.linked_field}__live" m USING (source, post_id, content_hash, recipe)
        WHERE m.ordinal IS NOT NULL OR a.source || ':' || a.post_id IN (
            SELECT post_id FROM features.place_mentions WHERE task = '{task.name}')
        """


def _write_days(warehouse: Warehouse, settings: Settings, days: Days) -> dict[date, int]:
    """Writes what holds now of some days; gives the mentions of each."""
    folder = settings.home / "features" / "place_mentions"
    folder.mkdir(parents=True, exist_ok=True)
    schema = pa.schema([field for field in _arrow_schema() if field.name != "day"])
    counts = {}
    with FileLock(folder / "write.lock"):
        rows = warehouse.read(
            f"SELECT * FROM {_VIEW} WHERE day BETWEEN ? AND ? ORDER BY day, post_id, recipe, ordinal", list(days)
        )
        for (day,), frame in rows.group_by("day", maintain_order=True):
            assert isinstance(day, date)
            write_parquet(folder / f"day={day}" / "part.parquet", frame.drop("day"), schema)
            counts[day] = frame.height
        for old in folder.glob("day=*/part.parquet"):
            day = date.fromisoformat(old.parent.name.removeprefix("day="))
            if days[0] <= day <= days[1] and day not in counts:
                write_parquet(old, rows.clear().drop("day"), schema)
    return counts


def _arrow_schema() -> pa.Schema:
    """Arrow types that every reader of Parquet has; whole numbers stay whole, for Feast does not read these files."""
    kinds = {TEXT: pa.string(), BOOLEAN: pa.bool_(), FLOAT: pa.float64(), INTEGER: pa.int64(), DATE: pa.date32(),
             INSTANT: pa.timestamp("us", tz="UTC")}  # fmt: skip
    return pa.schema([pa.field(column.name, kinds[column.type]) for column in PLACE_MENTIONS.columns])
