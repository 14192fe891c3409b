"""Every table, view and column of the warehouse as one Markdown page, from what declares them: `docs/tables.md`."""

from collections.abc import Iterator, Sequence

from madang.linking.table import LINKERS, PLACE_ALIASES, PLACE_DIRECTORIES, RAW_PLACES
from madang.ops import OPS_TABLES
from madang.place_mentions import PLACE_MENTIONS
from madang.posts.table import RAW_POSTS
from madang.schema.types import Table
from madang.task import Task
from madang.views import View, views_of

_HEAD = """# Tables

Written by `make docs` from the declarations; a test holds the two together. Types are DuckDB's. The tables and their
columns bear the same descriptions in the warehouse: `SELECT table_name, comment FROM duckdb_tables()`, and likewise
`duckdb_columns()`. Instants are UTC; a day is one of the project's time zone. Columns of the key are **bold**.
"""


def tables_page(tasks: Sequence[Task]) -> str:
    """The page.

    Args:
        tasks: Those whose tables it describes, with the shared ones.

    Raises:
        DeclarationError: A view's file is wrong.
    """
    parts = [_HEAD, "## Posts and places\n"]
    parts += [_table(table) for table in (RAW_POSTS, RAW_PLACES, PLACE_DIRECTORIES, PLACE_ALIASES, LINKERS)]
    for task in tasks:
        parts += [f"## The task {task.name}\n", *_of_task(task)]
    parts.append("## What was planned, sent, received, given up, released\n")
    parts += [_table(table) for table in OPS_TABLES]
    return "\n".join(parts)


def _of_task(task: Task) -> Iterator[str]:
    yield _table(task.table)
    yield _live(task.table, "the current text of every post that is not deleted, by the released recipe")
    for table in task.mention_tables.values():
        yield _table(table)
        yield _live(table, f"those of the rows of `attributes.{task.name}__live`")
    if task.links_table is not None:
        yield _table(task.links_table)
        mentions = f"attributes.{task.name}__{task.linked_field}__live"
        yield f"### {task.links_table.name}__live\n\nA view: `{mentions}`, with what the newest linker says.\n"
        yield _table(PLACE_MENTIONS)
        yield _live(PLACE_MENTIONS, "what holds now")
    yield _table(task.features_table)
    for view in views_of(task):
        yield _view(view)


def _table(table: Table) -> str:
    lines = [f"### {table.name}\n", f"{table.describe}.\n", "| column | type | meaning |", "|---|---|---|"]
    for column in table.columns:
        name = f"**{column.name}**" if column.name in table.key else column.name
        kind = column.type.duckdb.replace('"', "")
        lines.append(f"| {name} | {kind} | {_cell(column.describe)} |")
    return "\n".join(lines) + "\n"


def _live(table: Table, which: str) -> str:
    return f"### {table.name}__live\n\nA view of `{table.name}`, with its columns: {which}.\n"


def _view(view: View) -> str:
    lines = [f"### {view.name}\n", f"A view. {view.describe}.\n", "| column | meaning |", "|---|---|"]
    lines += [f"| {name} | {_cell(describe)} |" for name, describe in view.columns.items()]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
