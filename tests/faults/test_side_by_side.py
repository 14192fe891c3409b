"""Two runs of the command line and one of Dagster at once: each request once, and all three complete."""

import fcntl
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from faults.shipped import Life, Shipped, until
from scenario import ALL_DAYS, DAY, NEXT_DAY, REPOSITORY, Project, post

from madang.extraction.checks import completeness
from madang.extraction.claims import Claim, Claims, Held
from madang.extraction.spool import Spool, is_alive, log_names

CLAIM = Claim(
    "r1",
    "c1",
    "a/1.log",
    "a",
    "groups",
    "groups@1",
    "m",
    "online",
    "2024-11-27",
    0.0,
    "2024-11-27T00:00:00+00:00",
    account_day="2024-11-27",
)
MATERIALISING = Path(__file__).with_name("materialising.py")
DAYS = ("2024-11-27", "2024-11-28")


def test_three_runs_of_the_same_days_send_each_request_once_and_all_complete(project: Project) -> None:
    count, shipped, gate = 60, Shipped(project), project.folder / "gate"
    at = [f"{day}T09:00:00+09:00" for day in DAYS]
    project.ingest(*(post(f"p{number}", f"running {number}번", event_at=at[number % 2]) for number in range(count)))
    project.set_model(gate=str(gate), seconds=0.02)
    # Dagster reads the tasks of our own project: the others need a copy, so that all three have one recipe.
    shutil.rmtree(project.folder / "assets" / "groups")
    shutil.copytree(REPOSITORY / "assets" / "groups", project.folder / "assets" / "groups")
    ours = project.environment | {"MADANG_PROJECT": str(REPOSITORY)}
    days = ("--from", DAYS[0], "--to", DAYS[1])

    with (
        Life([sys.executable, str(MATERIALISING), *DAYS], ours) as dagster,
        shipped.start("run", "groups", *days, gate=str(gate), seconds=0.02) as first,
        shipped.start("run", "groups", *days, gate=str(gate), seconds=0.02) as second,
    ):
        dagster.line("loaded")
        dagster.say()
        # Each has claimed something, so each has planned; nothing is answered before.
        until(lambda: len({owner for owner, _ in shipped.claims("sent")}) == 3, dagster)
        gate.touch()
        ended = [life.end() for life in (dagster, first, second)]

    assert [end.code for end in ended] == [0, 0, 0], ended
    assert len(shipped.sent()) == count
    assert set(shipped.sent().values()) == {1}
    assert shipped.answered() == shipped.sent()
    rows = project.rows("SELECT day, count(*), count(DISTINCT post_id) FROM attributes.groups GROUP BY day ORDER BY 1")
    assert rows == [(DAY, 30, 30), (NEXT_DAY, 30, 30)]
    assert project.rows("SELECT state, count(*) FROM ops.plans GROUP BY state") == [("extracted", count)]
    assert ["60 posts planned (60 new)" in end.out for end in ended[1:]] == [True, True]
    assert completeness(project.warehouse, project.task(), ALL_DAYS).passed
    assert shipped.logs() == []


def test_a_log_is_locked_before_others_can_find_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that began between a log's creation and its lock adopted it, and could send what its owner was sending."""
    seen = []
    lock = fcntl.flock
    monkeypatch.setattr(fcntl, "flock", lambda *of: (seen.append(log_names(tmp_path)), lock(*of))[1])

    spool = Spool(tmp_path, "run")

    assert seen == [[]]
    assert log_names(tmp_path) == [spool.name]
    assert is_alive(tmp_path, spool.name)
    spool.close(is_settled=True)
    assert list(tmp_path.iterdir()) == []


def test_a_claim_that_another_run_took_anew_is_not_given_back(tmp_path: Path) -> None:
    """Two runs that both missed a committed reply gave the claim back twice, and the second took it from the first."""
    claims = Claims(tmp_path / "claims.sqlite")
    claims.take(CLAIM)
    claims.mark([CLAIM.request_hash], "committed")
    seen = claims.held(CLAIM.request_hash)
    claims.release_if(CLAIM.request_hash, seen)
    claims.take(replace(CLAIM, owner="b/2.log"))

    claims.release_if(CLAIM.request_hash, seen)

    assert claims.held(CLAIM.request_hash) == Held("b/2.log", "sent")
    claims.close()
