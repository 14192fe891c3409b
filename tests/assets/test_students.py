"""`students/market`: a student in Dagster."""

from pathlib import Path

import dagster as dg
import pytest
from dagster_home import yard_at
from sales import MARKET, write_sales
from scenario import write_task
from small_encoder import small_encoder

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'madang[student]'")

from assets.students import student_asset, student_audit
from madang.task import Task
from resources import WarehouseResource


def taught(folder: Path, posts: int, gates: dict[str, float], **more: object) -> dg.ExecuteInProcessResult:
    folder.mkdir(exist_ok=True)
    market = Task.load(write_task(folder / "market", MARKET | {"evaluation": {"gates": gates}}))
    file, answers = write_sales(folder / "labels", posts)
    config = {"posts": str(file), "teacher": str(answers), "fields": ["kind"], **more}
    with yard_at(folder), dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize(
            [student_asset(market), student_audit(market)], instance=instance, raise_on_error=False,
            resources={"warehouse": WarehouseResource()},
            run_config={"ops": {"students__market": {"config": config}}},
        )  # fmt: skip


def test_a_student_stands_on_its_asset_with_card_plot_and_checks(tmp_path: Path) -> None:
    result = taught(tmp_path / "yard", 240, {})

    (event,) = result.get_asset_materialization_events()
    metadata = event.materialization.metadata
    assert "| kind | accuracy |" in str(metadata["card"].value)
    assert str(metadata["trade_off"].value).startswith("![trade-off](data:image/svg+xml;base64,")
    assert (metadata["student"].value, metadata["posts"].value) == ("market@1", 240)
    checks = {check.check_name: check.passed for check in result.get_asset_check_evaluations()}
    assert (checks["gate"], checks["audit"]) == (True, True)


def test_the_training_of_an_encoder_is_a_plot_on_its_asset(tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="transformers is not installed: pip install 'madang[student]'")
    result = taught(tmp_path / "yard", 60, {}, encoder=small_encoder(tmp_path / "encoder"), trained_layers=1)

    (event,) = result.get_asset_materialization_events()
    metadata = event.materialization.metadata
    assert metadata["kind"].value == "encoder"
    assert str(metadata["curve"].value).startswith("![curve](data:image/svg+xml;base64,")


def test_a_refused_student_fails_the_gate_with_the_reason(tmp_path: Path) -> None:
    result = taught(tmp_path / "yard", 120, {"kind.accuracy": 0.99})

    gate = next(check for check in result.get_asset_check_evaluations() if check.check_name == "gate")
    assert not gate.passed
    assert "kind.accuracy is 0." in str(gate.description)
