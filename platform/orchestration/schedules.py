"""Schedules: each night, whatever is still pending; each week, the upkeep of the warehouse."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import dagster as dg

from assets.maintenance import GROUP as MAINTENANCE
from madang.errors import DeclarationError, ModelFileError
from madang.extraction.budget import spent_today_usd
from madang.extraction.plan import pending_days
from madang.models.catalogue import Catalogue
from madang.recipe import recipe_of
from madang.settings import Settings
from madang.task import load_task
from orchestration.day_ranges import contiguous, range_request
from orchestration.jobs import Job
from resources import WarehouseResource


def weekly_upkeep(settings: Settings) -> dg.ScheduleDefinition:
    """Upkeep on Sundays, after the night's runs: without it every commit would leave a file behind for good."""
    return dg.ScheduleDefinition(
        name="weekly_upkeep", cron_schedule="0 5 * * 0", execution_timezone=settings.timezone,
        job=dg.define_asset_job(MAINTENANCE, selection=dg.AssetSelection.groups(MAINTENANCE)),
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Compaction, expiry of snapshots, orphans and statistics of the embedded warehouse.",
    )  # fmt: skip


def nightly(jobs: Sequence[Job], settings: Settings) -> dg.ScheduleDefinition:
    """Runs every day with pending posts, a run for each unbroken stretch of days, within the daily cap."""

    # A schedule belongs to one job, and its requests may name others: the first is the nominal one.
    @dg.schedule(
        name="nightly_pending", cron_schedule="0 2 * * *", execution_timezone=settings.timezone, job=jobs[0],
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Runs every day with pending posts of every task, within the daily cap.",
    )  # fmt: skip
    def request(
        context: dg.ScheduleEvaluationContext, warehouse: WarehouseResource
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        current = warehouse.settings()
        everything = (current.first_day, datetime.now(current.zone).date())
        with warehouse.open() as opened:
            spent = spent_today_usd(opened, current)
            if spent >= current.daily_cap_usd > 0:
                yield dg.SkipReason(f"${spent:.2f} of the daily cap of ${current.daily_cap_usd:.2f} is spent")
                return
            requests, refused = [], []
            for job in jobs:
                try:
                    task = load_task(current.project, job.name)
                    recipe = recipe_of(task, Catalogue(current).identity)
                except (DeclarationError, ModelFileError) as error:
                    # A folder broken since the start must not cost the other tasks their night.
                    context.log.error(f"{job.name} does not run tonight: {error}")
                    refused.append(job.name)
                    continue
                pending = pending_days(opened, task, recipe, everything)
                requests += [
                    range_request(
                        job.name, first, last, f"{job.name}:{first}:{last}:{context.scheduled_execution_time}"
                    )
                    for first, last in contiguous(pending)
                ]
        if not requests:
            without = f"; refused, and not looked at: {', '.join(refused)}" if refused else ""
            yield dg.SkipReason(f"no day has a pending post{without}")
        yield from requests

    return request
