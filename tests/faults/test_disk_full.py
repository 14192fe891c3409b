"""A disk that is full stops sending before anything is lost, says what to do, and the next run goes on."""

import asyncio
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from faults.shipped import Shipped
from scenario import ALL_DAYS, Project, posts

from madang.errors import DiskFull
from madang.extraction.checks import completeness
from madang.extraction.spool import Spool

COUNT = 30


def missing(reason: str) -> None:
    """Skips, or fails where everything must be there."""
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def small_disk(project: Project) -> Iterator[Callable[[str], None]]:
    """A disk of 2 MB for the spool; the function makes it larger."""
    folder = project.home / "spool"
    folder.mkdir(parents=True)

    def mount(options: str) -> "subprocess.CompletedProcess[str]":
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        return subprocess.run(command, check=False, text=True, capture_output=True)

    if os.geteuid() != 0:
        missing("only root may mount a small disk")
    mounted = mount("size=2m")
    if mounted.returncode:
        missing(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    yield lambda size: mount(f"remount,size={size}").check_returncode()
    subprocess.run(["umount", folder], check=True)


@pytest.mark.service
def test_a_full_disk_stops_the_run_with_its_remedy_and_room_lets_it_go_on(
    project: Project, small_disk: Callable[[str], None]
) -> None:
    shipped = Shipped(project)
    project.ingest(*posts(COUNT))

    # Room for three replies is kept, 1.5 MB; when the first has come, the next wants more than there is.
    stopped = shipped.run("run", "groups", concurrency=3, seconds=0.05)

    assert stopped.code == 4, stopped
    assert re.search(
        r"madang: \S+/spool/\S+\.log: no room for \d+ bytes of replies \(No space left on device\)\. "
        r"Free space there and run again: it goes on at the first post not asked\n$", stopped.err,
    ), stopped  # fmt: skip
    received = shipped.sent().total()
    assert 3 <= received < COUNT
    assert sorted(shipped.replies()) == sorted(shipped.sent())
    assert project.rows("SELECT count(*) FROM attributes.groups") == [(received,)]
    assert project.rows("SELECT state, count(*) FROM ops.plans GROUP BY state ORDER BY state") == [
        ("extracted", received), ("pending", COUNT - received),
    ]  # fmt: skip

    small_disk("64m")
    ended = shipped.run("run", "groups", concurrency=3)

    assert ended.code == 0, ended
    assert shipped.sent().total() == len(shipped.sent()) == COUNT
    assert shipped.unknown().total() == 0
    assert shipped.logs() == []
    checked = completeness(project.warehouse, project.task(), ALL_DAYS)
    assert checked.passed
    assert checked.summary == f"{COUNT} planned = {COUNT} extracted + 0 quarantined + 0 pending"


def test_a_reply_that_cannot_be_written_is_refused_and_does_not_hang(tmp_path: Path) -> None:
    """The waiting call once never returned: the error stayed in the task that wrote for it."""
    spool = Spool(tmp_path, "run")
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, spool._file)
    os.close(full)

    with pytest.raises(DiskFull, match=r"could not be written \(No space left on device\)"):
        asyncio.run(asyncio.wait_for(spool.append({"outcome": "ok"}), 10))
    spool.close(is_settled=False)
