"""What a run would do: which posts have no row under the recipe, and why. Reads hashes and lengths, no text."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl

from madang.errors import NothingPlanned
from madang.ops import PLANS, QUARANTINE, RECIPES
from madang.posts.table import CURRENT, RAW_POSTS, chars_sql, content_hash_sql
from madang.posts.where import compile_where
from madang.recipe import Recipe
from madang.task import Task
from madang.warehouse.protocol import Change, Warehouse

Days = tuple[date, date]
PENDING_REASONS = ("new", "edited", "recipe")

_POSTS_SCHEMA = pl.Schema(
    {
        "source": pl.String(), "post_id": pl.String(), "revision": pl.Int64(), "content_hash": pl.String(),
        "board": pl.String(), "day": pl.Date(), "event_at": pl.Datetime("us", "UTC"), "chars": pl.Int64(),
        "reason": pl.String(),
    }
)  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """The posts of some days, sorted by what they need.

    Args:
        task: Name of the task.
        recipe: Recipe that the folder declares now.
        name: Its name, such as groups@2; None while no run has used it.
        days: First and last partition, both included.
        counts: Posts by state: new, edited, recipe (pending), unchanged, quarantined.
        posts: The pending ones, by day and post id.
    """

    task: str
    recipe: Recipe
    name: str | None
    days: Days
    counts: dict[str, int]
    posts: pl.DataFrame

    @property
    def total(self) -> int:
        """Posts of the task in these days."""
        return sum(self.counts.values())

    def require_posts(self) -> None:
        """Refuses a plan without work.

        Raises:
            NothingPlanned: It says why no post is pending.
        """
        if self.posts.height:
            return
        place = f"{self.task} {self.days[0]} to {self.days[1]}"
        if self.total == 0:
            raise NothingPlanned(place, "no post of these days matches the task's `where`",
                                 "Ingest posts, or give other days with --from and --to")  # fmt: skip
        done = ", ".join(f"{count} {state}" for state, count in sorted(self.counts.items()) if count)
        raise NothingPlanned(place, f"nothing is pending ({done})", "Edit the recipe or ingest posts to have work")


def make_plan(warehouse: Warehouse, task: Task, recipe: Recipe, days: Days) -> Plan:
    """Plans a task for some days.

    Args:
        warehouse: Where posts and rows are; an empty one gives an empty plan.
        task: The task.
        recipe: Its recipe.
        days: First and last partition, both included.
    """
    name = recipe_name(warehouse, recipe)
    if not warehouse.has(RAW_POSTS.name):
        return Plan(task.name, recipe, name, days, {}, _POSTS_SCHEMA.to_frame())
    sql = _sql(warehouse, task)
    parameters = [days[0], days[1], name or ""]
    counts = warehouse.read(f"SELECT reason, count(*) AS posts FROM ({sql}) GROUP BY reason", parameters)
    posts = warehouse.read(
        f"SELECT {', '.join(_POSTS_SCHEMA)} FROM ({sql}) WHERE reason IN {PENDING_REASONS} "
        "ORDER BY day, source, post_id",
        parameters,
    )
    return Plan(task.name, recipe, name, days, dict(counts.iter_rows()), posts.cast(_POSTS_SCHEMA))


def pending_days(warehouse: Warehouse, task: Task, recipe: Recipe, days: Days) -> dict[date, int]:
    """Pending posts of each day that has any."""
    if not warehouse.has(RAW_POSTS.name):
        return {}
    found = warehouse.read(
        f"SELECT day, count(*) AS posts FROM ({_sql(warehouse, task)}) WHERE reason IN {PENDING_REASONS} "
        "GROUP BY day ORDER BY day",
        [days[0], days[1], recipe_name(warehouse, recipe) or ""],
    )
    return dict(found.iter_rows())


def _sql(warehouse: Warehouse, task: Task) -> str:
    """Every current post of the days with its reason; parameters: first day, last day, recipe name."""
    source = task.declaration.source
    current = (
        f"SELECT source, post_id, revision, board, day, event_at, {chars_sql(source.text)} AS chars, "
        f"{content_hash_sql(source.text)} AS content_hash "
        f"FROM (SELECT * FROM raw.posts WHERE day BETWEEN $1 AND $2 {CURRENT}) "
        f"WHERE NOT deleted AND ({compile_where(source.where)})"
    )
    if not warehouse.has(task.table.name):
        return f"SELECT *, 'new' AS reason FROM ({current}) WHERE $3 IS NOT NULL"
    rows = f'{task.table.name.split(".")[0]}."{task.name}"'
    quarantined = f"SELECT source, post_id, content_hash FROM ops.quarantine WHERE task = '{task.name}' AND recipe = $3"
    return f"""
        SELECT c.*, CASE
            WHEN done.post_id IS NOT NULL THEN 'unchanged'
            WHEN q.post_id IS NOT NULL THEN 'quarantined'
            WHEN same.post_id IS NOT NULL THEN 'recipe'
            WHEN other.post_id IS NOT NULL THEN 'edited'
            ELSE 'new' END AS reason
        FROM ({current}) c
        LEFT JOIN (SELECT DISTINCT source, post_id, content_hash FROM {rows} WHERE recipe = $3) done
            USING (source, post_id, content_hash)
        LEFT JOIN ({quarantined}) q USING (source, post_id, content_hash)
        LEFT JOIN (SELECT DISTINCT source, post_id, content_hash FROM {rows}) same USING (source, post_id, content_hash)
        LEFT JOIN (SELECT DISTINCT source, post_id FROM {rows}) other USING (source, post_id)
    """


def recipe_name(warehouse: Warehouse, recipe: Recipe) -> str | None:
    """Name under which a recipe was used, such as groups@2; None if it never was."""
    if not warehouse.has(RECIPES.name):
        return None
    found = warehouse.read(
        "SELECT recipe FROM ops.recipes WHERE task = ? AND recipe_hash = ?", [recipe.task, recipe.hash]
    )
    return found["recipe"][0] if found.height else None


def store_plan(warehouse: Warehouse, plan: Plan, name: str, run: str) -> None:
    """Writes the plan's posts to ops.plans as pending; posts already planned under this recipe keep their row.

    A pending row that is no longer in the plan was edited meanwhile, and becomes `superseded`.
    """
    now = datetime.now(UTC)
    posts = plan.posts.select("source", "post_id", "content_hash", "day", "reason").with_columns(
        task=pl.lit(plan.task), recipe=pl.lit(name), run=pl.lit(run), state=pl.lit("pending"),
        planned_at=pl.lit(now, pl.Datetime("us", "UTC")), settled_at=pl.lit(None, pl.Datetime("us", "UTC")),
    )  # fmt: skip
    with warehouse.exclusive():
        key = ["source", "post_id", "content_hash"]
        known = warehouse.read(
            "SELECT * FROM ops.plans WHERE task = ? AND recipe = ? AND day BETWEEN ? AND ?",
            [plan.task, name, *plan.days],
        ).cast(PLANS.polars_schema)
        again = known.join(posts.select(key), on=key, how="semi").filter(pl.col("state") != "pending")
        stale = known.join(posts.select(key), on=key, how="anti").filter(pl.col("state") == "pending")
        never, settled = pl.lit(None, pl.Datetime("us", "UTC")), pl.lit(now, pl.Datetime("us", "UTC"))
        pending = again.with_columns(state=pl.lit("pending"), settled_at=never)
        superseded = stale.with_columns(state=pl.lit("superseded"), settled_at=settled)
        warehouse.commit([
            Change(PLANS, posts.select(PLANS.polars_schema.names())),
            Change(PLANS, pending, "upsert"),
            Change(PLANS, superseded, "upsert"),
        ])  # fmt: skip


def pending_count(warehouse: Warehouse, task: str, name: str, days: Days) -> int:
    """Posts of some days that ops.plans holds as pending under a recipe."""
    found = warehouse.read(
        "SELECT count(*) AS posts FROM ops.plans WHERE task = ? AND recipe = ? AND state = 'pending' "
        "AND day BETWEEN ? AND ?",
        [task, name, *days],
    )
    return int(found["posts"][0])


def retry_quarantined(warehouse: Warehouse, recipe: Recipe, failure: str | None = None) -> int:
    """Takes posts out of quarantine, so that the next run plans them again.

    Args:
        warehouse: Where the quarantine is.
        recipe: The recipe that the task's folder declares now; posts given up under others stay.
        failure: Only this class of failure; all by default.

    Returns:
        How many posts were taken out.
    """
    name = recipe_name(warehouse, recipe)
    if name is None:
        return 0
    with warehouse.exclusive():
        found = warehouse.read(
            "SELECT * FROM ops.quarantine WHERE recipe = $1 AND ($2 IS NULL OR failure = $2)", [name, failure]
        )
        plans = warehouse.read(
            "SELECT p.* FROM ops.plans p SEMI JOIN found USING (task, recipe, source, post_id, content_hash)",
            frames={"found": found.select(PLANS.key)},
        )
        never = pl.lit(None, pl.Datetime("us", "UTC"))
        warehouse.commit([
            Change(QUARANTINE, found, "delete"),
            Change(PLANS, plans.with_columns(state=pl.lit("pending"), settled_at=never), "upsert"),
        ])  # fmt: skip
    return found.height
