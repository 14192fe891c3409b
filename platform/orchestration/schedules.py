"""Schedules: each night, whatever is still pending; each morning, audits; each week, upkeep of the warehouse."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import dagster as dg

from assets.maintenance import GROUP as MAINTENANCE
from assets.students import audit_key
from madang.extraction.budget import spent_today_usd
from madang.extraction.plan import pending_days
from madang.models.catalogue import Catalogue
from madang.recipe import recipe_of
from madang.settings import Settings
from madang.task import load_task
from orchestration.day_ranges import contiguous, range_request
from orchestration.jobs import Job
from resources import WarehouseResource

_AUDITS = "student_audits"


def weekly_upkeep(settings: Settings) -> dg.ScheduleDefinition:
    """Upkeep on Sundays, after the night's runs: without it every commit would leave a file behind for good."""
    return dg.ScheduleDefinition(
        name="weekly_upkeep", cron_schedule="0 5 * * 0", execution_timezone=settings.timezone,
        job=dg.define_asset_job(MAINTENANCE, selection=dg.AssetSelection.groups(MAINTENANCE)),
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Compaction, expiry of snapshots, orphans and statistics of the embedded warehouse.",
    )  # fmt: skip


def student_audits(jobs: Sequence[Job], settings: Settings) -> dg.ScheduleDefinition:
    """Audits of the released students, after the night's runs; a run that fails has closed a lane."""
    checks = dg.AssetSelection.checks(*(audit_key(job.name) for job in jobs))

    @dg.schedule(
        name=_AUDITS, cron_schedule="0 6 * * *", execution_timezone=settings.timezone,
        job=dg.define_asset_job(_AUDITS, selection=checks), default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Checks what released students promised; a broken promise closes the lane and raises an alert.",
    )  # fmt: skip
    def request(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        from madang.distillation.audit import is_audit_due

        home = Settings.load().home
        due = [audit_key(job.name) for job in jobs if is_audit_due(home, job.name)]
        if not due:
            return dg.SkipReason("no student is released whose lane is open")
        return dg.RunRequest(asset_check_keys=due)

    return request


def nightly(job: Job, settings: Settings) -> dg.ScheduleDefinition:
    """Runs every day of a task with pending posts, a run for each unbroken stretch of days, within the daily cap.

    A schedule each: a request of another job than the schedule's own ran the schedule's own.
    """

    @dg.schedule(
        name=f"nightly_{job.name}", cron_schedule="0 2 * * *", execution_timezone=settings.timezone, job=job,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Runs every day with pending posts of {job.name}, within the daily cap.",
    )  # fmt: skip
    def request(
        context: dg.ScheduleEvaluationContext, warehouse: WarehouseResource
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        current = warehouse.settings()
        everything = (current.first_day, datetime.now(current.zone).date())
        task = load_task(current.project, job.name)
        recipe = recipe_of(task, Catalogue(current).identity)
        with warehouse.open() as opened:
            spent = spent_today_usd(opened, current)
            if spent >= current.daily_cap_usd > 0:
                yield dg.SkipReason(f"${spent:.2f} of the daily cap of ${current.daily_cap_usd:.2f} is spent")
                return
            stretches = list(contiguous(pending_days(opened, task, recipe, everything)))
        if not stretches:
            yield dg.SkipReason("no day has a pending post")
        for first, last in stretches:
            key = f"{job.name}:{first}:{last}:{context.scheduled_execution_time}"
            yield range_request(job.name, first, last, key)

    return request
