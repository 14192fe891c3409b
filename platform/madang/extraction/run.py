"""A run: adopt what dead processes left, plan, write the plan down, lease its days, extract, say what came out."""

import asyncio
import uuid
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from madang.errors import NothingPlanned
from madang.extraction.adoption import Adopted, adopt_orphans
from madang.extraction.budget import spent_today_usd, today
from madang.extraction.cap import Cap
from madang.extraction.claims import Claims
from madang.extraction.engine import Engine
from madang.extraction.leases import Leased, LeasedClaims, Leases
from madang.extraction.plan import Days, Plan, make_plan, pending_count, store_plan
from madang.extraction.running import Progress, Running
from madang.extraction.spool import Spool, is_alive, log_names
from madang.incompatible import refuse_incompatible
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
        plan: What was pending when it began, without the posts of days that are leased elsewhere.
        leased: What was left to other homes, and what was taken over from them.
        limited_to: Posts it was allowed to take.
        progress: What it did.
        adopted: What it found of dead processes.
        pending: Posts of these days that are still pending, counted from ops.plans.
        seconds: Wall time.
    """

    run: str
    recipe: str
    plan: Plan
    leased: Leased
    limited_to: int
    progress: Progress
    adopted: Adopted
    pending: int
    seconds: float

    def require_posts(self) -> None:
        """Refuses a run without work.

        Raises:
            NothingPlanned: It says why there was none, and who works on it if another home does.
        """
        if self.leased.elsewhere and not self.plan.posts.height:
            raise NothingPlanned(
                f"{self.plan.task} {self.plan.days[0]} to {self.plan.days[1]}",
                f"all {self.leased.posts} pending posts are leased: {'; '.join(self.leased.lines())}",
                "Run again when those runs have ended",
            )
        self.plan.require_posts()


def run_task(
    task: Task,
    settings: Settings,
    warehouse: Warehouse,
    days: Days,
    *,
    only: pl.DataFrame | None = None,
    limit: int | None = None,
    cap_usd: float | None = None,
    on_plan: Callable[[Plan, Leased], None] = lambda plan, leased: None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> RunReport:
    """Extracts what is pending.

    Args:
        task: The task.
        settings: The project's settings.
        warehouse: Where posts are and rows go.
        days: First and last partition, both included.
        only: Source and post_id of the posts to take; all pending ones by default.
        limit: Most posts to take, the oldest first; all by default.
        cap_usd: Most money to spend; never more than what is left of the daily cap.
        on_plan: Called before anything is sent, with what is pending and not leased elsewhere.
        on_progress: Called after every commit.

    Raises:
        CapReached: The cap stopped it; what was received is committed.
        DeclarationError: A field's column holds values of another meaning; nothing was written.
        DiskFull: No room for replies; what was received is committed.
        ModelFileError: A model cannot be loaded.
        MadangError: Another home has taken over a lease of ours; what was received is committed.
    """
    began = datetime.now(UTC)
    run = f"{began:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
    catalogue = Catalogue(settings)
    recipe = recipe_of(task, catalogue.identity)
    refuse_incompatible(warehouse, task, recipe)
    ensure_tables(warehouse, task)
    spool_folder = settings.home / "spool"
    leases = None
    if settings.is_warehouse_shared:
        leases = Leases(warehouse, task.name, run, settings.home, settings.lease_seconds)
    claims_file = settings.home / "claims.sqlite"
    claims = Claims(claims_file) if leases is None else LeasedClaims(claims_file, leases)
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
        with nullcontext() if leases is None else leases.kept():
            plan, name, leased = _plan(warehouse, task, recipe, catalogue, days, run, leases, only, limit)
            on_plan(plan, leased)
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
    return RunReport(run, name, plan, leased, posts.height, progress, adopted, pending, seconds)


def _plan(
    warehouse: Warehouse, task: Task, recipe: Recipe, catalogue: Catalogue, days: Days, run: str,
    leases: Leases | None, only: pl.DataFrame | None, limit: int | None,
) -> tuple[Plan, str, Leased]:  # fmt: skip
    """Plans, writes the plan down and takes its days while nobody else commits.

    What others extract meanwhile is not pending; what is leased elsewhere is written down as pending and left out.

    Returns:
        The plan without what is leased elsewhere, the recipe's name, what the leases did to it.
    """
    with warehouse.exclusive():
        plan = make_plan(warehouse, task, recipe, days)
        if plan.posts.height:
            # A wrong file must not give its declared name to a recipe.
            for model in {name for _, route in task.routes for name in (route.use, *route.fallback)}:
                catalogue.check(model)
        name = plan.name or (register(warehouse, recipe) if plan.posts.height else "")
        store_plan(warehouse, plan, name, run)
        plan = plan if only is None else plan.only(only)
        plan, leased = (plan, Leased()) if leases is None else leases.take(plan, limit)
    return plan, name, leased
