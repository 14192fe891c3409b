"""A dry run: what a run would touch, send and cost, and why. It sends nothing and writes nothing."""

from dataclasses import dataclass

import polars as pl
from pydantic import JsonValue

from madang.extraction.estimate import Estimate, estimate
from madang.extraction.leases import Leased, home_identity, leased_elsewhere
from madang.extraction.plan import Days, Plan, make_plan
from madang.incompatible import refuse_incompatible, refuse_lost_columns
from madang.migrations import Migration, migrations_of
from madang.models.catalogue import Catalogue
from madang.recipe import recipe_of
from madang.recipe_changes import RecipeChange, recipe_change
from madang.settings import Settings
from madang.tables import tables_of
from madang.task import Task
from madang.warehouse.protocol import Warehouse


@dataclass(frozen=True)
class DryRun:
    """What is known of a run before it begins.

    Args:
        plan: Posts by what becomes of them, those on leased days included.
        change: How the declared recipe differs from the one that made the rows; None if no post is asked for it.
        estimate: Calls, tokens, dollars and minutes.
        leased: Days that a run would leave to other homes now.
        migrations: What the declaration changed of columns and labels, and what that does to rows that are there.
    """

    plan: Plan
    change: RecipeChange | None
    estimate: Estimate
    leased: Leased
    migrations: tuple[Migration, ...] = ()

    def to_json(self) -> dict[str, JsonValue]:
        """Plain form: what `madang plan --json` prints."""
        made = self.plan
        return {
            "task": made.task, "recipe": made.name or "new", "from": made.days[0].isoformat(),
            "to": made.days[1].isoformat(), "posts": made.total, "pending": made.posts.height,
            **{state: made.counts.get(state, 0) for state in ("new", "edited", "unchanged", "quarantined")},
            "recipe_changed": made.counts.get("recipe", 0),
            "recipe_change": self.change.to_json() if self.change else None,
            **self.estimate.to_json(), "leased": [lease.to_json() for lease in self.leased.elsewhere],
            "migrations": [migration.to_json() for migration in self.migrations],
        }  # fmt: skip


def dry_run(
    warehouse: Warehouse, settings: Settings, task: Task, days: Days, only: pl.DataFrame | None = None
) -> DryRun:
    """Looks at what a run of some days would do now.

    Args:
        warehouse: Where posts and rows are.
        settings: The project's settings.
        task: The task.
        days: First and last partition, both included.
        only: Source and post_id of the posts to take; all pending ones by default.

    Raises:
        DeclarationError: Nobody knows what a model costs; or a field's column holds values of another meaning.
        WarehouseError: A table cannot become the declared one.
    """
    catalogue = Catalogue(settings)
    recipe = recipe_of(task, catalogue.identity)
    refuse_incompatible(warehouse, task, recipe)
    links = [] if task.links_table is None else [task.links_table]
    changes = warehouse.changes_of([*tables_of(task), *links])
    refuse_lost_columns(warehouse, task, changes)
    made = make_plan(warehouse, task, recipe, days)
    made = made if only is None else made.only(only)
    is_other = made.name is None or made.counts.get("recipe", 0) > 0
    change = recipe_change(warehouse, made.recipe) if is_other else None
    leased = Leased()
    if settings.is_warehouse_shared:
        leased = leased_elsewhere(warehouse, made, home_identity(settings.home))
    before = change.content if change is not None else None
    migrations = migrations_of(warehouse, task, changes, before, made.counts.get("recipe", 0))
    return DryRun(made, change, estimate(warehouse, task, catalogue, made), leased, tuple(migrations))
