"""Links the live mentions of a task to the directory that is current, and keeps what the linker says as rows.

A link is a function of a mention, what its post states, and a linker: a directory with its aliases. Each linker's links
are kept, and the current one's are shown: another directory costs no extraction, and the way back to an earlier one
costs nothing at all.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl

from madang.extraction.plan import Days
from madang.linking.bulk import link_mentions
from madang.linking.landing import aliases_of, find_version
from madang.linking.linker import Linker
from madang.linking.opening import index_of_warehouse
from madang.linking.table import LINKERS
from madang.posts.table import CURRENT
from madang.schema.compiled import EXTRACTION_KEY
from madang.schema.types import Table
from madang.settings import Settings
from madang.tables import ensure_tables
from madang.task import Task
from madang.warehouse.protocol import Change, Warehouse

# Raise it when the linker gives other links for the same mention and directory.
LINKING_VERSION = 1
_POSTS_A_COMMIT = 1000
_MENTION = [*EXTRACTION_KEY, "ordinal"]


@dataclass(frozen=True)
class Linked:
    """What linking did.

    Args:
        task: The task.
        directory: Version of the directory; None if none was imported, so that all mentions stay as they are.
        mentions: Mentions that this linker had not seen.
        linked: How many of them it linked.
    """

    task: str
    directory: str | None
    mentions: int = 0
    linked: int = 0

    @property
    def line(self) -> str:
        """For the operator."""
        if self.directory is None:
            return f"{self.task}: mentions stay unlinked, for no directory was imported. Run: madang places import FILE"
        return f"{self.task}: {self.linked} of {self.mentions} new mentions linked, directory {self.directory}"


def link_days(warehouse: Warehouse, settings: Settings, task: Task, days: Days) -> Linked:
    """Links the live mentions of some days that the current linker has not seen, a transaction each 1,000 posts.

    Args:
        warehouse: Where mentions, directory and links are.
        settings: Says where indexes of directories are kept.
        task: A task with a linked field; there is nothing to do for another.
        days: First and last partition, both included.
    """
    ensure_tables(warehouse, task)
    if task.links_table is None or find_version(warehouse) is None:
        return Linked(task.name, None)
    aliases = aliases_of(warehouse)
    linker = Linker(index_of_warehouse(settings, warehouse), aliases)
    directory = linker.index.version
    name = _linker_name(directory, aliases)
    pending = _pending(warehouse, task, name, days)
    _activate(warehouse, name, directory, aliases)
    posts = pl.struct("source", "post_id", "content_hash").rle_id() // _POSTS_A_COMMIT
    mentions = linked = 0
    for chunk in pending.with_columns(chunk=posts).partition_by("chunk", include_key=False):
        found = link_mentions(chunk.join(_texts(warehouse, task, chunk), on=["source", "post_id"], how="left"), linker)
        rows = found.select(
            *_MENTION, pl.lit(name).alias("linker"), "directory", "place_id", "place_name",
            pl.col("place_score").alias("score"), pl.col("place_probability").alias("probability"),
            pl.col("place_outcome").alias("outcome"), pl.col("place_reason").alias("reason"), "runner_up_id",
            "district", "dong", "day", pl.lit(datetime.now(UTC), pl.Datetime("us", "UTC")).alias("linked_at"),
        )  # fmt: skip
        with warehouse.exclusive():
            rows = _unseen(warehouse, task.links_table, rows)
            warehouse.commit([Change(task.links_table, rows, "upsert")])
        mentions += rows.height
        linked += rows["place_id"].count()
    return Linked(task.name, directory, mentions, linked)


def links_by_day(warehouse: Warehouse, task: Task, days: Days) -> dict[date, dict[str, int]]:
    """Live mentions of each day that has some, and how many of them are linked."""
    found = warehouse.read(
        "SELECT day, count(*) AS mentions, count(place_id) AS linked "
        f'FROM links."{task.name}__{task.linked_field}__live" WHERE day BETWEEN ? AND ? GROUP BY day ORDER BY day',
        list(days),
    )
    return {row.pop("day"): row for row in found.to_dicts()}


def _linker_name(directory: str, aliases: Mapping[str, Sequence[str]]) -> str:
    told = json.dumps([LINKING_VERSION, directory, sorted((name, list(ids)) for name, ids in aliases.items())])
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _activate(warehouse: Warehouse, name: str, directory: str, aliases: Mapping[str, Sequence[str]]) -> None:
    """Makes a linker the current one; nothing is written if it is."""
    with warehouse.exclusive():
        current = warehouse.read("SELECT linker FROM links.linkers ORDER BY activated_at DESC LIMIT 1")
        if current.height and current["linker"][0] == name:
            return
        row = {"linker": name, "directory": directory, "aliases": len(aliases), "activated_at": datetime.now(UTC)}
        warehouse.commit([Change(LINKERS, pl.DataFrame([row], schema=LINKERS.polars_schema), "upsert")])


def _pending(warehouse: Warehouse, task: Task, name: str, days: Days) -> pl.DataFrame:
    """Live mentions of which this linker has said nothing, or of whose post the region has changed since.

    All mentions of a post are pending, or none: they are linked together.
    """
    columns = ", ".join(f'm."{column}"' for column in _MENTION)
    mentions = f"{task.name}__{task.linked_field}"
    return warehouse.read(
        f"""
        SELECT {columns}, m.text, m.day, p.district, p.dong
        FROM attributes."{mentions}__live" m
        JOIN (
            SELECT source, post_id, json_extract_string(extra, '$.district') AS district,
                json_extract_string(extra, '$.dong') AS dong
            FROM raw.posts WHERE day BETWEEN $1 AND $2 {CURRENT}
        ) p USING (source, post_id)
        LEFT JOIN (SELECT * FROM links."{mentions}" WHERE linker = $3) l
            USING (source, post_id, content_hash, recipe, ordinal)
        WHERE m.day BETWEEN $1 AND $2
            AND (l.linker IS NULL OR l.district IS DISTINCT FROM p.district OR l.dong IS DISTINCT FROM p.dong)
        ORDER BY source, post_id, content_hash, m.ordinal
        """,
        [*days, name],
    )


def _texts(warehouse: Warehouse, task: Task, mentions: pl.DataFrame) -> pl.DataFrame:
    """What the posts say around their mentions, as source, post_id and context."""
    texts = ", ".join(f'"{column}"' for column in task.text_columns)
    return warehouse.read(
        f"SELECT source, post_id, concat_ws(chr(10), {texts}) AS context FROM raw.posts "
        f"SEMI JOIN wanted USING (source, post_id) {CURRENT}",
        frames={"wanted": mentions.select("source", "post_id").unique()},
    )


def _unseen(warehouse: Warehouse, table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """Without the rows that another run has written meanwhile."""
    known = [*table.key, "district", "dong"]
    seen = warehouse.read(
        f"SELECT {', '.join(known)} FROM {table.name} SEMI JOIN wanted USING ({', '.join(_MENTION)})",
        frames={"wanted": rows.select(_MENTION)},
    )
    return rows.join(seen, on=known, how="anti", nulls_equal=True)
