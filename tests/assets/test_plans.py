"""`plans/<task>` over days with and without posts: what it shows is what `madang plan` says, and it does nothing."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import dagster as dg
import polars as pl
import pytest
from click.testing import CliRunner
from dagster_home import APART, FIRST, POSTS, READERS, SECOND, Yard, run_job, yard_at
from scenario import post

from madang.cli import main
from madang.ops import RECIPES
from madang.warehouse.protocol import Change
from orchestration.day_ranges import RANGE_END, RANGE_START
from orchestration.definitions import defs

ATTRIBUTES, PLANS = dg.AssetKey(["attributes", "groups"]), dg.AssetKey(["plans", "groups"])
MORE = post("g6", "cafe 20s 커피 모임 모집", board="취미", event_at=READERS["event_at"])


@dataclass(frozen=True)
class Seen:
    """Dry runs of a home with rows of the first day, another recipe since, and a post more.

    Args:
        observed: Observations of attributes/groups, in order.
        materialised: Metadata of plans/groups by day.
        cli: What `madang plan --json` and `madang plan` say of the same days.
        requests: Requests that the model received before and after the dry run.
        snapshots: The warehouse's snapshot before and after it.
        result: Of the run.
    """

    observed: list[dg.AssetObservation]
    materialised: dict[str | None, dict[str, Any]]
    cli: tuple[dict[str, Any], str]
    requests: tuple[int, int]
    snapshots: tuple[int, int]
    result: dg.ExecuteInProcessResult


def values(event: dg.AssetObservation | dg.AssetMaterialization) -> dict[str, Any]:
    return {name: value.value for name, value in event.metadata.items()}


def dry_run_of(instance: dg.DagsterInstance, first: str, last: str) -> dg.ExecuteInProcessResult:
    """What the page does that materialises a range of plans/groups."""
    job = defs().get_repository_def().get_implicit_global_asset_job_def()
    return job.get_subset(asset_selection={PLANS}).execute_in_process(
        instance=instance, tags={RANGE_START: first, RANGE_END: last}
    )


def said(yard: Yard, *arguments: str) -> str:
    result = CliRunner().invoke(main, ["plan", "groups", "--from", FIRST, "--to", SECOND, *arguments])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    with yard_at(tmp_path_factory.mktemp("plans")) as yard, dg.DagsterInstance.get() as instance:
        yard.ingest(*POSTS)
        run_job(instance, defs(), "groups", FIRST)
        yard.ingest(MORE)
        requests, snapshot = len(yard.sent()), yard.warehouse.snapshot
        result = dry_run_of(instance, FIRST, SECOND)
        yield Seen(
            [record.event_log_entry.asset_observation for record in
             instance.fetch_observations(ATTRIBUTES, limit=100, ascending=True).records],
            {record.partition_key: values(record.asset_materialization) for record in
             instance.fetch_materializations(PLANS, limit=100).records},
            (json.loads(said(yard, "--json")), said(yard)),
            (requests, len(yard.sent())), (snapshot, yard.warehouse.snapshot), result,
        )  # fmt: skip


def test_the_observation_holds_the_figures_of_the_command(seen: Seen) -> None:
    plain, text = seen.cli
    shown = values(seen.observed[-1])

    same = ("posts", "pending", "new", "edited", "recipe_changed", "unchanged", "quarantined", "recipe", "calls",
            "reused", "blank", "reserved_usd")  # fmt: skip
    assert {name: shown[f"plan_{name}"] for name in same} == {name: plain[name] for name in same}
    for name in ("usd", "minutes"):
        ends = (shown[f"plan_{name}_low"], shown[f"plan_{name}"], shown[f"plan_{name}_high"])
        assert ends == tuple(plain[name].values())
    for name in ("input_tokens", "output_tokens"):
        assert shown[f"plan_{name}"] == plain["lanes"][0][name]["expected"]
    assert shown["plan_days"] == f"{FIRST} to {SECOND}"
    assert shown["plan"] == f"```text\n{text}```"
    assert (shown["plan_pending"], shown["plan_unchanged"], shown["plan_calls"]) == (3, 2, 3)


def test_each_day_with_pending_posts_is_observed_and_each_selected_one_recorded(seen: Seen) -> None:
    names = ("pending", "new", "edited", "recipe_changed")
    observed = [(event.partition, values(event)) for event in seen.observed]
    recorded = {day: tuple(figures.get(name) for name in names) for day, figures in seen.materialised.items()}

    assert [(day, figures.get("new")) for day, figures in observed] == [(SECOND, 3), (None, None)]
    assert recorded == {FIRST: (0, None, None, None), SECOND: (3, 3, 0, 0)}
    assert seen.materialised[SECOND]["plan_pending"] == 3


def test_a_dry_run_sends_nothing_and_writes_nothing(seen: Seen) -> None:
    assert seen.result.success
    assert seen.requests == (1, 1)
    assert seen.snapshots[0] == seen.snapshots[1]
    kinds = Counter(event.event_type_value for event in seen.result.all_events)
    assert (kinds["ASSET_OBSERVATION"], kinds["ASSET_MATERIALIZATION"]) == (2, 2)


def test_the_recipes_change_is_shown_with_its_reasons(tmp_path_factory: pytest.TempPathFactory) -> None:
    with yard_at(tmp_path_factory.mktemp("changed")) as yard, dg.DagsterInstance.get() as instance:
        yard.ingest(*POSTS)
        run_job(instance, defs(), "groups", FIRST, APART)
        had_a_line_more(yard)
        dry_run_of(instance, FIRST, APART)
        found = instance.fetch_observations(ATTRIBUTES, limit=1).records[0].event_log_entry.asset_observation

    records = found.metadata["plan_recipe_changes"].records
    assert [record.data for record in records] == [
        {"part": "prompt", "detail": "0 lines added, 1 removed", "asked_again": True}
    ]
    assert (values(found)["plan_recipe_changed"], values(found)["plan_recipe"]) == (4, "new")


def had_a_line_more(yard: Yard) -> None:
    """Makes groups@1 a recipe whose prompt had another line: the tasks are the repository's, which no test edits."""
    before = yard.warehouse.read("SELECT * FROM ops.recipes")
    content = json.loads(before["content"][0])
    content["request"]["messages"][0][1] += "\nAnswer in one line."
    other = before.with_columns(recipe_hash=pl.lit("0" * 64), content=pl.lit(json.dumps(content)))
    yard.warehouse.commit([Change(RECIPES, before, "delete"), Change(RECIPES, other)])
