"""`where`: one boolean SQL expression over the columns of raw.posts, checked when definitions load."""

from typing import Literal

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify_columns import quote_identifiers

from madang.posts.table import RAW_POSTS

_CONDITIONS = (exp.Predicate, exp.Boolean, exp.Contains, exp.StartsWith, exp.EndsWith, exp.Escape)
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
        _check_cast(node, source)
    if not _is_condition(tree):
        raise WhereError(f"`{source}` is not a condition (true or false)")
    if dialect == "bigquery":
        tree = tree.transform(_with_exact_case)
    return quote_identifiers(tree.copy()).sql(dialect=dialect)


def _is_condition(node: exp.Expr) -> bool:
    match node:
        case exp.Paren() | exp.Not():
            return _is_condition(node.this)
        case exp.Connector():
            return _is_condition(node.this) and _is_condition(node.expression)
        case exp.Column():
            return _TYPES[node.name] == "BOOLEAN"
    return isinstance(node, _CONDITIONS)


def _with_exact_case(node: exp.Expr) -> exp.Expr:
    # sqlglot writes CONTAINS_SUBSTR, which ignores case where DuckDB's contains() does not.
    if isinstance(node, exp.Contains):
        return exp.GT(this=exp.StrPosition(this=node.this, substr=node.expression), expression=exp.Literal.number(0))
    return node


def _check_cast(node: exp.Expr, source: str) -> None:
    # A cast that fails at run time prints the value that it could not read: text of a post. date(x) is such a cast.
    is_cast = isinstance(node, exp.Cast | exp.Date | exp.StrToTime) and not isinstance(node, exp.TryCast)
    if is_cast and node.find(exp.Column) is not None:
        raise WhereError(
            f"`{source}`: {node.sql(dialect='duckdb')!r} fails on the first value that it cannot read: "
            "write try_cast(column AS type)"
        )


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
        stands = column.unnest()
        if not isinstance(stands, exp.Column | exp.JSONExtractScalar):
            continue
        kind = _TYPES[stands.name] if isinstance(stands, exp.Column) else "VARCHAR"
        for literal in literals:
            if (kind in ("VARCHAR", "JSON") and not literal.is_string) or (kind == "BIGINT" and literal.is_string):
                raise WhereError(f"`{source}`: {stands.sql(dialect='duckdb')} is {kind} and {literal.sql()} is not")
