"""Lands posts in `raw.posts`, exactly once.

A post whose text and `extra` are those of its current revision lands no row. Without a number of the source's
own, a revision is the last + 1, so an edit A, B, A makes three; with one, the number is the identity, and a late
older revision never becomes current. A file that tells several states of a post goes on where the states that have
landed end: its longest beginning that is their end has landed already.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl
from pydantic import JsonValue

from madang.ops import ERASURES
from madang.posts.masking import mask
from madang.posts.table import CURRENT, RAW_POSTS, TEXT_COLUMNS
from madang.settings import Settings
from madang.warehouse.protocol import Change, Warehouse

_CONTENT = ("title_hash", "body_hash", "board", "images", "extra", "deleted")


@dataclass(frozen=True)
class Landed:
    """What landing did.

    Args:
        read: Posts in the files.
        landed: Revisions written.
        by_day: Revisions written into each partition, by day.
        refused: Posts that were erased: they do not come back.
    """

    read: int
    landed: int
    by_day: dict[date, int]
    refused: int = 0

    @property
    def days(self) -> tuple[date, ...]:
        """Partitions touched, sorted."""
        return tuple(self.by_day)

    @property
    def unchanged(self) -> int:
        """Posts that were there already, as they are."""
        return self.read - self.landed - self.refused


def land(warehouse: Warehouse, settings: Settings, frames: Sequence[pl.DataFrame]) -> Landed:
    """Lands posts, in order, in one transaction.

    Args:
        warehouse: Where.
        settings: Time zone and first day of the partitions.
        frames: What `read_posts` gave, oldest first.
    """
    warehouse.ensure([RAW_POSTS, ERASURES])
    posts = pl.concat(frames)
    if settings.is_raw_text_masked:
        posts = _masked(posts)
    with warehouse.exclusive():
        welcome = posts.join(_erased(warehouse, posts), on=["source", "post_id"], how="anti", maintain_order="left")
        rows = _new_revisions(warehouse, settings, welcome.with_row_index("order"))
        landed = warehouse.commit([Change(RAW_POSTS, rows)])
    by_day = rows.group_by("day").len().sort("day")
    return Landed(posts.height, landed, dict(by_day.iter_rows()), posts.height - welcome.height)


def _erased(warehouse: Warehouse, posts: pl.DataFrame) -> pl.DataFrame:
    """Posts that somebody had erased: a receipt is a tombstone."""
    return warehouse.read(
        f"SELECT DISTINCT source, post_id FROM {ERASURES.name} SEMI JOIN incoming USING (source, post_id)",
        frames={"incoming": posts.select("source", "post_id").unique()},
    )


def _masked(posts: pl.DataFrame) -> pl.DataFrame:
    """Posts as a warehouse elsewhere may have them; their hashes are still those of the text as it came."""
    return posts.with_columns(
        *(pl.col(name).map_elements(mask, pl.String()) for name in TEXT_COLUMNS),
        pl.col("extra").map_elements(_masked_json, pl.String()),
    )


def _masked_json(text: str) -> str:
    return json.dumps(_masked_value(json.loads(text)), ensure_ascii=False)


def _masked_value(value: JsonValue) -> JsonValue:
    match value:
        case str():
            return mask(value)
        case list():
            return [_masked_value(item) for item in value]
        case dict():
            return {key: _masked_value(item) for key, item in value.items()}
    return value


def _new_revisions(warehouse: Warehouse, settings: Settings, posts: pl.DataFrame) -> pl.DataFrame:
    now = datetime.now(UTC)
    current = warehouse.read(
        f"SELECT p.source, p.post_id, p.revision AS current_revision, p.day AS first_day, "
        f"{', '.join(f'p.{name} AS current_{name}' for name in _CONTENT)} "
        f"FROM (SELECT * FROM raw.posts SEMI JOIN incoming USING (source, post_id) {CURRENT}) p",
        frames={"incoming": posts.select("source", "post_id").unique()},
    )
    known = warehouse.read(
        "SELECT p.source, p.post_id, p.revision FROM raw.posts p SEMI JOIN incoming USING (source, post_id, revision)",
        frames={"incoming": posts.select("source", "post_id", "revision").drop_nulls().unique()},
    )
    joined = posts.join(current, on=["source", "post_id"], how="left", maintain_order="left")
    over = ["source", "post_id"]
    # A file may number some states of a post and not others: what is counted goes on from its highest number.
    last = pl.max_horizontal("current_revision", pl.col("revision").max().over(over))
    joined = joined.with_columns(last_revision=last.fill_null(0))
    is_first = pl.int_range(pl.len()).over(over, order_by="order") == 0
    is_state = is_first | pl.any_horizontal(
        pl.col(name).shift(1).over(over, order_by="order").ne_missing(pl.col(name)) for name in _CONTENT
    )
    is_current = pl.col("current_revision").is_not_null() & pl.all_horizontal(
        pl.col(name).eq_missing(pl.col(f"current_{name}")) for name in _CONTENT
    )
    numbered = joined.filter(pl.col("revision").is_not_null()).join(
        known, on=["source", "post_id", "revision"], how="anti"
    ).unique(["source", "post_id", "revision"], keep="first", maintain_order=True)  # fmt: skip
    states = joined.filter(pl.col("revision").is_null()).filter(is_state)
    several = states.filter(pl.col("current_revision").is_not_null() & (pl.len().over(over) > 1))
    states = states.join(_states_landed(warehouse, posts, several), on=over, how="left", maintain_order="left")
    has_landed = pl.coalesce(pl.int_range(pl.len()).over(over, order_by="order") < pl.col("landed"), is_current)
    counted = states.filter(~has_landed).drop("landed").with_columns(
        revision=pl.col("last_revision")
        + pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over(over, order_by="order")
    )  # fmt: skip
    rows = pl.concat([numbered, counted]).sort("order").with_columns(ingested_at=pl.lit(now, pl.Datetime("us", "UTC")))
    rows = _with_day(rows, settings, now).with_columns(text_hash=_text_hashes(rows))
    return rows.select(RAW_POSTS.polars_schema.names())


def _states_landed(warehouse: Warehouse, posts: pl.DataFrame, states: pl.DataFrame) -> pl.DataFrame:
    """How many of its states a post begins with, as `landed`, are the last states that landed of it.

    Args:
        warehouse: Where they landed.
        posts: All posts of the files: a revision that they number themselves is none of those counted.
        states: States that differ from the one before, without a number, of posts that have several, in order.
    """
    found: dict[str, list[object]] = {"source": [], "post_id": [], "landed": []}
    schema = {"source": pl.String(), "post_id": pl.String(), "landed": pl.Int64()}
    if states.is_empty():
        return pl.DataFrame(found, schema)
    names = ("source", "post_id", *_CONTENT)
    history = warehouse.read(
        f"SELECT p.revision, {', '.join(f'p.{name}' for name in names)} "
        "FROM raw.posts p SEMI JOIN incoming USING (source, post_id) ORDER BY p.revision",
        frames={"incoming": states.select("source", "post_id").unique()},
    ).join(posts.select("source", "post_id", "revision"), on=["source", "post_id", "revision"], how="anti",
           maintain_order="left")  # fmt: skip
    landed = history.select(names).rows_by_key(["source", "post_id"])
    for (source, post_id), told in states.select(names).rows_by_key(["source", "post_id"]).items():
        known = landed.get((source, post_id), [])
        longest = min(len(told), len(known))
        overlap = next((size for size in range(longest, 0, -1) if told[:size] == known[-size:]), 0)
        found["source"].append(source)
        found["post_id"].append(post_id)
        found["landed"].append(overlap)
    return pl.DataFrame(found, schema)


def _text_hashes(rows: pl.DataFrame) -> pl.Series:
    hashes = rows.select(pl.concat_str("title_hash", "body_hash")).to_series()
    return pl.Series([hashlib.sha256(both.encode()).hexdigest() for both in hashes], dtype=pl.String())


def _with_day(rows: pl.DataFrame, settings: Settings, now: datetime) -> pl.DataFrame:
    """`day` is fixed when a post first lands; a future or missing event takes the landing day."""
    today = now.astimezone(settings.zone).date()
    event_day = pl.col("event_at").dt.convert_time_zone(settings.timezone).dt.date()
    own = pl.when(pl.col("event_at") > now).then(pl.lit(today)).otherwise(event_day).fill_null(pl.lit(today))
    clipped = pl.max_horizontal(own, pl.lit(settings.first_day))
    first = clipped.first().over("source", "post_id", order_by="order")
    return rows.with_columns(day=pl.coalesce("first_day", first))
