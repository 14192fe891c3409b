"""`evaluation/groups`: scores, gates and hostile posts in Dagster."""

from pathlib import Path

import dagster as dg
from dagster_home import yard_at
from scenario import REPOSITORY

from assets.evaluation import evaluation_asset
from madang.declaration import Evaluation
from madang.task import Task, load_task
from resources import WarehouseResource


def gated(gates: dict[str, float]) -> Task:
    """The repository's groups with other gates."""
    task = load_task(REPOSITORY, "groups")
    evaluation = Evaluation(gold=task.declaration.evaluation.gold, gates=gates)
    return Task(task.declaration.model_copy(update={"evaluation": evaluation}), task.folder)


def scored(task: Task, folder: Path) -> tuple[dg.ExecuteInProcessResult, list[tuple[object, ...]]]:
    with yard_at(folder) as yard, dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            [evaluation_asset(task)], instance=instance, resources={"warehouse": WarehouseResource()}
        )
        rows = yard.rows("SELECT metric, value FROM ops.evaluations WHERE field IN ('*', 'gender') ORDER BY metric")
    return result, rows


def test_scores_stand_on_the_asset_and_in_the_warehouse(tmp_path: Path) -> None:
    result, rows = scored(gated({"topics.f1": 0.5}), tmp_path)

    (event,) = result.get_asset_materialization_events()
    metadata = event.materialization.metadata
    assert "| gender | accuracy |" in str(metadata["scores"].value)
    assert "| language: Korean |" in str(metadata["slices"].value)
    assert (metadata["lane"].value, metadata["calls"].value) == ("reader", 0)
    checks = {check.check_name: check.passed for check in result.get_asset_check_evaluations()}
    assert checks == {"gates": True, "hostile_posts": True}
    assert dict(rows)["attack_success"] == 0.0
    assert {metric for metric, _ in rows} >= {"accuracy", "macro_f1"}


def test_a_missed_gate_fails_and_says_by_how_much(tmp_path: Path) -> None:
    result, _ = scored(gated({"topics.f1": 0.999, "gender.accuracy": 0.1}), tmp_path)

    gate = next(check for check in result.get_asset_check_evaluations() if check.check_name == "gates")
    assert not gate.passed
    assert "topics.f1 is 0." in str(gate.description)
    assert "gender.accuracy" not in str(gate.description)
