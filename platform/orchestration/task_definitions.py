"""What one task puts into the graph; and what a refused one does."""

import dagster as dg

from assets.attributes import attributes_asset, attributes_checks, attributes_key
from assets.evaluation import evaluation_asset
from assets.feast import feast_asset
from assets.features import features_asset
from assets.links import links_asset
from assets.partitions import DAYS
from assets.plans import plans_asset
from assets.posts import RAW_POSTS
from assets.students import student_asset, student_audit
from madang.errors import DeclarationError
from madang.task import Task


def task_definitions(task: Task) -> dg.Definitions:
    """Assets, checks and the job of a task."""
    links = [links_asset(task)] if task.linked_field else []
    assets = [attributes_asset(task), *links, features_asset(task), feast_asset(task)]
    job = dg.define_asset_job(
        task.name, selection=dg.AssetSelection.assets(*assets), tags={"task": task.name},
        description=f"Extracts what is pending of {task.name}, publishes its features, loads them into Feast.",
    )  # fmt: skip
    # Not in the job: they are for a person who looks before a backfill, or at the quality.
    aside = [plans_asset(task), student_asset(task)]
    aside += [evaluation_asset(task)] if task.declaration.evaluation.gold else []
    checks = [attributes_checks(task), student_audit(task)]
    return dg.Definitions(assets=[*assets, *aside], asset_checks=checks, jobs=[job])


def refused_task(folder: str, error: DeclarationError) -> dg.Definitions:
    """One asset, where the task would have been, that shows the error and fails with it."""

    @dg.asset(
        key=attributes_key(folder), deps=[RAW_POSTS], group_name=folder, kinds={"refused"}, tags={"refused": "true"},
        partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run(),
        description=f"**This task is refused.**\n\n```text\n{error}\n```",
    )  # fmt: skip
    def refused() -> None:
        raise dg.Failure(description=str(error), allow_retries=False)

    return dg.Definitions(assets=[refused])
