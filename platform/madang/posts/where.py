"""`where`: one boolean SQL expression over the columns of raw.posts, checked when definitions load."""

from typing import Literal

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify_columns import quote_identifiers

from madang.posts.table import RAW_POSTS

_BOOLEAN_SAFE = (exp.Predicate, exp.Connector, exp.Not, exp.Boolean, exp.Paren)
_FORBIDDEN = (exp.Subquery, exp.Select, exp.AggFunc, exp.Window, exp.Command, exp.Placeholder, exp.Parameter, exp.Star)


class WhereError(ValueError):
    """A `where` does not parse, names an unknown column, or is no condition."""


def compile_where(source: str, dialect: Literal["duckdb", "bigquery"] = "duckdb") -> str:
    """Checks a condition and writes it in a warehouse's dialect, with every identifier quoted.

    Raises:
        WhereError: It does not parse, names what raw.posts lacks, or is not a single condition.
    """
    try:
        parsed = sqlglot.parse(source, read="duckdb")
    except SqlglotError as error:
        raise WhereError(f"`{source}` does not parse") from error
    if len(parsed) != 1 or parsed[0] is None:
        raise WhereError(f"`{source}` is not one expression")
    tree = parsed[0]
    for node in tree.walk():
        if isinstance(node, _FORBIDDEN):
            raise WhereError(f"`{source}`: {node.sql(dialect='duckdb')!r} may not stand in a condition on one post")
        if isinstance(node, exp.Column) and node.name not in _TYPES:
            known = ", ".join(_TYPES)
            raise WhereError(f"`{source}`: unknown column {node.name!r} (there are: {known})")
        _check_comparison(node, source)
    if not isinstance(tree, _BOOLEAN_SAFE) and not (isinstance(tree, exp.Column) and _TYPES[tree.name] == "BOOLEAN"):
        raise WhereError(f"`{source}` is not a condition (true or false)")
    return quote_identifiers(tree.copy()).sql(dialect=dialect)


_TYPES = {column.name: column.type.duckdb for column in RAW_POSTS.columns}


def _check_comparison(node: exp.Expr, source: str) -> None:
    # DuckDB would turn `board = 3` into a cast that fails on the first row, long after loading.
    if not isinstance(node, exp.EQ | exp.NEQ | exp.GT | exp.GTE | exp.LT | exp.LTE | exp.In):
        return
    column = node.this
    if not isinstance(column, exp.Column):
        return
    others = node.expressions if isinstance(node, exp.In) else [node.expression]
    wants_text = _TYPES[column.name] in ("VARCHAR", "JSON")
    wants_number = _TYPES[column.name] == "BIGINT"
    for other in others:
        literal = annotate_types(other.copy())
        if isinstance(literal, exp.Literal) and (
            (wants_text and not literal.is_string) or (wants_number and literal.is_string)
        ):
            kind = _TYPES[column.name]
            raise WhereError(f"`{source}`: {column.name} is {kind} and {other.sql()} is not")
