"""Jobs: one a task, made by its component. Here is only their type, for which Dagster has no public name."""

from collections.abc import Sequence

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

Job = UnresolvedAssetJobDefinition


def task_jobs(definitions: dg.Definitions) -> Sequence[Job]:
    """The jobs of the tasks that load, by name."""
    jobs = [job for job in definitions.jobs or [] if isinstance(job, UnresolvedAssetJobDefinition)]
    return sorted(jobs, key=lambda job: job.name)
