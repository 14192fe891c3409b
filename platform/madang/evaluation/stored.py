"""Predictions that a recipe has made already: rows of `attributes.<task>`. Nothing is asked."""

from collections import defaultdict
from collections.abc import Mapping

import polars as pl

from madang.errors import InputError
from madang.evaluation.asking import Predictions
from madang.evaluation.gold import PostKey
from madang.models.specs import Lane
from madang.ops import QUARANTINE, RECIPES
from madang.schema.types import Table
from madang.task import Task
from madang.warehouse.protocol import Warehouse


def stored_predictions(
    warehouse: Warehouse, task: Task, recipe: str, posts: Mapping[PostKey, str], lane: Lane | None = None
) -> Predictions:
    """Reads what a recipe says of posts.

    Args:
        warehouse: Where rows are.
        task: The task.
        recipe: Name of a recipe of the task, such as groups@2.
        posts: Content hash of each post: a row for another text of the post does not count.
        lane: Only rows that came this way; all by default.

    Returns:
        Rows by post; a quarantined post has none, and a post that the recipe never read is absent.

    Raises:
        InputError: No run of the task has used such a recipe.
    """
    known: list[str] = []
    if warehouse.has(RECIPES.name) and warehouse.has(task.table.name):
        found = warehouse.read("SELECT recipe FROM ops.recipes WHERE task = ? ORDER BY number", [task.name])
        known = found["recipe"].to_list()
    if recipe not in known:
        there = ", ".join(known) or "none"
        raise InputError("--recipe", f"no run of {task.name!r} has used {recipe!r} (there are: {there})",
                         "Correct the name, or leave it out to ask the models")  # fmt: skip
    wanted = pl.DataFrame(
        [(source, post_id, content_hash) for (source, post_id), content_hash in posts.items()],
        schema={"source": pl.String(), "post_id": pl.String(), "content_hash": pl.String()}, orient="row",
    )  # fmt: skip
    rows = warehouse.read(
        f'SELECT a.* FROM attributes."{task.name}" a SEMI JOIN wanted USING (source, post_id, content_hash) '
        "WHERE a.recipe = $1 AND coalesce(a.lane = $2, true)",
        [recipe, lane],
        {"wanted": wanted},
    )
    mentions = {name: _mentions(warehouse, table, recipe, wanted) for name, table in task.mention_tables.items()}
    given_up = warehouse.read(
        f"SELECT q.source, q.post_id FROM {QUARANTINE.name} q SEMI JOIN wanted USING (source, post_id, content_hash) "
        "WHERE q.task = ? AND q.recipe = ?",
        [task.name, recipe],
        {"wanted": wanted},
    )
    predictions = Predictions(lanes=set(rows["lane"].unique()))
    predictions.rows |= dict.fromkeys(given_up.iter_rows())
    for row in rows.iter_rows(named=True):
        key = (row["source"], row["post_id"])
        own = {f"{name}__mentions": found.get(key, []) for name, found in mentions.items()}
        predictions.rows[key] = row | own
    predictions.reused = rows.height
    return predictions


def _mentions(
    warehouse: Warehouse, table: Table, recipe: str, wanted: pl.DataFrame
) -> dict[PostKey, list[dict[str, object]]]:
    """Rows of one field's mentions, by post."""
    schema, name = table.name.split(".")
    found: dict[PostKey, list[dict[str, object]]] = defaultdict(list)
    if warehouse.has(table.name):
        rows = warehouse.read(
            f'SELECT m.* FROM {schema}."{name}" m SEMI JOIN wanted USING (source, post_id, content_hash) '
            "WHERE m.recipe = ? ORDER BY m.ordinal",
            [recipe],
            {"wanted": wanted},
        )
        for row in rows.iter_rows(named=True):
            found[row["source"], row["post_id"]].append(row)
    return found
