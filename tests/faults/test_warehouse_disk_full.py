"""A disk of the warehouse that is full: the commit is refused whole, with its remedy, and room lets it pass."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from scenario import open_quickly

from madang.errors import DiskFull
from madang.schema.types import INTEGER, TEXT, Column, Table
from madang.warehouse.protocol import Change

TABLE = Table("town.notes", (Column("k", TEXT, "Key"), Column("note", TEXT, "Note"), Column("v", INTEGER, "Value")),
              ("k",), "A note")  # fmt: skip
ALL = "SELECT count(*), count(DISTINCT k), sum(v) FROM town.notes"
KIB = 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    mounted = subprocess.run(command, check=False, text=True, capture_output=True)
    if mounted.returncode:
        missing = f"a small disk cannot be mounted here: {mounted.stderr.strip()}"
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    yield folder
    # What pytest keeps of the error holds files of it open.
    subprocess.run(["umount", "--lazy", folder], check=True)


def _notes(first: int, count: int) -> pl.DataFrame:
    numbers = range(first, first + count)
    notes = [os.urandom(100).hex() for _ in numbers]  # which no compression makes small
    return pl.DataFrame({"k": [f"k{number}" for number in numbers], "note": notes, "v": list(numbers)})


@pytest.mark.service
@pytest.mark.parametrize("rows", [5, 2000], ids=["rows in the catalog", "rows in a data file"])
def test_a_commit_that_finds_no_room_writes_nothing_and_passes_once_there_is(small_disk: Path, rows: int) -> None:
    warehouse = open_quickly(small_disk / "warehouse")
    warehouse.ensure([TABLE])
    warehouse.commit([Change(TABLE, _notes(0, 100))])
    ballast = small_disk / "ballast"
    room = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
    ballast.write_bytes(bytes(room - 128 * KIB))
    next_one = 100

    def fill() -> None:
        nonlocal next_one
        while next_one < 100_000:  # a log that has grown before holds a few commits more
            warehouse.commit([Change(TABLE, _notes(next_one, rows))])
            next_one += rows

    with pytest.raises(DiskFull, match=rf"^{warehouse.folder}: no room .* Free space there and run again"):
        fill()
    ballast.unlink()
    kept = warehouse.read(ALL).row(0)
    warehouse.commit([Change(TABLE, _notes(next_one, rows))])
    warehouse.close()
    again = open_quickly(small_disk / "warehouse")
    found = again.read(ALL).row(0)
    again.close()

    assert kept == (next_one, next_one, sum(range(next_one)))
    assert found == (next_one + rows, next_one + rows, sum(range(next_one + rows)))
