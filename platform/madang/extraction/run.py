"""A run: adopt what dead processes left, plan, write the plan down, extract, say what came out."""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from madang.extraction.adoption import Adopted, adopt_orphans
from madang.extraction.budget import spent_today_usd, today
from madang.extraction.cap import Cap
from madang.extraction.claims import Claims
from madang.extraction.engine import Engine
from madang.extraction.plan import Days, Plan, make_plan, pending_count, store_plan
from madang.extraction.running import Progress, Running
from madang.extraction.spool import Spool, is_alive, log_names
from madang.models.catalogue import Catalogue
from madang.recipe import Recipe, recipe_of
from madang.releases import register
from madang.settings import Settings
from madang.tables import ensure_tables
from madang.task import Task
from madang.warehouse.protocol import Warehouse


@dataclass(frozen=True)
class RunReport:
    """What a run did.

    Args:
        run: Its identity, in ops.plans and ops.ledger.
        recipe: Recipe of the rows.
        plan: What was pending when it began.
        limited_to: Posts it was allowed to take.
        progress: What it did.
        adopted: What it found of dead processes.
        pending: Posts of these days that are still pending, counted from ops.plans.
        seconds: Wall time.
    """

    run: str
    recipe: str
    plan: Plan
    limited_to: int
    progress: Progress
    adopted: Adopted
    pending: int
    seconds: float


def run_task(
    task: Task,
    settings: Settings,
    warehouse: Warehouse,
    days: Days,
    *,
    limit: int | None = None,
    cap_usd: float | None = None,
    on_plan: Callable[[Plan], None] = lambda plan: None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> RunReport:
    """Extracts what is pending.

    Args:
        task: The task.
        settings: The project's settings.
        warehouse: Where posts are and rows go.
        days: First and last partition, both included.
        limit: Most posts to take, the oldest first; all by default.
        cap_usd: Most money to spend; never more than what is left of the daily cap.
        on_plan: Called with the plan before anything is sent.
        on_progress: Called after every commit.

    Raises:
        CapReached: The cap stopped it; what was received is committed.
        DiskFull: No room for replies; what was received is committed.
        ModelFileError: A model cannot be loaded.
    """
    began = datetime.now(UTC)
    run = f"{began:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
    catalogue = Catalogue(settings)
    recipe = recipe_of(task, catalogue.identity)
    ensure_tables(warehouse, task)
    spool_folder = settings.home / "spool"
    claims = Claims(settings.home / "claims.sqlite")
    # The log is locked before planning: whoever sees it keeps its committed claims for us.
    spool = Spool(spool_folder, run)
    is_settled = False
    progress = Progress()
    try:
        adopted = adopt_orphans(warehouse, claims, spool_folder)
        # In this order: what is committed by now was planned by nobody else, if nobody else runs after that.
        committed = claims.committed()
        is_alone = not any(is_alive(spool_folder, name) for name in log_names(spool_folder) if name != spool.name)
        if is_alone:
            claims.release(committed)
        claims.open_day(today(settings), spent_today_usd(warehouse, settings), is_alone=is_alone)
        plan, name = _plan(warehouse, task, recipe, catalogue, days, run)
        on_plan(plan)
        posts = plan.posts if limit is None else plan.posts.head(limit)
        cap = Cap(cap_usd, settings.daily_cap_usd, claims, lambda: today(settings), task.name)
        running = Running(
            warehouse, task, name, run, catalogue, claims, spool, spool_folder, cap, settings.policy, progress,
            on_progress,
        )  # fmt: skip
        asyncio.run(Engine(running).extract(posts))
        is_settled = True
    finally:
        spool.close(is_settled=is_settled)
        claims.close()
    seconds = (datetime.now(UTC) - began).total_seconds()
    pending = pending_count(warehouse, task.name, name, days)
    return RunReport(run, name, plan, posts.height, progress, adopted, pending, seconds)


def _plan(
    warehouse: Warehouse, task: Task, recipe: Recipe, catalogue: Catalogue, days: Days, run: str
) -> tuple[Plan, str]:
    """Plans and writes the plan down while nobody else commits: what others extract meanwhile is not pending."""
    with warehouse.exclusive():
        plan = make_plan(warehouse, task, recipe, days)
        if plan.posts.height:
            # A wrong file must not give its declared name to a recipe.
            for model in {name for _, route in task.routes for name in (route.use, *route.fallback)}:
                catalogue.check(model)
        name = plan.name or (register(warehouse, recipe) if plan.posts.height else "")
        store_plan(warehouse, plan, name, run)
    return plan, name
