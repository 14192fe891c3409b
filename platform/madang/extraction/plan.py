"""What a run would do: which posts have no row under the recipe, and why. Reads hashes and lengths, no text."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import polars as pl

from madang.errors import NothingPlanned
from madang.ops import PLANS, QUARANTINE, RECIPES
from madang.posts.table import RAW_POSTS, chars_sql, content_hash_sql
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

    def only(self, chosen: pl.DataFrame) -> "Plan":
        """The plan of those pending posts that are named; the others count as `not chosen`.

        Args:
            chosen: Their source and post_id, each post once.
        """
        posts = self.posts.join(chosen, on=["source", "post_id"], how="semi", maintain_order="left")
        done = {state: count for state, count in self.counts.items() if state not in PENDING_REASONS}
        left = self.posts.height - posts.height
        counts = done | dict(posts.group_by("reason").len().iter_rows()) | ({"not chosen": left} if left else {})
        return replace(self, counts=counts, posts=posts)

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
    steps = _steps(warehouse, task, name, days)
    steps["total"] = f"SELECT count(*) AS posts FROM ({_posts_sql(task, days)}) p {_WITHOUT_SUPERSEDED}"
    found = warehouse.read(
        f"SELECT t.posts AS total, p.* FROM total t LEFT JOIN ({_reasons_sql(warehouse, task, name)}) p ON true "
        "ORDER BY day, source, post_id",
        steps=steps,
    )
    rows = found.filter(pl.col("reason").is_not_null())
    counts = dict(rows.group_by("reason").len().iter_rows())
    unchanged = found["total"][0] - rows.height
    posts = rows.filter(pl.col("reason").is_in(PENDING_REASONS)).select(_POSTS_SCHEMA.names()).cast(_POSTS_SCHEMA)
    return Plan(task.name, recipe, name, days, counts | ({"unchanged": unchanged} if unchanged else {}), posts)


def pending_days(warehouse: Warehouse, task: Task, recipe: Recipe, days: Days) -> dict[date, int]:
    """Pending posts of each day that has any."""
    if not warehouse.has(RAW_POSTS.name):
        return {}
    name = recipe_name(warehouse, recipe)
    found = warehouse.read(
        f"SELECT day, count(*) AS posts FROM ({_reasons_sql(warehouse, task, name)}) "
        f"WHERE reason IN {PENDING_REASONS} GROUP BY day ORDER BY day",
        steps=_steps(warehouse, task, name, days),
    )
    return dict(found.iter_rows())


# For rows `p`: away with those of which the post has a later revision.
_WITHOUT_SUPERSEDED = "ANTI JOIN latest l ON p.source = l.source AND p.post_id = l.post_id AND p.revision < l.revision"


def _steps(warehouse: Warehouse, task: Task, name: str | None, days: Days) -> dict[str, str]:
    """Temporary tables up to `undone`, the current posts without a row, and `known`, which of them have other rows.

    Of most posts only hashes are read, and once: rows are taken away before anything else is looked at. In one query
    the planner puts the wide side of ten million posts into memory; as steps it knows how many rows there are.
    """
    # Edited posts are few, and only they need comparing: a later revision is never the lowest number there is.
    latest = (
        "SELECT source, post_id, max(revision) AS revision FROM raw.posts "
        f"WHERE revision > (SELECT min(revision) FROM raw.posts) AND {_within(days)} GROUP BY source, post_id"
    )
    is_stored = "text_hash" in warehouse.read("SELECT * FROM raw.posts LIMIT 0").columns
    own = content_hash_sql(task.text_columns, images=task.most_images, is_stored=is_stored)
    missing = f"SELECT source, post_id, revision, {own} AS content_hash FROM ({_posts_sql(task, days)})"
    steps = {"latest": latest}
    if warehouse.has(task.table.name):
        done = f"SELECT source, post_id, content_hash FROM {_rows(task)} WHERE recipe = {_literal(name)}"
        missing = f"SELECT * FROM ({missing}) ANTI JOIN ({done}) USING (source, post_id, content_hash)"
    steps["missing"] = missing
    steps["undone"] = (
        "SELECT p.source, p.post_id, p.revision, p.content_hash, r.board, r.day, r.event_at, "
        f"{chars_sql(task.text_columns, 'r.')} AS chars "
        f"FROM (SELECT * FROM missing p {_WITHOUT_SUPERSEDED}) p JOIN raw.posts r USING (source, post_id, revision)"
    )
    if warehouse.has(task.table.name):
        steps["known"] = (
            "SELECT u.source, u.post_id, bool_or(a.content_hash = u.content_hash) AS is_same "
            f"FROM {_rows(task)} a JOIN undone u USING (source, post_id) GROUP BY u.source, u.post_id"
        )
    return steps


def _posts_sql(task: Task, days: Days) -> str:
    """The revisions of the days that the task would take if they were current."""
    where = compile_where(task.declaration.source.where)
    return f"SELECT * FROM raw.posts WHERE {_within(days)} AND NOT deleted AND ({where})"


def _reasons_sql(warehouse: Warehouse, task: Task, name: str | None) -> str:
    """Every undone post with its reason."""
    if not warehouse.has(task.table.name):
        return "SELECT *, 'new' AS reason FROM undone"
    return f"""
        SELECT u.*, CASE
            WHEN q.post_id IS NOT NULL THEN 'quarantined'
            WHEN k.is_same THEN 'recipe'
            WHEN k.post_id IS NOT NULL THEN 'edited'
            ELSE 'new' END AS reason
        FROM undone u LEFT JOIN known k USING (source, post_id)
        LEFT JOIN (
            SELECT source, post_id, content_hash FROM ops.quarantine
            WHERE task = '{task.name}' AND recipe = {_literal(name)}
        ) q USING (source, post_id, content_hash)
    """


def _rows(task: Task) -> str:
    return f'{task.table.name.split(".")[0]}."{task.name}"'


def _within(days: Days) -> str:
    return f"day BETWEEN DATE '{days[0].isoformat()}' AND DATE '{days[1].isoformat()}'"


def _literal(name: str | None) -> str:
    """A recipe's name, which is a task's and a number; the empty name has no rows."""
    return f"'{name or ''}'"


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
