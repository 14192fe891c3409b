"""`groups` from posts to Feast by our own graph, in this process, over days with and without posts."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg
import pytest
from dagster_home import APART, FIRST, POSTS, SECOND, Yard, metadata_by_day, run_job, yard_at

from orchestration.definitions import defs

ATTRIBUTES, FEATURES = dg.AssetKey(["attributes", "groups"]), dg.AssetKey(["features", "groups"])
DAYS = [FIRST, SECOND, "2024-11-20", "2024-11-21", "2024-11-22", "2024-11-23", "2024-11-24", APART]


@dataclass(frozen=True)
class Done:
    """A materialised home."""

    yard: Yard
    instance: dg.DagsterInstance
    definitions: dg.Definitions
    result: dg.ExecuteInProcessResult


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    with yard_at(tmp_path_factory.mktemp("groups")) as yard, dg.DagsterInstance.get() as instance:
        yard.ingest(*POSTS)
        definitions = defs()
        yield Done(yard, instance, definitions, run_job(instance, definitions, "groups", FIRST, APART))


def test_each_day_shows_its_own_figures(done: Done) -> None:
    shown = metadata_by_day(done.instance, ATTRIBUTES)

    names = ("rows", "quarantined", "pending", "calls", "seconds", "cost_usd", "recipe")
    found = {day: tuple(figures.get(name) for name in names) for day, figures in shown.items()}
    assert (
        found
        == {
            FIRST: (2, 0, 0, 1, 0.05, 0.01, "groups@1"),
            SECOND: (1, 1, 0, 2, 0.05, 0.01, "groups@1"),  # a refused call is free
            APART: (1, 0, 0, 1, 0.05, 0.01, "groups@1"),
            **{day: (0, *[None] * 6) for day in DAYS[2:-1]},
        }
    )


def test_each_days_figures_are_those_of_sql(done: Done) -> None:
    shown = metadata_by_day(done.instance, ATTRIBUTES)

    for day in (FIRST, SECOND, APART):
        rows = done.yard.rows("SELECT count(*) FROM attributes.groups WHERE day = ?", day)
        quarantined = done.yard.rows("SELECT count(*) FROM ops.quarantine WHERE task = 'groups' AND day = ?", day)
        calls = done.yard.rows(
            "SELECT count(*), sum(input_tokens)::BIGINT, sum(output_tokens)::BIGINT, sum(latency_seconds), sum(usd) "
            "FROM ops.ledger WHERE task = 'groups' AND day = ?",
            day,
        )
        names = ("calls", "input_tokens", "output_tokens", "seconds", "cost_usd")
        assert [(shown[day]["rows"],), (shown[day]["quarantined"],)] == [*rows, *quarantined]
        assert [tuple(shown[day][name] for name in names)] == calls


def test_the_run_is_summed_up_on_every_day(done: Done) -> None:
    shown = metadata_by_day(done.instance, ATTRIBUTES)

    summed = {name: {figures[name] for figures in shown.values()} for name in shown[FIRST] if name.startswith("run_")}
    del summed["run_id"], summed["run_seconds"]
    tokens = done.yard.rows("SELECT sum(input_tokens + output_tokens)::BIGINT FROM ops.ledger")[0][0]
    assert summed == {
        "run_recipe": {"groups@1"}, "run_rows": {4}, "run_quarantined": {1}, "run_failed": {0}, "run_pending": {0},
        "run_requests_sent": {4}, "run_replies_reused": {0}, "run_tokens": {tokens}, "run_cost_usd": {0.03},
    }  # fmt: skip


def test_published_rows_are_counted_by_day(done: Done) -> None:
    shown = metadata_by_day(done.instance, FEATURES)

    assert {day: figures["rows"] for day, figures in shown.items()} == dict.fromkeys(DAYS, 0) | {
        FIRST: 2, SECOND: 1, APART: 1
    }  # fmt: skip


def test_four_checks_pass_and_say_so_in_numbers(done: Done) -> None:
    checks = {check.check_name: check for check in done.result.get_asset_check_evaluations()}

    assert {name: (check.passed, check.description) for name, check in checks.items()} == {
        "completeness": (True, "5 planned = 4 extracted + 1 quarantined + 0 pending"),
        "validity": (True, "100.0% of 15 answers in 4 rows are valid"),
        "grounding": (True, "100.0% of 3 answers that must stand in the text do"),
        "ranges": (True, "0 stored values are outside their range or labels; 0 answers were dropped for it"),
    }


def test_checks_carry_the_table_by_field(done: Done) -> None:
    checks = {check.check_name: check.metadata for check in done.result.get_asset_check_evaluations()}

    expected = {"is_recruiting": (4, 4), "topics": (4, 3), "age_bands": (4, 1), "gender": (4, 4),
                "recurring": (4, 0), "meets_at": (4, 3)}  # fmt: skip
    for name in ("validity", "grounding", "ranges"):
        rows = [record.data for record in checks[name]["fields"].records]
        assert {row["field"]: (row["rows"], row["answered"]) for row in rows} == expected


def test_completeness_carries_the_table_by_day(done: Done) -> None:
    checks = {check.check_name: check.metadata for check in done.result.get_asset_check_evaluations()}

    assert [record.data for record in checks["completeness"]["days"].records] == [
        {"recipe": "groups@1", "day": day, "planned": planned, "extracted": extracted, "quarantined": quarantined,
         "pending": 0, "lost": 0, "doubled": 0}
        for day, planned, extracted, quarantined in ((FIRST, 2, 2, 0), (SECOND, 2, 1, 1), (APART, 1, 1, 0))
    ]  # fmt: skip


def test_no_text_of_a_post_is_in_dagsters_files(done: Done) -> None:
    """Events, tags and captured output: everything that the instance has written, searched as bytes."""
    written = b"".join(path.read_bytes() for path in (done.yard.home / "dagster").rglob("*") if path.is_file())

    texts = [str(post[column]) for post in POSTS for column in ("title", "body") if str(post[column]).strip()]
    pieces = [word for text in texts for word in text.split() if not word.isascii() or "," in word]
    found = [piece for piece in pieces if piece.encode() in written or json.dumps(piece)[1:-1].encode() in written]
    assert found == []
    assert len(pieces) == 28
    assert b"is_recruiting" in written


def test_running_again_sends_nothing_and_writes_nothing(done: Done) -> None:
    before, sent = done.yard.warehouse.snapshot, len(done.yard.sent())

    again = run_job(done.instance, done.definitions, "groups", FIRST, APART)

    assert again.success
    assert (done.yard.warehouse.snapshot, len(done.yard.sent())) == (before, sent)


def test_a_day_without_posts_is_no_failure(done: Done) -> None:
    result = run_job(done.instance, done.definitions, "groups", "2024-11-21")

    assert result.success
    assert metadata_by_day(done.instance, ATTRIBUTES)["2024-11-21"]["rows"] == 0


def test_the_graph_ends_in_feast(done: Done) -> None:
    from feature_repo.store import open_store

    store = open_store(done.yard.settings)
    served = store.get_online_features(
        features=store.get_feature_service("groups_service"),
        entity_rows=[{"group_id": "town:g1"}, {"group_id": "town:g4"}],
    ).to_dict()

    assert (served["topics"], served["gender__recipe"]) == ([["running"], None], ["groups@1", None])
