"""Everything a task needs in the warehouse, made on first use: its tables, the shared ones, its live view."""

from functools import partial

from madang.incompatible import refuse_lost_columns
from madang.linking.links_view import ensure_links
from madang.ops import OPS_TABLES
from madang.posts.table import CURRENT, RAW_POSTS, content_hash_sql
from madang.schema.types import Table
from madang.task import Task
from madang.views import ensure_views
from madang.warehouse.protocol import Warehouse


def tables_of(task: Task) -> list[Table]:
    """The tables that a task needs, shared ones included."""
    return [RAW_POSTS, *OPS_TABLES, task.table, *task.mention_tables.values(), task.features_table]


def ensure_tables(warehouse: Warehouse, task: Task) -> None:
    """Creates what is missing and changes what the declaration changed.

    Raises:
        DeclarationError: A field's column was renamed since. Nothing was changed.
        WarehouseError: A table cannot become the declared one. Nothing was changed.
    """
    links = [] if task.links_table is None else [task.links_table]
    warehouse.ensure([*tables_of(task), *links], partial(refuse_lost_columns, warehouse, task))
    columns = ", ".join(f'a."{column.name}"' for column in task.table.columns)
    # Current revision to content hash to row, never the newest extracted_at: an edit back shows the old row.
    sql = (
        f"SELECT {columns} FROM (SELECT source, post_id, deleted, "
        f"{content_hash_sql(task.text_columns, images=task.most_images)} AS content_hash FROM raw.posts {CURRENT}) p "
        f'JOIN attributes."{task.name}" a USING (source, post_id, content_hash) '
        f"JOIN (SELECT recipe FROM ops.releases WHERE task = '{task.name}' ORDER BY number DESC LIMIT 1) r "
        f"ON a.recipe = r.recipe WHERE NOT p.deleted"
    )
    live = f"attributes.{task.name}__live"
    is_changed = warehouse.ensure_view(live, sql, "Current undeleted posts, by the released recipe")
    for table in task.mention_tables.values():
        columns = ", ".join(f'm."{column.name}"' for column in table.columns)
        schema, name = table.name.split(".")
        is_changed |= warehouse.ensure_view(
            f"{table.name}__live",
            f'SELECT {columns} FROM {schema}."{name}" m SEMI JOIN attributes."{task.name}__live" a '
            "USING (source, post_id, content_hash, recipe)",
            "Mentions of current undeleted posts, by the released recipe",
        )
        for old in table.renamed_from:  # it is a view of a table that is not there any more
            warehouse.drop_view(f"{old}__live")
    ensure_links(warehouse, task)
    ensure_views(warehouse, task, is_live_changed=is_changed)
