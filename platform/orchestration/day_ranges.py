"""Days as contiguous ranges, and the run that a range asks for.

One run covers a range of partitions, never scattered ones, so scattered days become several runs.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

import dagster as dg

# Documented as tags of a run, but without a public constant.
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"


def contiguous(days: Iterable[date]) -> Iterator[tuple[date, date]]:
    """First and last day of each unbroken stretch, both included, in order."""
    first: date | None = None
    last = date.min
    for day in sorted(set(days)):
        if first is None:
            first = day
        elif day - last > timedelta(days=1):
            yield first, last
            first = day
        last = day
    if first is not None:
        yield first, last


def range_request(job: str, first: date, last: date, run_key: str) -> dg.RunRequest:
    """One run of a job over a range of days."""
    return dg.RunRequest(
        job_name=job, run_key=run_key, tags={RANGE_START: first.isoformat(), RANGE_END: last.isoformat()}
    )
