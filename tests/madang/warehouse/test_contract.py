"""What holds of every warehouse: each claim is tried on the embedded one and on BigQuery."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import polars as pl
import pytest
from scenario import frame

from madang.errors import WarehouseError
from madang.schema.types import (
    BOOLEAN,
    DATE,
    FLOAT,
    INSTANT,
    INTEGER,
    JSON,
    REASONS,
    SPANS,
    TEXT,
    TEXTS,
    Column,
    Table,
)
from madang.warehouse import Change, Warehouse

DAY = date(2024, 11, 27)
NOON = datetime(2024, 11, 27, 12, tzinfo=UTC)


def table(name: str, *more: Column, key: Sequence[str] = ("k",)) -> Table:
    """A table `town.<name>` keyed by k, with a value v."""
    return Table(f"town.{name}", (Column("k", TEXT, "What is counted"), Column("v", INTEGER), *more), tuple(key))


def rows(table: Table, **values: int | None) -> pl.DataFrame:
    return frame(table, *({"k": key, "v": value} for key, value in values.items()))


def stored(warehouse: Warehouse, table: Table) -> dict[str, int | None]:
    return dict(warehouse.read(f"SELECT k, v FROM {table.name} ORDER BY k").rows())


def made(warehouse: Warehouse, name: str, **values: int | None) -> Table:
    """A new table that holds these values."""
    new = table(name)
    warehouse.ensure([new])
    warehouse.commit([Change(new, rows(new, **values))])
    return new


# Tables.


def test_a_table_is_there_once_it_is_made(either: Warehouse) -> None:
    before = either.has("town.there")
    either.ensure([table("there")])
    either.ensure([table("there")])

    assert (before, either.has("town.there"), either.has("nowhere.there")) == (False, True, False)


def test_a_new_column_is_added_and_old_rows_have_null_in_it(either: Warehouse) -> None:
    made(either, "wider", a=1)
    wider = table("wider", Column("note", TEXT), Column("tags", TEXTS))
    told = [change.line for change in either.changes_of([wider])]
    either.ensure([wider])
    either.commit([Change(wider, frame(wider, {"k": "b", "v": 2, "note": "n", "tags": ["x"]}))])

    assert told == ["town.wider: column note is added", "town.wider: column tags is added"]
    assert either.read("SELECT k, v, note FROM town.wider ORDER BY k").rows() == [("a", 1, None), ("b", 2, "n")]


def test_an_integer_that_may_have_fractions_now_is_widened_and_keeps_its_values(either: Warehouse) -> None:
    """Bathrooms were whole numbers until half ones came: homes from before must go on working."""
    made(either, "baths", a=1, b=None)
    wide = Table("town.baths", (Column("k", TEXT), Column("v", FLOAT)), ("k",))
    told = [change.line for change in either.changes_of([wide])]
    either.ensure([wide])
    either.commit([Change(wide, frame(wide, {"k": "c", "v": 1.5}))])

    assert told == ["town.baths: column v is widened to hold fractions, its values are kept"]
    assert either.read("SELECT k, v FROM town.baths ORDER BY k").rows() == [("a", 1.0), ("b", None), ("c", 1.5)]


def test_a_table_that_is_as_declared_has_nothing_to_change(either: Warehouse) -> None:
    same = made(either, "as_declared", a=1)

    assert either.changes_of([same, table("not_there_yet")]) == []


def test_a_column_that_the_declaration_dropped_keeps_its_values(either: Warehouse) -> None:
    wide, narrow = table("narrower", Column("old", TEXT)), table("narrower")
    either.ensure([wide])
    either.commit([Change(wide, frame(wide, {"k": "a", "v": 1, "old": "kept"}))])

    either.ensure([narrow])
    either.commit([Change(narrow, rows(narrow, a=5, b=2), "upsert")])

    assert either.read("SELECT k, v, old FROM town.narrower ORDER BY k").rows() == [("a", 5, "kept"), ("b", 2, None)]


def test_a_type_that_cannot_become_the_declared_one_is_refused_and_nothing_is_made(either: Warehouse) -> None:
    made(either, "typed", a=1)
    changed = Table("town.typed", (Column("k", TEXT), Column("v", TEXT)), ("k",))

    with pytest.raises(WarehouseError, match=r"town.typed: column 'v' is .* Give the field another name"):
        either.ensure([table("beside"), changed])

    assert not either.has("town.beside")


# Values.


def test_every_column_type_comes_back_as_it_went_in(either: Warehouse) -> None:
    types = {"a": TEXT, "b": INTEGER, "c": FLOAT, "d": BOOLEAN, "e": DATE, "f": INSTANT, "g": JSON, "h": TEXTS,
             "i": SPANS, "j": REASONS}  # fmt: skip
    every = Table("town.every", tuple(Column(name, kind) for name, kind in types.items()), ("a",))
    values = {
        "a": "한국어 👨‍👩‍👧‍👦 ' \" ` \\ \n -- ${x}", "b": 2**53 + 1, "c": 0.1, "d": False, "e": date(2024, 2, 29),
        "f": datetime(2024, 11, 27, 1, 2, 3, 456789, tzinfo=UTC), "g": '{"z": [1, null, 1.50], "a": "가"}',
        "h": ["", "가"], "i": [{"field": "body", "start": 0, "end": 7}, {"field": "title", "start": 1, "end": 2}],
        "j": [{"field": "price", "reason": "not in the text"}],
    }  # fmt: skip
    either.ensure([every])
    either.commit([Change(every, frame(every, values))])

    found = either.read("SELECT * FROM town.every").select(every.polars_schema.names()).cast(dict(every.polars_schema))

    assert found.to_dicts() == [values]
    assert either.commit([Change(every, found, "upsert")]) == 0


def test_null_comes_back_as_null_and_a_null_list_may_be_empty(either: Warehouse) -> None:
    types = {"b": INTEGER, "c": FLOAT, "d": BOOLEAN, "e": DATE, "f": INSTANT, "g": JSON, "h": TEXTS, "i": SPANS}
    nulls = Table("town.nulls", (Column("a", TEXT), *(Column(n, kind) for n, kind in types.items())), ("a",))
    either.ensure([nulls])
    either.commit([Change(nulls, frame(nulls, {"a": "x"}))])

    found = either.read("SELECT * FROM town.nulls").row(0, named=True)

    assert {name: value or None for name, value in found.items()} == {"a": "x", **dict.fromkeys(types)}
    assert either.commit([Change(nulls, frame(nulls, {"a": "x"}), "upsert")]) == 0


def test_the_ends_of_time_and_numbers_come_back(either: Warehouse) -> None:
    ends = table("ends", Column("x", FLOAT), Column("at", INSTANT), Column("day", DATE))
    values = [
        {"k": "high", "v": 2**63 - 1, "x": 1.7976931348623157e308, "at": datetime(2262, 1, 1, tzinfo=UTC),
         "day": date(2262, 1, 1)},
        {"k": "low", "v": -(2**63), "x": -5e-324, "at": datetime(1700, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
         "day": date(1700, 1, 1)},
    ]  # fmt: skip
    either.ensure([ends])
    either.commit([Change(ends, frame(ends, *values))])

    assert either.read('SELECT k, v, x, "at", day FROM town.ends ORDER BY k').to_dicts() == values


# Merging.


def test_committing_the_same_rows_again_writes_nothing(either: Warehouse) -> None:
    same = made(either, "same", a=1, b=None)
    snapshot = either.snapshot

    written = [either.commit([Change(same, rows(same, a=1, b=None), mode)]) for mode in ("insert", "upsert")]

    assert written == [0, 0]
    assert either.snapshot == snapshot


def test_a_commit_is_seen_in_the_snapshot(either: Warehouse) -> None:
    numbered = made(either, "numbered")
    before = either.snapshot
    either.commit([Change(numbered, rows(numbered, a=1))])

    assert either.snapshot > before


def test_an_insert_leaves_rows_that_are_there_and_an_upsert_replaces_them(either: Warehouse) -> None:
    kept, replaced = made(either, "kept", a=1), made(either, "replaced", a=1)
    written = either.commit([
        Change(kept, rows(kept, a=9, b=2)), Change(replaced, rows(replaced, a=9, b=2), "upsert")
    ])  # fmt: skip

    assert stored(either, kept) == {"a": 1, "b": 2}
    assert stored(either, replaced) == {"a": 9, "b": 2}
    assert written == 3


def test_a_table_can_be_read_as_it_was(either: Warehouse) -> None:
    past = made(either, "past", a=1)
    time.sleep(0.1)
    then = datetime.now(UTC).isoformat()
    time.sleep(0.1)
    either.commit([Change(past, rows(past, a=2, b=3), "upsert")])

    sql = f"SELECT k, v FROM town.past AT (TIMESTAMP => TIMESTAMPTZ '{then}') ORDER BY k"
    assert either.read(sql).rows() == [("a", 1)]
    assert stored(either, past) == {"a": 2, "b": 3}


def test_the_last_of_two_rows_with_one_key_wins(either: Warehouse) -> None:
    doubled = made(either, "doubled")
    either.commit([Change(doubled, pl.concat([rows(doubled, a=1), rows(doubled, a=2)]))])

    assert stored(either, doubled) == {"a": 2}


def test_a_deletion_removes_its_keys_alone(either: Warehouse) -> None:
    thinned = made(either, "thinned", a=1, b=2)

    assert either.commit([Change(thinned, rows(thinned, a=None, z=None), "delete")]) == 1
    assert stored(either, thinned) == {"b": 2}


def test_null_in_a_key_is_a_value_like_others(either: Warehouse) -> None:
    """Features of posts without a time of their own have a null in their key: each publication doubled them."""
    timed = table("timed", Column("at", INSTANT), key=("k", "at"))
    either.ensure([timed])
    both = frame(timed, {"k": "a", "v": 1, "at": None}, {"k": "a", "v": 2, "at": NOON})

    assert [either.commit([Change(timed, both)]), either.commit([Change(timed, both, "upsert")])] == [2, 0]
    assert either.commit([Change(timed, both.filter(pl.col("at").is_null()), "delete")]) == 1


def test_a_change_of_nested_values_alone_is_written(either: Warehouse) -> None:
    nested = table("nested", Column("spans", SPANS))
    either.ensure([nested])
    one, other = ({"k": "a", "v": 1, "spans": [{"field": "body", "start": 0, "end": end}]} for end in (3, 4))
    either.commit([Change(nested, frame(nested, one))])

    assert either.commit([Change(nested, frame(nested, other), "upsert")]) == 1
    assert either.read("SELECT spans FROM town.nested")["spans"].to_list() == [other["spans"]]


def test_all_changes_of_a_commit_are_there_or_none(either: Warehouse) -> None:
    """The second change fails: its table is gone."""
    first = made(either, "first")
    missing = table("missing_one")

    with pytest.raises(Exception, match=r"missing_one|refuses|invalid|notFound"):
        either.commit([Change(first, rows(first, a=1)), Change(missing, rows(missing, a=1))])

    assert stored(either, first) == {}


def test_writers_of_one_key_at_once_leave_one_row(open_again, either: Warehouse) -> None:
    counted = made(either, "counted")
    others = [open_again() for _ in range(4)]

    def write(warehouse: Warehouse) -> int:
        return warehouse.commit([Change(counted, rows(counted, a=1))])

    with ThreadPoolExecutor(len(others)) as pool:
        written = list(pool.map(write, others))
    for other in others:
        other.close()

    assert sorted(written) == [0, 0, 0, 1]
    assert stored(either, counted) == {"a": 1}


def test_what_is_read_and_written_exclusively_is_not_lost(open_again, either: Warehouse) -> None:
    summed = made(either, "summed", a=0)
    others = [open_again() for _ in range(3)]

    def add(warehouse: Warehouse) -> None:
        for _ in range(3):
            with warehouse.exclusive(), warehouse.exclusive():
                now = stored(warehouse, summed)["a"]
                warehouse.commit([Change(summed, rows(summed, a=now + 1), "upsert")])

    with ThreadPoolExecutor(len(others)) as pool:
        list(pool.map(add, others))
    for other in others:
        other.close()

    assert stored(either, summed) == {"a": 9}


# Opening.


def test_a_warehouse_opened_to_read_does_not_write(open_again, either: Warehouse) -> None:
    shown = made(either, "shown", a=1)
    reader = open_again(read_only=True)

    assert stored(reader, shown) == {"a": 1}
    with pytest.raises(Exception, match="read"):
        reader.commit([Change(shown, rows(shown, b=2))])

    reader.close()
    assert stored(either, shown) == {"a": 1}
