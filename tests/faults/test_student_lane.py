"""The lane of students when something dies: the run, the process that reads, an actor of Ray; when memory is short,
when a file was changed. What comes out is what an unbroken run gives, and what was kept is not read again.
"""

import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults.pupils import FIRST, School, answers, befall
from faults.test_local_model import NOTHING, written
from scenario import ALL_DAYS, Project

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'madang[student]'")

from madang.errors import ModelFileError
from madang.extraction.checks import completeness

POSTS, BATCH = 120, 20
KILLED_AFTER = """
import os, signal, sys
from madang.extraction.spool import Spool
append_all, left = Spool.append_all, [int(sys.argv[1])]
async def killed(self, records):
    await append_all(self, records)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
Spool.append_all = killed
from madang.cli import main
sys.argv = ["madang", "run", "market"]
main()
"""


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> School:
    """A student that all tests here ask."""
    return School.taught(tmp_path_factory.mktemp("school"))


@pytest.fixture(scope="module")
def unbroken(school: School, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A run to which nothing happens."""
    project = school.project(tmp_path_factory.mktemp("unbroken") / "project", POSTS, batch_posts=BATCH)
    project.run()
    yield project
    project.close()


def test_every_post_is_read_once_and_written_down(unbroken: Project) -> None:
    ledger = unbroken.rows("SELECT outcome, lane, count(*), count(DISTINCT request_hash) FROM ops.ledger GROUP BY ALL")

    assert ledger == [("ok", "student", POSTS, POSTS)]
    assert unbroken.rows("SELECT count(*) FROM ops.replies") == [(POSTS,)]
    assert completeness(unbroken.warehouse, unbroken.task(), ALL_DAYS).passed


def test_a_killed_run_resumes_at_the_batch(school: School, unbroken: Project, tmp_path: Path) -> None:
    project = school.project(tmp_path / "project", POSTS, batch_posts=BATCH)
    batches = 3
    ended = subprocess.run(
        [sys.executable, "-c", KILLED_AFTER, str(batches)], env=project.environment, check=False, timeout=120
    )
    report = project.run()

    assert ended.returncode == -signal.SIGKILL
    assert report.adopted.replies == batches * BATCH
    assert report.progress.sent == POSTS - batches * BATCH
    assert report.adopted.unknown <= 3 * BATCH  # claimed ahead: being read, and ready for it
    assert project.rows("SELECT outcome, count(*) FROM ops.ledger WHERE outcome = 'ok' GROUP BY ALL") == [("ok", POSTS)]
    assert answers(project) == answers(unbroken)
    project.close()


@pytest.mark.parametrize(
    "shortage", ["raise MemoryError", "os.kill(os.getpid(), signal.SIGKILL)"], ids=["told", "killed"]
)
def test_a_batch_too_large_for_the_memory_is_split_and_not_lost(
    shortage: str, school: School, unbroken: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A post for which there is never room ends in quarantine, alone."""
    count, large = 40, FIRST + 7
    project = school.project(tmp_path / "project", count, batch_posts=BATCH)
    [(title, body)] = project.rows(f"SELECT title, body FROM raw.posts WHERE post_id = 's{large}'")
    told = f"if len(turns) > 8 or {body[:30]!r} in str(turns): {shortage}"
    killed = f"if {body[:30]!r} in str(turns): {shortage}"
    line = told if shortage.startswith("raise") else killed
    monkeypatch.setenv("PYTHONPATH", befall(tmp_path / "befallen", "madang.models.student_process", line))
    project.run()

    assert title
    assert project.rows("SELECT post_id, failure FROM ops.quarantine") == [(f"s{large}", "too_long")]
    others = [f"s{number}" for number in range(FIRST, FIRST + count) if number != large]
    assert answers(project) == [row for row in answers(unbroken) if row[1] in others]
    project.close()


def test_a_changed_file_is_refused_before_anything_is_written(school: School, tmp_path: Path) -> None:
    project = school.project(tmp_path / "project", 3)
    [weights] = (project.home / "students").rglob("weights.npz")
    weights.write_bytes(weights.read_bytes() + b"x")

    with pytest.raises(ModelFileError, match=r"weights\.npz"):
        project.run()
    assert written(project) == NOTHING
    project.close()


@pytest.mark.service
@pytest.mark.filterwarnings("ignore::DeprecationWarning:ray")  # Ray 2.60 warns of its own settings' old names
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # and closes its clients' files late
def test_a_killed_worker_of_ray_loses_nothing(
    school: School, unbroken: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if importlib.util.find_spec("ray") is None:
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail("Ray is not installed, and REQUIRE_SERVICES=1")
        pytest.skip("Ray is not installed: pip install 'ray[data]'")
    project = school.project(tmp_path / "project", POSTS, batch_posts=BATCH // 2, engine="ray", workers=2)
    log = tmp_path / "readings.log"
    slowly = f"time.sleep(0.3); open({str(log)!r}, 'a').write(f'{{os.getpid()}} {{len(turns)}}\\n')"
    monkeypatch.setenv("PYTHONPATH", befall(tmp_path / "befallen", "default_worker.py", slowly))
    killed: list[int] = []

    def kill() -> None:
        while not killed:
            time.sleep(0.05)
            readings = log.read_text().splitlines() if log.exists() else []
            if len(readings) >= 3:
                killed.append(int(readings[-1].split()[0]))
                os.kill(killed[0], signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    report = project.run()
    readings = [line.split() for line in log.read_text().splitlines()]

    assert killed
    assert len({pid for pid, _ in readings}) >= 2
    assert sum(int(count) for _, count in readings) >= POSTS
    assert (report.progress.extracted, report.pending) == (POSTS, 0)
    assert answers(project) == answers(unbroken)
    project.close()
