"""How a table becomes the one that is declared, on the embedded warehouse and on BigQuery."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import count

import pytest
from scenario import frame

from madang.errors import DeclarationError, MadangError, WarehouseError
from madang.schema.types import FLOAT, INTEGER, REASONS, SPANS, TEXT, TEXTS, Column, Table
from madang.warehouse import Change, Warehouse
from madang.warehouse.bigquery import BigQueryWarehouse
from madang.warehouse.bigquery_tables import statements as bigquery_statements
from madang.warehouse.ducklake import DuckLakeWarehouse
from madang.warehouse.ducklake_tables import statements as ducklake_statements
from madang.warehouse.evolution import TableChange

KEY = Column("k", TEXT)
ROW = {
    "k": "a", "old": "kept", "old__confidence": 0.5, "old__evidence": [{"field": "body", "start": 0, "end": 4}],
    "tags": ["x"], "dropped": [{"field": "old", "reason": "r"}, {"field": "tags", "reason": "q"}],
}  # fmt: skip


def table(name: str, *columns: Column, renamed_from: Sequence[str] = ()) -> Table:
    return Table(f"evolving.{name}", (KEY, *columns), ("k",), renamed_from=tuple(renamed_from))


def field(name: str, *before: str) -> tuple[Column, ...]:
    """Columns of a label field, as a task declares them."""
    kinds = {"": TEXT, "__confidence": FLOAT, "__evidence": SPANS}
    return tuple(Column(name + end, kind, "", tuple(old + end for old in before)) for end, kind in kinds.items())


REST = (Column("tags", TEXTS), Column("dropped", REASONS))


def made(warehouse: Warehouse, name: str) -> Table:
    """A table with a field `old` and one row."""
    first = table(name, *field("old"), *REST)
    warehouse.ensure([first])
    warehouse.commit([Change(first, frame(first, ROW))])
    return first


def stored(warehouse: Warehouse, now: Table) -> list[dict[str, object]]:
    names = ", ".join(f'"{column.name}"' for column in now.columns)
    return warehouse.read(f"SELECT {names} FROM {now.name} ORDER BY k").to_dicts()


def renamed_row(new: str) -> dict[str, object]:
    """The row as it is to be under the field's new name."""
    row = {new + key.removeprefix("old") if key.startswith("old") else key: value for key, value in ROW.items()}
    return row | {"dropped": [{"field": new, "reason": "r"}, {"field": "tags", "reason": "q"}]}


@pytest.fixture
def name(numbers: Iterator[int]) -> str:
    """Name of a table of a test's own."""
    return f"t{next(numbers)}"


@pytest.fixture(scope="module")
def numbers() -> Iterator[int]:
    return count()


def test_a_renamed_field_keeps_its_values_in_every_column_and_its_reasons(either: Warehouse, name: str) -> None:
    made(either, name)
    now = table(name, *field("new", "old"), *REST)
    told = either.changes_of([now])
    either.ensure([now])

    assert told == [
        TableChange(now.name, "renamed", f"new{end}", f"old{end}") for end in ("", "__confidence", "__evidence")
    ]
    assert stored(either, now) == [renamed_row("new")]
    assert either.changes_of([now]) == []


def test_rows_go_on_being_merged_after_a_rename(either: Warehouse, name: str) -> None:
    made(either, name)
    now = table(name, *field("new", "old"), *REST)
    either.ensure([now])
    row = renamed_row("new")

    assert either.commit([Change(now, frame(now, row), "upsert")]) == 0
    assert either.commit([Change(now, frame(now, row | {"new": "b"}, row | {"k": "b"}), "upsert")]) == 2
    assert [one["new"] for one in stored(either, now)] == ["b", "kept"]


def test_a_process_that_writes_by_the_old_name_is_refused_and_writes_nothing(either: Warehouse, name: str) -> None:
    """A run that began before the rename: its replies wait in the spool for the next one."""
    first = made(either, name)
    now = table(name, *field("new", "old"), *REST)
    either.ensure([now])

    with pytest.raises(MadangError):
        either.commit([Change(first, frame(first, ROW | {"k": "late"}))])

    assert stored(either, now) == [renamed_row("new")]


def test_a_column_is_renamed_and_widened_and_another_added_at_once(either: Warehouse, name: str) -> None:
    first = table(name, Column("seats", INTEGER))
    either.ensure([first])
    either.commit([Change(first, frame(first, {"k": "a", "seats": 3}))])
    now = table(name, Column("places", FLOAT, "", ("seats",)), Column("note", TEXT))
    either.ensure([now])
    either.commit([Change(now, frame(now, {"k": "b", "places": 1.5, "note": "n"}))])

    assert stored(either, now) == [
        {"k": "a", "places": 3.0, "note": None}, {"k": "b", "places": 1.5, "note": "n"},
    ]  # fmt: skip


def test_a_renamed_table_keeps_its_rows(either: Warehouse, name: str) -> None:
    made(either, name)
    now = table(f"{name}_now", *field("new", "old"), *REST, renamed_from=[f"evolving.{name}"])
    told = either.changes_of([now])[0].line
    either.ensure([now])

    assert told == f"evolving.{name}_now: it is the table evolving.{name} under another name, its rows are kept"
    assert stored(either, now) == [renamed_row("new")]
    assert (either.changes_of([now]), either.has(now.name)) == ([], True)


def test_the_earliest_and_the_latest_of_several_earlier_names_are_found(either: Warehouse, name: str) -> None:
    made(either, name)
    other = table(f"{name}_other", *field("newer"), *REST)
    either.ensure([other])
    for one in (name, f"{name}_other"):
        either.ensure([table(one, *field("newest", "old", "newer"), *REST)])

    assert either.read(f"SELECT newest FROM evolving.{name}").rows() == [("kept",)]
    assert either.changes_of([table(f"{name}_other", *field("newest", "old", "newer"), *REST)]) == []


def test_a_field_may_get_its_first_name_back(either: Warehouse, name: str) -> None:
    made(either, name)
    either.ensure([table(name, *field("new", "old"), *REST)])
    back = table(name, *field("old", "old", "new"), *REST)
    either.ensure([back])

    assert stored(either, back) == [ROW]


def test_a_rename_onto_a_column_that_is_there_is_refused_and_nothing_is_changed(either: Warehouse, name: str) -> None:
    made(either, name)
    both = table(name, *field("old"), *field("new"), *REST)
    either.ensure([both])

    with pytest.raises(WarehouseError, match=r"'new' is there already, and 'old', of which .* holds values. Give the"):
        either.ensure([table(f"{name}_beside", *field("x")), table(name, *field("new", "old"), *REST)])

    assert stored(either, both)[0]["old"] == "kept"
    assert not either.has(f"evolving.{name}_beside")


def test_columns_under_two_earlier_names_are_refused(either: Warehouse, name: str) -> None:
    made(either, name)
    both = table(name, *field("old"), *field("older"), *REST)
    either.ensure([both])
    either.commit([Change(both, frame(both, {"k": "b", "older": "too"}))])

    with pytest.raises(WarehouseError, match="'old' is there already, and 'older', of which 'new' is the new name"):
        either.ensure([table(name, *field("new", "old", "older"), *REST)])


def test_an_old_column_without_values_is_left_alone(either: Warehouse, name: str) -> None:
    made(either, name)
    now = table(name, *field("new", "old"), *REST)
    either.ensure([now])
    either.ensure([table(name, *field("old"), *REST)])

    assert either.changes_of([now]) == []
    assert stored(either, now) == [renamed_row("new")]


def test_what_a_caller_refuses_is_not_begun(either: Warehouse, name: str) -> None:
    made(either, name)
    now = table(name, *field("new", "old"), *REST)
    seen: list[TableChange] = []

    def refuse(changes: Sequence[TableChange]) -> None:
        seen.extend(changes)
        raise DeclarationError("defs.yaml", "not so", "Leave it")

    with pytest.raises(DeclarationError):
        either.ensure([now], refuse)

    assert [change.column for change in seen] == ["new", "new__confidence", "new__evidence"]
    assert stored(either, table(name, *field("old"), *REST)) == [ROW]


def test_a_migration_killed_after_any_of_its_statements_is_taken_up_again(either: Warehouse, name: str) -> None:
    """BigQuery has no transaction around DDL: what is done stays done, and the rest is found by what is there."""
    now = table(
        f"{name}_now", *field("new", "old"), *REST, Column("note", TEXT), Column("seats", FLOAT, "", ("places",)),
        renamed_from=[f"evolving.{name}"],
    )  # fmt: skip
    expected = renamed_row("new") | {"note": None, "seats": 3.0}
    steps = 0
    for killed_after in count(1):
        first = table(name, *field("old"), *REST, Column("places", INTEGER))
        either.ensure([first])
        either.commit([Change(first, frame(first, ROW | {"places": 3}))])
        steps = begin(either, now, killed_after)
        either.ensure([now])

        assert stored(either, now) == [expected]
        assert either.changes_of([now]) == []
        drop(either, now)
        if killed_after >= steps:
            break
    assert steps == (11 if isinstance(either, DuckLakeWarehouse) else 8)


def test_a_view_can_be_dropped_again_and_again(either: Warehouse, name: str) -> None:
    made(either, name)
    either.ensure_view(f"evolving.{name}_live", f"SELECT k FROM evolving.{name}", "A row")
    before = either.has(f"evolving.{name}_live")
    either.drop_view(f"evolving.{name}_live")
    either.drop_view(f"evolving.{name}_live")

    assert (before, either.read(f"SELECT count(*) AS n FROM evolving.{name}")["n"][0]) == (True, 1)


def begin(warehouse: Warehouse, now: Table, most: int) -> int:
    """Runs the first statements of a migration; gives how many there are. DuckLake takes back what was begun."""
    if isinstance(warehouse, DuckLakeWarehouse):
        (evolution,) = warehouse._evolutions([now])
        steps = ducklake_statements(evolution)
        with suppress(KeyboardInterrupt), warehouse._transaction() as cursor:
            for step in steps[:most]:
                cursor.execute(step)
            raise KeyboardInterrupt
        return len(steps)
    assert isinstance(warehouse, BigQueryWarehouse)
    steps = bigquery_statements(warehouse._located, warehouse._evolution(now))
    for step in steps[:most]:
        warehouse._jobs.query(step, "ensure")
    return len(steps)


def drop(warehouse: Warehouse, gone: Table) -> None:
    """Drops a table, and what the warehouse knows of having made it."""
    if isinstance(warehouse, DuckLakeWarehouse):
        with warehouse.exclusive(), warehouse._transaction() as cursor:
            cursor.execute(f"DROP TABLE {gone.name}")
    elif isinstance(warehouse, BigQueryWarehouse):
        target = warehouse._located(*gone.name.split("."))
        warehouse._jobs.query(f"DROP TABLE {target.sql('bigquery')}", "ensure")
        warehouse._ensured.clear()
