"""`feast/<task>`: features online. Belongs here: the asset. Does not: what Feast is told (feature_repo)."""

import dagster as dg

from assets.features import features_key
from assets.partitions import DAYS, days_of_run
from madang.task import Task, load_tasks
from resources import WarehouseResource


def feast_asset(task: Task) -> dg.AssetsDefinition:
    """The asset that applies the repository and materialises a task's view."""

    @dg.asset(
        key=dg.AssetKey(["feast", task.name]), deps=[features_key(task.name)], partitions_def=DAYS,
        group_name=task.name, kinds={"feast"}, backfill_policy=dg.BackfillPolicy.single_run(),
        description=f"The newest features of each {task.declaration.entity}, served online by `{task.name}_service`.",
    )  # fmt: skip
    def materialise(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult[None]:
        from feature_repo.store import apply_and_materialise
        from feature_repo.views import build

        settings = warehouse.settings()
        tasks, refused = load_tasks(settings.project)
        with warehouse.credentials():
            span = apply_and_materialise(
                settings, build(tasks, settings), task, days_of_run(context), is_whole=not refused
            )
        first, last = (moment.isoformat() for moment in span) if span else ("none", "none")
        return dg.MaterializeResult(metadata={"run_events_from": first, "run_events_to": last})

    return materialise
