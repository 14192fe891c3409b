"""The embedded warehouse: every write is a merge on the key, and what differs in nothing writes nothing."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest
from scenario import frame

from madang.errors import InputError, WarehouseError
from madang.schema.types import BOOLEAN, DATE, FLOAT, INSTANT, INTEGER, JSON, SPANS, TEXT, TEXTS, Column, Table
from madang.warehouse.ducklake import DuckLakeWarehouse
from madang.warehouse.protocol import Change
from madang.warehouse.sql_text import literal, quote


def table(name: str, *more: Column) -> Table:
    """A table `town.<name>` keyed by k, with a value v."""
    return Table(f"town.{name}", (Column("k", TEXT), Column("v", INTEGER), *more), ("k",))


def rows(table: Table, **values: int | None) -> pl.DataFrame:
    return frame(table, *({"k": key, "v": value} for key, value in values.items()))


def stored(warehouse: DuckLakeWarehouse, table: Table) -> dict[str, int | None]:
    return dict(warehouse.read(f"SELECT k, v FROM {quote(table.name)} ORDER BY k").rows())


def made(warehouse: DuckLakeWarehouse, name: str, **values: int | None) -> Table:
    """A new table that holds these values."""
    new = table(name)
    warehouse.ensure([new])
    warehouse.commit([Change(new, rows(new, **values))])
    return new


def test_a_table_is_made_once(warehouse: DuckLakeWarehouse) -> None:
    once = table("once")
    before = warehouse.has("town.once")
    warehouse.ensure([once])
    snapshot = warehouse.snapshot
    warehouse.ensure([once])

    assert (before, warehouse.has("town.once")) == (False, True)
    assert warehouse.snapshot == snapshot


def test_a_new_column_is_added_and_old_rows_have_null_in_it(warehouse: DuckLakeWarehouse) -> None:
    made(warehouse, "wider", a=1)
    wider = table("wider", Column("note", TEXT), Column("tags", TEXTS))
    warehouse.ensure([wider])
    warehouse.commit([Change(wider, frame(wider, {"k": "b", "v": 2, "note": "n", "tags": ["x"]}))])

    assert warehouse.read("SELECT k, v, note, tags FROM town.wider ORDER BY k").rows() == [
        ("a", 1, None, None), ("b", 2, "n", ["x"]),
    ]  # fmt: skip


def test_a_column_that_the_declaration_dropped_keeps_its_values(warehouse: DuckLakeWarehouse) -> None:
    wide = table("narrower", Column("old", TEXT))
    warehouse.ensure([wide])
    warehouse.commit([Change(wide, frame(wide, {"k": "a", "v": 1, "old": "kept"}))])
    narrow = table("narrower")
    warehouse.ensure([narrow])
    warehouse.commit([Change(narrow, rows(narrow, a=5, b=2), "upsert")])

    assert warehouse.read("SELECT k, v, old FROM town.narrower ORDER BY k").rows() == [("a", 5, "kept"), ("b", 2, None)]


def test_a_changed_type_is_refused_and_nothing_is_made(warehouse: DuckLakeWarehouse) -> None:
    made(warehouse, "typed", a=1)
    changed = Table("town.typed", (Column("k", TEXT), Column("v", TEXT)), ("k",))

    with pytest.raises(WarehouseError) as error:
        warehouse.ensure([table("beside"), changed])

    assert str(error.value) == (
        "town.typed: column 'v' is BIGINT and the declaration says VARCHAR. "
        "Give the field another name; its old column keeps the old values"
    )
    assert not warehouse.has("town.beside")


def test_every_column_type_comes_back_as_it_went_in(warehouse: DuckLakeWarehouse) -> None:
    types = {
        "a": TEXT,
        "b": INTEGER,
        "c": FLOAT,
        "d": BOOLEAN,
        "e": DATE,
        "f": INSTANT,
        "g": JSON,
        "h": TEXTS,
        "i": SPANS,
    }
    every = Table("town.every", tuple(Column(name, kind) for name, kind in types.items()), ("a",))
    values = {
        "a": "👨‍👩‍👧‍👦 ' \" \\ \n", "b": 2**53 + 1, "c": 0.1, "d": False, "e": date(2024, 2, 29),
        "f": datetime(2024, 11, 27, 1, 2, 3, 456789, tzinfo=UTC), "g": '{"x": [1, null]}', "h": ["", "가"],
        "i": [{"field": "body", "start": 0, "end": 7}],
    }  # fmt: skip
    nulls = {"a": "null", **dict.fromkeys("bcdefghi")}
    warehouse.ensure([every])
    warehouse.commit([Change(every, frame(every, values, nulls))])

    found = warehouse.read("SELECT * FROM town.every ORDER BY a = 'null'").cast(dict(every.polars_schema))

    assert found.to_dicts() == [values, nulls]
    assert warehouse.commit([Change(every, found, "upsert")]) == 0


def test_committing_the_same_rows_again_makes_no_snapshot(warehouse: DuckLakeWarehouse) -> None:
    same = made(warehouse, "same", a=1, b=None)
    snapshot = warehouse.snapshot

    written = [warehouse.commit([Change(same, rows(same, a=1, b=None), mode)]) for mode in ("insert", "upsert")]

    assert written == [0, 0]
    assert warehouse.snapshot == snapshot


def test_committing_nothing_makes_no_snapshot(warehouse: DuckLakeWarehouse) -> None:
    none = made(warehouse, "none")
    snapshot = warehouse.snapshot

    assert warehouse.commit([]) == 0
    assert warehouse.commit([Change(none, rows(none)), Change(none, rows(none, x=1), "delete")]) == 0
    assert warehouse.snapshot == snapshot


def test_an_insert_leaves_rows_alone_whose_key_is_there(warehouse: DuckLakeWarehouse) -> None:
    kept = made(warehouse, "kept", a=1)
    written = warehouse.commit([Change(kept, rows(kept, a=9, b=2))])

    assert (written, stored(warehouse, kept)) == (1, {"a": 1, "b": 2})


def test_an_upsert_writes_only_rows_that_differ(warehouse: DuckLakeWarehouse) -> None:
    changed = made(warehouse, "changed", a=1, b=2, c=None, d=None)
    written = warehouse.commit([Change(changed, rows(changed, a=1, b=9, c=None, d=4, e=5), "upsert")])

    assert (written, stored(warehouse, changed)) == (3, {"a": 1, "b": 9, "c": None, "d": 4, "e": 5})


def test_a_delete_removes_the_keys(warehouse: DuckLakeWarehouse) -> None:
    smaller = made(warehouse, "smaller", a=1, b=2)
    written = warehouse.commit([Change(smaller, rows(smaller, a=None, x=None), "delete")])

    assert (written, stored(warehouse, smaller)) == (1, {"b": 2})


def test_of_two_rows_with_one_key_in_one_batch_the_last_wins(warehouse: DuckLakeWarehouse) -> None:
    doubled = made(warehouse, "doubled")
    batch = pl.concat([rows(doubled, a=1), rows(doubled, b=2), rows(doubled, a=3)])
    written = warehouse.commit([Change(doubled, batch)])

    assert (written, stored(warehouse, doubled)) == (2, {"a": 3, "b": 2})


def test_a_null_in_a_key_is_a_value_like_another(warehouse: DuckLakeWarehouse) -> None:
    nullable = made(warehouse, "nullable")
    row = frame(nullable, {"k": None, "v": 1})
    written = [warehouse.commit([Change(nullable, row)]) for _ in range(2)]

    assert written == [1, 0]


def test_all_changes_of_a_commit_are_one_snapshot(warehouse: DuckLakeWarehouse) -> None:
    one, other = made(warehouse, "one", a=1), made(warehouse, "other", a=1)
    snapshot = warehouse.snapshot
    warehouse.commit([
        Change(one, rows(one, b=2)), Change(other, rows(other, a=2), "upsert"), Change(one, rows(one, a=1), "delete"),
    ])  # fmt: skip

    assert warehouse.snapshot == snapshot + 1
    assert (stored(warehouse, one), stored(warehouse, other)) == ({"b": 2}, {"a": 2})


def test_a_commit_that_fails_halfway_writes_nothing(warehouse: DuckLakeWarehouse) -> None:
    whole = made(warehouse, "whole", a=1)
    gone = table("gone")

    with pytest.raises(duckdb.CatalogException):
        warehouse.commit([Change(whole, rows(whole, b=2)), Change(gone, rows(gone, a=1))])

    assert stored(warehouse, whole) == {"a": 1}
    assert warehouse.commit([Change(whole, rows(whole, c=3))]) == 1


def test_odd_names_and_strings_are_quoted(warehouse: DuckLakeWarehouse) -> None:
    odd = Table('town.o"dd ; select', (Column("order", TEXT), Column('a"b', TEXT), Column("한글", INTEGER)), ("order",))
    nasty = "'; DROP TABLE town.x; --"
    warehouse.ensure([odd])
    warehouse.commit([Change(odd, frame(odd, {"order": nasty, 'a"b': '"', "한글": 1}))])
    warehouse.commit([Change(odd, frame(odd, {"order": nasty, 'a"b': "'", "한글": 2}), "upsert")])

    assert warehouse.read(f"SELECT * FROM {quote(odd.name)}").rows() == [(nasty, "'", 2)]
    assert (quote('a."b'), literal("o'b")) == ('"a"."""b"', "'o''b'")


def test_a_frame_may_be_named_in_a_query(warehouse: DuckLakeWarehouse) -> None:
    town = made(warehouse, "framed", a=1, b=2)
    asked = pl.DataFrame({"k": ["b", "x"]})
    found = warehouse.read(f"SELECT v FROM {town.name} SEMI JOIN asked USING (k)", frames={"asked": asked})

    assert found.rows() == [(2,)]


def test_a_step_may_be_named_in_those_after_it_and_is_gone_afterwards(warehouse: DuckLakeWarehouse) -> None:
    town = made(warehouse, "stepped", a=1, b=2)
    snapshot = warehouse.snapshot
    steps = {"large": f"SELECT v FROM {town.name} WHERE v > 1", "doubled": "SELECT 2 * v AS v FROM large"}

    assert [warehouse.read("SELECT v FROM doubled", steps=steps).rows() for _ in range(2)] == [[(4,)], [(4,)]]
    assert warehouse.snapshot == snapshot


def test_sums_come_back_as_integers(warehouse: DuckLakeWarehouse) -> None:
    town = made(warehouse, "summed", a=1, b=2)
    found = warehouse.read(f"SELECT sum(v) AS total, count(*) AS n FROM {town.name}")

    assert found.schema == pl.Schema({"total": pl.Int64(), "n": pl.Int64()})


def test_decimals_come_back_as_floats(warehouse: DuckLakeWarehouse) -> None:
    """They were cut to integers: 1.5 came back as 1, and 0.75 as 0."""
    town = made(warehouse, "halved", a=1, b=2)
    found = warehouse.read(f"SELECT 1.5 AS a, 0.25 * 3 AS b, round(sum(v) * 0.5, 2) AS c, sum(v) AS d FROM {town.name}")

    assert found.rows() == [(1.5, 0.75, 1.5, 3)]
    assert found.dtypes == [pl.Float64(), pl.Float64(), pl.Float64(), pl.Int64()]


def test_a_failed_conversion_is_refused_without_the_value(warehouse: DuckLakeWarehouse) -> None:
    """DuckDB quotes the value, and that was the body of a post in the log of a run."""
    with pytest.raises(InputError) as error:
        warehouse.read("SELECT CAST(body AS INTEGER) FROM (VALUES ('secret')) posts(body)")

    assert str(error.value) == ("query: a value cannot be converted to the type that is asked. Use try_cast or TRY(…)")
    assert (error.value.__cause__, error.value.__suppress_context__) == (None, True)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("", "it holds no statement. Write one, such as: SELECT count(*) FROM raw.posts"),
        ("-- nothing", "it holds no statement. Write one, such as: SELECT count(*) FROM raw.posts"),
        ("SELECT INTERVAL 1 DAY AS i", "column 'i' is INTERVAL, which cannot be shown. Cast it to VARCHAR"),
        ("SELECT [INTERVAL 1 DAY] AS i", "column 'i' is INTERVAL[], which cannot be shown. Cast it to VARCHAR"),
        (
            "SELECT 9223372036854775807::HUGEINT + 1 AS i",
            "an integer of i has more than 64 bits. Cast it to DOUBLE or VARCHAR",
        ),
    ],
)
def test_what_polars_cannot_hold_is_refused_with_a_remedy(warehouse: DuckLakeWarehouse, sql: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        warehouse.read(sql)

    assert str(error.value) == f"query: {message}"


def test_a_name_like_a_type_s_is_no_type(warehouse: DuckLakeWarehouse) -> None:
    found = warehouse.read("""SELECT {'UNION': 1} AS "INTERVAL", 'UNION'::ENUM('UNION') AS e""")

    assert found.rows() == [({"UNION": 1}, "UNION")]


def test_instants_are_utc_whatever_the_machine_s_zone(warehouse: DuckLakeWarehouse) -> None:
    [(text,)] = warehouse.read("SELECT TIMESTAMPTZ '2024-11-27 09:00:00+09'::VARCHAR").rows()

    assert text == "2024-11-27 00:00:00+00"


def test_a_view_is_replaced_only_when_its_sql_changed(warehouse: DuckLakeWarehouse) -> None:
    town = made(warehouse, "viewed", a=1, b=2)
    warehouse.ensure_view("town.seen", f"SELECT k FROM {town.name} WHERE k <> 'it''s'", "What's seen")
    snapshot = warehouse.snapshot
    warehouse.ensure_view("town.seen", f"SELECT k FROM {town.name} WHERE k <> 'it''s'", "What's seen")
    unchanged = warehouse.snapshot
    warehouse.ensure_view("town.seen", f"SELECT k FROM {town.name} WHERE k = 'b'", "What's seen")

    assert unchanged == snapshot
    assert warehouse.read("SELECT * FROM town.seen").rows() == [("b",)]
    assert warehouse.has("town.seen")


def test_a_second_connection_sees_commits_and_can_read_while_the_first_writes(warehouse: DuckLakeWarehouse) -> None:
    town = made(warehouse, "shared", a=1)
    reader = DuckLakeWarehouse(warehouse.folder, read_only=True)
    before = stored(reader, town)
    warehouse.commit([Change(town, rows(town, b=2))])
    after = stored(reader, town)

    assert (before, after) == ({"a": 1}, {"a": 1, "b": 2})
    with pytest.raises(duckdb.Error, match="read-only"):
        reader.commit([Change(town, rows(town, c=3))])
    reader.close()


def test_any_duckdb_client_attaches_it_and_its_views_work_under_any_name(warehouse: DuckLakeWarehouse) -> None:
    town = made(warehouse, "public", a=1)
    warehouse.ensure_view("town.public_view", f"SELECT k, v + 1 AS v FROM {town.name}", "")
    client = duckdb.connect()
    client.execute("LOAD ducklake; LOAD sqlite_scanner")
    client.execute(f"ATTACH {literal(f'ducklake:sqlite:{warehouse.catalog}')} AS other (READ_ONLY)")

    assert client.execute("SELECT * FROM other.town.public_view").fetchall() == [("a", 2)]
    client.close()


def test_reading_without_a_warehouse_is_refused_and_makes_none(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match=r"there is no warehouse yet\. Run: madang ingest PATH"):
        DuckLakeWarehouse(tmp_path / "none", read_only=True)

    assert not (tmp_path / "none").exists()


def test_a_warehouse_of_a_newer_format_is_refused_untouched(tmp_path: Path) -> None:
    folder = tmp_path / "newer"
    DuckLakeWarehouse(folder).close()
    (folder / "format.json").write_text(json.dumps({"version": 2}))

    for read_only in (False, True):
        with pytest.raises(WarehouseError, match=r"it is of format 2, and this madang knows 1\. Upgrade madang"):
            DuckLakeWarehouse(folder, read_only=read_only)


def test_a_broken_catalog_is_refused_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "catalog.sqlite").write_bytes(b"no database at all" * 100)

    with pytest.raises(
        WarehouseError, match=r"catalog\.sqlite: it cannot be attached \(.*\)\. Restore it from a backup"
    ):
        DuckLakeWarehouse(tmp_path, read_only=True)
    with pytest.raises(
        WarehouseError, match=r"catalog\.sqlite: it cannot be attached \(.*\)\. Restore it from a backup"
    ):
        DuckLakeWarehouse(tmp_path)


def test_the_catalog_is_in_wal_mode(warehouse: DuckLakeWarehouse) -> None:
    import sqlite3

    connection = sqlite3.connect(warehouse.catalog)
    [mode] = connection.execute("PRAGMA journal_mode").fetchone()
    connection.close()

    assert mode == "wal"


def test_the_lock_may_be_entered_again_by_its_holder(warehouse: DuckLakeWarehouse) -> None:
    town = made(warehouse, "locked")
    with warehouse.exclusive(), warehouse.exclusive():
        written = warehouse.commit([Change(replace(town), rows(town, a=1))])

    assert written == 1


def test_tables_and_columns_bear_their_descriptions(warehouse: DuckLakeWarehouse) -> None:
    described = Table(
        "town.described", (Column("k", TEXT, "Whose"), Column("v", INTEGER, "How many")), ("k",), "A count"
    )
    warehouse.ensure([described])
    before = warehouse.snapshot
    warehouse.ensure([described])

    assert warehouse.snapshot == before
    assert _comments(warehouse, "described") == [("", "A count"), ("k", "Whose"), ("v", "How many")]


def test_a_description_that_changed_is_written_anew_and_rows_stay(warehouse: DuckLakeWarehouse) -> None:
    old = Table("town.reworded", (Column("k", TEXT, "Whose"),), ("k",), "A count")
    new = Table("town.reworded", (Column("k", TEXT, "Whose it is"),), ("k",), "A count")
    warehouse.ensure([old])
    warehouse.commit([Change(old, frame(old, {"k": "a"}))])
    warehouse.ensure([new])
    warehouse.commit([Change(new, frame(new, {"k": "b"}))])

    assert _comments(warehouse, "reworded") == [("", "A count"), ("k", "Whose it is")]
    assert warehouse.read("SELECT k FROM town.reworded ORDER BY k")["k"].to_list() == ["a", "b"]


def _comments(warehouse: DuckLakeWarehouse, name: str) -> list[tuple[str, str]]:
    return warehouse.read(
        "SELECT '', comment FROM duckdb_tables() WHERE table_name = ? "
        "UNION ALL SELECT column_name, comment FROM duckdb_columns() WHERE table_name = ? ORDER BY ALL",
        [name, name],
    ).rows()
