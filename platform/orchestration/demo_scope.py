"""Which posts the demo takes: those of its own files, the oldest pending first, however much else has landed."""

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from madang.extraction.plan import Days, make_plan
from madang.models.catalogue import Catalogue
from madang.posts.table import CURRENT
from madang.posts.where import compile_where
from madang.recipe import recipe_of
from madang.settings import Settings
from madang.task import Task
from madang.warehouse import Warehouse

_NAMED_BOARDS = 6


@dataclass(frozen=True)
class Scope:
    """What the demo does of one task.

    Args:
        task: The task.
        own: Source and post_id of the files' posts, in two columns.
        days: First and last partition of the posts it takes.
        posts: How many pending posts a run of these days takes.
        others: How many of those are of other files: a run takes the oldest pending posts, whoever wrote them.
        left: Pending posts of the files that it does not reach, because too many others stand before them.
    """

    task: Task
    own: pl.DataFrame
    days: Days
    posts: int
    others: int
    left: int


def scope_of(settings: Settings, warehouse: Warehouse, task: Task, own: pl.DataFrame, limit: int | None) -> Scope | str:
    """The oldest pending posts of the files; what was extracted of them before if none is pending.

    Args:
        settings: The project's settings.
        warehouse: Where the posts have landed.
        task: The task.
        own: Source and post_id of the files' posts.
        limit: Most of them to take; all by default. As many posts of others may come before them.

    Returns:
        The scope, or why the task has none.
    """
    where = task.declaration.source.where
    landed = warehouse.read(
        f"SELECT day, board, ({compile_where(where)}) IS TRUE AS matches "
        f"FROM (SELECT * FROM raw.posts SEMI JOIN own USING (source, post_id) {CURRENT}) WHERE NOT deleted",
        frames={"own": own},
    )
    taken = landed.filter("matches")
    if not taken.height:
        boards = landed["board"].unique().sort().to_list()
        named = ", ".join("none" if board is None else repr(board) for board in boards[:_NAMED_BOARDS])
        more = f" and {len(boards) - _NAMED_BOARDS} more" if len(boards) > _NAMED_BOARDS else ""
        return f"{task.name}: none of {landed.height} posts matches its `where`, {where} (boards found: {named}{more})"
    always = (settings.first_day, datetime.now(settings.zone).date())
    plan = make_plan(warehouse, task, recipe_of(task, Catalogue(settings).identity), always)
    pending = plan.posts.join(own, on=["source", "post_id"], how="semi", maintain_order="left")
    wanted = pending if limit is None else pending.head(limit)
    if not wanted.height:
        return Scope(task, own, _span(taken), 0, 0, 0)
    first, last = _span(wanted)
    ahead = (
        plan.posts.filter(pl.col("day").is_between(first, last))
        .with_row_index("place", 1)
        .join(wanted.select("source", "post_id"), on=["source", "post_id"], how="semi", maintain_order="left")
        .with_columns(others=pl.col("place").cast(pl.Int64) - pl.int_range(1, pl.len() + 1))
    )
    reached = ahead if limit is None else ahead.filter(pl.col("others") <= limit)
    others = int(reached["others"][-1]) if reached.height else 0
    return Scope(
        task, own, _span(reached if reached.height else wanted), reached.height + others, others,
        wanted.height - reached.height,
    )  # fmt: skip


def _span(posts: pl.DataFrame) -> Days:
    first, last = posts["day"].min(), posts["day"].max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    return first, last
