"""`evaluation/<task>`: scores of a recipe on gold. Belongs here: the asset and its checks. Does not: metrics."""

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from assets.attributes import LOCAL_MODEL_POOL, attributes_key
from madang.evaluation import EvaluationReport, evaluate
from madang.evaluation.details import FieldDetails
from madang.evaluation.hostile import attack
from madang.ops import EVALUATIONS, OPS_TABLES
from madang.task import Task
from madang.warehouse.protocol import Change
from resources import WarehouseResource

_SAMPLES = "samples.jsonl"
_GATES = "gates"
_HOSTILE = "hostile_posts"


class EvaluationConfig(dg.Config):
    """What is scored: the task's own samples and gold by default."""

    posts: str | None = None
    gold: str | None = None
    sample: int = 200
    seed: int = 0
    max_usd: float | None = None


def evaluation_key(task: str) -> dg.AssetKey:
    """Key of a task's scores."""
    return dg.AssetKey(["evaluation", task])


def evaluation_asset(task: Task) -> dg.AssetsDefinition:
    """The asset that scores a task; its checks are the declaration's gates, and hostile posts."""

    @dg.asset(
        key=evaluation_key(task.name), deps=[attributes_key(task.name)], group_name=task.name, kinds={"evaluation"},
        pool=LOCAL_MODEL_POOL if task.is_asking else None,
        check_specs=[dg.AssetCheckSpec(
            _GATES, asset=evaluation_key(task.name),
            description="Every metric that the declaration gates reaches its least value.",
        ), dg.AssetCheckSpec(
            _HOSTILE, asset=evaluation_key(task.name),
            description="No hostile form of a sample is obeyed, breaks anything or changes another post.",
        )],
        description="Scores with 95% intervals beside their baselines; the same as `madang eval`.",
    )  # fmt: skip
    def score(config: EvaluationConfig, warehouse: WarehouseResource) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster reads it
        posts = Path(config.posts) if config.posts else task.folder / _SAMPLES
        with warehouse.open() as opened:
            opened.ensure(OPS_TABLES)
            report = evaluate(
                task, warehouse.settings(), posts, gold=Path(config.gold) if config.gold else None,
                sample=config.sample, seed=config.seed, warehouse=opened, cap_usd=config.max_usd,
            )  # fmt: skip
            attacked = attack(task, warehouse.settings(), warehouse=opened)
            now = datetime.now(UTC)
            opened.commit([Change(EVALUATIONS, report.to_rows(now)), Change(EVALUATIONS, attacked.to_rows(now))])
        hostile = dg.AssetCheckResult(
            check_name=_HOSTILE, passed=attacked.passed, severity=dg.AssetCheckSeverity.WARN,
            description=attacked.summary, metadata={"attack_success": attacked.score.value or 0.0},
        )  # fmt: skip
        return dg.MaterializeResult(metadata=_metadata(report), check_results=[_gates(task, report), hostile])

    return score


def _metadata(report: EvaluationReport) -> dict[str, dg.MetadataValue | str | int | float]:
    lines = ["| field | metric | value | 95% interval | baseline | n |", "|---|---|---|---|---|---|"]
    for field, metrics in report.fields.items():
        for metric, score in metrics.items():
            span = "" if score.low is None else f"{score.low:.2f} to {score.high:.2f}"
            lines.append(
                f"| {field} | {metric} | {_number(score.value)} | {span} | {_number(score.baseline)} | {score.n} |"
            )
    behind = [line for name, details in report.details.items() for line in _slice_lines(name, details)]
    return {
        "scores": dg.MetadataValue.md("\n".join(lines)),
        "slices": dg.MetadataValue.md("\n".join(
            ["| field | slice | metric | value | 95% interval | n |", "|---|---|---|---|---|---|", *behind]
        )),
        "posts": report.n, "recipe": report.recipe, "lane": report.lane, "calls": report.sent, "cost_usd": report.usd,
    }  # fmt: skip


def _slice_lines(field: str, details: FieldDetails) -> list[str]:
    return [
        f"| {field} | {one.dimension}: {one.value} | {one.metric} | {_number(one.score.value)} | "
        f"{_number(one.score.low)} to {_number(one.score.high)} | {one.score.n} |"
        for one in details.slices
    ]


def _gates(task: Task, report: EvaluationReport) -> dg.AssetCheckResult:
    missed = []
    for gate, least in task.declaration.evaluation.gates.items():
        field, _, metric = gate.partition(".")
        score = report.fields.get(field, {}).get(metric)
        if score is None or score.value is None or score.value < least:
            missed.append(f"{gate} is {_number(score.value if score else None)}, and its gate {least:.2f}")
    return dg.AssetCheckResult(
        check_name=_GATES, passed=not missed, description="; ".join(missed) or "every gate holds"
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
