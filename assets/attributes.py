"""`attributes/<task>`: extractions by day. Belongs here: the asset and its checks. Does not: planning or extracting."""

from collections.abc import Iterator
from datetime import date

import dagster as dg
import polars as pl

from assets.partitions import DAYS, days_of_run
from assets.posts import RAW_POSTS
from madang.extraction.checks import (
    CHECK_NAMES,
    LEAST_GROUNDED_SHARE,
    LEAST_VALID_SHARE,
    CheckResult,
    run_checks,
)
from madang.extraction.run import RunReport, run_task
from madang.extraction.summary import day_figures
from madang.schema import fields_markdown
from madang.task import Task
from resources import WarehouseResource

LOCAL_MODEL_POOL = "local_model"
_MOST_TABLE_ROWS = 200
_CHECKS = {
    "completeness": "On every day, under every recipe: planned = extracted + quarantined + pending. No reply that was "
    "received is lost, and no row stands twice.",
    "validity": f"At least {LEAST_VALID_SHARE:.0%} of the answers are of the declared kind.",
    "grounding": f"At least {LEAST_GROUNDED_SHARE:.0%} of the answers that must stand in the post's text do.",
    "ranges": "No stored value is outside its declared range or labels.",
}


class ExtractionConfig(dg.Config):
    """How much a run may do."""

    limit: int | None = None
    max_usd: float | None = None


def attributes_key(task: str) -> dg.AssetKey:
    """Key of a task's extractions."""
    return dg.AssetKey(["attributes", task])


def attributes_asset(task: Task) -> dg.AssetsDefinition:
    """The asset that extracts a task."""

    @dg.asset(
        key=attributes_key(task.name), deps=[RAW_POSTS], partitions_def=DAYS, group_name=task.name,
        # Nodes bear the last word of their key only: three called alike, told apart by their kinds.
        kinds={"attributes", "duckdb"}, backfill_policy=dg.BackfillPolicy.single_run(),
        pool=LOCAL_MODEL_POOL if task.is_asking else None,
        description=f"One row is an extraction of a post's text by a recipe.\n\n{fields_markdown(task.fields)}",
    )  # fmt: skip
    def extract(
        context: dg.AssetExecutionContext, config: ExtractionConfig, warehouse: WarehouseResource
    ) -> dg.MaterializeResult[None]:
        days = days_of_run(context)
        with warehouse.open() as opened:
            report = run_task(
                task, warehouse.settings(), opened, days, limit=config.limit, cap_usd=config.max_usd,
                on_progress=lambda done: context.log.info(done.line),
            )  # fmt: skip
            figures = day_figures(opened, task, report.recipe or None, days)
        for key in context.partition_keys:
            # The day's figures first: they are what one opens a day for.
            context.add_asset_metadata(
                figures.get(date.fromisoformat(key), {"rows": 0}) | _run_metadata(report), partition_key=key
            )
        for line in report.leased.lines():
            context.log.warning(line)
        if report.progress.failed:
            # No failure of the asset: its rows are committed, and features and Feast of the day must not wait for them.
            context.log.warning(
                f"{report.progress.failed} calls failed transiently; {report.pending} posts stay pending for the "
                "next run, at the latest tonight's"
            )
        return dg.MaterializeResult()

    return extract


def attributes_checks(task: Task) -> dg.AssetChecksDefinition:
    """The four checks of a task, over all of its days."""

    @dg.multi_asset_check(
        name=f"{task.name}_checks", can_subset=True,
        specs=[
            dg.AssetCheckSpec(name, asset=attributes_key(task.name), description=_CHECKS[name]) for name in CHECK_NAMES
        ],
    )  # fmt: skip
    def check(context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource) -> Iterator[dg.AssetCheckResult]:
        with warehouse.open() as opened:
            results = {result.name: result for result in run_checks(opened, task)}
        for key in sorted(context.selected_asset_check_keys):
            yield _check_result(key, results[key.name])

    return check


def _run_metadata(report: RunReport) -> dict[str, str | int | float]:
    """Figures of the whole run. Dagster shows them on every day of it, hence the prefix."""
    done = report.progress
    return {
        "run_id": report.run, "run_recipe": report.recipe or "none", "run_rows": done.extracted,
        "run_quarantined": done.quarantined, "run_failed": done.failed, "run_pending": report.pending,
        "run_requests_sent": done.sent, "run_replies_reused": done.reused,
        "run_tokens": done.input_tokens + done.output_tokens, "run_cost_usd": done.usd, "run_seconds": report.seconds,
    }  # fmt: skip


def _check_result(key: dg.AssetCheckKey, result: CheckResult) -> dg.AssetCheckResult:
    severity = dg.AssetCheckSeverity.ERROR if result.severity == "error" else dg.AssetCheckSeverity.WARN
    metadata = (
        {"fields" if "field" in result.table.columns else "days": _table(result.table)} if result.table.width else {}
    )
    return dg.AssetCheckResult(
        asset_key=key.asset_key, check_name=key.name, passed=result.passed, severity=severity,
        description=result.summary, metadata=metadata,
    )  # fmt: skip


def _table(frame: pl.DataFrame) -> dg.TableMetadataValue:
    kinds = {pl.Int64: "int", pl.Float64: "float"}
    schema = dg.TableSchema([dg.TableColumn(name, kinds.get(type(kind), "string"))  # type: ignore[arg-type]
                             for name, kind in frame.schema.items()])  # fmt: skip
    rows = frame.head(_MOST_TABLE_ROWS).iter_rows(named=True)
    return dg.TableMetadataValue([dg.TableRecord(row) for row in rows], schema)
