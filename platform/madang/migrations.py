"""What a changed declaration does to rows that are there, told before a run does it.

A migration is told by field, whatever tables it touches: columns are compared with those of the warehouse, labels and
fields that are gone with the recipe that made the rows.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import JsonValue

from madang.incompatible import WIDER_KINDS
from madang.schema.base import FieldKind
from madang.schema.mentions import MentionsField
from madang.task import Task
from madang.views import views_of
from madang.warehouse.evolution import TableChange
from madang.warehouse.protocol import Warehouse
from madang.warehouse.sql_text import literal, quote

Json = Mapping[str, JsonValue]


@dataclass(frozen=True)
class Migration:
    """One change of a declaration, and what it does to what is there.

    Args:
        change: What becomes of the field, or of one of its labels.
        field: As declared now, a small field of mentions as `mentions.small`; empty for columns of madang's own.
        columns: `table.column` of each that is touched, by its name afterwards; a table by its name alone.
        before: Its earlier name where it is renamed; the label where one comes or goes.
        rows: Rows of all recipes that hold a value of it; rows at all, where it is added.
        posts: Posts that these rows are of.
        asked_again: Posts of the planned days that a model is asked about again because of it.
        views: The task's views whose SQL names what is renamed or dropped.
    """

    change: Literal["added", "renamed", "widened", "dropped", "label_added", "label_removed"]
    field: str
    columns: tuple[str, ...] = ()
    before: str = ""
    rows: int = 0
    posts: int = 0
    asked_again: int = 0
    views: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """For a person."""
        field, before = self.field or "of madang's own", self.before
        rows = f"{self.rows:,} rows of {self.posts:,} posts"
        told = {
            "added": f"{field} is added; {rows} have null in it",
            "renamed": f"{before} is renamed to {field}; {rows} keep their values",
            "widened": f"{field} is widened; {rows} keep their values",
            "dropped": f"{field} is dropped; {rows} keep their values, which the live view and the features leave out",
            "label_added": f"{field} has the label {before} now, which no row can hold yet",
            "label_removed": f"{field} has the label {before} no more; {rows} hold it, and keep it",
        }[self.change]
        again = f"; {self.asked_again:,} posts are asked again" if self.asked_again else "; no post is asked for it"
        # A value's companions, such as its evidence, go with it.
        shown = [one for one in self.columns if one.count(".") == 1 or "__" not in one.rpartition(".")[2]]
        columns = f" ({', '.join(shown or self.columns)})" if self.columns else ""
        views = f"; correct what reads it first: {', '.join(self.views)}" if self.views else ""
        return f"{told}{again if self.field else ''}{views}{columns}"

    def to_json(self) -> dict[str, JsonValue]:
        """Plain form."""
        return {
            "change": self.change, "field": self.field or None, "before": self.before or None,
            "columns": list(self.columns), "rows": self.rows, "posts": self.posts, "asked_again": self.asked_again,
            "views": list(self.views), "text": self.line,
        }  # fmt: skip


def migrations_of(
    warehouse: Warehouse, task: Task, changes: Sequence[TableChange], before: Json | None, again: int
) -> list[Migration]:
    """What a run would change before it extracts, and what it would leave as history.

    Args:
        warehouse: Where the rows are.
        task: As it is declared now.
        changes: What its tables, and those that all tasks share, lack.
        before: Content of the recipe that the declared one follows; None where no row is of another recipe.
        again: Posts of the planned days that have a row of another recipe.
    """
    found = [*_of_columns(task, changes), *(_of_recipe(task, before) if before is not None else [])]
    asked = [replace(one, asked_again=again if _is_asked(task, one, before) else 0) for one in found]
    named = [_under_its_name(warehouse, task, changes, one, before) for one in asked]
    return [
        _counted(warehouse, task, changes, replace(one, views=_views_with(task, one)))
        for one in named
        if one is not None
    ]


def _of_columns(task: Task, changes: Sequence[TableChange]) -> Iterator[Migration]:
    """One migration a field, of its columns in all tables; one for all that is nobody's."""
    groups: dict[tuple[str, str], list[TableChange]] = {}
    for change in changes:
        groups.setdefault((change.change, _field_of(task, change)), []).append(change)
    for (_, field), group in groups.items():
        first = group[0]
        columns = tuple(f"{one.table}.{one.column}" if one.column else one.table for one in group)
        before = first.before.partition("__")[0] if first.column else first.before.rpartition("__")[2]
        yield Migration(first.change, field, columns, before)


def _field_of(task: Task, change: TableChange) -> str:
    """Field whose column it is: a table of mentions is their field's, its columns are small fields."""
    for name, table in task.mention_tables.items():
        links = task.links_table if name == task.linked_field else None
        if change.table == table.name and change.column:
            return f"{name}.{change.column}"
        if change.table == table.name or (links is not None and change.table == links.name):
            return name
    is_own = change.table in (task.table.name, task.features_table.name)
    name = change.column.partition("__")[0]
    return name if is_own and name in task.fields else ""


def _of_recipe(task: Task, before: Json) -> Iterator[Migration]:
    """What differs from a recipe's fields and is no matter of columns."""
    now = {field.asked_as(name): (name, field) for name, field in task.fields.items()}
    for first, plain in _mapping(before.get("fields")).items():
        was = _mapping(plain)
        if first not in now:
            yield Migration("dropped", first, (f"{task.table.name}.{first}", f"{task.features_table.name}.{first}"))
            continue
        name, field = now[first]
        if (was.get("kind"), field.kind) in WIDER_KINDS:
            yield Migration("widened", name, (f"{task.table.name}.{name}", f"{task.features_table.name}.{name}"))
        yield from _of_labels(name, was, field)
        if isinstance(field, MentionsField):
            small = {one.asked_as(own): (own, one) for own, one in field.of.items()}
            for own, plain_small in _mapping(was.get("of")).items():
                if own in small:
                    yield from _of_labels(f"{name}.{small[own][0]}", _mapping(plain_small), small[own][1])
                else:
                    yield Migration("dropped", f"{name}.{own}", (f"{task.mention_tables[name].name}.{own}",))


def _of_labels(place: str, was: Json, field: FieldKind) -> Iterator[Migration]:
    old, now = was.get("of"), field.allowed()
    if isinstance(old, list) and now is not None and was.get("kind") == field.kind:
        yield from (Migration("label_removed", place, before=str(label)) for label in old if label not in now)
        yield from (Migration("label_added", place, before=label) for label in now if label not in old)


def _is_asked(task: Task, migration: Migration, before: Json | None) -> bool:
    """Whether it changes what a model is asked; what a reader or an expression gives is made anew of what is there."""
    if before is None or migration.change == "renamed":
        return False
    name = migration.field.partition(".")[0]
    if name in task.fields:
        return task.fields[name].is_asked
    return name in _mapping(_mapping(_mapping(before.get("request")).get("schema")).get("properties"))


def _under_its_name(
    warehouse: Warehouse, task: Task, changes: Sequence[TableChange], migration: Migration, before: Json | None
) -> Migration | None:  # fmt: skip
    """A dropped field by the name that its column has: recipes call it by its first, which it may have no more.

    None where not exactly one column can be it: mostly the field is declared, and its earlier name left out.
    """
    if migration.change != "dropped" or "." in migration.field or not warehouse.has(task.table.name):
        return migration
    there = warehouse.read(f"SELECT * FROM {quote(task.table.name)} LIMIT 0").columns
    if migration.field in there:
        return migration
    known = {column.name for column in task.table.columns} | set(_mapping((before or {}).get("fields")))
    known |= {change.before for change in changes}
    others = [column for column in there if column not in known and "__" not in column]
    if len(others) != 1:
        return None
    columns = tuple(f"{table.name}.{others[0]}" for table in (task.table, task.features_table))
    return replace(migration, field=others[0], columns=columns)


def _views_with(task: Task, migration: Migration) -> tuple[str, ...]:
    """Views that name what is gone afterwards, as far as their words tell."""
    if migration.change not in ("renamed", "dropped"):
        return ()
    name = migration.before or migration.field.rpartition(".")[2]
    gone = re.compile(rf"(?:\b|__){name}(?:\b|__)")
    return tuple(view.name for view in views_of(task) if gone.search(view.sql))


def _counted(
    warehouse: Warehouse, task: Task, changes: Sequence[TableChange], migration: Migration
) -> Migration:  # fmt: skip
    """With the rows that hold a value of it, by the names that tables and columns have before the run."""
    if not migration.field:
        return migration
    name, _, small = migration.field.partition(".")
    table, column = (task.mention_tables[name].name, small) if small else (task.table.name, name)
    earlier = {(one.table, one.column): one.before for one in changes if one.change == "renamed"}
    table, column = earlier.get((table, ""), table), earlier.get((table, column), column)
    kinds = warehouse.read(f"SELECT * FROM {quote(table)} LIMIT 0").schema if warehouse.has(table) else {}
    if migration.change == "added":
        held = "true"
    elif column not in kinds:
        return migration
    elif migration.change in ("label_added", "label_removed"):
        label = literal(migration.before)
        is_set = kinds[column].is_nested()
        held = f"list_contains({quote(column)}, {label})" if is_set else f"{quote(column)} = {label}"
    else:
        held = f"len({quote(column)}) > 0" if kinds[column].is_nested() else f"{quote(column)} IS NOT NULL"
    found = warehouse.read(
        f"SELECT count(*) AS held, count(DISTINCT source || ':' || post_id) AS posts FROM {quote(table)} WHERE {held}"
    )
    return replace(migration, rows=int(found["held"][0]), posts=int(found["posts"][0]))


def _mapping(value: JsonValue) -> Json:
    return value if isinstance(value, dict) else {}
