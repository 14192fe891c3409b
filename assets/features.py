"""`features/<task>`: live rows as published days. Belongs here: the asset. Does not: what a feature row is."""

from datetime import date

import dagster as dg

from assets.attributes import attributes_key
from assets.partitions import DAYS, days_of_run
from madang.features import publish
from madang.task import Task
from resources import WarehouseResource


def features_key(task: str) -> dg.AssetKey:
    """Key of a task's features."""
    return dg.AssetKey(["features", task])


def features_asset(task: Task) -> dg.AssetsDefinition:
    """The asset that publishes a task's features."""

    @dg.asset(
        key=features_key(task.name), deps=[attributes_key(task.name)], partitions_def=DAYS, group_name=task.name,
        kinds={"features", "parquet"}, backfill_policy=dg.BackfillPolicy.single_run(),
        description=f"One row is what held of a {task.declaration.entity} from a moment on, by the released recipe.",
    )  # fmt: skip
    def publish_days(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult[None]:
        with warehouse.open() as opened:
            published = publish(opened, warehouse.settings(), task, days_of_run(context))
        for key in context.partition_keys:
            context.add_asset_metadata({"rows": published.rows.get(date.fromisoformat(key), 0)}, partition_key=key)
        return dg.MaterializeResult(
            metadata={"run_rows": sum(published.rows.values()), "run_appended": published.appended}
        )

    return publish_days
