"""What a user sees in the browser, over a home with data of three days."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Page, browsing
from click.testing import CliRunner
from dagster._core.execution.backfill import BulkActionStatus
from dagster_home import FIRST, POSTS, READERS, SECOND, run_job
from dagster_serving import Serving, wait_for
from scenario import post

from madang.cli import main
from orchestration.definitions import defs

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browsing(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture(scope="module")
def filled(serving: Serving) -> Serving:
    """Rows of two days, made by this process if the daemon has not made them."""
    serving.yard.ingest(*POSTS)
    run_job(serving.instance, defs(), "groups", FIRST, SECOND)
    return serving


def table(text: str) -> dict[str, str]:
    """Metadata by name: the page puts each name and each value on a line of its own."""
    lines = [line.strip() for line in text.split("Metadata", 1)[1].splitlines() if line.strip()]
    return dict(zip(lines[::2], lines[1::2], strict=False))


@pytest.mark.parametrize("task", ["groups", "rentals"])
def test_the_lineage_of_a_task_goes_from_posts_to_feast(filled: Serving, page: Page, tmp_path: Path, task: str) -> None:
    page.open(f"{filled.url}/locations/madang/asset-groups/{task}/lineage")
    shown = page.wait_for("attributes", "features", "feast", "posts")
    page.picture(tmp_path / "lineage.png")

    assert [line.strip() for line in shown.splitlines()].count(task) >= 3


def test_a_days_page_shows_the_numbers_of_sql(filled: Serving, page: Page, tmp_path: Path) -> None:
    page.open(f"{filled.url}/assets/attributes/groups?view=partitions&partition={SECOND}")
    shown = table(page.wait_for("Latest materialization", "quarantined", "cost_usd", "run_seconds"))
    page.picture(tmp_path / "day.png")

    rows, quarantined = filled.yard.rows(
        "SELECT (SELECT count(*) FROM attributes.groups WHERE day = $1), "
        "(SELECT count(*) FROM ops.quarantine WHERE task = 'groups' AND day = $1)",
        SECOND,
    )[0]
    calls, tokens_in, tokens_out, usd = filled.yard.rows(
        "SELECT count(*), sum(input_tokens)::BIGINT, sum(output_tokens)::BIGINT, sum(usd) FROM ops.ledger "
        "WHERE task = 'groups' AND day = ?",
        SECOND,
    )[0]
    assert (rows, quarantined, calls, usd) == (1, 1, 2, 0.01)
    names = ("rows", "quarantined", "calls", "input_tokens", "output_tokens", "cost_usd")
    found = (rows, quarantined, calls, tokens_in, tokens_out, usd)
    assert tuple(shown[name] for name in names) == tuple(map(str, found))
    assert next(iter(shown)) == "rows"


def test_the_checks_page_shows_four_checks_and_the_table_by_field(filled: Serving, page: Page, tmp_path: Path) -> None:
    page.open(f"{filled.url}/assets/attributes/groups?view=checks&checkDetail=validity")
    shown = page.wait_for("completeness", "grounding", "ranges", "Latest execution", "is_recruiting", "not_in_text")
    page.picture(tmp_path / "checks.png")

    answered, rows = filled.yard.rows("SELECT count_if(len(topics) > 0), count(*) FROM attributes.groups")[0]
    topics = next(line.split("\t") for line in shown.splitlines() if line.startswith("topics\t"))
    assert [name for name in ("completeness", "grounding", "ranges", "validity") if f"\n{name}\n" in shown] == [
        "completeness", "grounding", "ranges", "validity"
    ]  # fmt: skip
    assert topics[:3] == ["topics", str(rows), str(answered)]
    assert "At least 95% of the answers are of the declared kind." in shown


def test_a_dry_run_of_a_range_is_shown_on_the_page_of_the_attributes(
    filled: Serving, page: Page, tmp_path: Path
) -> None:
    filled.yard.ingest(post("page1", "hiking 모집", board="취미", event_at=READERS["event_at"]))
    command = ["plan", "groups", "--from", FIRST, "--to", SECOND]
    text, plain = (CliRunner().invoke(main, [*command, *option]).output for option in ([], ["--json"]))
    requests = len(filled.yard.sent())

    asked = filled.ask(
        "mutation($of: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $of) "
        "{ ... on LaunchBackfillSuccess { backfillId } } }",
        {"of": {"assetSelection": [{"path": ["plans", "groups"]}], "partitionNames": [FIRST, SECOND]}},
    )
    backfill = asked["launchPartitionBackfill"]["backfillId"]
    wait_for(lambda: is_complete(filled, backfill), 60, "the dry run")
    page.open(f"{filled.url}/assets/attributes/groups?view=events")
    shown = page.wait_for("Observed in run", "plan_minutes_high", *(line.strip() for line in text.splitlines()))
    page.picture(tmp_path / "dry_run.png")

    # The first row is the command's own text, of several lines.
    figures = table(f"Metadata\nplan_days{shown.split('plan_days', 1)[1]}")
    names = ("posts", "pending", "new", "edited", "recipe_changed", "unchanged", "quarantined", "calls")
    assert {name: figures[f"plan_{name}"] for name in names} == {name: str(json.loads(plain)[name]) for name in names}
    assert figures["plan_new"] == "1"
    assert len(filled.runs(**{"dagster/backfill": backfill})) == 1
    assert len(filled.yard.sent()) == requests


def is_complete(serving: Serving, backfill: str) -> bool:
    found = serving.instance.get_backfill(backfill)
    return found is not None and found.status == BulkActionStatus.COMPLETED_SUCCESS
