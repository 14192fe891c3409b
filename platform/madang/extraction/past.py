"""What past calls say of the next ones: tokens a character, tokens of a reply, seconds, money, calls in vain.

Reads rows of the ledger and lengths of posts, no text. Only the latest calls count: a model's latency of last year
says little.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

import polars as pl

from madang.ops import LEDGER, RECIPES
from madang.posts.table import RAW_POSTS, chars_sql, content_hash_sql
from madang.task import Task
from madang.warehouse.protocol import Warehouse

# Fewer say too little of the spread.
ENOUGH_CALLS = 20
_LATEST_CALLS = 1000
# Two standard errors: about 95% where calls come as they came.
_Z = 1.96
# What the plan's posts, or the provider, may differ from the past by, whatever the spread.
_DRIFT = 0.1


@dataclass(frozen=True)
class Span:
    """A quantity that is not known yet.

    Args:
        low: Lower end.
        expected: Most likely.
        high: Upper end.
    """

    low: float
    expected: float
    high: float

    def __add__(self, other: "Span") -> "Span":
        """The sum if all ends come together: wider than it will mostly be."""
        return Span(self.low + other.low, self.expected + other.expected, self.high + other.high)

    def to_json(self, digits: int | None = None) -> dict[str, float]:
        """Plain form, rounded; whole numbers by default."""
        return {
            "low": round(self.low, digits), "expected": round(self.expected, digits), "high": round(self.high, digits)
        }  # fmt: skip


NOTHING = Span(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Mean:
    """The mean of past calls.

    Args:
        value: Mean, or the ratio of two sums.
        spread: Standard deviation of one call.
        calls: How many.
    """

    value: float
    spread: float
    calls: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Mean | None":
        """The mean of values; None of too few."""
        if len(values) < ENOUGH_CALLS:
            return None
        return cls(fmean(values), stdev(values), len(values))

    def sum_of(self, calls: int, size: float | None = None) -> Span:
        """What so many further calls come to.

        Args:
            calls: How many.
            size: What the value is multiplied by, all calls together; their number by default.
        """
        total = self.value * (calls if size is None else size)
        error = _Z * self.spread * calls * math.sqrt(1 / calls + 1 / self.calls) if calls else 0.0
        low = max(total * (1 - _DRIFT) - error, 0.0)
        return Span(low, total, total * (1 + _DRIFT) + error)


@dataclass(frozen=True)
class Past:
    """Past calls of one model; each part is None where they are too few.

    Args:
        tokens_a_char: Input tokens of a call for a character of its turns.
        output_tokens: Tokens of a reply of this task.
        latency_seconds: From sending to the last token.
        usd: What a call that was answered cost.
        cached_share: Input tokens read from a cache, of all.
        again_share: Calls of this task that were paid for and made no row, to each that did: re-asked or cut replies.
    """

    tokens_a_char: Mean | None = None
    output_tokens: Mean | None = None
    latency_seconds: Mean | None = None
    usd: Mean | None = None
    cached_share: float = 0.0
    again_share: float = 0.0


def past_of(warehouse: Warehouse, task: Task, model: str) -> Past:
    """Looks at a model's past calls.

    Args:
        warehouse: Where they are.
        task: Of which task calls are wanted; latency and price are taken of other tasks where it has too few.
        model: Identity of the model.
    """
    if not warehouse.has(LEDGER.name):
        return Past()
    own = _answered(warehouse, "task = ? AND model = ?", [task.name, model])
    any_task = own if own.height >= ENOUGH_CALLS else _answered(warehouse, "model = ?", [model])
    # How long the answers are is the question's doing more than the model's.
    replies = own if own.height >= ENOUGH_CALLS else _answered(warehouse, "task = ?", [task.name])
    asked = any_task["input_tokens"].sum()
    return Past(
        _tokens_a_char(warehouse, task, model),
        Mean.of(replies["output_tokens"].to_list()),
        Mean.of(any_task["latency_seconds"].to_list()),
        Mean.of(any_task["usd"].to_list()),
        any_task["cached_tokens"].sum() / asked if asked and any_task.height >= ENOUGH_CALLS else 0.0,
        _again_share(warehouse, task, model),
    )


def _answered(warehouse: Warehouse, where: str, parameters: list[object]) -> pl.DataFrame:
    return warehouse.read(
        "SELECT input_tokens, output_tokens, cached_tokens, latency_seconds, usd FROM ops.ledger "
        f"WHERE outcome = 'ok' AND {where} ORDER BY sent_at DESC LIMIT {_LATEST_CALLS}",
        parameters,
    )


def _tokens_a_char(warehouse: Warehouse, task: Task, model: str) -> Mean | None:
    """Of this task's calls, else of those of other tasks too."""
    texts = _text_columns(warehouse) | {task.name: task.text_columns}
    calls: list[tuple[float, float]] = []
    for name in [task.name, *(name for name in texts if name != task.name)]:
        calls += _lengths(warehouse, name, texts[name], model)
        if len(calls) >= ENOUGH_CALLS:
            break
    if len(calls) < ENOUGH_CALLS:
        return None
    ratio = sum(tokens for tokens, _ in calls) / sum(chars for _, chars in calls)
    return Mean(ratio, stdev(tokens - ratio * chars for tokens, chars in calls), len(calls))


def _lengths(warehouse: Warehouse, task: str, text: Sequence[str], model: str) -> list[tuple[float, float]]:
    """Input tokens and characters of the latest calls that made a row."""
    if not warehouse.has(f"attributes.{task}"):
        return []
    # The few rows first: the content hash of ten million posts takes seconds.
    found = warehouse.read(
        f"""
        WITH made AS MATERIALIZED (
            SELECT request_hash, recipe, source, post_id, content_hash FROM attributes."{task}"
            WHERE model = ? AND request_hash IS NOT NULL ORDER BY extracted_at DESC LIMIT {_LATEST_CALLS}
        ), posts AS MATERIALIZED (
            SELECT made.*, {chars_sql(text, "p.")} AS chars, {content_hash_sql(text, "p.")} AS hash
            FROM {RAW_POSTS.name} p JOIN made USING (source, post_id)
        )
        SELECT DISTINCT ON (request_hash) recipe, chars, r.input_tokens
        FROM posts JOIN ops.replies r USING (request_hash) WHERE hash = content_hash ORDER BY request_hash
        """,
        [model],
    )
    prefixes = _prefix_chars(warehouse, task)
    return [(tokens, prefixes[recipe] + chars) for recipe, chars, tokens in found.iter_rows() if recipe in prefixes]


def _prefix_chars(warehouse: Warehouse, task: str) -> dict[str, int]:
    """Characters of the turns that all posts share, by recipe."""
    found = warehouse.read("SELECT recipe, content FROM ops.recipes WHERE task = ?", [task])
    return {
        recipe: sum(len(turn) for _, turn in json.loads(content)["request"]["messages"])
        for recipe, content in found.iter_rows()
    }


def _text_columns(warehouse: Warehouse) -> dict[str, tuple[str, ...]]:
    """What each task reads of a post, by its latest recipe."""
    if not warehouse.has(RECIPES.name):
        return {}
    found = warehouse.read("SELECT task, content FROM ops.recipes ORDER BY task, number")
    return {task: tuple(json.loads(content)["request"]["text"]) for task, content in found.iter_rows()}


def _again_share(warehouse: Warehouse, task: Task, model: str) -> float:
    if not warehouse.has(task.table.name):
        return 0.0
    found = warehouse.read(
        f"""
        WITH calls AS (
            SELECT request_hash FROM ops.ledger WHERE task = ? AND model = ? AND (outcome = 'ok' OR usd > 0)
            ORDER BY sent_at DESC LIMIT {_LATEST_CALLS}
        ), used AS (SELECT DISTINCT request_hash FROM attributes."{task.name}" SEMI JOIN calls USING (request_hash))
        SELECT (SELECT count(*) FROM calls) AS calls, (SELECT count(*) FROM used) AS used
        """,
        [task.name, model],
    )
    calls, used = found.row(0)
    return (calls - used) / used if used else 0.0
