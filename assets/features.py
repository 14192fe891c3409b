"""`features/<task>`: live rows as published days. Belongs here: the asset. Does not: what a feature row is."""

from datetime import date

import dagster as dg

from assets.attributes import attributes_key
from assets.links import links_key
from assets.partitions import DAYS, days_of_run
from madang.features import publish
from madang.place_mentions import publish_place_mentions
from madang.task import Task
from resources import WarehouseResource


def features_key(task: str) -> dg.AssetKey:
    """Key of a task's features."""
    return dg.AssetKey(["features", task])


def features_asset(task: Task) -> dg.AssetsDefinition:
    """The asset that publishes a task's features."""

    is_linking = task.linked_field is not None

    @dg.asset(
        key=features_key(task.name), deps=[attributes_key(task.name), *([links_key(task.name)] if is_linking else [])],
        partitions_def=DAYS, group_name=task.name,
        kinds={"features", "parquet"}, backfill_policy=dg.BackfillPolicy.single_run(),
        description=f"One row is what held of a {task.declaration.entity} from a moment on, by the released recipe.",
    )  # fmt: skip
    def publish_days(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult[None]:
        days, settings = days_of_run(context), warehouse.settings()
        with warehouse.open() as opened:
            published = publish(opened, settings, task, days)
            mentions = publish_place_mentions(opened, settings, task, days).rows if is_linking else None
        for key in context.partition_keys:
            day = date.fromisoformat(key)
            figures = {"rows": published.rows.get(day, 0)}
            if mentions is not None:
                figures["place_mentions"] = mentions.get(day, 0)
            context.add_asset_metadata(figures, partition_key=key)
        return dg.MaterializeResult(
            metadata={"run_rows": sum(published.rows.values()), "run_appended": published.appended}
        )

    return publish_days
