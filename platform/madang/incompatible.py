"""Declarations that would give one column two meanings, or hide the values of a renamed one: refused before a write."""

import json
from collections.abc import Iterator, Mapping, Sequence

from pydantic import JsonValue

from madang.errors import DeclarationError
from madang.extraction.plan import recipe_name
from madang.ops import RECIPES
from madang.recipe import Recipe
from madang.schema.base import FieldKind
from madang.schema.mentions import MentionsField
from madang.schema.number import NumberField
from madang.task import Task
from madang.warehouse.evolution import TableChange
from madang.warehouse.protocol import Warehouse

Json = Mapping[str, JsonValue]

# What was a label is a text of its column, too.
WIDER_KINDS = frozenset({("label", "text")})


def refuse_incompatible(warehouse: Warehouse, task: Task, recipe: Recipe) -> None:
    """Refuses a field whose column holds values of another meaning; a recipe that was used before is never refused.

    Raises:
        DeclarationError: It names the field, what it was, and the way out. Nothing was written.
    """
    if not warehouse.has(RECIPES.name) or recipe_name(warehouse, recipe) is not None:
        return
    last: dict[str, tuple[str, Json]] = {}
    for used, fields in _used(warehouse, task.name):
        last |= {field: (used, _mapping(plain)) for field, plain in fields.items()}
    for name, field in task.fields.items():
        if (known := last.get(field.asked_as(name))) is not None:
            used, before = known
            _compare(task, f"fields.{name}", used, before, field)
            small = field.of if isinstance(field, MentionsField) else {}
            for own, one in small.items():
                plain = _mapping(before.get("of")).get(one.asked_as(own))
                if plain is not None:
                    _compare(task, f"fields.{name}.of.{own}", used, _mapping(plain), one)


def refuse_lost_columns(warehouse: Warehouse, task: Task, changes: Sequence[TableChange]) -> None:
    """Refuses to make a column again that rows of a recipe had: it was renamed since, and holds their values.

    Without this, taking a rename back would show null for every post, and ask none of them.

    Args:
        warehouse: Where the recipes are.
        task: As it is declared now.
        changes: What is about to change in its tables.

    Raises:
        DeclarationError: It names the field and what to write. Nothing was written.
    """
    added = {change.column for change in changes if change.table == task.table.name and change.change == "added"}
    missing = {name: field for name, field in task.fields.items() if name in added}
    if not missing or not warehouse.has(RECIPES.name):
        return
    for used, fields in _used(warehouse, task.name):
        for name, field in missing.items():
            if field.asked_as(name) in fields:
                raise DeclarationError(
                    task.folder / "defs.yaml",
                    f"fields.{name}: {used} read it, and {task.table.name} has no column of that name any more; it was "
                    "renamed since",
                    f"If it is the same field, write `renamed_from: [{name}, ITS_LATER_NAME]`; else give it a name "
                    "that no field had",
                )


def _compare(task: Task, place: str, recipe: str, before: Json, field: FieldKind) -> None:
    was, culprit = str(before.get("kind")), None
    if was != field.kind:
        if (was, field.kind) not in WIDER_KINDS:
            culprit = f"it is of kind {field.kind}, and was of kind {was}"
    elif isinstance(field, NumberField):
        unit = str(before.get("unit") or "")
        if unit and field.unit and unit != field.unit:
            culprit = f"it is in {field.unit}, and was in {unit}"
        elif field.integer and not before.get("integer"):
            culprit = "it is a whole number, and could have a fraction"
    if culprit is not None:
        raise DeclarationError(
            task.folder / "defs.yaml", f"{place}: {culprit} in {recipe}, whose rows are kept",
            "Give the field another name: its old column keeps the old values",
        )  # fmt: skip


def _used(warehouse: Warehouse, task: str) -> Iterator[tuple[str, Json]]:
    """Recipes that runs have used, the oldest first, each with its fields by their first names."""
    found = warehouse.read("SELECT recipe, content FROM ops.recipes WHERE task = ? ORDER BY number", [task])
    for recipe, content in found.iter_rows():
        yield str(recipe), _mapping(json.loads(content).get("fields"))


def _mapping(value: JsonValue) -> Json:
    return value if isinstance(value, dict) else {}
