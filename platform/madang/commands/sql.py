"""`madang sql`: a read-only query, printed as a table, or row by row where the table is wider than the terminal."""

import json
import shutil
from typing import TYPE_CHECKING

import click

from madang.commands.options import guarded
from madang.errors import InputError

if TYPE_CHECKING:
    import polars as pl

_MOST_ROWS = 200
# Of a table that goes to a file or a pipe, which has no width of its own.
_WIDTH_CHARS = 200


@click.command()
@click.argument("query")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a row.")
@guarded
def sql(query: str, as_json: bool) -> None:
    """Run a query on the warehouse, read-only."""
    import duckdb

    from madang.settings import Settings
    from madang.warehouse import open_warehouse

    warehouse = open_warehouse(Settings.load(), read_only=True)
    try:
        found = warehouse.read(query)
    except duckdb.Error as error:
        raise InputError("query", str(error).splitlines()[0], "Correct the SQL") from error
    if as_json:
        for row in found.iter_rows(named=True):
            click.echo(json.dumps(row, ensure_ascii=False, default=str))
        return
    table = _table(found)
    width = shutil.get_terminal_size(fallback=(_WIDTH_CHARS, 24)).columns
    is_narrow = len(table.splitlines()[0]) <= width
    click.echo(table if is_narrow or found.is_empty() else "\n".join(_records(found)))


def _table(found: "pl.DataFrame") -> str:
    import polars as pl

    # As wide as it has to be: polars would squeeze the columns of a wider one to three characters each.
    with pl.Config(tbl_rows=_MOST_ROWS, tbl_cols=-1, fmt_str_lengths=80, tbl_hide_dataframe_shape=True,
                   tbl_width_chars=65_535):  # fmt: skip
        return str(found)


def _records(found: "pl.DataFrame") -> list[str]:
    """One column a line, as psql's expanded display."""
    names = max(len(name) for name in found.columns)
    lines = []
    for number, row in enumerate(found.head(_MOST_ROWS).iter_rows(), 1):
        lines.append(f"-[ row {number} ]-".ljust(names + 3, "-"))
        lines += [f"{name:{names}} | {_line(value)}" for name, value in zip(found.columns, row, strict=True)]
    if found.height > _MOST_ROWS:
        lines.append(f"… {found.height - _MOST_ROWS} more rows: use LIMIT and OFFSET, or --json")
    return lines


def _line(value: object) -> str:
    if isinstance(value, str):
        return value.replace("\r", "\\r").replace("\n", "\\n")
    return json.dumps(value, ensure_ascii=False, default=str).strip('"')
