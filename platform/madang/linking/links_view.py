"""The tables of a task's links, and the view that lays the newest of them beside its mentions."""

from madang.linking.table import LINKERS
from madang.schema.mentions import LINK_COLUMNS
from madang.task import Task
from madang.warehouse.protocol import Warehouse


def ensure_links(warehouse: Warehouse, task: Task) -> None:
    """Creates what is missing; nothing where the task links no field. Its mentions' live view must be there."""
    if task.linked_field is None or task.links_table is None:
        return
    warehouse.ensure([LINKERS, task.links_table])
    own = ", ".join(f'm."{column.name}"' for column in task.mention_tables[task.linked_field].columns)
    told = ", ".join(f'l."{column.name}"' for column in LINK_COLUMNS)
    name = f"{task.name}__{task.linked_field}"
    # The linker that took over last and has seen the mention; one that none has seen stays, with nulls. A post's day
    # never changes; it is among the keys so that who asks for some days reads the links of no other.
    sql = (
        f'SELECT {own}, {told}, l.linker, l.linked_from FROM attributes."{name}__live" m LEFT JOIN ('
        f'SELECT k.*, greatest(k.linked_at, n.activated_at) AS linked_from FROM links."{name}" k '
        "JOIN links.linkers n ON k.linker = n.linker QUALIFY row_number() OVER ("
        "PARTITION BY k.day, k.source, k.post_id, k.content_hash, k.recipe, k.ordinal ORDER BY n.activated_at DESC) = 1"
        ") l USING (day, source, post_id, content_hash, recipe, ordinal)"
    )
    for old in task.links_table.renamed_from:
        warehouse.drop_view(f"{old}__live")
    describe = f"The {task.linked_field} of current undeleted posts, each with what the newest linker says of it"
    warehouse.ensure_view(f"links.{name}__live", sql, describe)
