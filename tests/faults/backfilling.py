"""Commits chunks of a hundred rows, and changes five rows of the chunk before, until a line comes in; says how many.

Every fifth chunk has five rows, which stay in the catalog.
"""

import select
import sys
from pathlib import Path

import polars as pl
from faults.speaking import say

from madang.schema.types import INTEGER, TEXT, Column, Table
from madang.warehouse.ducklake import DuckLakeWarehouse
from madang.warehouse.protocol import Change

PAUSE_SECONDS = 0.2
COUNTS = Table("town.counts", (Column("k", TEXT, "Whose"), Column("v", INTEGER, "How many")), ("k",), "A count")


def chunk(number: int) -> list[int]:
    """Numbers of a chunk's rows."""
    return list(range(number * 100, number * 100 + (5 if number % 5 == 4 else 100)))


def rows(numbers: list[int], more: int = 0) -> pl.DataFrame:
    """A row a number, that counts it and `more`."""
    counts = {"k": [f"k{number}" for number in numbers], "v": [number + more for number in numbers]}
    return pl.DataFrame(counts, schema=COUNTS.polars_schema)


def main(folder: str, first: int) -> None:
    warehouse = DuckLakeWarehouse(Path(folder))
    say("open")
    number = first
    # A backfill waits for its model between two chunks; one that did not would keep the lock from everybody else.
    while not select.select([sys.stdin], [], [], PAUSE_SECONDS)[0]:
        warehouse.commit(
            [Change(COUNTS, rows(chunk(number))), Change(COUNTS, rows(chunk(number - 1)[:5], 1), "upsert")]
        )
        number += 1
    say(number)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
