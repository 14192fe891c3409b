"""`students/<task>`: the distilled student of a task. Belongs here: the asset and its checks. Does not: teaching."""

import base64
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field

from assets.attributes import attributes_key
from madang.task import Task
from resources import WarehouseResource

if TYPE_CHECKING:
    from madang.distillation.dataset import LabelFile
    from madang.distillation.distil import Distilled
    from madang.distillation.encoder_settings import EncoderSettings

_GATE, _PROMISE, _AUDIT = "gate", "promise", "audit"


class StudentConfig(dg.Config):
    """What is learnt from besides the rows of the released recipe, the task's own gold by default; and the encoder."""

    posts: str | None = Field(default=None, description="File of posts of both answers; the task's samples by default")
    teacher: str | None = Field(default=None, description="File of a teacher's answers; none by default")
    gold: str | None = Field(default=None, description="File of answers; by default the task's own, of its own samples")
    encoder: str | None = Field(default=None, description="hf:NAME, or package:NAME for the embedded one; else linear")
    trained_layers: int = Field(
        default=0, ge=0, description="Its last layers that learn; 0: it stays as it is and corrects the linear student"
    )
    fields: list[str] = Field(default_factory=list, description="Fields to learn; all that have labels by default")


def student_key(task: str) -> dg.AssetKey:
    """Key of a task's student."""
    return dg.AssetKey(["students", task])


def audit_key(task: str) -> dg.AssetCheckKey:
    """Key of the standing audit of a task's student."""
    return dg.AssetCheckKey(student_key(task), _AUDIT)


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
            made = distil(
                task, settings, _labels(task, config), warehouse=opened, fields=config.fields, encoder=_encoder(config)
            )
        return dg.MaterializeResult(metadata=_metadata(made), check_results=_checks(made))

    return student


def student_audit(task: Task) -> dg.AssetChecksDefinition:
    """The standing audit of the released student; a broken promise fails it, and has closed the lane."""

    @dg.asset_check(
        asset=student_key(task.name), name=_AUDIT, blocking=True,
        description="The released student keeps its promise on the posts that the next model answered too.",
    )  # fmt: skip
    def audit(warehouse: WarehouseResource) -> dg.AssetCheckResult:
        from madang.distillation.audit import audit_released

        with warehouse.open() as opened:
            found = audit_released(task, warehouse.settings(), opened)
        counts = {f"{name}_right": f"{one.right} of {one.n}" for name, one in found.fields.items()}
        return dg.AssetCheckResult(
            passed=found.closed is None, description=found.summary, metadata={"noted": found.noted, **counts}
        )

    return audit


def _labels(task: Task, config: StudentConfig) -> "list[LabelFile]":
    from madang.distillation.dataset import LabelFile

    posts = Path(config.posts) if config.posts else task.folder / "samples.jsonl"
    own = task.declaration.evaluation.gold
    gold = config.gold or (str(task.folder / own) if own and not config.posts else None)
    files = [LabelFile(Path(config.teacher), posts, "teacher")] if config.teacher else []
    return [*files, LabelFile(Path(gold), posts, "gold")] if gold else files


def _encoder(config: StudentConfig) -> "EncoderSettings | None":
    from madang.distillation.encoder_settings import EncoderSettings

    if config.encoder is None:
        return None
    return EncoderSettings(encoder=config.encoder, trained_layers=config.trained_layers)


def _image(name: str, svg: str) -> dg.MetadataValue:
    return dg.MetadataValue.md(f"![{name}](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})")


def _checks(made: "Distilled") -> list[dg.AssetCheckResult]:
    return [
        dg.AssetCheckResult(
            check_name=_GATE, passed=made.verdict.is_promoted,
            description="; ".join(made.verdict.reasons) or f"{made.student.name} is released",
        ),
        dg.AssetCheckResult(
            check_name=_PROMISE, passed=made.promise.threshold is not None, severity=dg.AssetCheckSeverity.WARN,
            description=f"{made.promise.share:.0%} of posts are kept at {made.promise.precision:.0%}"
            if made.promise.threshold is not None
            else f"no threshold keeps a promise of {made.promise.precision:.0%}: every post goes to the next model",
        ),
    ]  # fmt: skip


def _metadata(made: "Distilled") -> dict[str, dg.MetadataValue | str | int | float]:
    curve = {} if made.curve is None else {"curve": _image("curve", made.curve)}
    manifest = made.student.manifest
    return {
        "card": dg.MetadataValue.md(made.card),
        "trade_off": _image("trade-off", made.plot),
        "student": made.student.name, "identity": made.student.identity, "kind": manifest.kind,
        "posts": int(str(manifest.dataset["posts"])), "kept_share": made.promise.share,
        "judged_by": made.verdict.judged_by, **curve,
    }  # fmt: skip
