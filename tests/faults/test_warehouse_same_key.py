"""Two writers of one key: each row is there once, and the others of both are not lost."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from scenario import frame, open_quickly

from madang.schema.types import INTEGER, TEXT, Column, Table
from madang.warehouse.protocol import Change

TABLE = Table("town.claims", (Column("k", TEXT, "Key"), Column("owner", INTEGER, "Who wrote it")), ("k",), "A claim")
ROUNDS, KEYS = 12, 5


@pytest.mark.parametrize("mode", ["insert", "upsert"])
def test_two_writers_of_the_same_keys_leave_each_row_once(tmp_path: Path, mode: str) -> None:
    folder = tmp_path / "warehouse"
    open_quickly(folder).ensure([TABLE])
    together = Barrier(2)

    def write(owner: int) -> None:
        warehouse = open_quickly(folder)
        for turn in range(ROUNDS):
            rows = [{"k": f"shared-{turn}-{key}", "owner": owner} for key in range(KEYS)]
            rows += [{"k": f"own-{owner}-{turn}", "owner": owner}]
            together.wait()
            warehouse.commit([Change(TABLE, frame(TABLE, *rows), mode)])
        warehouse.close()

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(write, owner) for owner in (1, 2)]:
            done.result()
    found = open_quickly(folder)
    counts = found.read("SELECT count(*), count(DISTINCT k) FROM town.claims").rows()
    mixed = found.read(
        "SELECT split_part(k, '-', 2) AS turn FROM town.claims WHERE starts_with(k, 'shared') "
        "GROUP BY turn HAVING count(DISTINCT owner) > 1"
    )
    found.close()

    assert counts == [(ROUNDS * (KEYS + 2), ROUNDS * (KEYS + 2))]
    # A commit is whole: of one turn's keys, all are one writer's.
    assert mixed.is_empty()
