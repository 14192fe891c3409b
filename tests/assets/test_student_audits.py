"""A student whose promise breaks: its lane is closed, its posts go to the teacher, people on call are told, once."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import dagster as dg
import pytest
from alerted import Alerted, serve_alerts
from sales import MARKET, sale, write_sales
from scenario import Project, make_project, write_task

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'madang[student]'")

from assets.students import audit_key, student_asset, student_audit
from madang.alerts import ADDRESS
from madang.distillation.audit import Audits, is_audit_due
from madang.distillation.dataset import LabelFile
from madang.distillation.distil import distil
from madang.distillation.registry import Registry
from madang.task import Task
from orchestration.schedules import student_audits
from resources import WarehouseResource

KEY = audit_key("market")


@dataclass(frozen=True)
class Yard:
    """A project with a cascade, and what Dagster makes of it."""

    project: Project
    instance: dg.DagsterInstance
    alerted: Alerted

    @property
    def task(self) -> Task:
        return self.project.task("market")

    def definitions(self) -> dg.Definitions:
        job = dg.define_asset_job("market", selection=dg.AssetSelection.assets(student_asset(self.task)))
        return dg.Definitions(
            assets=[student_asset(self.task)], asset_checks=[student_audit(self.task)],
            schedules=[student_audits([job], self.project.settings)], resources={"warehouse": WarehouseResource()},
            executor=dg.in_process_executor,
        )  # fmt: skip

    def morning(self) -> tuple[bool, bool, str] | str:
        """One tick: whether the run and the check succeeded, and what the check says; or why there was no run."""
        definitions = self.definitions()
        schedule = definitions.resolve_schedule_def("student_audits")
        with dg.build_schedule_context() as context:
            told = schedule.evaluate_tick(context)
        if told.skip_message:
            return told.skip_message
        (request,) = told.run_requests or []
        assert request.asset_check_keys == [KEY]
        job = definitions.resolve_job_def("student_audits")
        run = job.execute_in_process(instance=self.instance, raise_on_error=False)
        (check,) = run.get_asset_check_evaluations()
        return run.success, check.passed, str(check.description)

    def classify(self, first: int, count: int) -> dict[str, int]:
        """Lands posts and runs them; rows of each lane."""
        self.project.ingest(*(sale(number)[0] for number in range(first, first + count)))
        self.project.run("market")
        names = ", ".join(f"'s{number}'" for number in range(first, first + count))
        return dict(self.project.rows(
            f"SELECT lane, count(*) FROM attributes.market WHERE post_id IN ({names}) GROUP BY lane"
        ))  # fmt: skip

    def teach(self) -> str:
        posts, answers = write_sales(self.project.folder / "labels", 400)
        made = distil(self.task, self.project.settings, [LabelFile(answers, posts, "teacher")], fields=["kind"])
        assert made.verdict.is_promoted
        return made.student.name


@pytest.fixture
def yard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Yard]:
    project = make_project(tmp_path / "project")
    write_task(project.folder / "assets" / "market", MARKET | {"fields": {"kind": MARKET["fields"]["kind"]}})
    for name in ("MADANG_PROJECT", "MADANG_HOME", "MADANG_CONFIG"):
        monkeypatch.setenv(name, project.environment[name])
    with (project.folder / "madang.toml").open("a") as file:
        file.write('[tool.madang.models.small]\nlane = "student"\nstudent = "market"\naudit_share = 1.0\n')
    with dg.DagsterInstance.ephemeral() as instance, serve_alerts() as (address, told):
        monkeypatch.setenv(ADDRESS, address)
        yield Yard(replace(project, main="market"), instance, told)
    project.close()


def test_a_broken_promise_closes_the_lane_alerts_once_and_ends_with_another_student(yard: Yard) -> None:
    assert yard.morning() == "no student is released whose lane is open"

    assert [yard.teach(), yard.teach()] == ["market@1", "market@2"]
    assert yard.morning() == (True, True, "market@2 is open; nothing audited (no post yet)")

    # The scripted model answers by words that no post has: nearly every audited answer differs from the student's.
    yard.classify(2_000, 40)
    yard.alerted.status = 503
    succeeded, passed, told = yard.morning()  # type: ignore[misc]
    assert (succeeded, passed) == (False, False)
    assert "market@2 is closed, " in told
    assert "right less often than the 95% promised: kind " in told
    assert "Nobody could be told (MADANG_ALERT_URL: Service Unavailable)" in told

    yard.alerted.status = 200
    assert yard.morning()[:2] == (False, False)
    assert len(yard.alerted.texts) == 1
    assert yard.alerted.texts[0].startswith("madang: student market@2 is closed, ")
    assert yard.morning() == "no student is released whose lane is open"

    assert yard.classify(3_000, 10) == {"online": 10}
    registry = Registry(yard.project.settings.home)
    assert len(Audits(yard.project.home, registry.find("market@2")).notes()) >= 30

    assert registry.rollback("market") == "market@1"
    assert yard.morning() == (True, True, "market@1 is open; nothing audited (no post yet)")
    yard.classify(4_000, 10)
    assert len(Audits(yard.project.home, registry.find("market@1")).notes()) >= 5
    assert len(yard.alerted.texts) == 1


def test_a_released_student_that_is_gone_is_left_to_its_own_audit(tmp_path: Path) -> None:
    """The schedule asks this of all tasks at once: one folder that was deleted ended every task's audit."""
    releases = tmp_path / "students" / "market" / "releases.jsonl"
    releases.parent.mkdir(parents=True)
    releases.write_text('{"student": "market@1", "identity": "abc"}\n')

    assert is_audit_due(tmp_path, "market")
    assert not is_audit_due(tmp_path, "garden")
