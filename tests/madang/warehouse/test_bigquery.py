"""BigQuery alone: what it is asked for, and what happens when it refuses, loses an answer or sends a bill."""

import re
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest
from scenario import frame
from services.bigquery_faults import Fault, FaultyBigQuery, faulty_bigquery
from sqlglot import exp

from madang.errors import InputError, WarehouseError
from madang.schema.types import DATE, INTEGER, TEXT, Column, Table
from madang.settings import BigQuerySettings
from madang.warehouse import Change
from madang.warehouse.bigquery import BigQueryWarehouse
from madang.warehouse.bigquery_tables import field

pytestmark = pytest.mark.service
PROJECT = "madang-test"
NUMBERS = Table(
    "town.numbers", (Column("k", TEXT, "What it's called"), Column("v", INTEGER), Column("day", DATE)), ("k",)
)
_UPLOAD = r"/upload/"
_UPLOADED = r"/upload/.*(upload_id|multipart)"
_QUERY = r"/(queries|jobs)\?"


@pytest.fixture(scope="module")
def server(emulator: str) -> Iterator[FaultyBigQuery]:
    with faulty_bigquery(emulator) as told:
        yield told


@pytest.fixture
def open_one(server: FaultyBigQuery, monkeypatch: pytest.MonkeyPatch) -> Callable[..., BigQueryWarehouse]:
    """Opens a warehouse of the test's own behind the faulty server."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server.address)
    dataset = f"m{uuid.uuid4().hex[:8]}"
    server.faults.clear()
    return lambda **options: BigQueryWarehouse(PROJECT, dataset, BigQuerySettings(), **options)


@pytest.fixture
def warehouse(open_one: Callable[..., BigQueryWarehouse], server: FaultyBigQuery) -> Iterator[BigQueryWarehouse]:
    opened = open_one()
    opened.ensure([NUMBERS])
    server.seen.clear()
    yield opened
    opened.close()


def rows(**values: int) -> pl.DataFrame:
    return frame(NUMBERS, *({"k": key, "v": value, "day": date(2024, 11, 27)} for key, value in values.items()))


def stored(warehouse: BigQueryWarehouse) -> dict[str, int]:
    return dict(warehouse.read("SELECT k, v FROM town.numbers ORDER BY k").rows())


def test_every_job_is_labelled_capped_and_has_an_id_that_says_whose_it_is(
    warehouse: BigQueryWarehouse, server: FaultyBigQuery
) -> None:
    warehouse.ensure([replace(NUMBERS, name="town.labelled")])
    with warehouse.exclusive():
        warehouse.commit([Change(NUMBERS, rows(a=1))])
    stored(warehouse)

    jobs = [body for _, _, body in server.seen if "configuration" in body]
    kinds = [job["configuration"]["labels"]["kind"] for job in jobs]
    assert set(kinds) == {"ensure", "lock", "load", "commit", "read"}
    for job, kind in zip(jobs, kinds, strict=True):
        assert job["configuration"]["labels"] == {"application": "madang", "kind": kind}
        assert job["jobReference"]["jobId"].startswith(f"madang_{kind}_")
        assert kind == "load" or job["configuration"]["query"]["maximumBytesBilled"] == "100000000000"


def test_a_table_is_partitioned_by_day_and_clustered_by_its_key(
    warehouse: BigQueryWarehouse, server: FaultyBigQuery
) -> None:
    other = replace(NUMBERS, name="town.others")
    warehouse.ensure([other])
    (sql,) = [job["configuration"]["query"]["query"] for job in server.jobs("ensure")]
    made = warehouse._jobs.client.get_table(f"{PROJECT}.{warehouse._dataset}_town.others")

    assert "PARTITION BY `day` CLUSTER BY `k`" in sql
    assert "`k` STRING OPTIONS (description = 'What it\\'s called')" in sql
    assert made.time_partitioning.field == "day"


def test_a_merge_names_the_days_of_its_rows_so_that_no_other_partition_is_read(
    warehouse: BigQueryWarehouse, server: FaultyBigQuery
) -> None:
    days = date(2024, 11, 28), date(2024, 11, 27)
    two = frame(NUMBERS, *({"k": f"k{day.day}", "v": 1, "day": day} for day in (*days, *days)))
    written = [
        warehouse.commit([Change(NUMBERS, part, mode)])
        for part, mode in ((two, "insert"), (two, "upsert"), (two.filter(day=days[0]), "delete"))
    ]

    scripts = [job["configuration"]["query"]["query"] for job in server.jobs("commit")]
    pruned = [re.findall(r"AND t\.`day` IN \((.*?)\)", sql) for sql in scripts]
    both = ["DATE '2024-11-27', DATE '2024-11-28'"]
    assert pruned == [both, both, ["DATE '2024-11-28'"]]
    assert written == [2, 0, 1]


def test_rows_without_a_day_are_sought_in_all_partitions(
    warehouse: BigQueryWarehouse, server: FaultyBigQuery
) -> None:  # fmt: skip
    dayless = rows(a=1).with_columns(day=pl.lit(None, pl.Date()))

    assert [warehouse.commit([Change(NUMBERS, dayless, "upsert")]) for _ in range(2)] == [1, 0]
    assert not any("IN (DATE" in job["configuration"]["query"]["query"] for job in server.jobs("commit"))


def test_a_load_that_was_carried_out_and_not_answered_is_not_loaded_twice(
    warehouse: BigQueryWarehouse, server: FaultyBigQuery
) -> None:
    server.faults.append(Fault("lose", _UPLOADED))

    assert warehouse.commit([Change(NUMBERS, rows(a=1))]) == 1
    assert len(server.jobs("load")) == 1
    assert stored(warehouse) == {"a": 1}


def test_staging_tables_that_ended_processes_left_are_dropped(
    warehouse: BigQueryWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = exp.table_("left", db=f"{warehouse._dataset}_staging", catalog=PROJECT)
    warehouse._jobs.load(rows(a=1), table, [field(column) for column in NUMBERS.columns], f"left_{warehouse._dataset}")
    while_young = warehouse.datasets.drop_left_staging(is_dry_run=False)
    monkeypatch.setattr("madang.warehouse.bigquery_datasets._LEFT", timedelta(0))
    looked, dropped = (warehouse.datasets.drop_left_staging(is_dry_run=dry) for dry in (True, False))

    assert [while_young, looked, dropped] == [(0, 1), (1, 0), (1, 0)]
    assert not warehouse.has("staging.left")
    assert set(warehouse.datasets.columns()) == {"ops.warehouse_lock", "town.numbers"}


def test_a_job_id_used_twice_is_one_load(warehouse: BigQueryWarehouse, server: FaultyBigQuery) -> None:
    table = exp.table_("twice", db=f"{warehouse._dataset}_staging", catalog=PROJECT)
    fields = [field(column) for column in NUMBERS.columns]
    for content in (rows(a=1), rows(b=2)):
        warehouse._jobs.load(content, table, fields, f"madang_load_{warehouse._dataset}")

    assert dict(warehouse.read("SELECT k, v FROM staging.twice").rows()) == {"a": 1}


def test_a_commit_that_was_carried_out_and_not_answered_is_not_carried_out_twice(
    warehouse: BigQueryWarehouse, server: FaultyBigQuery
) -> None:
    before = warehouse.snapshot
    server.faults.append(Fault("lose", _QUERY, "MERGE INTO"))
    warehouse.commit([Change(NUMBERS, rows(a=1))])

    assert (stored(warehouse), warehouse.snapshot - before) == ({"a": 1}, 1)


@pytest.mark.parametrize(
    ("status", "reason"), [(503, "backendError"), (500, "internalError"), (403, "rateLimitExceeded")]
)
def test_what_passes_is_tried_again(
    warehouse: BigQueryWarehouse, server: FaultyBigQuery, status: int, reason: str
) -> None:
    server.faults += [Fault("refuse", _QUERY, "MERGE INTO", status=status, reason=reason),
                      Fault("refuse", _UPLOAD, status=status, reason=reason)]  # fmt: skip

    assert warehouse.commit([Change(NUMBERS, rows(a=1))]) == 1


def test_a_quota_that_is_used_up_is_told_and_not_tried_again(
    warehouse: BigQueryWarehouse, server: FaultyBigQuery
) -> None:
    server.faults.append(Fault("refuse", _QUERY, "MERGE INTO", times=99, status=403, reason="quotaExceeded"))

    with pytest.raises(WarehouseError, match=r"403 .quotaExceeded"):
        warehouse.commit([Change(NUMBERS, rows(a=1))])

    server.faults.clear()
    assert stored(warehouse) == {}


def test_a_commit_that_met_another_comes_again(warehouse: BigQueryWarehouse, server: FaultyBigQuery) -> None:
    message = "Transaction is aborted due to concurrent update against table madang-test:m_ops.warehouse_lock"
    server.faults.append(
        Fault("refuse", _QUERY, "MERGE INTO", times=2, status=400, reason="invalidQuery", message=message)
    )

    assert warehouse.commit([Change(NUMBERS, rows(a=1))]) == 1
    assert stored(warehouse) == {"a": 1}


def test_a_load_of_half_the_rows_is_not_merged(warehouse: BigQueryWarehouse, server: FaultyBigQuery) -> None:
    server.faults.append(Fault("half", _UPLOADED))

    with pytest.raises(WarehouseError, match="1 of 2 rows were loaded"):
        warehouse.commit([Change(NUMBERS, rows(a=1, b=2))])

    server.faults.clear()
    assert stored(warehouse) == {}


def test_a_query_over_the_cap_is_refused_by_name(warehouse: BigQueryWarehouse, server: FaultyBigQuery) -> None:
    server.faults.append(Fault("bill", _QUERY, bytes_read=2 * 10**11))

    with pytest.raises(InputError, match="more than most_bytes_billed, 100000000000 bytes"):
        stored(warehouse)


def test_a_persons_query_is_estimated_before_it_runs(
    warehouse: BigQueryWarehouse, open_one: Callable[..., BigQueryWarehouse], server: FaultyBigQuery
) -> None:
    reader = open_one(read_only=True)
    server.faults.append(Fault("bill", _QUERY, bytes_read=2 * 10**11))
    server.seen.clear()

    with pytest.raises(WarehouseError, match=r"it would read 200\.0 GB, and the cap is 100\.0"):
        stored(reader)

    reader.close()
    assert [job["configuration"].get("dryRun") for job in server.jobs("read")] == [True]


def test_no_message_holds_a_value(warehouse: BigQueryWarehouse, server: FaultyBigQuery) -> None:
    server.faults.append(
        Fault("refuse", _QUERY, "SELECT", status=400, reason="invalidQuery", message="Bad int64 value: 우리집 비밀번호")
    )

    with pytest.raises(InputError) as error:
        stored(warehouse)

    assert "비밀번호" not in str(error.value)
    assert error.value.__cause__ is None


def test_a_holder_that_is_gone_is_waited_for_until_its_hold_runs_out(
    warehouse: BigQueryWarehouse, open_one: Callable[..., BigQueryWarehouse]
) -> None:
    gone = open_one()
    gone._take()
    lock = f"`{PROJECT}`.`{warehouse._dataset}_ops`.`warehouse_lock`"
    written: list[int] = []
    writing = threading.Thread(target=lambda: written.append(_commit_exclusively(warehouse)))
    writing.start()
    writing.join(timeout=2)
    is_kept_out = not written
    gone._jobs.query(f"UPDATE {lock} SET expires_at = TIMESTAMP '2024-01-01 00:00:00+00' WHERE TRUE", "lock")
    writing.join(timeout=60)

    assert (is_kept_out, written) == (True, [1])
    with gone._mutex:
        gone._depth = 1  # it comes back, and believes that it holds the lock
        with pytest.raises(WarehouseError, match="lost"):
            gone.commit([Change(NUMBERS, rows(z=1))])
    gone.close()


def _commit_exclusively(warehouse: BigQueryWarehouse) -> int:
    with warehouse.exclusive():
        return warehouse.commit([Change(NUMBERS, rows(a=1))])


def test_a_warehouse_that_is_not_there_is_not_made_by_reading(open_one: Callable[..., BigQueryWarehouse]) -> None:
    with pytest.raises(WarehouseError, match="there is no warehouse yet"):
        open_one(read_only=True)
