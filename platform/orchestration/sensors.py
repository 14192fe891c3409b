"""Sensors: files dropped into the inbox, and posts that have landed. Neither reads posts nor writes anything."""

import json
from collections.abc import Iterable, Iterator, Sequence
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
    """Requests one landing run a file, once it has stopped growing.

    A file that is still being copied would get a run each tick, and all but the first would fail: the first moved it.
    The cursor holds every file's size and time at the last tick, as JSON.
    """

    @dg.sensor(
        name="inbox", target=dg.AssetSelection.assets(RAW_POSTS), minimum_interval_seconds=_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING, description=f"Lands every file dropped into {inbox}.",
    )  # fmt: skip
    def watch(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        before = json.loads(context.cursor) if context.cursor else {}
        files, foreign = _inbox_files(inbox)
        context.update_cursor(json.dumps(files))
        still = {name: state for name, state in files.items() if before.get(name) == state}
        if not still:
            yield dg.SkipReason(_nothing_to_land(inbox, files, foreign))
        for name, (size, modified) in still.items():
            yield dg.RunRequest(
                # Size and time: a file that grew, or came again under its name, is another request.
                run_key=f"{name}:{modified}:{size}",
                run_config={"ops": {"raw_posts": {"config": {"paths": [str(inbox / name)]}}}},
            )

    return watch


def _inbox_files(inbox: Path) -> tuple[dict[str, list[int]], list[str]]:
    """Size and time in nanoseconds of every file that can land, by name; and the suffixes of the others."""
    files: dict[str, list[int]] = {}
    foreign = set[str]()
    for path in sorted(inbox.glob("*")) if inbox.is_dir() else []:
        if path.name.startswith(".") or path.is_dir():
            continue
        if path.suffix.lower() not in _SUFFIXES:
            foreign.add(path.suffix or "none")
            continue
        try:
            seen = path.stat()
        except FileNotFoundError:  # a run has just moved it
            continue
        files[path.name] = [seen.st_size, seen.st_mtime_ns]
    return files, sorted(foreign)


def _nothing_to_land(inbox: Path, files: Iterable[str], foreign: Sequence[str]) -> str:
    why = f"not yet the same at two ticks: {', '.join(files)}" if files else f"{inbox} holds no file to land"
    ignored = f"; ignored suffixes: {', '.join(foreign)} (only {', '.join(_SUFFIXES)} are read)" if foreign else ""
    return why + ignored


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
