"""An erasure killed with -9 between its stores is taken up again by the next, and leaves no byte of the post."""

import json
import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from faults.shipped import Shipped, enter, until, write_locked
from filelock import FileLock
from remnants import holding
from scenario import ALL_DAYS, DAY, Project, post, write_posts

from feature_repo.store import apply_and_materialise
from feature_repo.views import build
from madang.evaluation import evaluate
from madang.features import publish

MARKER = "햇마루늪여울바위섬"
ERASE = ("erase", "--source", "town", "--post-id", "p1", "--json")
KILLED = -9


def evaluated(home: Path) -> int:
    """Replies that evaluations keep."""
    with closing(sqlite3.connect(home / "eval" / "replies.sqlite")) as file:
        return int(file.execute("SELECT count(*) FROM replies").fetchone()[0])


def live_through(project: Project) -> None:
    """Lands, asks, publishes, serves and evaluates; many posts, so that raw.posts is a data file."""
    project.edit("groups", lambda declared: declared["fields"].update(note={"kind": "text", "max_chars": 40}))
    crowd = [post(f"c{number:02}", f"아무 글 {number}", board="잡담") for number in range(12)]
    project.ingest(post("p1", f"{MARKER} running 모집"), post("p2", "한강 running 모집"), *crowd)
    project.run()
    settings, task = project.settings, project.task()
    publish(project.warehouse, settings, task, ALL_DAYS)
    apply_and_materialise(settings, build([task], settings), task, ALL_DAYS)
    file = write_posts(project.folder / "elsewhere" / "posts.jsonl", [post("p1", f"{MARKER} hiking")])
    gold = project.folder / "elsewhere" / "gold.jsonl"
    gold.write_text(json.dumps({"post_id": "p1", "topics": ["running"]}))
    evaluate(task, settings, file, gold=gold, warehouse=project.warehouse)


def test_an_erasure_killed_between_any_two_stores_is_completed_by_the_next(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = Shipped(enter(project, monkeypatch))
    home = project.home
    live_through(project)
    before = holding(home, MARKER)
    catalog, claims = home / "warehouse" / "catalog.sqlite", home / "claims.sqlite"
    published, online = home / "features" / "groups" / "write.lock", home / "feast" / "write.lock"

    # The replies of evaluations are gone, nothing else.
    assert evaluated(home) == 1
    with write_locked(claims), shipped.start(*ERASE) as life:
        until(lambda: evaluated(home) == 0, life)
        assert life.kill().code == KILLED
    assert project.rows("SELECT count(*) FROM raw.posts WHERE post_id = 'p1'") == [(1,)]

    # The rows of the warehouse are gone, not the published days.
    with FileLock(published), shipped.start(*ERASE) as life:
        until(lambda: project.rows("SELECT count(*) FROM raw.posts WHERE post_id = 'p1'") == [(0,)], life)
        assert life.kill().code == KILLED

    # The published days are done, not the online store.
    day = home / "features" / "groups" / f"day={DAY}" / "part.parquet"
    there = day.stat().st_ino
    with FileLock(online), shipped.start(*ERASE) as life:
        until(lambda: day.stat().st_ino != there, life)
        assert life.kill().code == KILLED

    # Rows that lay in the catalog are written to a data file, which no snapshot has yet.
    files = shipped.data_files("raw.posts") | shipped.data_files("attributes.groups")
    with ExitStack() as held, shipped.start(*ERASE) as life:
        held.enter_context(FileLock(online))
        until(lambda: project.rows("SELECT count(*) FROM ops.erasures") == [(4,)], life)
        with write_locked(catalog):
            held.close()
            until(lambda: shipped.data_files("raw.posts") | shipped.data_files("attributes.groups") != files, life)
            assert life.kill().code == KILLED
    assert "warehouse/catalog.sqlite" in holding(home, MARKER)

    ended = shipped.run(*ERASE)

    assert before >= {"warehouse/catalog.sqlite", "warehouse/data/raw/posts", "feast/online.sqlite"}
    assert ended.code == 0, ended
    assert holding(home, MARKER) == set()
    wholes = project.rows("SELECT state FROM ops.erasures WHERE store = 'erasure' ORDER BY erased_at")
    assert wholes == [("begun",)] * 4 + [("removed",)]
    assert project.rows("SELECT post_id, note FROM attributes.groups") == [("p2", "한강")]
    assert project.rows("SELECT count(*) FROM raw.posts") == [(13,)]


def test_what_a_killed_run_left_in_the_spool_is_erased_too(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = Shipped(enter(project, monkeypatch))
    project.edit("groups", lambda declared: declared["fields"].update(note={"kind": "text", "max_chars": 40}))
    project.ingest(post("p1", f"{MARKER} running 모집"), post("p2", "한강 running 모집"))
    assert shipped.run("run", "groups", concurrency=1, kill_at=2).code == KILLED
    log = str(shipped.logs()[0].relative_to(project.home))

    before, ended = holding(project.home, MARKER), shipped.run(*ERASE)

    assert before == {"warehouse/catalog.sqlite", log}
    assert ended.code == 0, ended
    assert holding(project.home, MARKER) == set()
    assert shipped.run("run", "groups").code == 0
    assert project.rows("SELECT post_id, note FROM attributes.groups") == [("p2", "한강")]
