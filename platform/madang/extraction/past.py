"""What past calls say of the next ones: tokens a character, tokens of a reply, seconds, money, calls in vain.

Reads rows of the ledger and lengths of posts, no text. Only the latest calls count: a model's latency of last year
says little.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from madang.extraction.requests import nearest_of
from madang.extraction.spans import ENOUGH_CALLS, InputFit, Mean
from madang.extraction.tokens import schema_tokens, text_tokens
from madang.models.specs import Lane
from madang.ops import LEDGER, RECIPES
from madang.posts.table import RAW_POSTS, chars_sql, content_hash_sql
from madang.task import Task
from madang.warehouse.protocol import Warehouse

_LATEST_CALLS = 1000


@dataclass(frozen=True)
class Past:
    """Past calls of one model; each part is None where they are too few.

    Args:
        input_tokens: Input tokens of a call by its post's length; of other tasks where this one has too few calls.
        output_tokens: Tokens of a reply of this task.
        latency_seconds: From sending to the last token.
        usd: What a call that was answered cost.
        cached_share: Input tokens read from a cache, of all.
        again_share: Calls of this task that were paid for and made no row, to each that did: re-asked or cut replies.
    """

    input_tokens: InputFit | None = None
    output_tokens: Mean | None = None
    latency_seconds: Mean | None = None
    usd: Mean | None = None
    cached_share: float = 0.0
    again_share: float = 0.0


def past_of(warehouse: Warehouse, task: Task, model: str, lane: Lane) -> Past:
    """Looks at a model's past calls.

    Args:
        warehouse: Where they are.
        task: Of which task calls are wanted; latency and price are taken of other tasks where it has too few.
        model: Identity of the model.
        lane: How it is asked: a row of a batch job takes an hour, a call of the same model seconds.
    """
    if not warehouse.has(LEDGER.name):
        return Past()
    own = _answered(warehouse, "task = ? AND model = ?", [task.name, model])
    any_task = own if own.height >= ENOUGH_CALLS else _answered(warehouse, "model = ?", [model])
    # How long the answers are is the question's doing more than the model's.
    replies = own if own.height >= ENOUGH_CALLS else _answered(warehouse, "task = ?", [task.name])
    asked, cached = (float(any_task[name].sum()) for name in ("input_tokens", "cached_tokens"))
    return Past(
        _input_fit(warehouse, task, model),
        Mean.of(replies["output_tokens"].to_list()),
        Mean.of(any_task.filter(pl.col("lane") == lane)["latency_seconds"].to_list()),
        Mean.of(any_task["usd"].to_list()),
        cached / asked if asked and any_task.height >= ENOUGH_CALLS else 0.0,
        _again_share(warehouse, task, model),
    )


def _answered(warehouse: Warehouse, where: str, parameters: list[object]) -> pl.DataFrame:
    return warehouse.read(
        "SELECT lane, input_tokens, output_tokens, cached_tokens, latency_seconds, usd FROM ops.ledger "
        f"WHERE outcome = 'ok' AND {where} ORDER BY sent_at DESC LIMIT {_LATEST_CALLS}",
        parameters,
    )


def _input_fit(warehouse: Warehouse, task: Task, model: str) -> InputFit | None:
    """By the latest recipe that has enough calls, of this task if there is one."""
    texts = _seen(warehouse) | {task.name: (task.text_columns, task.most_images)}
    declared = nearest_of(task)
    own = None if declared is None else (task.name, declared.nearest)
    for name in [task.name, *(name for name in texts if name != task.name)]:
        for prefix_by_script, calls in _lengths(warehouse, name, *texts[name], model, own):
            fit = InputFit.of(calls, prefix_by_script)
            if fit is not None:
                return fit
    return None


def _lengths(
    warehouse: Warehouse, task: str, text: Sequence[str], images: int, model: str, own: tuple[str, int] | None
) -> Iterator[tuple[float, list[tuple[int, int]]]]:
    """For each recipe, the latest first: its prefix by script, and tokens and characters of calls that made a row.

    Where each call has examples of its own, the recipe does not say how long they are: such calls tell only of others
    of the task with as many (`own`), unscaled, so their prefix is 0.
    """
    if not warehouse.has(f"attributes.{task}"):
        return
    # The few rows first: the content hash of ten million posts takes seconds.
    found = warehouse.read(
        f"""
        WITH made AS MATERIALIZED (
            SELECT request_hash, recipe, source, post_id, content_hash FROM attributes."{task}"
            WHERE model = ? AND request_hash IS NOT NULL ORDER BY extracted_at DESC LIMIT {_LATEST_CALLS}
        ), posts AS MATERIALIZED (
            SELECT made.*, {chars_sql(text, "p.")} AS chars, {content_hash_sql(text, "p.", images=images)} AS hash
            FROM {RAW_POSTS.name} p JOIN made USING (source, post_id)
        )
        SELECT DISTINCT ON (request_hash) recipe, chars, r.input_tokens
        FROM posts JOIN ops.replies r USING (request_hash) WHERE hash = content_hash ORDER BY request_hash
        """,
        [model],
    )
    recipes = warehouse.read("SELECT recipe, content FROM ops.recipes WHERE task = ? ORDER BY number DESC", [task])
    for recipe, content in recipes.iter_rows():
        calls = found.filter(pl.col("recipe") == recipe).select("input_tokens", "chars").rows()
        request = json.loads(content)["request"]
        if "examples" in request:
            if own == (task, request["examples"]["nearest"]):
                yield 0.0, calls
            continue
        turns = sum(text_tokens(turn) for _, turn in request["messages"])
        yield turns + schema_tokens(request["schema"]), calls


def _seen(warehouse: Warehouse) -> dict[str, tuple[tuple[str, ...], int]]:
    """What each task reads of a post, by its latest recipe: text columns, and how many images."""
    if not warehouse.has(RECIPES.name):
        return {}
    found = warehouse.read("SELECT task, content FROM ops.recipes ORDER BY task, number")
    requests = {task: json.loads(content)["request"] for task, content in found.iter_rows()}
    return {task: (tuple(request["text"]), request.get("images", 0)) for task, request in requests.items()}


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
    return (calls - used) / used if used and calls >= ENOUGH_CALLS else 0.0
