"""What was spent, and what was not: calls of the ledger beside the rows that they made. Reads only.

A call whose outcome nobody knows counts at what it had reserved, as it does against the caps. A reply is paid for
once; every row after the first that was read from it is a reply saved.
"""

from dataclasses import asdict, dataclass, fields
from typing import Literal, get_args

import polars as pl
from pydantic import JsonValue

from madang.errors import DeclarationError
from madang.extraction.plan import Days
from madang.models.online_lanes import prices_of
from madang.models.online_specs import OnlineModel
from madang.models.prices import Prices
from madang.ops import LEDGER, RECIPES
from madang.settings import Settings
from madang.warehouse.protocol import Warehouse

By = Literal["task", "recipe", "lane", "model", "day", "run"]
GROUPINGS: tuple[str, ...] = get_args(By)

_RATES_SCHEMA = pl.Schema(
    {"model": pl.String(), "above": pl.Int64(), "up_to": pl.Int64(), "saved_a_token": pl.Float64()}
)
_ENDLESS = 1 << 60
# What a reused reply is called that has no group: a blank post has no model, and its row no run.
_NONE = "none"


@dataclass(frozen=True)
class Spending:
    """What one group of calls cost, and what came of it.

    Args:
        group: Task, recipe, lane, model, partition or run.
        calls: Calls sent, retries included.
        ok: Those that brought a reply.
        failed: Those that brought none.
        unknown: Those in flight when their process died; they count at what they had reserved.
        lost: Those whose reply was received, and is gone.
        input_tokens: Tokens of the requests that were answered.
        cached_tokens: Those of them that the provider read from a cache.
        output_tokens: Tokens of the replies.
        usd: US dollars.
        posts: Posts extracted: rows, blank posts included. Of a run, those whose reply it paid for.
        reused: Those of them whose reply was paid for by another row.
        saved_usd: What asking for them again would have cost.
        cached_usd: What the provider's cache took off, where the model's prices are known.
    """

    group: str
    calls: int = 0
    ok: int = 0
    failed: int = 0
    unknown: int = 0
    lost: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0
    posts: int = 0
    reused: int = 0
    saved_usd: float = 0.0
    cached_usd: float = 0.0

    @property
    def usd_per_1000_posts(self) -> float | None:
        """US dollars for a thousand extracted posts; None if there are none."""
        return self.usd * 1000 / self.posts if self.posts else None

    def to_json(self) -> dict[str, JsonValue]:
        """Plain form."""
        return {**asdict(self), "usd_per_1000_posts": self.usd_per_1000_posts}


def spending(
    warehouse: Warehouse, settings: Settings, by: By = "task", *, task: str | None = None, days: Days | None = None
) -> list[Spending]:
    """Adds up calls and rows.

    Args:
        warehouse: Where they are.
        settings: The project's settings: prices of its models.
        by: What a group is.
        task: Only this task; all by default.
        days: First and last partition, of posts, both included; all by default.

    Returns:
        A group each, by name.
    """
    if not warehouse.has(LEDGER.name):
        return []
    found = warehouse.read(
        f"""
        WITH made AS ({_rows_sql(warehouse)}), counted AS (
            SELECT *, request_hash IS NOT NULL AND row_number() OVER (
                PARTITION BY request_hash ORDER BY extracted_at, recipe, source, post_id, content_hash) > 1 AS is_reused
            FROM made
        ), payers AS (
            SELECT request_hash, arg_min(run, settled_at) AS run FROM ops.ledger WHERE outcome = 'ok' GROUP BY ALL
        ), posts AS (
            SELECT {_key("p" if by == "run" else "c", by)} AS "group", count(*) AS posts,
                count_if(is_reused) AS reused, coalesce(sum(r.usd) FILTER (is_reused), 0) AS saved_usd
            FROM counted c LEFT JOIN ops.replies r USING (request_hash) LEFT JOIN payers p USING (request_hash)
            WHERE ($1 IS NULL OR task = $1) AND ($2 IS NULL OR day BETWEEN $2 AND $3) GROUP BY 1
        ), calls AS (
            SELECT {_key("l", by)} AS "group", count(*) AS calls, count_if(outcome = 'ok') AS ok,
                count_if(outcome NOT IN ('ok', 'unknown', 'lost')) AS failed, count_if(outcome = 'unknown') AS unknown,
                count_if(outcome = 'lost') AS lost, sum(input_tokens) AS input_tokens,
                sum(cached_tokens) AS cached_tokens, sum(output_tokens) AS output_tokens, sum(usd) AS usd,
                sum(cached_tokens * saved_a_token) AS cached_usd
            FROM ops.ledger l LEFT JOIN rates ON l.lane = 'online' AND l.model = rates.model
                AND input_tokens > above AND input_tokens <= up_to
            WHERE ($1 IS NULL OR task = $1) AND ($2 IS NULL OR day BETWEEN $2 AND $3) GROUP BY 1
        )
        SELECT "group", {", ".join(_sum(column.name, column.type) for column in fields(Spending)[1:])}
        FROM calls FULL JOIN posts USING ("group") ORDER BY "group"
        """,
        [task, *(days or (None, None))], {"rates": _rates(settings)},
    )  # fmt: skip
    return [Spending(**row) for row in found.iter_rows(named=True)]


def total(groups: list[Spending]) -> Spending:
    """All groups together."""
    sums = {column.name: sum(getattr(group, column.name) for group in groups) for column in fields(Spending)[1:]}
    return Spending("all", **sums)


def _rows_sql(warehouse: Warehouse) -> str:
    """Rows of every task that was ever run, with or without a folder today."""
    tasks = warehouse.read(f"SELECT DISTINCT task FROM {RECIPES.name} ORDER BY task")["task"].to_list()
    columns = "recipe, lane, model, day, source, post_id, content_hash, request_hash, extracted_at"
    tables = [task for task in tasks if warehouse.has(f"attributes.{task}")]
    if not tables:
        return ("SELECT task, recipe, lane, model, day, '' AS source, '' AS post_id, '' AS content_hash, request_hash, "
                "settled_at AS extracted_at FROM ops.ledger WHERE false")  # fmt: skip
    return " UNION ALL ".join(f"SELECT '{task}' AS task, {columns} FROM attributes.\"{task}\"" for task in tables)


def _key(table: str, by: By) -> str:
    return f"coalesce(CAST({table}.{by} AS VARCHAR), '{_NONE}')"


def _sum(name: str, kind: object) -> str:
    return f"CAST(coalesce({name}, 0) AS {'BIGINT' if kind is int else 'DOUBLE'}) AS {name}"


def _rates(settings: Settings) -> pl.DataFrame:
    """What a cached token saves, by model and size of the request. Not of batch jobs: their discount is another."""
    rows: list[dict[str, object]] = []
    for spec in settings.models.values():
        if isinstance(spec, OnlineModel) and (prices := _prices(spec)) is not None:
            ends = [*(rate.above_tokens for rate in prices.rates[1:]), _ENDLESS]
            rows += [
                {"model": spec.identity, "above": rate.above_tokens, "up_to": end,
                 "saved_a_token": (rate.input - rate.cached) / 1e6}
                for rate, end in zip(prices.rates, ends, strict=True)
            ]  # fmt: skip
    return pl.DataFrame(rows, schema=_RATES_SCHEMA).unique(["model", "above"], keep="first")


def _prices(spec: OnlineModel) -> Prices | None:
    try:
        return prices_of(spec)
    except DeclarationError:  # a run refuses it; what was spent is told all the same
        return None
