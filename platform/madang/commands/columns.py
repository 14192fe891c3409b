"""Rows of words in aligned columns, plain so that `grep` and `awk` read them too."""

from collections.abc import Sequence
from unicodedata import east_asian_width


def aligned(rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """Lines of a table.

    Args:
        rows: Its rows, heading included.
        left: So many columns are aligned left; the others right.
    """
    widths = [max(_width(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell + pad if index < left else pad + cell
            for index, (cell, pad) in enumerate(
                (cell, " " * (width - _width(cell))) for cell, width in zip(row, widths, strict=True)
            )
        ).rstrip()
        for row in rows
    ]


def _width(text: str) -> int:
    """Columns of a terminal: Korean takes two a syllable."""
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)
