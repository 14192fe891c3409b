"""Erasure where the warehouse is BigQuery: what goes, what is told of the rest, and what happens in between."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from remnants import holding
from scenario import ALL_DAYS, Project, make_project, post
from services.bigquery_faults import Fault, FaultyBigQuery, faulty_bigquery

from feature_repo.store import forget
from madang.cli import main
from madang.erasure.erase import Erasure
from madang.erasure.receipt import Line, Post, Receipt
from madang.errors import InputError, WarehouseError
from madang.extraction.checks import completeness
from madang.features import publish
from madang.posts.table import RAW_POSTS
from madang.warehouse import open_warehouse
from madang.warehouse.bigquery import BigQueryWarehouse

pytestmark = pytest.mark.service
# Each test erases a post of its own, known by a syllable.
WORD, SYLLABLES = "햇마루늪여울바위섬", "가나다라마바사"
KEPT = post("kept", "#한강공원 running 모집")
FIELDS: dict[str, Any] = {
    "topics": {"kind": "labels", "of": ["running", "hiking"], "max": 3},
    "note": {"kind": "text", "max_chars": 40},
    "spots": {"kind": "mentions", "of": {"is_review": {"kind": "flag"}}},
}
_QUERY = r"/(queries|jobs)\?"
_DELETION = "DELETE FROM .*raw"


def marked(name: str, body: str = "") -> dict[str, object]:
    """The post of that name, and so of that syllable."""
    return post(name, body or f"#{WORD}{name} running 모집", title=f"{WORD}{name} 모임")


@pytest.fixture(scope="module")
def server(emulator: str) -> Iterator[FaultyBigQuery]:
    with faulty_bigquery(emulator) as told:
        yield told


@pytest.fixture(scope="module")
def environment(
    tmp_path_factory: pytest.TempPathFactory, server: FaultyBigQuery
) -> Iterator[tuple[Project, pytest.MonkeyPatch]]:
    """A project whose warehouse is in BigQuery, in which posts have landed, been read and published."""
    made = make_project(tmp_path_factory.mktemp("erasure") / "project", ("meetups",))
    made.edit("meetups", lambda declared: declared.update(fields=FIELDS))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MADANG_PROJECT", "MADANG_HOME", "MADANG_CONFIG"):
            patch.setenv(name, made.environment[name])
        patch.setenv("BIGQUERY_EMULATOR_HOST", server.address)
        patch.setenv("MADANG_WAREHOUSE", f"bigquery:madang-test.m{uuid.uuid4().hex[:8]}")
        vars(made)["warehouse"] = open_warehouse(made.settings)
        made.ingest(*map(marked, SYLLABLES), KEPT)
        made.run()
        publish(made.warehouse, made.settings, made.task(), ALL_DAYS)
        yield made, patch
        made.close()


@pytest.fixture
def town(environment: tuple[Project, pytest.MonkeyPatch], server: FaultyBigQuery) -> Project:
    """The project, without faults."""
    server.faults.clear()
    return environment[0]


def erase(town: Project, name: str, **options: Any) -> Receipt:
    """Erases a post as the command does."""

    def forgotten(*arguments: Any) -> tuple[int, bool]:
        *most, is_dry_run = arguments
        return forget(*most, is_dry_run=is_dry_run)

    named = Post("town", name)
    return Erasure(town.settings, town.warehouse, named, forgotten, patience_seconds=0.5, **options).run()


def lines(receipt: Receipt) -> dict[str, Line]:
    return {line.store: line for line in receipt.lines}


def removed(receipt: Receipt) -> dict[str, int]:
    return {line.store: line.removed for line in receipt.lines if line.removed}


def tables_with(town: Project, word: str) -> set[str]:
    """Tables in which a word stands."""
    opened = town.warehouse
    assert isinstance(opened, BigQueryWarehouse)
    return {name for name in opened.datasets.columns() if word in str(opened.read(f"SELECT * FROM {name}").to_dicts())}


def test_a_post_leaves_every_table_and_the_receipt_says_so(town: Project) -> None:
    word = f"{WORD}가"
    before = tables_with(town, word)
    looked, receipt = erase(town, "가", is_dry_run=True), erase(town, "가")

    rows = dict.fromkeys(["raw.posts", "attributes.meetups", "attributes.meetups__spots", "ops.plans", "ops.replies",
                          "features.meetups"], 1)  # fmt: skip
    assert before == set(rows) - {"ops.plans"}
    assert tables_with(town, word) == set()
    assert holding(town.home, word) == set()
    assert [{name: removed(one).get(name) for name in rows} for one in (looked, receipt)] == [rows, rows]
    assert receipt.is_complete
    stored = town.rows("SELECT store, state, removed FROM ops.erasures WHERE post_id = '가' AND store <> 'erasure'")
    assert sorted(stored) == sorted((line.store, line.state, line.removed) for line in receipt.lines)
    assert ("kept", "#한강공원") in town.rows("SELECT post_id, note FROM attributes.meetups__live")
    assert completeness(town.warehouse, town.task(), ALL_DAYS).passed


def test_an_erased_post_that_is_landed_again_is_refused(town: Project) -> None:
    erase(town, "나")

    landed = town.ingest(marked("나", "now with another text"), KEPT)

    assert (landed.landed, landed.refused) == (0, 1)
    assert town.rows("SELECT post_id FROM raw.posts WHERE post_id IN ('나', 'kept')") == [("kept",)]


def test_the_receipt_names_what_bigquery_keeps_and_until_when(town: Project) -> None:
    before = datetime.now(UTC).isoformat()
    receipt = erase(town, "다")
    found = lines(receipt)

    def told(store: str) -> datetime:
        """The moment in a line, to the minute."""
        return datetime.strptime(found[store].note.partition(" UTC")[0][-16:] + "+0000", "%Y-%m-%d %H:%M%z")

    kept = {store: line.state for store, line in found.items() if store.startswith("BigQuery")}
    assert kept == {
        "BigQuery staging": "removed", "BigQuery time travel": "outside", "BigQuery fail-safe": "outside",
        "BigQuery query results": "outside", "BigQuery snapshots, clones and exports": "outside",
    }  # fmt: skip
    travel, safe = told("BigQuery time travel"), told("BigQuery fail-safe")
    assert timedelta(days=7) <= travel - receipt.erased_at.replace(second=0, microsecond=0) < timedelta(days=7, hours=1)
    assert safe - travel == timedelta(days=7)
    # It is true: until then anybody who may read the dataset can read the post.
    past = f"SELECT count(*) AS n FROM raw.posts AT (TIMESTAMP => TIMESTAMPTZ '{before}') WHERE post_id = '다'"
    assert town.rows(past) == [(1,)]
    assert "max_time_travel_hours = 48" in found["BigQuery time travel"].note


def test_tables_of_a_warehouse_whose_name_begins_alike_are_not_touched(
    town: Project, environment: tuple[Project, pytest.MonkeyPatch]
) -> None:
    """Datasets go by their beginning: erasing in `madang` must not reach into `madang_test`."""
    own, address = town.warehouse, town.environment["MADANG_WAREHOUSE"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MADANG_WAREHOUSE", f"{address}_test")
        beside = open_warehouse(town.settings)
    beside.ensure([RAW_POSTS])
    assert isinstance(own, BigQueryWarehouse)
    named = own.datasets.columns()

    assert isinstance(beside, BigQueryWarehouse)
    assert set(beside.datasets.columns()) == {"ops.warehouse_lock", "raw.posts"}
    assert not any(name.startswith("test_") for name in named)
    beside.close()


def test_an_erasure_that_bigquery_stopped_in_the_middle_is_finished_by_another(
    town: Project, server: FaultyBigQuery
) -> None:
    server.faults.append(Fault("refuse", _QUERY, _DELETION, times=99, status=403, reason="quotaExceeded"))
    with pytest.raises(WarehouseError, match="quotaExceeded"):
        erase(town, "라")
    server.faults[:] = [Fault("refuse", _QUERY, _DELETION, status=503), Fault("lose", _QUERY, "MERGE INTO")]
    begun = town.rows("SELECT store, state FROM ops.erasures WHERE post_id = '라'")

    receipt = erase(town, "라")

    assert begun == [("erasure", "begun")]
    assert (receipt.is_complete, removed(receipt)["raw.posts"]) == (True, 1)
    assert tables_with(town, f"{WORD}라") == set()


def test_rows_that_were_streamed_in_a_moment_ago_make_it_run_again(town: Project, server: FaultyBigQuery) -> None:
    message = (
        "UPDATE or DELETE statement over table p.m_raw.posts would affect rows in the streaming buffer, which is not "
        "supported"
    )
    server.faults.append(Fault("refuse", _QUERY, _DELETION, status=400, reason="invalidQuery", message=message))

    beside, after = erase(town, "마"), erase(town, "마")

    assert (lines(beside)["warehouse"].state, beside.is_complete) == ("busy", False)
    assert "90 minutes" in lines(beside)["warehouse"].note
    assert "raw.posts" not in lines(beside)
    assert (removed(after)["raw.posts"], after.is_complete) == (1, True)


def test_a_post_that_nobody_knows_is_refused(town: Project) -> None:
    with pytest.raises(InputError, match="no post 'p9' of source 'town' has landed"):
        erase(town, "p9")


def test_the_command_prints_the_receipt(town: Project) -> None:
    told = CliRunner().invoke(main, ["erase", "--source", "town", "--post-id", "바", "--json"])

    receipt = json.loads(told.stdout)
    assert told.exit_code == 0
    assert [line["removed"] for line in receipt["stores"] if line["store"] == "raw.posts"] == [1]
    assert WORD not in told.output
