"""Active choice over a warehouse: what is chosen, what it costs, and that a run pays for exactly that."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from sales import MARKET, is_vague, sale, write_sales
from scenario import ALL_DAYS, Project, make_project, write_task

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'madang[student]'")

from madang.cli import main
from madang.distillation.choice import choose_posts
from madang.distillation.dataset import LabelFile
from madang.distillation.distil import distil
from madang.errors import InputError

POSTS = range(2_000, 2_060)
FIELDS = {"kind": MARKET["fields"]["kind"]}


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project of posts that nobody has answered: a cascade in `market`, the teacher alone in `bazaar`."""
    project = make_project(tmp_path_factory.mktemp("choice") / "project", usd=0.01)
    write_task(project.folder / "assets" / "market", MARKET | {"fields": FIELDS})
    alone = {"name": "bazaar", "fields": FIELDS, "models": [{"use": "local", "max_tokens": 96}]}
    write_task(project.folder / "assets" / "bazaar", MARKET | alone)
    with (project.folder / "madang.toml").open("a") as file:
        file.write('[tool.madang.models.small]\nlane = "student"\nstudent = "market"\naudit_share = 0.0\n')
    posts, answers = write_sales(project.folder / "labels", 400)
    made = distil(project.task("market"), project.settings, [LabelFile(answers, posts, "teacher")])
    assert made.verdict.is_promoted
    project.ingest(*(sale(number)[0] for number in POSTS))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MADANG_PROJECT", "MADANG_HOME", "MADANG_CONFIG"):
            patch.setenv(name, project.environment[name])
        yield replace(project, main="market")
    project.close()


def test_posts_that_do_not_say_are_worth_paying_for_and_those_that_it_answers_are_not(yard: Project) -> None:
    vague = {f"s{number}" for number in POSTS if is_vague(number)}
    found = choose_posts(yard.task("market"), yard.settings, yard.warehouse, ALL_DAYS, 5)

    assert {post.post_id for post in found.posts} <= vague
    assert (found.student, found.is_released, found.pending, found.looked_at) == ("market@1", True, 60, 60)
    assert found.kept > 30
    assert all(post.field == "kind" and post.confidence is not None and post.confidence < 0.9 for post in found.posts)


def test_what_it_costs_is_the_teachers_price(yard: Project) -> None:
    found = choose_posts(yard.task("market"), yard.settings, yard.warehouse, ALL_DAYS, 3)

    (lane,) = found.paying.estimate.lanes
    assert (lane.name, lane.amount.calls, lane.reserved_usd) == ("local", 3, pytest.approx(0.03))
    assert found.paying.plan.counts == {"new": 3, "not chosen": 57}


def test_without_a_student_posts_are_chosen_for_unlikeness_alone(yard: Project) -> None:
    found = choose_posts(yard.task("bazaar"), yard.settings, yard.warehouse, ALL_DAYS, 5)

    assert (found.student, found.kept, len(found.posts)) == ("", 0, 5)
    assert [post.confidence for post in found.posts] == [None] * 5


def test_a_task_that_asks_no_model_has_nobody_to_pay(yard: Project) -> None:
    task = write_task(
        yard.folder / "assets" / "reading",
        MARKET | {"name": "reading", "fields": {"price": {"kind": "money", "read": "goods.price"}}, "models": []},
    )

    with pytest.raises(InputError, match="no teacher to pay"):
        choose_posts(yard.task(task.name), yard.settings, yard.warehouse, ALL_DAYS, 5)


def test_the_command_tells_posts_reasons_and_cost_and_sends_nothing(yard: Project) -> None:
    result = CliRunner().invoke(main, ["choose", "market", "--limit", "3"], catch_exceptions=False)

    assert result.exit_code == 0
    first, head, *_ = result.output.splitlines()
    assert first.startswith("3 chosen, by what market@1 (released) doubts, and unlikeness; 60 of 60 pending posts")
    assert first.endswith("that it answers itself are left out")
    assert head.split() == ["post", "least", "sure", "of", "sure", "stands", "for"]
    assert "60 posts planned" not in result.output
    assert "3 posts planned (3 new, 57 not chosen)" in result.output
    assert result.output.splitlines()[-1].startswith("nothing was sent; --write FILE keeps the posts")
    assert yard.sent() == []


def test_a_run_of_the_file_pays_for_the_chosen_posts_and_no_other(yard: Project, tmp_path: Path) -> None:
    file = tmp_path / "next.jsonl"
    told = CliRunner().invoke(main, ["choose", "market", "--limit", "4", "--write", str(file)], catch_exceptions=False)
    chosen = [json.loads(line)["post_id"] for line in file.read_text().splitlines()]
    command = told.output.splitlines()[-1].partition("madang ")[2].split()
    planned = CliRunner().invoke(main, ["plan", "market", "--only", str(file)], catch_exceptions=False)
    result = CliRunner().invoke(main, command, catch_exceptions=False)

    assert command == ["run", "market", "--only", str(file), "--max-usd", "0.04"]
    assert "4 posts planned (4 new, 56 not chosen)" in planned.output
    assert "4 extracted, 0 quarantined, 56 pending" in result.output
    rows = yard.rows("SELECT post_id, lane FROM attributes.market ORDER BY post_id")
    assert rows == [(post_id, "online") for post_id in sorted(chosen)]

    again = CliRunner().invoke(main, command, catch_exceptions=False)
    assert again.exit_code == 3
    assert "nothing is pending (56 not chosen, 4 unchanged)" in again.output
