"""Settled posts become rows: replies, attributes, quarantine, ledger and the plan's state, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from madang.extraction.adoption import record_ledger_row, record_reply_row
from madang.extraction.extract import Extraction
from madang.extraction.prepared import PreparedPost
from madang.extraction.spool import Record
from madang.ops import LEDGER, PLANS, QUARANTINE, REPLIES
from madang.releases import first_release
from madang.schema.types import Table
from madang.task import Task
from madang.warehouse.protocol import Change, Warehouse


@dataclass(frozen=True)
class Settled:
    """A post that needs nothing more.

    Args:
        post: The post.
        extraction: Its values; None if it goes to quarantine.
        lane: How the values came.
        model: Identity of the model; None if nothing was asked.
        failure: Class of the failure, if it has one.
        message: For the operator; holds no post text.
    """

    post: PreparedPost
    extraction: Extraction | None
    lane: str
    model: str | None
    failure: str = ""
    message: str = ""


def commit_settled(
    warehouse: Warehouse, task: Task, recipe: str, run: str, settled: Sequence[Settled], records: Sequence[Record]
) -> None:
    """Writes settled posts and spooled records in one transaction."""
    now = datetime.now(UTC)
    replies = [record_reply_row(record) for record in records if record["outcome"] == "ok"]
    extracted = [_row(item, recipe, now) for item in settled if item.extraction]
    given_up = [_quarantine(item, task.name, recipe, run, now) for item in settled if item.extraction is None]
    with warehouse.exclusive():
        warehouse.commit([
            Change(REPLIES, _frame(REPLIES, replies)),
            Change(LEDGER, _frame(LEDGER, [record_ledger_row(record) for record in records])),
            Change(task.table, _frame(task.table, extracted)),
            *(Change(table, _frame(table, _mentions(settled, name, recipe, now)))
              for name, table in task.mention_tables.items()),
            Change(QUARANTINE, _frame(QUARANTINE, given_up)),
            Change(PLANS, _settled_plans(warehouse, task.name, recipe, settled, now), "upsert"),
            *(first_release(warehouse, task.name, recipe) if extracted else []),
        ])  # fmt: skip


def _row(item: Settled, recipe: str, now: datetime) -> dict[str, object]:
    post, extraction = item.post, item.extraction
    assert extraction is not None
    return {
        "source": post.source, "post_id": post.post_id, "content_hash": post.content_hash, "recipe": recipe,
        "request_hash": post.request.hash if post.request else None, "model": item.model, "lane": item.lane,
        "status": extraction.status,
        "dropped": [{"field": field, "reason": reason} for field, reason in extraction.dropped],
        "event_at": post.event_at, "day": post.day, "extracted_at": now, "is_calibrated": False, **extraction.values,
    }  # fmt: skip


def _mentions(settled: Sequence[Settled], field: str, recipe: str, now: datetime) -> list[dict[str, object]]:
    """Rows of the mentions of one field."""
    return [
        {
            "source": item.post.source, "post_id": item.post.post_id, "content_hash": item.post.content_hash,
            "recipe": recipe, "ordinal": ordinal, **mention.row, "model": item.model, "lane": item.lane,
            "day": item.post.day, "extracted_at": now,
        }
        for item in settled
        if item.extraction is not None
        for ordinal, mention in enumerate(item.extraction.mentions.get(field, ()), 1)
    ]  # fmt: skip


def _quarantine(item: Settled, task: str, recipe: str, run: str, now: datetime) -> dict[str, object]:
    post = item.post
    return {
        "task": task, "recipe": recipe, "source": post.source, "post_id": post.post_id,
        "content_hash": post.content_hash, "day": post.day, "failure": item.failure, "message": item.message,
        "run": run, "quarantined_at": now,
    }  # fmt: skip


def _settled_plans(
    warehouse: Warehouse, task: str, recipe: str, settled: Sequence[Settled], now: datetime
) -> pl.DataFrame:
    """The plan's rows of these posts, with the state they have now."""
    states = pl.DataFrame(
        [(item.post.source, item.post.post_id, item.post.content_hash,
          "extracted" if item.extraction is not None else "quarantined") for item in settled],
        schema=["source", "post_id", "content_hash", "settled_state"], orient="row",
    )  # fmt: skip
    if not states.height:
        return PLANS.polars_schema.to_frame()
    rows = warehouse.read(
        "SELECT p.*, i.settled_state FROM ops.plans p JOIN settled i USING (source, post_id, content_hash) "
        "WHERE p.task = ? AND p.recipe = ?",
        [task, recipe], {"settled": states},
    ).filter(pl.col("state") != pl.col("settled_state"))  # fmt: skip
    return rows.with_columns(state=pl.col("settled_state"), settled_at=pl.lit(now, pl.Datetime("us", "UTC"))).select(
        PLANS.polars_schema.names()
    )


def _frame(table: Table, rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=table.polars_schema, infer_schema_length=None)
