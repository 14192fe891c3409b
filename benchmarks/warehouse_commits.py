"""A writer or a reader of one contender: started by warehouse.py, waits for a line, prints one JSON object.

Run: python benchmarks/warehouse_commits.py madang|duckdb|delta FOLDER make|write|read NUMBER CHUNKS. A chunk is 100
rows that no other writer has, merged on their key in one transaction. A reader counts rows until it is told to stop.
"""

import json
import os
import random
import select
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 100
_PATIENCE_SECONDS = 120.0


def main(contender: str, folder: Path, role: str, number: int, chunks: int) -> None:
    """Prints what this process did: commits or reads, failures, tries that were refused, the slowest one."""
    commit, count, keys = {"madang": _madang, "duckdb": _duckdb, "delta": _delta}[contender](folder)
    if role == "make":
        commit(_chunk(-1, 0))
        return
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    times: list[float] = []
    failures = 0
    while len(times) + failures < chunks if role == "write" else not select.select([sys.stdin], [], [], 0.0)[0]:
        rows = _chunk(number, len(times) + failures) if role == "write" else None
        began = time.monotonic()
        try:
            count() if rows is None else commit(rows)
        except Exception as error:  # whatever it is, it counts
            failures += 1
            sys.stderr.write(f"{type(error).__name__}: {str(error)[:200]}\n")
            continue
        times.append(time.monotonic() - began)
    told = {
        "done": len(times), "failures": failures, "slowest_seconds": max(times, default=0.0), "rows": count(),
        "keys": keys(),
    }  # fmt: skip
    sys.stdout.write(json.dumps(told) + "\n")


Contender = tuple[Callable[["pa.Table"], object], Callable[[], int], Callable[[], int]]


def _chunk(writer: int, chunk: int) -> "pa.Table":
    import pyarrow as pa

    keys = [f"{writer}-{chunk}-{number}" for number in range(ROWS)]
    return pa.table({"k": keys, "text": [key * 3 for key in keys], "v": list(range(ROWS))})


def _madang(folder: Path) -> Contender:
    """The warehouse's own commit."""
    import polars as pl

    from madang.schema.types import INTEGER, TEXT, Column, Table
    from madang.warehouse.ducklake import DuckLakeWarehouse
    from madang.warehouse.protocol import Change

    columns = (Column("k", TEXT, "Key"), Column("text", TEXT, "Text"), Column("v", INTEGER, "Value"))
    table = Table("bench.chunks", columns, ("k",), "A row")
    warehouse = DuckLakeWarehouse(folder / "warehouse")
    warehouse.ensure([table])

    def commit(rows: "pa.Table") -> None:
        frame = pl.from_arrow(rows)
        assert isinstance(frame, pl.DataFrame)
        warehouse.commit([Change(table, frame)])

    def counted(what: str) -> int:
        return int(warehouse.read(f"SELECT count({what}) FROM bench.chunks").item())

    return commit, lambda: counted("*"), lambda: counted("DISTINCT k")


def _duckdb(folder: Path) -> Contender:
    """A plain DuckDB file is one process's at a time: each opens it, works, closes it, and waits while it is taken."""
    import duckdb

    file = str(folder / "bench.duckdb")

    def opened(work: Callable[["duckdb.DuckDBPyConnection"], Any], *, read_only: bool) -> Any:
        began = time.monotonic()
        while True:
            try:
                with duckdb.connect(file, read_only=read_only) as connection:
                    return work(connection)
            except duckdb.IOException:
                if time.monotonic() - began > _PATIENCE_SECONDS:
                    raise
                time.sleep(random.uniform(0.002, 0.02))  # noqa: S311

    def commit(rows: "pa.Table") -> None:
        def work(connection: "duckdb.DuckDBPyConnection") -> None:
            connection.register("incoming", rows)
            connection.execute("CREATE TABLE IF NOT EXISTS chunks (k VARCHAR, text VARCHAR, v BIGINT)")
            connection.execute("MERGE INTO chunks t USING incoming i ON t.k = i.k WHEN NOT MATCHED THEN INSERT")

        opened(work, read_only=False)

    def counted(what: str) -> int:
        sql = f"SELECT count({what}) FROM chunks"
        rows = opened(lambda connection: connection.execute(sql).fetchone(), read_only=True)
        return int(rows[0])

    return commit, lambda: counted("*"), lambda: counted("DISTINCT k")


def _delta(folder: Path) -> Contender:
    """delta-rs refuses a merge when another was faster, so that it is tried again until it passes."""
    from deltalake import DeltaTable, write_deltalake
    from deltalake.exceptions import CommitFailedError

    place = str(folder / "delta")
    os.environ["ACERO_ALIGNMENT_HANDLING"] = "ignore"  # it warns of buffers that delta-rs gives, at every count

    def commit(rows: "pa.Table") -> None:
        if not DeltaTable.is_deltatable(place):
            write_deltalake(place, rows)
            return
        began = time.monotonic()
        while True:
            merger = DeltaTable(place).merge(rows, predicate="t.k = i.k", source_alias="i", target_alias="t")
            try:
                merger.when_not_matched_insert_all().execute()
            except CommitFailedError:
                if time.monotonic() - began > _PATIENCE_SECONDS:
                    raise
            else:
                return

    def keys() -> int:
        return len(DeltaTable(place).to_pyarrow_table(columns=["k"])["k"].unique())

    return commit, lambda: int(DeltaTable(place).to_pyarrow_dataset().count_rows()), keys


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
