"""Sensors: files dropped into the inbox, and posts that have landed. Neither reads posts nor writes anything."""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import dagster as dg

from assets.posts import LANDED, RAW_POSTS
from orchestration.day_ranges import contiguous, range_request
from orchestration.jobs import Job

_PAGE = 1000
_SECONDS = 5
_SUFFIXES = (".jsonl", ".ndjson", ".csv", ".parquet")


def inbox_sensor(inbox: Path) -> dg.SensorDefinition:
    """Requests one landing run a file."""

    @dg.sensor(
        name="inbox", target=dg.AssetSelection.assets(RAW_POSTS), minimum_interval_seconds=_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING, description=f"Lands every file dropped into {inbox}.",
    )  # fmt: skip
    def watch(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        waiting = sorted(path for path in inbox.glob("*") if path.suffix in _SUFFIXES) if inbox.is_dir() else []
        if not waiting:
            yield dg.SkipReason(f"{inbox} holds no file")
        for path in waiting:
            seen = path.stat()
            yield dg.RunRequest(
                # Size and time: a file that grew, or came again under its name, is another request.
                run_key=f"{path.name}:{seen.st_mtime_ns}:{seen.st_size}",
                run_config={"ops": {"raw_posts": {"config": {"paths": [str(path)]}}}},
            )

    return watch


def landed_days_sensor(jobs: Sequence[Job]) -> dg.SensorDefinition:
    """Requests, of every task, exactly the days into which posts have landed."""

    @dg.asset_sensor(
        asset_key=RAW_POSTS, name="landed_days", jobs=jobs, minimum_interval_seconds=_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING, description="Runs every task over the days that got posts.",
    )  # fmt: skip
    def request(
        context: dg.SensorEvaluationContext, asset_event: dg.EventLogEntry
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        after = int(context.cursor) if context.cursor else None
        days, newest = landed_since(context.instance, after, asset_event)
        if not days:
            yield dg.SkipReason("a run recorded raw/posts, and nothing landed")
        for first, last in contiguous(days):
            for job in jobs:
                yield range_request(job.name, first, last, f"{job.name}:{first}:{last}:landing-{newest}")

    return request


def landed_since(instance: dg.DagsterInstance, after: int | None, latest: dg.EventLogEntry) -> tuple[set[date], int]:
    """Days of all landings after an event, up to and with the latest one, and that one's storage id.

    An asset sensor hands over the latest event only and moves its cursor there, so everything before it is read here.
    """
    days: set[date] = set()
    newest, cursor = after or 0, None
    while True:
        page = instance.fetch_materializations(
            dg.AssetRecordsFilter(RAW_POSTS, after_storage_id=after), limit=_PAGE, cursor=cursor, ascending=True
        )
        for record in page.records:
            newest = record.storage_id
            # A backfill that includes raw/posts records days on which nothing landed.
            event = record.asset_materialization
            if record.partition_key is not None and event is not None and LANDED in event.metadata:
                days.add(date.fromisoformat(record.partition_key))
            if record.event_log_entry == latest:
                return days, newest
        if not page.has_more:
            return days, newest
        cursor = page.cursor
