"""Rows of the released recipe as labels: those that are sure, grounded and undisputed."""

from collections.abc import Mapping

from madang.distillation.dataset import field_keys, labelled_post, without_places
from madang.distillation.labelled import LabelledPost
from madang.evaluation.answers import Answer
from madang.evaluation.stored import stored_predictions
from madang.posts.masking import mask
from madang.posts.table import CURRENT, content_hash_sql
from madang.releases import live
from madang.task import Task
from madang.warehouse.protocol import Warehouse


def labelled_extractions(
    task: Task, warehouse: Warehouse, least_confidence: float
) -> tuple[list[LabelledPost], str | None]:
    """What the released recipe says of the posts that are there now.

    A value counts if it is as sure as wanted (what has no confidence counts), if nothing of it was given up, and if no
    reader disagrees. Rows that a student made teach no student.

    Args:
        task: The task.
        warehouse: Where rows and posts are.
        least_confidence: 0 to 1.

    Returns:
        Labelled posts, and the recipe's name; nothing where none is released.
    """
    recipe = live(warehouse, task.name)
    if recipe is None:
        return [], None
    own = content_hash_sql(task.text_columns, images=task.most_images)
    posts = warehouse.read(
        f"SELECT *, {own} AS content_hash FROM (SELECT * FROM raw.posts {CURRENT}) WHERE NOT deleted"
    )
    rows = {(row["source"], row["post_id"]): row for row in posts.iter_rows(named=True)}
    predictions = stored_predictions(warehouse, task, recipe, {key: row["content_hash"] for key, row in rows.items()})
    keys = field_keys(task)
    found = []
    for key, said in predictions.rows.items():
        if said is None or said.get("lane") == "student" or said.get("status") == "empty":
            continue
        lost = {str(one["field"]) for one in said["dropped"] or []}  # type: ignore[attr-defined]
        answers: dict[str, Answer] = {}
        pointers: dict[str, frozenset[str]] = {}
        for name, mapped in keys.items():
            confidence = said.get(f"{name}__confidence")
            is_sure = not isinstance(confidence, float) or confidence >= least_confidence
            if name not in lost and is_sure and task.fields[name].derive is None:
                answers[name] = without_places(mapped.predicted(said))
                pointers[name] = _pointed(rows[key], said.get(f"{name}__evidence"))
        if answers:
            found.append(labelled_post(task, rows[key], answers, "extraction", pointers))
    return found, recipe


def _pointed(post: Mapping[str, object], evidence: object) -> frozenset[str]:
    """What evidence points at, masked as the text is that a student reads."""
    if not isinstance(evidence, list):
        return frozenset()
    texts = {column: mask(str(post[column] or "")) for column in {one["field"] for one in evidence}}
    return frozenset(texts[one["field"]][one["start"] : one["end"]] for one in evidence)
