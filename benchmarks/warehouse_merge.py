"""One contender merges extractions into a table of its own: run by warehouse.py, prints one JSON object.

Run: python benchmarks/warehouse_merge.py make|madang|ducklake|duckdb|duckdb_replace|delta FOLDER ROWS INCOMING. Half
of what comes in replaces a row that differs, half is new. Everybody starts from the same Parquet file and gets the same
rows from memory.
"""

import json
import resource
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_KEY = ("source", "post_id", "content_hash", "recipe")
_SELECT = """
SELECT 'town' AS source, 'p' || i AS post_id, md5(i::VARCHAR) AS content_hash, 'groups@1' AS recipe,
  md5((i + {turn})::VARCHAR) AS request_hash, 'small-model' AS model, 'online' AS lane, 'ok' AS status,
  TIMESTAMPTZ '2024-01-01 00:00:00+00' + to_seconds(i) AS event_at,
  CAST(TIMESTAMP '2024-01-01' + to_seconds(i) AS DATE) AS "day",
  TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_seconds(i + {turn}) AS extracted_at, false AS is_calibrated,
  ['running', 'hiking', 'cafe'][1 + i % 3] AS topic, (i % 7)::DOUBLE / 7 AS topic__confidence,
  ['female', 'male', 'mixed'][1 + i % 3] AS gender, (i % 5)::DOUBLE / 5 AS gender__confidence,
  i % 40 AS seats, i % 2 = 0 AS is_recruiting,
  ((i * 7919 + {turn}) % 1000000)::DOUBLE AS fee_krw, 'KRW' AS fee_krw__currency
FROM range({first}, {last}) r(i)
"""


def main(contender: str, folder: Path, rows: int, incoming: int) -> None:
    """Prints seconds, CPU seconds, peak memory and what is in the table afterwards."""
    if contender == "make":
        _make(folder, rows, incoming)
        return
    own = folder / contender
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir(parents=True)
    contenders = {
        "madang": _madang, "ducklake": _ducklake, "duckdb": _duckdb, "duckdb_replace": _duckdb_replace, "delta": _delta,
    }  # fmt: skip
    merge, count = contenders[contender](folder, own)
    Path("/proc/self/clear_refs").write_text("5")  # the peak of memory begins anew
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    merge()
    seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF)
    [peak] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    found, keys = count()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    told = {
        "seconds": seconds, "cpu_seconds": cpu, "peak_mib": int(peak.split()[1]) / 1024, "rows": found,
        "doubled": found - keys, "is_right": found == keys == rows + incoming - incoming // 2,
    }  # fmt: skip
    sys.stdout.write(json.dumps(told) + "\n")
    shutil.rmtree(own)


Contender = tuple[Callable[[], object], Callable[[], tuple[int, int]]]


def _make(folder: Path, rows: int, incoming: int) -> None:
    import duckdb

    folder.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    first = rows - incoming // 2
    for name, sql in (
        ("base", _SELECT.format(first=0, last=rows, turn=0)),
        ("incoming", _SELECT.format(first=first, last=first + incoming, turn=1)),
    ):
        connection.execute(f"COPY ({sql}) TO '{folder / name}.parquet' (FORMAT parquet)")


def _madang(folder: Path, own: Path) -> Contender:
    """The warehouse's own commit: unique by key, update what differs, insert what is new."""
    import polars as pl

    from madang.schema.types import BOOLEAN, DATE, FLOAT, INSTANT, INTEGER, TEXT, Column, Table
    from madang.warehouse.ducklake import DuckLakeWarehouse
    from madang.warehouse.protocol import Change

    incoming = pl.read_parquet(folder / "incoming.parquet")
    types = {pl.String: TEXT, pl.Float64: FLOAT, pl.Int64: INTEGER, pl.Boolean: BOOLEAN, pl.Date: DATE}
    columns = tuple(
        Column(name, types.get(type(kind), INSTANT), "Of the benchmark") for name, kind in incoming.schema.items()
    )
    table = Table("attributes.bench", columns, _KEY, "An extraction")
    warehouse = DuckLakeWarehouse(own / "warehouse")
    warehouse.ensure([table])
    warehouse.read(f"INSERT INTO attributes.bench SELECT * FROM read_parquet('{folder}/base.parquet')")
    return (
        lambda: warehouse.commit([Change(table, incoming, "upsert")]),
        lambda: _counted(warehouse.read(_COUNTS.format(table="attributes.bench")).row(0)),
    )


_COUNTS = "SELECT count(*), count(DISTINCT post_id) FROM {table}"
_ON = " AND ".join(f"t.{key} = i.{key}" for key in _KEY)
_MERGE = f"MERGE INTO bench t USING incoming i ON {_ON} WHEN MATCHED THEN UPDATE WHEN NOT MATCHED THEN INSERT"


def _counted(row: tuple[object, ...]) -> tuple[int, int]:
    return int(str(row[0])), int(str(row[1]))


def _ducklake(folder: Path, own: Path) -> Contender:
    """DuckLake's MERGE, alone: no lock, no look at doubled keys."""
    import duckdb

    from madang.warehouse.ducklake import load_extensions

    connection = duckdb.connect()
    load_extensions(connection)
    connection.execute(f"ATTACH 'ducklake:sqlite:{own}/catalog.sqlite' AS lake (DATA_PATH '{own}/data')")
    connection.execute("USE lake")
    return _merging(connection, folder)


def _duckdb(folder: Path, own: Path) -> Contender:
    """MERGE in a plain DuckDB file."""
    import duckdb

    return _merging(duckdb.connect(str(own / "bench.duckdb")), folder)


def _duckdb_replace(folder: Path, own: Path) -> Contender:
    """In a plain DuckDB file rows of the same keys are deleted and all are inserted, in one transaction."""
    import duckdb

    return _merging(
        duckdb.connect(str(own / "bench.duckdb")), folder,
        f"BEGIN; DELETE FROM bench t USING incoming i WHERE {_ON}; INSERT INTO bench SELECT * FROM incoming; COMMIT",
    )  # fmt: skip


def _merging(connection: "duckdb.DuckDBPyConnection", folder: Path, merge: str = _MERGE) -> Contender:
    import pyarrow.parquet as pq

    connection.execute(f"CREATE TABLE bench AS SELECT * FROM read_parquet('{folder}/base.parquet')")
    connection.register("incoming", pq.read_table(folder / "incoming.parquet"))

    def count() -> tuple[int, int]:
        row = connection.execute(_COUNTS.format(table="bench")).fetchone()
        assert row is not None
        return _counted(row)

    return lambda: connection.execute(merge), count


def _delta(folder: Path, own: Path) -> Contender:
    """delta-rs's merge."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from deltalake import DeltaTable, write_deltalake

    for batch in pq.ParquetFile(folder / "base.parquet").iter_batches(batch_size=1_000_000):
        write_deltalake(str(own), pa.Table.from_batches([batch]), mode="append")
    incoming = pq.read_table(folder / "incoming.parquet")

    def merge() -> None:
        merger = DeltaTable(str(own)).merge(incoming, predicate=_ON, source_alias="i", target_alias="t")
        merger.when_matched_update_all().when_not_matched_insert_all().execute()

    def count() -> tuple[int, int]:
        keys = DeltaTable(str(own)).to_pyarrow_dataset().to_table(columns=["post_id"])
        return keys.num_rows, len(keys["post_id"].unique())

    return merge, count


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
