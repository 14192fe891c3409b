"""Erasure: in a home where a post was landed, edited, asked, evaluated, published and served, no byte of it is left."""

import json
import sqlite3
import unicodedata
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner
from remnants import holding
from scenario import ALL_DAYS, DAY, Project, frame, make_project, post, write_posts

from feature_repo.store import apply_and_materialise, forget, open_store
from feature_repo.views import build
from madang.cli import main
from madang.erasure.erase import Erasure
from madang.erasure.receipt import Line, Post, Receipt
from madang.errors import InputError
from madang.evaluation import evaluate
from madang.extraction.checks import completeness
from madang.extraction.claims import Claim, Claims
from madang.extraction.jobs import Jobs
from madang.extraction.spool import Spool
from madang.features import publish
from madang.models.batch_journal import BatchJob
from madang.ops import LEDGER
from madang.releases import release
from madang.schema.types import TEXT, Column, Table
from madang.warehouse import Change

# Of syllables that NFD takes apart.
MARKER, EDITED, TITLED = "햇마루늪여울바위섬", "볕든골짜기너럭바위숲", "물안개오름돌담길목"
ERASED, KEPT = Post("town", "p1"), Post("town", "p2")
MARKED = post("p1", f"#{MARKER} running 모집 7", title=f"{TITLED} 모임")
REVISED = MARKED | {
    "title": unicodedata.normalize("NFD", TITLED),
    "body": f"#{EDITED} hiking 모집 8",
    "extra": {"form": EDITED},
}
OTHER = post("p2", "#한강공원 running 모집 3")
# So many that they lie in a data file, not in the catalog; no task reads them.
CROWD = [post(f"c{number:02}", f"아무 글 {number}", board="잡담") for number in range(12)]
FIELDS: dict[str, Any] = {
    "topics": {"kind": "labels", "of": ["running", "hiking"], "max": 3},
    "note": {"kind": "text", "max_chars": 40},
    "spots": {"kind": "mentions", "of": {"is_review": {"kind": "flag"}}},
}


def erase(project: Project, named: Post = ERASED, **options: Any) -> Receipt:
    """Erases a post as the command does."""

    def forgotten(*arguments: Any) -> tuple[int, bool]:
        *most, is_dry_run = arguments
        return forget(*most, is_dry_run=is_dry_run)

    options = {"patience_seconds": 0.5} | options
    return Erasure(project.settings, project.warehouse, named, forgotten, **options).run()


def serve(project: Project) -> None:
    """Publishes every day, and loads it into the online store."""
    settings, task = project.settings, project.task()
    publish(project.warehouse, settings, task, ALL_DAYS)
    apply_and_materialise(settings, build([task], settings), task, ALL_DAYS)


def online_note(project: Project, post_id: str) -> object:
    """What the online store serves of a post's note."""
    found = open_store(project.settings).get_online_features(
        ["meetups:note"], [{"meetup_id": f"town:{post_id}"}]
    ).to_dict()  # fmt: skip
    return found["note"][0]


def lines(receipt: Receipt) -> dict[str, Line]:
    return {line.store: line for line in receipt.lines}


@pytest.fixture
def town(project: Project) -> Project:
    """A project of one's own whose task is `meetups`, with a quoted text and mentions."""
    made = make_project(project.folder / "town", ("meetups",))
    made.edit("meetups", lambda declared: declared.update(fields=FIELDS))
    return made


def live_through(town: Project) -> None:
    """Lands, edits, asks by two recipes, evaluates, publishes and serves; another post beside."""
    town.ingest(MARKED, OTHER, *CROWD)
    town.run()
    serve(town)
    town.ingest(REVISED)
    town.run()
    serve(town)
    town.edit("meetups", lambda declared: declared["fields"]["note"].update(max_chars=30))
    town.run()
    release(town.warehouse, "meetups@2")
    serve(town)
    file = write_posts(town.folder / "elsewhere" / "posts.jsonl", [MARKED | {"body": f"#{MARKER} 모집 99"}, OTHER])
    gold = town.folder / "elsewhere" / "gold.jsonl"
    gold.write_text("".join(json.dumps({"post_id": name, "topics": ["running"]}) + "\n" for name in ("p1", "p2")))
    evaluate(town.task(), town.settings, file, gold=gold, warehouse=town.warehouse)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, set[str], Receipt]]:
    """The project after a whole life and the erasure; where the text stood before; the receipt."""
    made = make_project(tmp_path_factory.mktemp("lived") / "project", ("meetups",))
    made.edit("meetups", lambda declared: declared.update(fields=FIELDS))
    live_through(made)
    before = holding(made.home, MARKER, EDITED, TITLED)
    yield made, before, erase(made)
    made.close()


def test_the_text_stood_in_every_store_before(lived: tuple[Project, set[str], Receipt]) -> None:
    _, before, _ = lived

    assert before >= {
        "warehouse/catalog.sqlite", "warehouse/data/raw/posts", "eval/replies.sqlite",
        f"features/meetups/day={DAY}/part.parquet", "feast/online.sqlite",
    }  # fmt: skip


def test_no_byte_of_it_is_left_in_the_home(lived: tuple[Project, set[str], Receipt]) -> None:
    town, _, _ = lived

    assert holding(town.home, MARKER, EDITED, TITLED) == set()


def test_the_receipt_says_what_went_from_where(lived: tuple[Project, set[str], Receipt]) -> None:
    town, _, receipt = lived
    found = lines(receipt)

    removed = {store: line.removed for store, line in found.items() if line.state == "removed" and line.removed}
    assert removed == {
        "raw.posts": 2, "attributes.meetups": 3, "attributes.meetups__spots": 3, "ops.plans": 3, "ops.replies": 3,
        "features.meetups": 3, "features/meetups": 3, "feast/online.sqlite": 9, "eval/replies.sqlite": 1,
        "claims.sqlite": 1,
    }  # fmt: skip
    assert receipt.is_complete
    assert found["ops.ledger"].state == "kept"
    assert {line.store.split()[0] for line in receipt.lines if line.state == "outside"} == {
        "file", "provider", "copies"
    }  # fmt: skip
    assert "found in 0" in found["search of the home"].note
    stored = town.rows("SELECT store, state, removed FROM ops.erasures WHERE store <> 'erasure' ORDER BY ALL")
    assert stored == sorted((line.store, line.state, line.removed) for line in receipt.lines)


def test_other_posts_stay_as_they_were(lived: tuple[Project, set[str], Receipt]) -> None:
    town, _, _ = lived

    assert town.rows("SELECT post_id, note FROM attributes.meetups__live") == [("p2", "#한강공원")]
    assert online_note(town, "p2") == "#한강공원"
    assert online_note(town, "p1") is None
    assert completeness(town.warehouse, town.task(), ALL_DAYS).passed


def test_no_older_snapshot_can_be_read(lived: tuple[Project, set[str], Receipt]) -> None:
    town, _, receipt = lived

    oldest = town.rows("SELECT min(snapshot_time) FROM ducklake_snapshots('madang')")[0][0]
    assert oldest > receipt.erased_at
    with pytest.raises(duckdb.Error, match="No snapshot"):
        town.rows("SELECT * FROM raw.posts AT (VERSION => 3)")


def test_a_dry_run_counts_the_same_and_removes_nothing(town: Project) -> None:
    live_through(town)
    before = holding(town.home, MARKER, EDITED, TITLED)

    looked = erase(town, is_dry_run=True)

    assert holding(town.home, MARKER, EDITED, TITLED) == before
    assert town.rows("SELECT count(*) FROM ops.erasures") == [(0,)]
    erased = lines(erase(town))
    assert {store: line.removed for store, line in lines(looked).items() if line.removed} == {
        store: line.removed for store, line in erased.items() if line.removed
    }


def test_erasing_again_removes_nothing_and_leaves_a_second_receipt(town: Project) -> None:
    town.ingest(MARKED, OTHER)
    town.run()
    erase(town)

    again = erase(town)

    assert sum(line.removed for line in again.lines) == 0
    assert again.is_complete
    wholes = town.rows("SELECT state FROM ops.erasures WHERE store = 'erasure' ORDER BY erased_at")
    assert wholes == [("removed",), ("removed",)]


def test_a_post_that_nobody_knows_is_refused_and_nothing_is_written(town: Project) -> None:
    town.ingest(OTHER)

    with pytest.raises(InputError, match="no post 'p1' of source 'town' has landed"):
        erase(town)
    assert town.rows("SELECT count(*) FROM ops.erasures") == [(0,)]


def test_a_reply_that_a_post_of_the_same_text_has_stays_until_that_is_erased(town: Project) -> None:
    town.ingest(MARKED, MARKED | {"post_id": "p2"})
    town.run()

    first, second = erase(town), erase(town, KEPT)

    assert lines(first)["ops.replies, shared"].state == "kept"
    assert (lines(first)["ops.replies"].removed, lines(second)["ops.replies"].removed) == (0, 1)
    assert holding(town.home, MARKER, TITLED) == set()


def test_a_reply_is_found_though_no_row_names_it(town: Project) -> None:
    """As after a run that was killed between bringing replies home and settling posts."""
    town.ingest(MARKED)
    town.run()
    town.take_away(town.task().table, "post_id = 'p1'")

    assert lines(erase(town))["ops.replies"].removed == 1
    assert holding(town.home, MARKER, TITLED) == set()


def test_a_reply_of_a_recipe_that_is_gone_is_found_though_no_row_names_it(town: Project) -> None:
    town.ingest(MARKED)
    town.run()
    town.take_away(town.task().table, "post_id = 'p1'")
    town.edit("meetups", lambda declared: declared["fields"]["note"].update(max_chars=30))

    assert lines(erase(town))["ops.replies"].removed == 1
    assert town.rows(f"SELECT count(*) FROM {LEDGER.name}") == [(1,)]


def test_a_reader_with_an_open_transaction_makes_it_run_again(town: Project) -> None:
    town.ingest(MARKED)
    town.run()
    with closing(sqlite3.connect(town.home / "warehouse" / "catalog.sqlite", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM ducklake_snapshot").fetchone()
        beside = erase(town)

    after = erase(town)

    store = "warehouse, its older snapshots and free pages"
    assert (lines(beside)[store].state, beside.is_complete) == ("busy", False)
    assert "erase again" in lines(beside)[store].note
    assert after.is_complete
    assert holding(town.home, MARKER, TITLED) == set()


def test_a_run_at_work_makes_it_run_again(town: Project) -> None:
    town.ingest(MARKED)
    spool = Spool(town.home / "spool", "20260101T000000-a")

    beside = erase(town)
    spool.close(is_settled=True)

    assert lines(beside)[f"spool/{spool.name}"].state == "busy"
    assert erase(town).is_complete


def test_files_that_it_cannot_reach_are_named(town: Project) -> None:
    town.ingest(MARKED)
    write_posts(town.home / "inbox" / "more.jsonl", [MARKED])
    gold = town.folder / "assets" / "meetups" / "gold.jsonl"
    gold.write_text(json.dumps({"post_id": "p1", "topics": []}) + "\n")

    found = lines(erase(town))

    assert found["inbox/more.jsonl"].state == "outside"
    assert "remove it" in found["inbox/more.jsonl"].note
    assert found["assets/meetups/gold.jsonl"].note == "1 lines are of it: remove them there"


def test_a_table_with_two_columns_of_keys_has_one_line(town: Project) -> None:
    """`features.place_mentions` has a post_id and a place_id: its second line said that nothing was removed."""
    pairs = Table("features.pairs", (Column("post_id", TEXT), Column("place_id", TEXT)), ("post_id",))
    town.ingest(MARKED)
    town.warehouse.ensure([pairs])
    town.warehouse.commit([Change(pairs, frame(pairs, {"post_id": "town:p1", "place_id": "a"}, {"post_id": "b"}))])

    receipt = erase(town)

    assert [line.removed for line in receipt.lines if line.store == "features.pairs"] == [1]
    assert town.rows("SELECT removed FROM ops.erasures WHERE store = 'features.pairs'") == [(1,)]


def test_an_erased_post_that_is_landed_again_is_refused(town: Project) -> None:
    town.ingest(MARKED)
    erase(town)

    landed = town.ingest(MARKED | {"body": "now with another text"}, post("p2", "running"))

    assert town.rows("SELECT post_id FROM raw.posts") == [("p2",)]
    assert (landed.landed, landed.refused) == (1, 1)


def test_a_batch_job_that_holds_the_request_is_named_and_its_answer_finds_nobody(town: Project) -> None:
    town.ingest(MARKED)
    town.run()
    request_hash = town.rows("SELECT request_hash FROM ops.replies")[0][0]
    with closing(Claims(town.home / "claims.sqlite")) as claims:
        claims.release([request_hash])
        claims.take(Claim(request_hash, "call", "gone/1.log", "gone", "meetups", "meetups@1", "model", "batch",
                          str(DAY), 0.0, "2026-01-01T00:00:00+00:00", "2026-01-01"))  # fmt: skip
        job = BatchJob("madang-meetups-1", "gs://bucket/in", "gs://bucket/out", 0.0, (request_hash,))
        jobs = Jobs(claims, "gone/1.log", "meetups", "batched", lambda name, text: None)
        jobs.begin(job)
        jobs.creating(job)

        found = lines(erase(town))

        assert found["batch job madang-meetups-1"].state == "outside"
        assert claims.read("SELECT * FROM job_rows", []) == []


def test_a_file_that_was_put_aside_loses_the_lines_of_the_post(town: Project) -> None:
    town.ingest(MARKED, OTHER)
    unnamed = {name: value for name, value in MARKED.items() if name != "source"}
    aside = write_posts(town.home / "inbox" / "landed" / "town-0123abcd.jsonl", [MARKED, OTHER, unnamed])

    found = lines(erase(town))

    assert found["inbox/landed"].removed == 2
    assert json.loads(aside.read_text()) == OTHER


def test_a_post_taken_away_leaves_the_published_days_and_the_online_store(town: Project) -> None:
    town.ingest(MARKED, OTHER)
    town.run()
    serve(town)
    before = online_note(town, "p1")

    town.ingest(MARKED | {"deleted": True})
    serve(town)

    assert (before, online_note(town, "p1"), online_note(town, "p2")) == (TITLED, None, "#한강공원")
    published = duckdb.sql(f"SELECT meetup_id FROM '{town.home}/features/meetups/day={DAY}/part.parquet'").fetchall()
    assert published == [("town:p2",)]
    assert town.rows("SELECT count(*) FROM features.meetups WHERE meetup_id = 'town:p1'") == [(1,)]


def test_the_only_post_of_a_day_taken_away_and_brought_back_is_served_again(town: Project) -> None:
    served = []
    for state in (MARKED, MARKED | {"deleted": True}, MARKED):
        town.ingest(state)
        if not state.get("deleted"):
            town.run()
        serve(town)
        served.append(online_note(town, "p1"))

    assert served == [TITLED, None, TITLED]


def test_the_command_prints_the_receipt(town: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MADANG_PROJECT", "MADANG_HOME", "MADANG_CONFIG"):
        monkeypatch.setenv(name, town.environment[name])
    town.ingest(MARKED)
    town.close()

    told = CliRunner().invoke(main, ["erase", "--source", "town", "--post-id", "p1", "--json"])
    missed = CliRunner().invoke(main, ["erase", "--source", "town", "--post-id", "p9"])

    receipt = json.loads(told.stdout)
    assert told.exit_code == 0
    assert [line["removed"] for line in receipt["stores"] if line["store"] == "raw.posts"] == [1]
    assert datetime.fromisoformat(receipt["erased_at"]) < datetime.now(UTC)
    assert missed.exit_code == 2
    assert MARKER not in told.output + missed.output
