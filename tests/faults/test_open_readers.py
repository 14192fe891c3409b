"""Four processes merge while an analyst's transaction stays open: nobody fails, no row is lost or doubled."""

import json
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from faults.chunks import OWN, SHARED, shared_plans
from faults.reading import COUNTS
from faults.shipped import Life
from faults.speaking import say
from scenario import Project

from madang.ops import PLANS, REPLIES
from madang.warehouse import Change

MERGING, READING = (Path(__file__).with_name(name) for name in ("merging.py", "reading.py"))
WRITERS, FEWEST_CHUNKS = 4, 10


@pytest.mark.parametrize("seconds", [6, pytest.param(60, marks=pytest.mark.soak)])
def test_four_writers_merge_while_a_read_only_transaction_stays_open(project: Project, seconds: int) -> None:
    project.warehouse.ensure([REPLIES, PLANS])
    project.warehouse.commit([Change(PLANS, shared_plans(9, 9, datetime.now(UTC)))])
    before = project.warehouse.snapshot

    with ExitStack() as lives:
        analyst = [sys.executable, str(READING), str(project.warehouse.catalog), COUNTS]
        reader = lives.enter_context(Life(analyst, project.environment))
        reader.line("open")
        command = [sys.executable, str(MERGING)]
        writers = [
            lives.enter_context(Life([*command, str(number), str(FEWEST_CHUNKS), str(seconds)], project.environment))
            for number in range(WRITERS)
        ]
        for writer in writers:
            writer.line("open")
        for writer in writers:
            writer.say()
        written = [writer.end() for writer in writers]
        reader.say()
        read = reader.end()

    assert [(end.code, end.err) for end in [*written, read]] == [(0, "")] * (WRITERS + 1)
    chunks = [int(end.out) for end in written]
    assert min(chunks) >= FEWEST_CHUNKS
    answer = json.loads(read.out)
    assert answer["seen"] == [[[0, 1, "9-9"]]]
    assert answer["asked"] > 2 * seconds
    assert answer["after"][0][0] == sum(chunks) * OWN + max(chunks) * SHARED
    rows = "SELECT count(*), count(DISTINCT request_hash) FROM ops.replies WHERE starts_with(request_hash, ?)"
    assert project.rows(rows, "own") == [(sum(chunks) * OWN, sum(chunks) * OWN)]
    assert project.rows(rows, "shared") == [(max(chunks) * SHARED, max(chunks) * SHARED)]
    assert project.rows("SELECT post_id, count(*) FROM ops.plans GROUP BY post_id ORDER BY post_id") == [
        (f"p{number}", 1) for number in range(SHARED)
    ]
    last = [(f"{number}-{chunk - 1}",) for number, chunk in enumerate(chunks)]
    assert project.rows("SELECT DISTINCT run FROM ops.plans")[0] in last
    # Every chunk is one transaction, and so one snapshot.
    assert project.warehouse.snapshot == before + sum(chunks)
    replies = answer["after"][0][0]
    say(f"{seconds} s: {sum(chunks)} chunks, {answer['asked']} reads, {replies} replies, lost 0, doubled 0")
