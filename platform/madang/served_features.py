"""`features.<task>__served`: what Feast reads where the warehouse is BigQuery; elsewhere it reads published days.

A view, not a table: what the source takes away leaves it with the revision that says so, and no copy of the features
has to be kept, paid for and erased.
"""

from datetime import date

from madang.extraction.plan import Days
from madang.posts.table import CURRENT
from madang.schema.types import INTEGER, TEXT, Column
from madang.task import Task
from madang.warehouse.protocol import Warehouse


def published_columns(task: Task) -> list[Column]:
    """What Feast serves of a task: each field's value, its confidence, and the recipe that made it."""
    found = []
    for name, field in task.fields.items():
        found += [*field.feature_columns(name), Column(f"{name}__recipe", TEXT, "Which recipe made the value")]
    return found


def served_view(task: Task) -> str:
    """The view's name."""
    return f"features.{task.name}__served"


def ensure_served(warehouse: Warehouse, task: Task) -> None:
    """Makes the view of a task whose features table is there."""
    warehouse.ensure_view(served_view(task), _served_sql(task), "What Feast reads: features of posts not taken away")


def rows_by_day(warehouse: Warehouse, task: Task, days: Days) -> dict[date, int]:
    """How many rows are served of each of some days."""
    found = warehouse.read(
        f"SELECT day, count(*) AS n FROM {served_view(task)} WHERE day BETWEEN ? AND ? GROUP BY day ORDER BY day",
        list(days),
    )
    return dict(found.iter_rows())


def _served_sql(task: Task) -> str:
    key = f"{task.declaration.entity}_id"
    columns = [_plain(column) for column in task.features_table.columns]
    recipes = [f'f.recipe AS "{name}__recipe"' for name in task.fields]
    return (
        f'SELECT {", ".join([*columns, *recipes])} FROM features."{task.name}" f ANTI JOIN ('
        f"SELECT key FROM (SELECT source || ':' || post_id AS key, deleted FROM raw.posts {CURRENT}) WHERE deleted"
        f') gone ON f."{key}" = gone.key WHERE f."{key}" IS NOT NULL'
    )


def _plain(column: Column) -> str:
    """Feast materialises through pandas, where an integer cannot be null."""
    name = f'"{column.name}"'
    return f"CAST(f.{name} AS DOUBLE) AS {name}" if column.type == INTEGER else f"f.{name}"
