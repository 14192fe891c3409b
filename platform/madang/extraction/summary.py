"""What the rows of a day say about how they were made: the figures that the UI shows on a partition."""

from datetime import date

from madang.extraction.plan import Days
from madang.task import Task
from madang.warehouse.protocol import Warehouse

Figures = dict[str, int | float | str]


def day_figures(warehouse: Warehouse, task: Task, recipe: str | None, days: Days) -> dict[date, Figures]:
    """Figures of each day that has a row, a quarantined post, a call or a pending post.

    Args:
        warehouse: Where they are.
        task: The task.
        recipe: Count only rows of this recipe; all by default.
        days: First and last partition, both included.

    Returns:
        rows, quarantined, pending, calls, input_tokens, output_tokens, seconds (sum over calls), cost_usd by day.
    """
    found = warehouse.read(
        f"""
        WITH rows AS (
            SELECT day, count(*) AS rows FROM attributes."{task.name}"
            WHERE day BETWEEN $2 AND $3 AND ($4 IS NULL OR recipe = $4) GROUP BY day
        ), plans AS (
            SELECT day, count_if(state = 'quarantined') AS quarantined, count_if(state = 'pending') AS pending
            FROM ops.plans WHERE task = $1 AND day BETWEEN $2 AND $3 AND ($4 IS NULL OR recipe = $4) GROUP BY day
        ), calls AS (
            SELECT day, count(*) AS calls, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
                sum(latency_seconds) AS seconds, sum(usd) AS cost_usd
            FROM ops.ledger WHERE task = $1 AND day BETWEEN $2 AND $3 AND ($4 IS NULL OR recipe = $4) GROUP BY day
        )
        SELECT day, coalesce(rows, 0) AS rows, coalesce(quarantined, 0) AS quarantined,
            coalesce(pending, 0) AS pending, coalesce(calls, 0) AS calls,
            coalesce(input_tokens, 0)::BIGINT AS input_tokens, coalesce(output_tokens, 0)::BIGINT AS output_tokens,
            round(coalesce(seconds, 0), 2) AS seconds, coalesce(cost_usd, 0) AS cost_usd
        FROM rows FULL JOIN plans USING (day) FULL JOIN calls USING (day) ORDER BY day
        """,
        [task.name, *days, recipe],
    )
    return {
        row.pop("day"): row | ({"recipe": recipe} if recipe else {}) for row in found.iter_rows(named=True)
    }  # fmt: skip
