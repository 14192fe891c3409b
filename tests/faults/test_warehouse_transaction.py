"""An analyst keeps a transaction open while backfills run: they go on as fast, and he sees one state throughout."""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from faults.reading import COUNTS
from faults.shipped import Life
from faults.speaking import say
from scenario import Project, post

READING = Path(__file__).with_name("reading.py")
POSTS = 8
PAUSE_SECONDS = 2.0
# The machine that tests run on does other things too: what must not happen is waiting, which is of seconds and grows.
SLOWER = 3.0


def _backfill(project: Project, number: int) -> float:
    """Seconds that a run over some posts takes."""
    project.ingest(*[post(f"{number}-{one}", f"running 모집 {number}번 {one}명") for one in range(POSTS)])
    report = project.run()
    assert (report.progress.extracted, report.pending) == (POSTS, 0)
    return report.seconds


@pytest.mark.parametrize("seconds", [60, pytest.param(600, marks=pytest.mark.soak)])
@pytest.mark.timeout(900)
def test_an_open_transaction_neither_stops_nor_slows_a_backfill(
    project: Project, seconds: int, record_property: Callable[[str, object], None]
) -> None:
    alone = [_backfill(project, number) for number in range(4)][1:]  # the first one makes the tables

    command = [sys.executable, str(READING), str(project.warehouse.catalog), COUNTS]
    beside: list[float] = []
    with Life(command, project.environment) as analyst:
        analyst.line("open")
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            beside.append(_backfill(project, 100 + len(beside)))
            time.sleep(PAUSE_SECONDS)
        analyst.say()
        read = analyst.end()
    after = [_backfill(project, 10_000 + number) for number in range(4)]  # at the size that the tables have by then

    assert (read.code, read.err) == (0, "")
    answer = json.loads(read.out)
    runs = 4 + len(beside) + len(after)
    assert [state[0][0] for state in answer["seen"]] == [4 * POSTS]
    assert answer["after"][0][0] == (4 + len(beside)) * POSTS
    assert project.rows("SELECT count(*), count(DISTINCT post_id) FROM attributes.groups__live") == [
        (runs * POSTS, runs * POSTS)
    ]
    half = len(beside) // 2
    assert statistics.median(beside[half:]) < SLOWER * max(statistics.median(alone), statistics.median(beside[:half]))
    record_property("backfills beside it", len(beside))
    seconds_each = {"before": alone, "beside it": beside, "after": after}
    for when, times in seconds_each.items():
        record_property(f"s a backfill {when}", f"{statistics.median(times):.2f}")
    told = ", ".join(f"{statistics.median(times):.2f} s {when}" for when, times in seconds_each.items())
    say(f"{seconds} s: {len(beside)} backfills; {told}")
