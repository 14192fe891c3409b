"""`students/<task>`: the distilled student of a task. Belongs here: the asset and its checks. Does not: teaching."""

import base64
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from assets.attributes import attributes_key
from madang.task import Task
from resources import WarehouseResource

if TYPE_CHECKING:
    from madang.distillation.dataset import LabelFile
    from madang.distillation.distil import Distilled

_GATE, _PROMISE = "gate", "promise"


class StudentConfig(dg.Config):
    """What is learnt from besides the rows of the released recipe: the task's own gold by default."""

    posts: str | None = None
    teacher: str | None = None
    gold: str | None = None
    fields: list[str] = []  # noqa: RUF012 - Dagster copies it for each run


def student_key(task: str) -> dg.AssetKey:
    """Key of a task's student."""
    return dg.AssetKey(["students", task])


def student_asset(task: Task) -> dg.AssetsDefinition:
    """The asset that teaches a task's student, as `madang distil` does. A refused one is stored and not released."""
    key = student_key(task.name)

    @dg.asset(
        key=key, deps=[attributes_key(task.name)], group_name=task.name, kinds={"student"},
        check_specs=[
            dg.AssetCheckSpec(_GATE, asset=key, blocking=True,
                              description="Lower ends of its scores clear the task's gates, and no slice is worse."),
            dg.AssetCheckSpec(_PROMISE, asset=key, description="Some posts can be kept with the promised precision."),
        ],
        description="A small classifier that learns what the task's labels say, and knows when to ask its teacher.",
    )  # fmt: skip
    def student(config: StudentConfig, warehouse: WarehouseResource) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster reads it
        from madang.distillation.distil import distil

        settings = warehouse.settings()
        with warehouse.open() as opened:
            made = distil(task, settings, _labels(task, config), warehouse=opened, fields=config.fields)
        return dg.MaterializeResult(metadata=_metadata(made), check_results=_checks(made))

    return student


def student_audit(task: Task) -> dg.AssetChecksDefinition:
    """The standing audit of the released student; a broken promise fails it, and has closed the lane."""

    @dg.asset_check(
        asset=student_key(task.name), name="audit", blocking=True,
        description="The released student keeps its promise on the posts that the next model answered too.",
    )  # fmt: skip
    def audit(warehouse: WarehouseResource) -> dg.AssetCheckResult:
        from madang.distillation.audit import audit_released
        from madang.distillation.promise import PRECISION

        with warehouse.open() as opened:
            found = audit_released(task, warehouse.settings(), opened, PRECISION)
        return dg.AssetCheckResult(passed=found.closed is None, description=found.summary)

    return audit


def _labels(task: Task, config: StudentConfig) -> "list[LabelFile]":
    from madang.distillation.dataset import LabelFile

    posts = Path(config.posts) if config.posts else task.folder / "samples.jsonl"
    own = task.declaration.evaluation.gold
    gold = config.gold or (str(task.folder / own) if own and not config.posts else None)
    files = [LabelFile(Path(config.teacher), posts, "teacher")] if config.teacher else []
    return [*files, LabelFile(Path(gold), posts, "gold")] if gold else files


def _checks(made: "Distilled") -> list[dg.AssetCheckResult]:
    return [
        dg.AssetCheckResult(
            check_name=_GATE, passed=made.verdict.is_promoted,
            description="; ".join(made.verdict.reasons) or f"{made.student.name} is released",
        ),
        dg.AssetCheckResult(
            check_name=_PROMISE, passed=made.promise.threshold is not None, severity=dg.AssetCheckSeverity.WARN,
            description=f"{made.promise.share:.0%} of posts are kept at {made.promise.precision:.0%}",
        ),
    ]  # fmt: skip


def _metadata(made: "Distilled") -> dict[str, dg.MetadataValue | str | int | float]:
    plot = base64.b64encode(made.plot.encode()).decode()
    manifest = made.student.manifest
    return {
        "card": dg.MetadataValue.md(made.card),
        "trade_off": dg.MetadataValue.md(f"![trade-off](data:image/svg+xml;base64,{plot})"),
        "student": made.student.name, "identity": made.student.identity, "kind": manifest.kind,
        "posts": int(str(manifest.dataset["posts"])), "kept_share": made.promise.share,
        "judged_by": made.verdict.judged_by,
    }  # fmt: skip
