"""An evaluation: gold joined to posts, predictions asked or read, scores with their intervals and baselines.

It reads posts from a file, so what is measured need not have landed, and it writes nothing but replies.
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from madang.errors import InputError
from madang.evaluation.asking import Predictions
from madang.evaluation.details import JudgedField, details_of
from madang.evaluation.gold import Gold, GoldFrom, GoldPost, gold_of_file, gold_of_posts
from madang.evaluation.lanes import needs_no_model, of_lane
from madang.evaluation.mention_metrics import side_by_side
from madang.evaluation.metrics import Judged
from madang.evaluation.predicting import predict
from madang.evaluation.result import EvaluationReport
from madang.evaluation.sampling import Part, sampled
from madang.evaluation.stored import stored_predictions
from madang.extraction.plan import recipe_name
from madang.models.catalogue import Catalogue
from madang.models.specs import Lane
from madang.posts.masking import mask
from madang.posts.reading import ColumnMap, read_posts
from madang.recipe import recipe_of
from madang.settings import Settings
from madang.task import Task
from madang.warehouse.protocol import Warehouse

SAMPLE_POSTS = 200


def evaluate(
    task: Task,
    settings: Settings,
    posts: Path,
    *,
    gold: Path | None = None,
    gold_from: GoldFrom | None = None,
    lane: Lane | None = None,
    recipe: str | None = None,
    sample: int | None = SAMPLE_POSTS,
    seed: int = 0,
    part: Part = "all",
    warehouse: Warehouse | None = None,
    cap_usd: float | None = None,
    on_reply: Callable[[int, int], None] = lambda _answered, _wanted: None,
) -> EvaluationReport:
    """Scores a task on posts that have gold.

    Args:
        task: The task; its `where` does not matter here.
        settings: The project's settings; replies are kept in `eval/` under its home.
        posts: File of posts.
        gold: File of answers; the task's own if neither this nor `gold_from` is given.
        gold_from: Key of the posts that holds answers.
        lane: Ask only models of this lane, or score only rows that came by it.
        recipe: Score the stored rows of this recipe, such as groups@2, and ask nothing.
        sample: Most posts, chosen by hash of their id; None takes all.
        seed: Another seed gives another sample.
        part: Part of shared gold: `tune`, `score` or `all`.
        warehouse: Its replies are used first, and its rows with `recipe`; only read. None if there is none.
        cap_usd: Most money that calls may cost; never more than what is left of the daily cap.
        on_reply: Called after every call, with the calls answered and the calls wanted so far.

    Raises:
        InputError: Posts or gold are missing, broken, or do not join; there is no such recipe or lane.
        DeclarationError: The map of this gold is wrong.
        CapReached: The cap stopped it; replies received are kept.
        ModelFileError: A model cannot be loaded.
    """
    found, asked_task = _gold(task, settings, posts, gold, gold_from), task
    missing = 0
    if recipe is None:
        chosen = _chosen(found, found.posts, part, sample, seed)
        named_task = task if lane is None else of_lane(task, settings, lane)
        asked_task = named_task
        if lane is None and needs_no_model(task, {key.spec.field for key in found.keys.values()}):
            asked_task = of_lane(task, settings, "reader")  # what a model would add is not scored
        rows = [_row(asked_task, settings, post) for post in chosen]
        predictions = predict(
            asked_task, settings, rows, warehouse=warehouse, cap_usd=cap_usd, on_reply=on_reply, beside=posts.parent
        )
        catalogue = Catalogue(settings)
        asked_recipe = recipe_of(named_task, catalogue.identity)
        name = (recipe_name(warehouse, asked_recipe) if warehouse is not None else None) or asked_recipe.hash
    else:
        if warehouse is None:
            raise InputError("--recipe", f"there is no warehouse that holds rows of {recipe!r}", "Run the task first")
        name = recipe
        hashes = {post.key: _content_hash(task, post) for post in found.posts}
        predictions = stored_predictions(warehouse, task, recipe, hashes, lane)
        # Sampled among posts that the recipe has read: a sample of the others would leave few to score.
        there = [post for post in found.posts if post.key in predictions.rows]
        missing = len(found.posts) - len(there)
        chosen = _chosen(found, there, part, sample, seed)
    judged, by_key = _judged(asked_task, found, chosen, predictions), {post.key: post for post in chosen}
    return EvaluationReport(
        task.name, name, "+".join(sorted(predictions.lanes)) or (lane or ""), found.name, len(chosen),
        {key: field.scores() for key, field in judged.items()}, predictions.sent, predictions.reused,
        failed=sum(predictions.rows[post.key] is None for post in chosen), missing=missing, usd=predictions.usd,
        unmapped=found.unmapped, details={key: details_of(field, by_key) for key, field in judged.items()},
    )  # fmt: skip


def _gold(task: Task, settings: Settings, posts: Path, gold: Path | None, gold_from: GoldFrom | None) -> Gold:
    if gold is not None and gold_from is not None:
        raise InputError("--gold-from", f"answers are given twice, by {gold} too", "Give one of them")
    if gold is None and gold_from is None:
        if task.declaration.evaluation.gold is None:
            raise InputError("--gold", f"task {task.name!r} has no gold of its own", "Give --gold or --gold-from")
        gold = task.folder / task.declaration.evaluation.gold
    frame = read_posts(posts, ColumnMap(timezone=settings.timezone))
    if gold_from is not None:
        return gold_of_posts(task, gold_from, frame, posts)
    assert gold is not None
    return gold_of_file(task, gold, frame, posts)


def _chosen(gold: Gold, posts: Sequence[GoldPost], part: Part, sample: int | None, seed: int) -> list[GoldPost]:
    chosen = sampled(posts, part, sample, seed)
    if not chosen:
        raise InputError(
            gold.name, f"{len(gold.posts)} posts have gold, {len(posts)} of them a prediction, none in part {part!r}",
            "Give another part or recipe",
        )  # fmt: skip
    return chosen


def _row(task: Task, settings: Settings, post: GoldPost) -> dict[str, object]:
    """A post as a plan has it. Nothing is written, so its day does not matter."""
    chars = sum(int(str(post.row[f"{column}_chars"])) for column in task.text_columns)
    return post.row | {"content_hash": _content_hash(task, post), "day": settings.first_day, "chars": chars}


def _judged(task: Task, gold: Gold, posts: Sequence[GoldPost], predictions: Predictions) -> dict[str, JudgedField]:
    texts = {post.key: _text(task, post) if gold.is_form else "" for post in posts}
    found = {}
    for name, key in gold.keys.items():
        if key.spec.field not in task.fields:  # in the lane of readers, those that no reader finds
            continue
        judged = {}
        for post in posts:
            answer = post.answers.get(name)
            if answer is not None:
                row = predictions.rows[post.key]
                is_stated = answer.is_stated(texts[post.key])
                right, given = answer.value, key.predicted(row)
                if key.kind == "mentions":
                    right, given = side_by_side(
                        right, given, {column: str(post.row[column]) for column in task.text_columns}
                    )
                judged[post.key] = Judged(right, is_stated, given, key.confidence(row))
        if judged:
            is_nullable = key.is_nullable or any(one.gold is None for one in judged.values())
            found[name] = JudgedField(key.kind, is_nullable, gold.is_form, judged)
    return found


def _text(task: Task, post: GoldPost) -> str:
    """What a model sees of a post."""
    return "\n".join(mask(str(post.row[column])) for column in task.text_columns)


def _content_hash(task: Task, post: GoldPost) -> str:
    """What `content_hash_sql` gives of a landed post."""
    parts = [str(post.row[f"{column}_hash"]) for column in task.text_columns]
    if task.most_images:
        shown = "\n".join(map(str, list(post.row["images"] or [])[: task.most_images]))  # type: ignore[call-overload]
        parts.append(hashlib.sha256(shown.encode()).hexdigest())
    return hashlib.sha256("".join(parts).encode()).hexdigest()
