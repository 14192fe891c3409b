"""The four checks of a task: completeness, validity, grounding, ranges. Dagster and the command line show the same."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

import polars as pl

from madang.ops import LEDGER, PLANS
from madang.schema import stated
from madang.schema.flag import FlagField
from madang.schema.label import LabelField
from madang.schema.labels import LabelsField
from madang.schema.money import MoneyField
from madang.schema.number import NumberField
from madang.schema.types import TEXTS
from madang.task import Task
from madang.warehouse.protocol import Change, Warehouse

CHECK_NAMES = ("completeness", "validity", "grounding", "ranges")

# A recipe that loses more than this share of its answers is broken, not unlucky.
LEAST_VALID_SHARE = 0.95
LEAST_GROUNDED_SHARE = 0.5


@dataclass(frozen=True)
class CheckResult:
    """Outcome of one check.

    Args:
        name: completeness, validity, grounding or ranges.
        passed: Whether all is well.
        severity: `error` where rows are wrong or missing, `warn` where quality is low.
        summary: One line with the numbers.
        table: Detail, one row a field or day; holds no post text.
    """

    name: str
    passed: bool
    severity: Literal["error", "warn"]
    summary: str
    table: pl.DataFrame


def run_checks(warehouse: Warehouse, task: Task, days: tuple[date, date] | None = None) -> list[CheckResult]:
    """Runs all four over the task's rows.

    Args:
        warehouse: Where they are.
        task: The task.
        days: First and last partition; all by default.
    """
    if not warehouse.has(PLANS.name) or not warehouse.has(task.table.name):
        empty = pl.DataFrame()
        return [CheckResult(name, True, "error", "no run yet", empty) for name in CHECK_NAMES]
    between = days or (date(1, 1, 1), date(9999, 12, 31))
    return [
        completeness(warehouse, task, between),
        *_quality(warehouse, task, between),
    ]


def completeness(warehouse: Warehouse, task: Task, days: tuple[date, date]) -> CheckResult:
    """`planned = extracted + quarantined + pending`, a day and recipe at a time.

    Each side is counted from rows of its own: what was planned and what is pending from ops.plans, what is there
    from the attributes and the quarantine. So a row that somebody takes away is missed, and so is a reply that
    was received and is gone from the spool: that stays red until somebody acknowledges it.
    """
    table = f'attributes."{task.name}"'
    found = warehouse.read(
        f"""
        WITH planned AS (
            SELECT recipe, day, count(*) AS planned, count_if(state = 'pending') AS pending
            FROM ops.plans WHERE task = $1 AND state <> 'superseded' AND day BETWEEN $2 AND $3 GROUP BY recipe, day
        ), extracted AS (
            SELECT a.recipe, a.day, count(*) AS extracted FROM {table} a
            WHERE a.day BETWEEN $2 AND $3 AND NOT EXISTS (
                SELECT 1 FROM ops.plans p WHERE p.task = $1 AND p.recipe = a.recipe AND p.source = a.source
                AND p.post_id = a.post_id AND p.content_hash = a.content_hash AND p.state IN ('superseded', 'pending'))
            GROUP BY a.recipe, a.day
        ), quarantined AS (
            SELECT recipe, day, count(*) AS quarantined FROM ops.quarantine
            WHERE task = $1 AND day BETWEEN $2 AND $3 GROUP BY recipe, day
        ), lost AS (
            SELECT l.recipe, l.day, count(*) AS lost FROM ops.ledger l
            WHERE l.task = $1 AND l.outcome = 'lost' AND l.day BETWEEN $2 AND $3 GROUP BY l.recipe, l.day
        ), doubled AS (
            SELECT recipe, day, sum(copies - 1)::BIGINT AS doubled FROM (
                SELECT recipe, day, source, post_id, content_hash, count(*) AS copies FROM {table}
                WHERE day BETWEEN $2 AND $3 GROUP BY ALL HAVING count(*) > 1) GROUP BY recipe, day
        )
        SELECT recipe, day, coalesce(planned, 0) AS planned, coalesce(extracted, 0) AS extracted,
            coalesce(quarantined, 0) AS quarantined, coalesce(pending, 0) AS pending,
            coalesce(lost, 0) AS lost, coalesce(doubled, 0) AS doubled
        FROM planned FULL JOIN extracted USING (recipe, day) FULL JOIN quarantined USING (recipe, day)
        LEFT JOIN lost USING (recipe, day) LEFT JOIN doubled USING (recipe, day)
        ORDER BY recipe, day
        """,
        [task.name, *days],
    ).with_columns(day=pl.col("day").cast(pl.String()))
    gaps = found.filter(pl.col("planned") != pl.col("extracted") + pl.col("quarantined") + pl.col("pending"))
    lost, doubled = int(found["lost"].sum()), int(found["doubled"].sum())
    total = {name: int(found[name].sum()) for name in ("planned", "extracted", "quarantined", "pending")}
    summary = "{planned} planned = {extracted} extracted + {quarantined} quarantined + {pending} pending".format(
        **total
    )
    if gaps.height:
        summary = summary.replace(" = ", " ≠ ") + f" on {gaps.height} days"
    if lost:
        summary += f"; {lost} received replies are gone from the spool"
    if doubled:
        summary += f"; {doubled} doubled rows"
    return CheckResult("completeness", not (gaps.height or lost or doubled), "error", summary, found)


def acknowledge_lost(warehouse: Warehouse, task: Task) -> int:
    """Says that a person knows of the lost replies; the completeness check stops showing them.

    Returns:
        How many there were.
    """
    with warehouse.exclusive():
        lost = warehouse.read("SELECT * FROM ops.ledger WHERE task = ? AND outcome = 'lost'", [task.name])
        warehouse.commit([Change(LEDGER, lost.with_columns(outcome=pl.lit("lost_acknowledged")), "upsert")])
    return lost.height


def _quality(warehouse: Warehouse, task: Task, days: tuple[date, date]) -> list[CheckResult]:
    fields = per_field(warehouse, task, days)
    rows = int(fields["rows"].max() or 0)  # type: ignore[arg-type]
    answered, invalid = int(fields["answered"].sum()), int(fields["invalid"].sum())
    quotes, grounded = int(fields["quotes"].sum()), int(fields["grounded"].sum())
    outside, disputed = int(fields["outside"].sum()), int(fields["reader_disagrees"].sum())
    disputes = f"; readers read {disputed} of them otherwise" if disputed else ""
    valid_share = 1 - invalid / (answered + invalid) if answered + invalid else 1.0
    grounded_share = grounded / quotes if quotes else 1.0
    return [
        CheckResult("validity", valid_share >= LEAST_VALID_SHARE, "warn",
                    f"{valid_share:.1%} of {answered + invalid} answers in {rows} rows are valid{disputes}", fields),
        CheckResult("grounding", grounded_share >= LEAST_GROUNDED_SHARE, "warn",
                    f"{grounded_share:.1%} of {quotes} answers that must stand in the text do", fields),
        CheckResult("ranges", outside == 0, "error", f"{outside} stored values are outside their range or labels; "
                    f"{int(fields['out_of_range'].sum())} answers were dropped for it", fields),
    ]  # fmt: skip


def per_field(warehouse: Warehouse, task: Task, days: tuple[date, date]) -> pl.DataFrame:
    """One row a field: its rows, answers, answers dropped by reason, values outside their range, mean confidence.

    `reader_disagrees` beside `answered` is how often reader and model differ. A field that was declared after the last
    run has no answers yet: its column comes with the next one.
    """
    there = warehouse.read(f'SELECT * FROM attributes."{task.name}" LIMIT 0').columns
    parts = []
    for name, field in stated(task.fields).items():
        needs_text = not isinstance(field, LabelField | LabelsField | FlagField)
        reasons = {
            reason: f"count_if(list_contains(dropped, {{'field': '{name}', 'reason': '{reason}'}}))"
            for reason in ("invalid", "not_in_text", "unreadable", "out_of_range", "reader_disagrees")
        }
        is_stated = f'len("{name}") > 0' if field.value_type is TEXTS else f'"{name}" IS NOT NULL'
        outside, confidence = _outside(name, field), f'avg("{name}__confidence")'
        if name not in there:
            is_stated, outside, confidence = "false", "false", "CAST(NULL AS DOUBLE)"
        parts.append(
            f"SELECT '{name}' AS field, count(*) AS rows, count_if({is_stated}) AS answered, "
            + ", ".join(f"{sql} AS {reason}" for reason, sql in reasons.items())
            + f", count_if({outside}) AS outside, {confidence} AS confidence, "
            f"{'true' if needs_text else 'false'} AS needs_text "
            f'FROM attributes."{task.name}" WHERE day BETWEEN $1 AND $2'
        )
    found = warehouse.read(" UNION ALL ".join(parts), list(days))
    grounded = pl.when("needs_text").then("answered").otherwise(0)
    return found.with_columns(
        grounded=grounded,
        quotes=grounded + pl.when("needs_text").then(pl.col("not_in_text")).otherwise(0),
        confidence=pl.col("confidence").round(3),
    ).drop("needs_text")


def _outside(name: str, field: object) -> str:
    match field:
        case NumberField(min=low, max=high) | MoneyField(min=low, max=high):
            bounds = [f'"{name}" < {low}'] * (low is not None) + [f'"{name}" > {high}'] * (high is not None)
            return f"coalesce({' OR '.join(bounds)}, false)" if bounds else "false"
        case LabelField(of=labels):
            return f'coalesce("{name}" NOT IN ({_list(labels)}), false)'
        case LabelsField(of=labels):
            return f'len(list_filter("{name}", x -> x NOT IN ({_list(labels)}))) > 0'
    return "false"


def _list(labels: tuple[str, ...]) -> str:
    return ", ".join("'" + label.replace("'", "''") + "'" for label in labels)
