"""`madang sql`: a read-only query, as a table for people or as CSV, JSON lines or Parquet for programs.

A table wider than the terminal is printed row by row, one longer than it through the pager.
"""

import io
import json
import shutil
import sys
from typing import TYPE_CHECKING

import click

from madang.commands.options import guarded
from madang.errors import InputError

if TYPE_CHECKING:
    import polars as pl

# Of a table that goes to a file or a pipe: that is for a program, which should ask for a format of programs.
_MOST_ROWS = 200
_MOST_PAGED_ROWS = 10_000
# Of a table that goes to a file or a pipe, which has no width of its own.
_WIDTH_CHARS = 200


@click.command()
@click.argument("query")
@click.option(
    "--format", "kind", type=click.Choice(["table", "csv", "json", "parquet"]), default="table", show_default=True,
    help="json is one object a row; lists are JSON in CSV too.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@guarded
def sql(query: str, kind: str, as_json: bool) -> None:
    """Run a query on the warehouse, read-only; --format parquet > rows.parquet for a file."""
    import duckdb

    from madang.settings import Settings
    from madang.warehouse import open_warehouse

    kind = "json" if as_json else kind
    if kind == "parquet" and sys.stdout.isatty():
        raise InputError("--format parquet", "a terminal cannot show it", "Write it to a file: … > rows.parquet")
    warehouse = open_warehouse(Settings.load(), read_only=True)
    try:
        found = warehouse.read(query)
    except duckdb.Error as error:
        raise InputError("query", str(error).splitlines()[0], "Correct the SQL") from error
    match kind:
        case "json":
            for row in found.iter_rows(named=True):
                click.echo(json.dumps(row, ensure_ascii=False, default=str))
        case "csv":
            click.echo(_without_lists(found).write_csv(), nl=False)
        case "parquet":
            file = io.BytesIO()
            found.write_parquet(file)
            click.echo(file.getvalue(), nl=False)
        case _:
            _show(found)


def _show(found: "pl.DataFrame") -> None:
    size = shutil.get_terminal_size(fallback=(_WIDTH_CHARS, 24))
    most_rows = _MOST_PAGED_ROWS if sys.stdout.isatty() else _MOST_ROWS
    table = _table(found, most_rows)
    is_narrow = len(table.partition("\n")[0]) <= size.columns
    text = table if is_narrow or found.is_empty() else "\n".join(_records(found, most_rows))
    if sys.stdout.isatty() and text.count("\n") >= size.lines:
        click.echo_via_pager(text)
    else:
        click.echo(text)


def _table(found: "pl.DataFrame", most_rows: int) -> str:
    import polars as pl

    # As wide as it has to be: polars would squeeze the columns of a wider one to three characters each.
    with pl.Config(tbl_rows=most_rows, tbl_cols=-1, fmt_str_lengths=80, tbl_hide_dataframe_shape=True,
                   tbl_width_chars=65_535):  # fmt: skip
        return str(found)


def _records(found: "pl.DataFrame", most_rows: int) -> list[str]:
    """One column a line, as psql's expanded display."""
    names = max(len(name) for name in found.columns)
    lines = []
    for number, row in enumerate(found.head(most_rows).iter_rows(), 1):
        lines.append(f"-[ row {number} ]-".ljust(names + 3, "-"))
        lines += [f"{name:{names}} | {_line(value)}" for name, value in zip(found.columns, row, strict=True)]
    if found.height > most_rows:
        lines.append(f"… {found.height - most_rows} more rows: use LIMIT and OFFSET, or --format json")
    return lines


def _line(value: object) -> str:
    if isinstance(value, str):
        return value.replace("\r", "\\r").replace("\n", "\\n")
    return json.dumps(value, ensure_ascii=False, default=str).strip('"')


def _without_lists(found: "pl.DataFrame") -> "pl.DataFrame":
    """Lists and structs as JSON, for a format that has neither."""
    import polars as pl

    return found.with_columns(
        pl.Series(
            name,
            [
                None if value is None else json.dumps(value, ensure_ascii=False, default=str)
                for value in found[name].to_list()
            ],
            pl.String(),
        )
        for name, kind in found.schema.items()
        if kind.is_nested()
    )
