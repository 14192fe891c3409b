"""How a table that is there becomes the one that is declared: columns are added, widened and renamed, never dropped.

One rule for every warehouse. What is not listed as widened is refused: a value that another type cannot hold would be
lost, and rows of older recipes are kept for ever. Each difference is found by itself, from nothing but the columns that
are there: so a migration that was killed between two statements goes on with what is left.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from madang.errors import WarehouseError
from madang.schema.types import FLOAT, INTEGER, REASONS, Column, ColumnType, Table
from madang.warehouse.sql_text import quote

if TYPE_CHECKING:
    from madang.warehouse.protocol import Warehouse

# Exact up to 2^53, which no number of a post passes.
_WIDER = ((INTEGER, FLOAT),)

Columns = Mapping[str, str]


@dataclass(frozen=True)
class TableChange:
    """One thing that becomes another in a table that is there.

    Args:
        table: As declared.
        change: What happens.
        column: As declared; empty where the table itself is renamed.
        before: Its name so far, where it is renamed.
    """

    table: str
    change: Literal["added", "renamed", "widened"]
    column: str
    before: str = ""

    @property
    def line(self) -> str:
        """For a person."""
        if not self.column:
            return f"{self.table}: it is the table {self.before} under another name, its rows are kept"
        if self.change == "renamed":
            return f"{self.table}: column {self.before} is renamed to {self.column}, its values are kept"
        if self.change == "widened":
            return f"{self.table}: column {self.column} is widened to hold fractions, its values are kept"
        return f"{self.table}: column {self.column} is added"


@dataclass(frozen=True)
class State:
    """What a warehouse says of its tables.

    Args:
        columns: Types by column of a table, as the warehouse spells them; None if there is no such table.
        spelt: Spells a type as that warehouse does.
        is_empty: Whether no row of a table holds a value in a column; without a column, whether it has no row.
    """

    columns: Callable[[str], Columns | None]
    spelt: Callable[[ColumnType], str]
    is_empty: Callable[[str, str | None], bool]


@dataclass(frozen=True)
class Evolution:
    """What a table lacks.

    Args:
        table: As declared.
        held_as: Name under which the warehouse has it; None if it does not have it at all.
        renamed: Columns that are there under an earlier name, with that.
        added: Columns that it does not have yet; their old rows are null.
        widened: Columns of which the type is wider now, by their present names.
    """

    table: Table
    held_as: str | None
    renamed: tuple[tuple[str, Column], ...] = ()
    added: tuple[Column, ...] = ()
    widened: tuple[Column, ...] = ()

    @property
    def is_moved(self) -> bool:
        """Whether it has it under an earlier name."""
        return self.held_as not in (None, self.table.name)

    @property
    def is_needed(self) -> bool:
        """Whether anything is to be done."""
        return self.held_as != self.table.name or bool(self.renamed or self.added or self.widened)

    @property
    def changes(self) -> list[TableChange]:
        """What changes in a table that is there."""
        if self.held_as is None:
            return []
        name = self.table.name
        return [
            *([TableChange(name, "renamed", "", self.held_as)] if self.is_moved else []),
            *(TableChange(name, "renamed", column.name, before) for before, column in self.renamed),
            *(TableChange(name, "added", column.name) for column in self.added),
            *(TableChange(name, "widened", column.name) for column in self.widened),
        ]

    @property
    def renamed_reasons(self) -> tuple[list[str], dict[str, str]]:
        """Columns whose values name fields, and the fields' present names by their earlier ones."""
        fields = {before: column.name for before, column in self.renamed if "__" not in before}
        reasons = [column.name for column in self.table.columns if column.type == REASONS and column not in self.added]
        return (reasons if fields else []), fields

    @classmethod
    def of(cls, table: Table, state: State) -> "Evolution":
        """Compares a declared table with what is there.

        Raises:
            WarehouseError: A column is there with a type that cannot become the declared one, or it is to be renamed
                onto another that is there.
        """
        held_as = _held_as(
            table.name, table.name, table.renamed_from, lambda name: state.columns(name) is not None,
            lambda name: state.is_empty(name, None),
        )  # fmt: skip
        if held_as is None:
            return cls(table, None)
        there = state.columns(held_as) or {}
        renamed, added, widened = [], [], []
        for column in table.columns:
            before = _held_as(
                table.name, column.name, column.renamed_from, there.__contains__,
                lambda name: state.is_empty(held_as, name),
            )  # fmt: skip
            if before is None:
                added.append(column)
                continue
            if before != column.name:
                renamed.append((before, column))
            kind, wanted = there[before], state.spelt(column.type)
            if kind != wanted:
                if (kind, wanted) not in [(state.spelt(narrow), state.spelt(wide)) for narrow, wide in _WIDER]:
                    raise WarehouseError(
                        table.name,
                        f"column {before!r} is {kind} and the declaration says {wanted}",
                        "Give the field another name; its old column keeps the old values",
                    )
                widened.append(column)
        return cls(table, held_as, tuple(renamed), tuple(added), tuple(widened))


def is_empty(warehouse: "Warehouse", columns: Callable[[str], Columns | None], table: str, column: str | None) -> bool:
    """Whether no row of a table holds a value in a column; without a column, whether it has no row."""
    has_value = "true"
    if column is not None:
        kind = (columns(table) or {})[column]
        is_list = kind.endswith("[]") or kind.startswith("ARRAY<")
        has_value = f"len({quote(column)}) > 0" if is_list else f"{quote(column)} IS NOT NULL"
    return warehouse.read(f"SELECT 1 AS one FROM {quote(table)} WHERE {has_value} LIMIT 1").height == 0


def refuse_nothing(changes: Sequence[TableChange]) -> None:
    """Lets every change be made."""


def _held_as(
    table: str, name: str, before: Sequence[str], is_there: Callable[[str], bool], is_empty: Callable[[str], bool]
) -> str | None:
    """Which name of a table or column the warehouse has it by; None if by none.

    A process that was started before a rename makes the old column anew, without values: it counts for nothing.
    """
    old = [one for one in before if one != name and is_there(one)]
    if old and (len(old) > 1 or is_there(name)):
        full = [one for one in old if not is_empty(one)]
        rivals = [name, *full] if is_there(name) else full
        if full and len(rivals) > 1:
            raise WarehouseError(
                table,
                f"{rivals[0]!r} is there already, and {rivals[1]!r}, of which {name!r} is the new name, holds values",
                "Give the field a name that none had; or leave `renamed_from` out, and the old values stay where they "
                "are",
            )
        old = full or old[-1:]
    if is_there(name):
        return name
    return old[0] if old else None
