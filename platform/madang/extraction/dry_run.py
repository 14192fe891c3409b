"""A dry run: what a run would touch, send and cost, and why. It sends nothing and writes nothing."""

from dataclasses import dataclass

from pydantic import JsonValue

from madang.extraction.estimate import Estimate, estimate
from madang.extraction.leases import Leased, home_identity, leased_elsewhere
from madang.extraction.plan import Days, Plan, make_plan
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
        migrations: What the run would first change in tables that are there, because the declaration did, a line each.
    """

    plan: Plan
    change: RecipeChange | None
    estimate: Estimate
    leased: Leased
    migrations: tuple[str, ...] = ()

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
            "migrations": list(self.migrations),
        }  # fmt: skip


def dry_run(warehouse: Warehouse, settings: Settings, task: Task, days: Days) -> DryRun:
    """Looks at what a run of some days would do now.

    Raises:
        DeclarationError: Nobody knows what a model costs.
        WarehouseError: A column is there with a type that cannot become the declared one.
    """
    migrations = tuple(warehouse.changes_of(tables_of(task)))
    catalogue = Catalogue(settings)
    made = make_plan(warehouse, task, recipe_of(task, catalogue.identity), days)
    is_other = made.name is None or made.counts.get("recipe", 0) > 0
    change = recipe_change(warehouse, made.recipe) if is_other else None
    leased = Leased()
    if settings.is_warehouse_shared:
        leased = leased_elsewhere(warehouse, made, home_identity(settings.home))
    return DryRun(made, change, estimate(warehouse, task, catalogue, made), leased, migrations)
