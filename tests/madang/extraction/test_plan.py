"""Plans: what a run would touch and cost, read from hashes and lengths, and written nowhere."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from scenario import ALL_DAYS, DAY, NEXT_DAY, Project, make_project, post

from madang.errors import NothingPlanned
from madang.extraction.estimate import Calls, Estimate, estimate
from madang.extraction.plan import Plan, make_plan, pending_days
from madang.models.catalogue import Catalogue
from madang.ops import QUARANTINE
from madang.posts.table import RAW_POSTS
from madang.recipe import Recipe, recipe_of
from madang.warehouse.ducklake import DuckLakeWarehouse
from madang.warehouse.protocol import Change

ROUTES = [{"when": "chars > 100", "use": "larger", "max_tokens": 96}, {"use": "local", "max_tokens": 96}]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Posts that no run has seen."""
    project = make_project(tmp_path_factory.mktemp("plans") / "project", ("meetups",))
    project.edit("meetups", lambda task: task.update(models=ROUTES))
    project.ingest(
        post("p1", "running"), post("p2", "running"), post("p3", "hiking" + "가" * 100), post("p4", "🏃"),
        post("p5", "cafe", event_at="2024-11-28T09:00:00+09:00"), post("p6", "other board", board="rentals"),
        post("p7", "gone", deleted=True), post("p8", "no board", board=None),
    )  # fmt: skip
    yield project
    project.close()


def recipe(project: Project) -> Recipe:
    return recipe_of(project.task(), Catalogue(project.settings).identity)


def planned(project: Project, *days: date) -> Plan:
    return make_plan(project.warehouse, project.task(), recipe(project), days or ALL_DAYS)


def test_an_empty_warehouse_gives_an_empty_plan(town: Project, warehouse: DuckLakeWarehouse) -> None:
    plan = make_plan(warehouse, town.task(), recipe(town), ALL_DAYS)
    found = estimate(warehouse, town.task(), Catalogue(town.settings), plan)

    assert (plan.name, plan.total, plan.counts, plan.posts.height) == (None, 0, {}, 0)
    assert found == Estimate(Calls({}, 0, 0, 0))
    assert pending_days(warehouse, town.task(), recipe(town), ALL_DAYS) == {}
    with pytest.raises(NothingPlanned, match="no post of these days matches the task's `where`"):
        plan.require_posts()


def test_a_plan_takes_current_undeleted_posts_that_match_where(town: Project) -> None:
    plan = planned(town)

    assert plan.posts["post_id"].to_list() == ["p1", "p2", "p3", "p4", "p5"]
    assert plan.counts == {"new": 5}


def test_both_ends_of_the_days_are_included(town: Project) -> None:
    counts = [planned(town, *days).total for days in ((DAY, DAY), (NEXT_DAY, NEXT_DAY), (DAY, NEXT_DAY))]

    assert counts == [4, 1, 5]
    assert pending_days(town.warehouse, town.task(), recipe(town), ALL_DAYS) == {DAY: 4, NEXT_DAY: 1}


def test_planning_changes_nothing(town: Project) -> None:
    snapshot = town.warehouse.snapshot
    plan = planned(town)
    estimate(town.warehouse, town.task(), Catalogue(town.settings), plan)

    assert town.warehouse.snapshot == snapshot
    assert town.sent() == []


def test_calls_are_counted_by_model_with_shared_and_blank_posts_left_out(town: Project) -> None:
    calls = estimate(town.warehouse, town.task(), Catalogue(town.settings), planned(town)).calls
    prompt = len("Read the post.")

    assert calls == Calls(
        {"local": 2, "larger": 1}, reused=1, blank=1, chars=3 * prompt + len("running") + 106 + len("cafe"), shared=1
    )
    assert calls.total == 3


def test_lengths_count_code_points_of_the_text_that_the_task_reads(town: Project) -> None:
    lengths = dict(planned(town).posts.select("post_id", "chars").rows())

    assert lengths == {"p1": 7, "p2": 7, "p3": 106, "p4": 1, "p5": 4}


@pytest.fixture
def settled(tmp_path: Path) -> Iterator[Project]:
    """Two posts that have their rows."""
    project = make_project(tmp_path / "project", ("meetups",))
    project.ingest(post("p1", "running"), post("p2", "hiking"))
    project.run()
    yield project
    project.close()


def test_posts_that_landed_without_the_hash_of_both_texts_are_compared_all_the_same(settled: Project) -> None:
    landed = settled.warehouse.read("SELECT * FROM raw.posts").cast(dict(RAW_POSTS.polars_schema))
    settled.warehouse.commit([Change(RAW_POSTS, landed.with_columns(text_hash=pl.lit(None, pl.String())), "upsert")])
    settled.ingest(post("p2", "cafe"))

    assert planned(settled).counts == {"unchanged": 1, "edited": 1}


def test_a_warehouse_from_before_the_hash_of_both_texts_can_be_planned(settled: Project) -> None:
    settled.warehouse.read("ALTER TABLE raw.posts DROP COLUMN text_hash")

    assert planned(settled).counts == {"unchanged": 2}


def test_only_the_current_revision_is_planned_whatever_number_it_has(settled: Project) -> None:
    settled.ingest(
        post("zero", "cafe", revision=0), post("zero", "golf", revision=1),
        post("late", "cafe", revision=9), post("late", "golf", revision=4),
        post("gone", "cafe", revision=-1), post("gone", "golf", revision=0, deleted=True),
        post("moved", "cafe", revision=1), post("moved", "golf", revision=2, board="rentals"),
    )  # fmt: skip
    plan = planned(settled)

    assert plan.posts.select("post_id", "revision", "reason").rows() == [("late", 9, "new"), ("zero", 1, "new")]
    assert plan.counts == {"new": 2, "unchanged": 2}


def test_a_post_given_up_is_counted_and_not_planned(settled: Project) -> None:
    settled.ingest(post("bad", "no json"))
    content_hash = planned(settled).posts["content_hash"][0]
    given_up = {
        "task": "meetups", "recipe": "meetups@1", "source": "town", "post_id": "bad", "content_hash": content_hash,
        "day": DAY, "failure": "refused", "message": "", "run": "run", "quarantined_at": None,
    }  # fmt: skip
    settled.warehouse.commit([Change(QUARANTINE, pl.DataFrame([given_up], QUARANTINE.polars_schema))])
    plan = planned(settled)

    assert (plan.counts, plan.posts.height) == ({"unchanged": 2, "quarantined": 1}, 0)
    assert pending_days(settled.warehouse, settled.task(), recipe(settled), ALL_DAYS) == {}
