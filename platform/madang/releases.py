"""Which recipe is live. Append-only: a rollback is one more row, so history says what readers saw and when."""

import getpass
import json
import os
from datetime import UTC, datetime

import polars as pl

from madang.errors import InputError
from madang.extraction.plan import recipe_name
from madang.ops import RECIPES, RELEASES
from madang.recipe import Recipe
from madang.warehouse.protocol import Change, Warehouse


def register(warehouse: Warehouse, recipe: Recipe) -> str:
    """Gives a recipe its name on first use.

    Returns:
        The name, such as groups@1.
    """
    with warehouse.exclusive():
        name = recipe_name(warehouse, recipe)
        if name is not None:
            return name
        last = warehouse.read("SELECT coalesce(max(number), 0) AS last FROM ops.recipes WHERE task = ?", [recipe.task])
        number = int(last["last"][0]) + 1
        name = f"{recipe.task}@{number}"
        row = {
            "task": recipe.task, "recipe": name, "number": number, "recipe_hash": recipe.hash,
            "content": json.dumps(recipe.content, ensure_ascii=False), "created_at": datetime.now(UTC),
        }  # fmt: skip
        warehouse.commit([Change(RECIPES, pl.DataFrame([row], schema=RECIPES.polars_schema))])
        return name


def first_release(warehouse: Warehouse, task: str, name: str) -> list[Change]:
    """The release of the recipe that makes a task's first rows, to be committed with them; nothing if one is live."""
    return [] if live(warehouse, task) else [_release_row(warehouse, task, name, "first run")]


def live(warehouse: Warehouse, task: str) -> str | None:
    """The released recipe of a task; None before its first run."""
    if not warehouse.has(RELEASES.name):
        return None
    found = warehouse.read("SELECT recipe FROM ops.releases WHERE task = ? ORDER BY number DESC LIMIT 1", [task])
    return str(found["recipe"][0]) if found.height else None


def release(warehouse: Warehouse, name: str) -> None:
    """Makes a recipe live.

    Raises:
        InputError: No run has used a recipe of this name.
    """
    task = name.partition("@")[0]
    with warehouse.exclusive():
        known = _recipes(warehouse, task)
        if name not in known:
            raise InputError(name, f"no run has used this recipe (there are: {', '.join(known) or 'none'})",
                             "Run the task first, or correct the name")  # fmt: skip
        warehouse.commit([_release_row(warehouse, task, name, "release")])


def rollback(warehouse: Warehouse, task: str) -> str:
    """Makes the recipe live again that was live before the present one.

    Returns:
        Its name.

    Raises:
        InputError: There was none before.
    """
    with warehouse.exclusive():
        history = (
            []
            if not warehouse.has(RELEASES.name)
            else warehouse.read("SELECT recipe FROM ops.releases WHERE task = ? ORDER BY number DESC", [task])[
                "recipe"
            ].to_list()
        )
        if not history:
            raise InputError(task, "it was never released", "Run the task first")
        before = next((name for name in history if name != history[0]), None)
        if before is None:
            raise InputError(task, "no other recipe was live before", "Release one by name: madang release TASK@N")
        warehouse.commit([_release_row(warehouse, task, before, "rollback")])
        return str(before)


def _recipes(warehouse: Warehouse, task: str) -> list[str]:
    if not warehouse.has(RECIPES.name):
        return []
    return warehouse.read("SELECT recipe FROM ops.recipes WHERE task = ? ORDER BY number", [task])["recipe"].to_list()


def _release_row(warehouse: Warehouse, task: str, name: str, reason: str) -> Change:
    last = warehouse.read("SELECT coalesce(max(number), 0) AS last FROM ops.releases WHERE task = ?", [task])
    row = {
        "task": task, "number": int(last["last"][0]) + 1, "recipe": name, "released_at": datetime.now(UTC),
        "released_by": _user(), "reason": reason,
    }  # fmt: skip
    return Change(RELEASES, pl.DataFrame([row], schema=RELEASES.polars_schema))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {os.getuid()}"
