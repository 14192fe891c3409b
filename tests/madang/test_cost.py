"""`madang cost` and `madang plan` as a person reads them: what was spent, and what is to be."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from scenario import ALL_DAYS, DAY, NEXT_DAY, Project, frame, make_project, post, posts

from madang.cli import main
from madang.extraction.costs import By, Spending, spending, total
from madang.ops import LEDGER, OPS_TABLES
from madang.warehouse.ducklake import DuckLakeWarehouse
from madang.warehouse.protocol import Change

MODEL = "online:scripted-local"
GEMINI = """
[tool.madang.models.cloud]
lane = "online"
provider = "gemini"
model = "m"
project = "p"
input_usd_per_million = 1.0
cached_usd_per_million = 0.25
output_usd_per_million = 4.0
"""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Two runs at $0.002 a call: 5 posts of 2 days, one shared, one blank, one refused, and then one field derived
    otherwise. A process died with a call in flight, for which it had reserved $0.01, and its claim was adopted."""
    project = make_project(
        tmp_path_factory.mktemp("costs") / "project", ("meetups",), usd=0.002, reserve=0.005, fault="permanent"
    )
    project.ingest(
        post("p1", "running"), post("p2", "running"), post("p3", "cafe", event_at="2024-11-28T09:00:00+09:00"),
        post("p4", ""), post("p5", "fault"),
    )  # fmt: skip
    project.run()
    unknown = {
        "call_id": "c1", "request_hash": "in flight", "run": "dead", "task": "meetups", "recipe": "meetups@1",
        "model": MODEL, "lane": "online", "outcome": "unknown", "reserved_usd": 0.01, "usd": 0.01, "day": DAY,
        "sent_at": datetime.now(UTC), "settled_at": datetime.now(UTC),
    }  # fmt: skip
    project.warehouse.commit([Change(LEDGER, frame(LEDGER, unknown))])
    project.edit("meetups", lambda task: task["fields"]["is_open_to_all"].update(derive="gender == 'mixed'"))
    project.run()
    yield project
    project.close()


def spent(project: Project, by: By = "task", **options: object) -> dict[str, Spending]:
    found = spending(project.warehouse, project.settings, by, **options)  # type: ignore[arg-type]
    return {group.group: group for group in found}


def test_an_empty_warehouse_has_spent_nothing(town: Project, warehouse: DuckLakeWarehouse) -> None:
    none = spending(warehouse, town.settings)
    warehouse.ensure(OPS_TABLES)

    assert (none, spending(warehouse, town.settings), total([])) == ([], [], Spending("all"))


def test_every_call_and_row_of_a_task_is_counted(town: Project) -> None:
    [whole] = spent(town).values()

    assert (whole.calls, whole.ok, whole.failed, whole.unknown, whole.lost) == (5, 2, 2, 1, 0)
    assert (whole.posts, whole.reused) == (8, 4)
    assert (whole.input_tokens, whole.cached_tokens) == (len("running") + len("cafe"), 0)
    assert whole.saved_usd == pytest.approx(4 * 0.002)


def test_an_unknown_outcome_counts_at_what_it_had_reserved(town: Project) -> None:
    [whole] = spent(town).values()
    runs = spent(town, "run")

    assert (runs["dead"].unknown, runs["dead"].usd) == (1, 0.01)
    assert whole.usd == pytest.approx(2 * 0.002 + 0.01)
    assert whole.usd_per_1000_posts == pytest.approx(1000 * 0.014 / 8)


def test_a_recipe_that_only_reads_anew_costs_nothing_but_its_failures(town: Project) -> None:
    recipes = spent(town, "recipe")

    assert [(name, one.posts, one.reused) for name, one in recipes.items()] == [
        ("meetups@1", 4, 1),
        ("meetups@2", 4, 3),
    ]
    assert (recipes["meetups@2"].ok, recipes["meetups@2"].usd) == (0, 0.0)
    assert recipes["meetups@2"].saved_usd == pytest.approx(0.006)


@pytest.mark.parametrize(
    ("by", "posts"),
    [
        ("task", {"meetups": 8}),
        ("lane", {"online": 6, "reader": 2}),
        ("model", {MODEL: 6, "none": 2}),
        ("day", {"2024-11-27": 6, "2024-11-28": 2}),
    ],
)
def test_groups_add_up_to_the_whole(town: Project, by: By, posts: dict[str, int]) -> None:
    groups = spent(town, by)
    [whole] = spent(town).values()
    summed = total(list(groups.values()))

    assert {name: group.posts for name, group in groups.items()} == posts
    assert (summed.calls, summed.posts, summed.reused) == (whole.calls, whole.posts, whole.reused)
    assert summed.usd == pytest.approx(whole.usd)


def test_a_run_has_the_posts_whose_reply_it_paid_for(town: Project) -> None:
    paid = [group.posts for name, group in spent(town, "run").items() if group.ok]

    assert paid == [6]


def test_task_and_days_choose(town: Project) -> None:
    [next_day] = spent(town, days=(NEXT_DAY, NEXT_DAY)).values()

    assert (next_day.calls, next_day.posts, next_day.reused, next_day.usd) == (1, 2, 1, 0.002)
    assert spent(town, task="rentals") == {}
    assert spent(town, task="meetups", days=ALL_DAYS) == spent(town)


def test_a_cached_token_saves_what_the_prices_say_and_a_batch_job_is_left_out(tmp_path: Path) -> None:
    town = make_project(tmp_path / "project", ("meetups",))
    with (town.folder / "madang.toml").open("a", encoding="utf-8") as file:
        file.write(GEMINI)
    town.warehouse.ensure(OPS_TABLES)
    call = {"task": "meetups", "model": "gemini:m", "outcome": "ok", "usd": 0.1, "input_tokens": 1000,
            "cached_tokens": 800, "output_tokens": 9, "day": DAY}  # fmt: skip
    calls = [call | {"call_id": lane, "lane": lane, "request_hash": lane} for lane in ("online", "batch")]
    town.warehouse.commit([Change(LEDGER, frame(LEDGER, *calls))])
    lanes = spent(town, "lane")
    town.close()

    assert lanes["online"].cached_usd == pytest.approx(800 * 0.75 / 1e6)
    assert (lanes["batch"].cached_tokens, lanes["batch"].cached_usd) == (800, 0.0)


def shown(project: Project, *arguments: str) -> str:
    environment = {name: value for name, value in project.environment.items() if name.startswith("MADANG_")}
    result = CliRunner().invoke(main, list(arguments), env=environment)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_cost_is_a_table_or_json(town: Project) -> None:
    text = shown(town, "cost", "--by", "recipe", "--to", "2024-12-01").splitlines()
    plain = json.loads(shown(town, "cost", "--by", "recipe", "--json"))

    assert text == [
        "recipe     posts  calls  failed  unknown  lost  tokens in  out  dollars  a 1,000 posts  reused",
        "meetups@1      4      4       1        1     0         11  141   0.0140         3.5000       1",
        "meetups@2      4      1       1        0     0          0    0   0.0000         0.0000       3",
        "all            8      5       2        1     0         11  141   0.0140         1.7500       4",
        "saved: $0.0080 by 4 replies reused, $0.0000 by 0 cached tokens",
        "1 calls have an unknown outcome, and count at what was reserved for them",
    ]
    assert [group["group"] for group in plain["groups"]] == ["meetups@1", "meetups@2"]
    assert (plain["by"], plain["from"], plain["total"]["posts"]) == ("recipe", None, 8)
    assert plain["total"]["usd_per_1000_posts"] == pytest.approx(1.75)


def test_cost_before_any_run_says_so(tmp_path: Path) -> None:
    empty = make_project(tmp_path / "project", ("meetups",))

    assert shown(empty, "cost") == "nothing was sent\n"
    assert json.loads(shown(empty, "cost", "--json"))["groups"] == []


def test_a_plan_reads_like_a_build_plan(town: Project) -> None:
    town.edit("meetups", lambda task: task["models"][0].update(max_tokens=128))
    town.ingest(post("p1", "running and hiking"), *posts(2), post("p9", "running 모집 1번"))
    plan = shown(town, "plan", "meetups", "--to", "2024-12-01").splitlines()
    plain = json.loads(shown(town, "plan", "meetups", "--json"))

    assert plan[:7] == [
        "meetups 2016-01-01 to 2024-12-01, recipe new: 8 posts planned (1 edited, 4 new, 3 recipe)",
        "  + new             4",
        "  ~ edited          1",
        "  ~ recipe changed  3  they have a row of meetups@1",
        "  the recipe differs from meetups@1:",
        "    max_tokens: 96 → 128",
        "    derivation: is_open_to_all: gender in ['mixed', 'unspecified'] → gender == 'mixed'",
    ]
    assert plan[7] == "  calls: 6; 1 replies reused (0 stored, 1 shared with a post of the same text), 1 need none"
    assert plan[8].split() == ["lane", "model", "calls", "input", "tokens", "output", "tokens", "dollars", "minutes"]
    assert plan[9].split()[:3] == ["online", "local", "6"]
    assert "0.0300 (0.0000 to 0.0300)" in plan[9]
    assert plan[10] == "  expected (low to high); at most $0.0300 reserved if each call is sent once"
    assert plain["recipe_change"]["from"] == "meetups@1"
    assert [(one["part"], one["asked_again"]) for one in plain["recipe_change"]["reasons"]] == [
        ("max_tokens", True), ("derivation", False),
    ]  # fmt: skip
    assert (plain["recipe_changed"], plain["calls"], plain["lanes"][0]["reserved_usd"]) == (3, 6, 0.03)
