"""`where`: one boolean SQL expression over the columns of raw.posts, checked when definitions load."""

from typing import Literal

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify_columns import quote_identifiers

from madang.posts.table import RAW_POSTS

_BOOLEAN_SAFE = (exp.Predicate, exp.Connector, exp.Not, exp.Boolean, exp.Paren)
# Anonymous is a function that sqlglot does not know: it could not be written in another dialect, and may read files.
_FORBIDDEN = (
    exp.Subquery,
    exp.Select,
    exp.AggFunc,
    exp.Window,
    exp.Command,
    exp.Placeholder,
    exp.Parameter,
    exp.Star,
    exp.Anonymous,
)


class WhereError(ValueError):
    """A `where` does not parse, names an unknown column, or is no condition."""


def compile_where(source: str, dialect: Literal["duckdb", "bigquery"] = "duckdb") -> str:
    """Checks a condition and writes it in a warehouse's dialect, with every identifier quoted.

    Raises:
        WhereError: It does not parse, names what raw.posts lacks, or is not a single condition.
    """
    try:
        parsed = sqlglot.parse(source, read="duckdb")
    except (SqlglotError, RecursionError) as error:
        raise WhereError(f"`{source}` does not parse") from error
    if len(parsed) != 1 or parsed[0] is None:
        raise WhereError(f"`{source}` is not one expression")
    tree = parsed[0]
    for node in tree.walk():
        if isinstance(node, _FORBIDDEN):
            raise WhereError(f"`{source}`: {node.sql(dialect='duckdb')!r} may not stand in a condition on one post")
        if isinstance(node, exp.Column) and (node.name not in _TYPES or node.table):
            known = ", ".join(_TYPES)
            raise WhereError(f"`{source}`: unknown column {node.sql(dialect='duckdb')!r} (there are: {known})")
    for node in tree.walk():
        _check_comparison(node, source)
    if not isinstance(tree, _BOOLEAN_SAFE) and not (isinstance(tree, exp.Column) and _TYPES[tree.name] == "BOOLEAN"):
        raise WhereError(f"`{source}` is not a condition (true or false)")
    return quote_identifiers(tree.copy()).sql(dialect=dialect)


_TYPES = {column.name: column.type.duckdb for column in RAW_POSTS.columns}


def _check_comparison(node: exp.Expr, source: str) -> None:
    # DuckDB would turn `board = 3` into a cast that fails on the first row, long after loading.
    match node:
        case exp.EQ() | exp.NEQ() | exp.GT() | exp.GTE() | exp.LT() | exp.LTE():
            sides = [node.this, node.expression]
        case exp.In():
            sides = [node.this, *node.expressions]
        case exp.Between():
            sides = [node.this, node.args["low"], node.args["high"]]
        case _:
            return
    literals = [side for side in sides if isinstance(side, exp.Literal | exp.Neg)]
    for column in sides:
        if not isinstance(column, exp.Column):
            continue
        kind = _TYPES[column.name]
        for literal in literals:
            if (kind in ("VARCHAR", "JSON") and not literal.is_string) or (kind == "BIGINT" and literal.is_string):
                raise WhereError(f"`{source}`: {column.name} is {kind} and {literal.sql()} is not")
