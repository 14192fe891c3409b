"""`links/<task>`: mentions linked to a directory. Belongs here: the asset. Does not: how a mention is linked."""

from datetime import date

import dagster as dg

from assets.attributes import attributes_key
from assets.partitions import DAYS, days_of_run
from madang.linking.links import link_days, links_by_day
from madang.task import Task
from resources import WarehouseResource


def links_key(task: str) -> dg.AssetKey:
    """Key of a task's links."""
    return dg.AssetKey(["links", task])


def links_asset(task: Task) -> dg.AssetsDefinition:
    """The asset that links the mentions of a task."""

    @dg.asset(
        key=links_key(task.name), deps=[attributes_key(task.name)], partitions_def=DAYS, group_name=task.name,
        kinds={"links", "duckdb"}, backfill_policy=dg.BackfillPolicy.single_run(),
        description=f"One row is what a directory of places says of one of the {task.linked_field} of a post. After a "
        "new directory, backfill this and what is downstream: no post is read again.",
    )  # fmt: skip
    def link(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult[None]:
        days = days_of_run(context)
        with warehouse.open() as opened:
            done = link_days(opened, warehouse.settings(), task, days)
            figures = links_by_day(opened, task, days)
        if done.directory is None:
            context.log.warning(done.line)
        for key in context.partition_keys:
            context.add_asset_metadata(
                figures.get(date.fromisoformat(key), {"mentions": 0, "linked": 0}), partition_key=key
            )
        return dg.MaterializeResult(
            metadata={"run_directory": done.directory or "none", "run_new": done.mentions, "run_linked": done.linked}
        )

    return link
