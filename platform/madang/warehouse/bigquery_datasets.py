"""What lies in a warehouse's datasets: tables with their columns, for how long deleted rows stay, what staging holds.

A schema's name has no underscore. So `madang_test_raw` is never taken for a dataset of the warehouse `madang`, whose
erasures would then delete rows of `madang_test`.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from madang.warehouse.bigquery_jobs import Jobs

if TYPE_CHECKING:
    from google.cloud import bigquery

STAGING = "staging"
# What BigQuery does where a dataset does not say.
_LONGEST_HOURS = 168
# No commit lasts that long: its owner has ended.
_LEFT = timedelta(hours=1)
_AT_ONCE = 8


class Datasets:
    """The datasets of one warehouse.

    Args:
        jobs: How BigQuery is asked.
        project: Id of the project.
        prefix: What the datasets' names begin with.
    """

    def __init__(self, jobs: Jobs, project: str, prefix: str) -> None:
        self._jobs, self._project, self._prefix = jobs, project, f"{prefix}_"

    def columns(self) -> dict[str, list[str]]:
        """Columns of every table by `schema.name`, in order; views and staging tables are none of them."""
        names = [
            f"{self._project}.{dataset}.{item.table_id}"
            for dataset in self._names()
            if dataset != f"{self._prefix}{STAGING}"
            for item in self._jobs.tables(f"{self._project}.{dataset}")
            if item.table_type == "TABLE"
        ]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = [table for table in pool.map(self._jobs.table, names) if table is not None]
        return {
            f"{table.dataset_id.removeprefix(self._prefix)}.{table.table_id}": [part.name for part in table.schema]
            for table in found
        }

    def time_travel_hours(self) -> dict[str, int]:
        """For how long each dataset lets deleted rows be read."""
        found = {name: self._jobs.dataset(f"{self._project}.{name}") for name in self._names()}
        return {name: int(dataset.max_time_travel_hours or _LONGEST_HOURS) for name, dataset in found.items()}

    def drop_left_staging(self, *, is_dry_run: bool) -> tuple[int, int]:
        """Deletes staging tables that ended processes left.

        Returns:
            How many went, and how many were left to processes that may be at work.
        """
        found = list(self._staged())
        left = [item for item in found if item.created < datetime.now(UTC) - _LEFT]
        if is_dry_run:
            return len(left), len(found) - len(left)
        self._jobs.forget([f"{item.project}.{item.dataset_id}.{item.table_id}" for item in left])
        known, there = {item.table_id for item in found}, {item.table_id for item in self._staged()}
        return len(known - there), len(known & there)

    def _staged(self) -> "Iterator[bigquery.table.TableListItem]":
        yield from self._jobs.tables(f"{self._project}.{self._prefix}{STAGING}")

    def _names(self) -> list[str]:
        found = [name for name in self._jobs.datasets(self._project) if name.startswith(self._prefix)]
        return sorted(name for name in found if "_" not in name.removeprefix(self._prefix))
