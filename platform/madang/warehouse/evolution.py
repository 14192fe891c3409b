"""How a table that is there becomes the one that is declared: columns are added and widened, never dropped.

One rule for every warehouse. What is not listed as widened is refused: a value that another type cannot hold would be
lost, and rows of older recipes are kept for ever.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from madang.errors import WarehouseError
from madang.schema.types import FLOAT, INTEGER, Column, ColumnType, Table

# Exact up to 2^53, which no number of a post passes.
_WIDER = ((INTEGER, FLOAT),)


@dataclass(frozen=True)
class Evolution:
    """What a table lacks.

    Args:
        table: As declared.
        is_there: Whether the warehouse has it at all.
        added: Columns that it does not have yet; their old rows are null.
        widened: Columns of which the type is wider now.
    """

    table: Table
    is_there: bool
    added: tuple[Column, ...]
    widened: tuple[Column, ...]

    @property
    def is_needed(self) -> bool:
        """Whether anything is to be done."""
        return not self.is_there or bool(self.added or self.widened)

    @property
    def lines(self) -> list[str]:
        """For a person: what changes in a table that is there."""
        if not self.is_there:
            return []
        added = [f"{self.table.name}: column {column.name} is added" for column in self.added]
        return added + [f"{self.table.name}: column {column.name} is widened to hold fractions, its values are kept"
                        for column in self.widened]  # fmt: skip

    @classmethod
    def of(cls, table: Table, there: Mapping[str, str] | None, spelt: Callable[[ColumnType], str]) -> "Evolution":
        """Compares a declared table with what is there.

        Args:
            table: As declared.
            there: Types by column, as the warehouse spells them; None if there is no such table.
            spelt: Spells a type as that warehouse does.

        Raises:
            WarehouseError: A column is there with a type that cannot become the declared one.
        """
        if there is None:
            return cls(table, is_there=False, added=(), widened=())
        added, widened = [], []
        for column in table.columns:
            kind, wanted = there.get(column.name), spelt(column.type)
            if kind is None:
                added.append(column)
            elif kind != wanted:
                if (kind, wanted) not in [(spelt(narrow), spelt(wide)) for narrow, wide in _WIDER]:
                    raise WarehouseError(
                        table.name,
                        f"column {column.name!r} is {kind} and the declaration says {wanted}",
                        "Give the field another name; its old column keeps the old values",
                    )
                widened.append(column)
        return cls(table, is_there=True, added=tuple(added), widened=tuple(widened))
