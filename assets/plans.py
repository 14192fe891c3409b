"""`plans/<task>`: dry runs by day. Belongs here: the asset and what it shows. Does not: planning or estimating.

An asset of its own and no option of `attributes/<task>`: a page that forgets an option would extract and spend, and
this one cannot. It holds no slot of the local model's pool either.
"""

from collections import Counter
from datetime import date

import dagster as dg

from assets.attributes import attributes_key
from assets.partitions import DAYS, days_of_run
from assets.posts import RAW_POSTS
from madang.commands.plan import plan_details, plan_line
from madang.extraction.dry_run import DryRun, dry_run
from madang.extraction.spans import Span
from madang.recipe_changes import RecipeChange
from madang.task import Task
from resources import WarehouseResource

_REASONS = ("new", "edited", "recipe_changed")
_STATES = ("posts", "pending", *_REASONS, "unchanged", "quarantined")


def plans_key(task: str) -> dg.AssetKey:
    """Key of a task's dry runs."""
    return dg.AssetKey(["plans", task])


def plans_asset(task: Task) -> dg.AssetsDefinition:
    """The asset that looks at what a run of the selected days would do."""
    attributes = attributes_key(task.name)

    @dg.asset(
        key=plans_key(task.name), deps=[RAW_POSTS], partitions_def=DAYS, group_name=task.name, kinds={"plan"},
        backfill_policy=dg.BackfillPolicy.single_run(),
        description=f"A dry run of `{attributes.to_user_string()}`: materialise the days of a backfill here first. "
        "Sends and writes nothing; what a run of them would touch and cost is an observation on that asset's page.",
    )  # fmt: skip
    def plan(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult[None]:
        with warehouse.open(read_only=True) as opened:
            found = dry_run(opened, warehouse.settings(), task, days_of_run(context))
        whole = plan_metadata(found)
        by_day = pending_by_day(found)
        for key in context.partition_keys:
            figures = by_day.get(date.fromisoformat(key))
            if figures is None:
                context.add_asset_metadata({"pending": 0}, partition_key=key)
                continue
            context.add_asset_metadata({**figures, **whole}, partition_key=key)
            context.log_event(dg.AssetObservation(attributes, partition=key, metadata={**figures, **whole}))
        # The last one, and of no day: the asset's own page opens with it.
        context.log_event(dg.AssetObservation(attributes, metadata=whole, description=plan_line(found.plan)))
        return dg.MaterializeResult()

    return plan


def pending_by_day(found: DryRun) -> dict[date, dict[str, int]]:
    """Pending posts of each day that has any: all of them, new, edited, and for the recipe's sake."""
    counts: dict[date, Counter[str]] = {}
    for day, reason in found.plan.posts.select("day", "reason").iter_rows():
        counts.setdefault(day, Counter())["recipe_changed" if reason == "recipe" else reason] += 1
    return {day: {"pending": reasons.total(), **{name: reasons[name] for name in _REASONS}}
            for day, reasons in counts.items()}  # fmt: skip


def plan_metadata(found: DryRun) -> dict[str, int | float | str | dg.MetadataValue]:
    """What `madang plan` prints, and its figures, of all selected days together: hence the prefix."""
    calls, plain, lanes = found.estimate.calls, found.to_json(), found.estimate.lanes
    text = "\n".join([plan_line(found.plan), *plan_details(found)])
    return {
        "plan": dg.MetadataValue.md(f"```text\n{text}\n```"),
        "plan_days": f"{plain['from']} to {plain['to']}", "plan_recipe": str(plain["recipe"]),
        **{f"plan_{state}": int(str(plain[state])) for state in _STATES},
        **({} if found.change is None else {"plan_recipe_changes": _reasons(found.change)}),
        "plan_calls": calls.total, "plan_reused": calls.reused, "plan_blank": calls.blank,
        "plan_input_tokens": round(sum(lane.input_tokens.expected for lane in lanes)),
        "plan_output_tokens": round(sum(lane.output_tokens.expected for lane in lanes)),
        **_ends("usd", found.estimate.usd, 6), "plan_reserved_usd": round(found.estimate.reserved_usd, 6),
        **_ends("minutes", found.estimate.minutes, 2),
    }  # fmt: skip


def _reasons(change: RecipeChange) -> dg.TableMetadataValue:
    records = [
        dg.TableRecord({"part": part.part, "detail": part.detail, "asked_again": part.is_asked_again})
        for part in change.parts
    ]
    columns = [dg.TableColumn("part"), dg.TableColumn("detail"), dg.TableColumn("asked_again", "bool")]
    return dg.TableMetadataValue(records, dg.TableSchema(columns))


def _ends(name: str, span: Span, digits: int) -> dict[str, float]:
    """The expected value under its name, and both ends."""
    ends = span.to_json(digits)
    return {f"plan_{name}": ends["expected"], f"plan_{name}_low": ends["low"], f"plan_{name}_high": ends["high"]}
