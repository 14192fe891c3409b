"""Where a warehouse keeps rows after they were deleted: made unreadable at once, or told until when they stay.

BigQuery cannot be made to forget. What its time travel and its caches hold runs out by itself, and nothing of ours is
run or kept waiting for it: so the receipt names the last moment, and that is no reason to erase again.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from madang.erasure.receipt import Line
from madang.warehouse.bigquery import BigQueryWarehouse
from madang.warehouse.ducklake import DuckLakeWarehouse
from madang.warehouse.protocol import Warehouse
from madang.warehouse.scrubbing import scrub

READ_FROM = "a reader has a transaction open on it, or a writer is at it: erase again when that has ended"
_LEAST_HOURS = 48
_FAIL_SAFE = timedelta(days=7)
_CACHED = timedelta(hours=24)


def older_states(
    warehouse: Warehouse, deleted_at: datetime, patience_seconds: float, *, is_dry_run: bool
) -> Iterator[Line]:  # fmt: skip
    """Makes deleted rows unreadable where that can be done, and says where not.

    Args:
        warehouse: Whose rows were deleted.
        deleted_at: When, UTC.
        patience_seconds: How long to wait for the readers of a file.
        is_dry_run: Whether to look only.
    """
    if isinstance(warehouse, BigQueryWarehouse):
        yield from _in_bigquery(warehouse, deleted_at, is_dry_run=is_dry_run)
    elif isinstance(warehouse, DuckLakeWarehouse) and not is_dry_run:
        is_done = scrub(warehouse, patience_seconds)
        yield Line("warehouse, its older snapshots and free pages", "removed" if is_done else "busy", unit="files",
                   note="" if is_done else READ_FROM)  # fmt: skip


def _in_bigquery(warehouse: BigQueryWarehouse, deleted_at: datetime, *, is_dry_run: bool) -> Iterator[Line]:
    dropped, left = warehouse.datasets.drop_left_staging(is_dry_run=is_dry_run)
    yield Line("BigQuery staging", removed=dropped, unit="tables of processes that have ended",
               note=f"{left} younger than an hour are left to their owners; they go within a day" if left else ""
               )  # fmt: skip
    hours = warehouse.datasets.time_travel_hours()
    until = deleted_at + timedelta(hours=max(hours.values()))
    long = sorted(name for name, own in hours.items() if own > _LEAST_HOURS)
    shorten = (
        f"; ALTER SCHEMA … SET OPTIONS (max_time_travel_hours = {_LEAST_HOURS}) shortens it to two days, the least "
        f"there is, for what is deleted from then on: {', '.join(long)}" if long else ""
    )  # fmt: skip
    yield Line("BigQuery time travel", "outside", unit="datasets",
               note=f"deleted rows can be read with FOR SYSTEM_TIME AS OF until {_minute(until)}{shorten}")  # fmt: skip
    yield Line("BigQuery fail-safe", "outside", unit="datasets",
               note=f"Google's support can restore deleted rows until {_minute(until + _FAIL_SAFE)}; no setting "
               "shortens it")  # fmt: skip
    yield Line("BigQuery query results", "outside", unit="results",
               note=f"results that somebody has read stay cached for who asked until about "
               f"{_minute(deleted_at + _CACHED)}")  # fmt: skip
    yield Line("BigQuery snapshots, clones and exports", "outside", unit="copies",
               note="madang makes none: delete the post in those that others have made of these datasets")  # fmt: skip


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
