"""SQL in DuckDB's dialect, written for BigQuery: madang's queries are one text for both warehouses.

What sqlglot does not carry over by itself is put right here: joins that only filter, hashes as text, parameters by
number, and `raw.posts` as a table of a dataset of ours. What cannot be carried over is refused.
"""

from collections.abc import Callable, Mapping, Sequence

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

from madang.errors import InputError

Located = Callable[[str, str], exp.Table]


def to_bigquery(
    sql: str,
    located: Located,
    frames: Mapping[str, exp.Table] | None = None,
    steps: Mapping[str, str] | None = None,
    nulls: Sequence[int] = (),
) -> str:
    """Writes a query for BigQuery, with every identifier quoted.

    Args:
        sql: The query in DuckDB's dialect; `?` and `$1` are parameters, which become `@p1`.
        located: Where the table of a schema and a name is.
        frames: Tables that stand for names without a schema.
        steps: Queries that may be named like tables in those after them; they are written as common table expressions.
        nulls: Numbers of the parameters that are null: these are written out, as a parameter would need a type.

    Raises:
        InputError: It is no query, or cannot be written in BigQuery's dialect.
    """
    tree = _parsed(_numbered(sql))
    tree = _translated(tree, located, frames or {}, nulls)
    before = [
        exp.CTE(
            this=_translated(_parsed(_numbered(step)), located, frames or {}, ()),
            alias=exp.TableAlias(this=exp.to_identifier(name)),
        )
        for name, step in (steps or {}).items()
    ]
    if before:
        own = tree.args.get("with_")
        tree.set("with_", exp.With(expressions=before + (own.expressions if own else [])))
    try:
        return tree.sql("bigquery", identify=True, unsupported_level=sqlglot.ErrorLevel.RAISE)
    except (SqlglotError, AttributeError) as error:  # sqlglot's own writer fails on a named window with a range
        raise InputError("query", f"BigQuery has no such SQL ({error})", "Write it in another way") from error


def located_in(sql: str, located: Located) -> str:
    """A query that is written for BigQuery already, with our tables where they are."""
    tree = _parsed(sql, "bigquery")
    _locate(tree, located, {})
    return tree.sql("bigquery", identify=True)


def _parsed(sql: str, dialect: str = "duckdb") -> exp.Expr:
    try:
        found = [tree for tree in sqlglot.parse(sql, read=dialect) if tree is not None]
    except (SqlglotError, RecursionError) as error:
        raise InputError("query", "it does not parse", "Correct the SQL") from error
    if len(found) != 1 or not isinstance(found[0], exp.Query):
        raise InputError("query", "it is not one query", "Write one, such as: SELECT count(*) FROM raw.posts")
    return found[0]


def _numbered(sql: str) -> str:
    """With `$1`, `$2` … for each `?`; and `len`, by which we count lists alone, told from the `length` of a text."""
    text, end, number = "", 0, 0
    tokens = sqlglot.tokenize(sql, read="duckdb")
    for token, following in zip(tokens, [*tokens[1:], None], strict=False):
        by = None
        if token.token_type is TokenType.PLACEHOLDER:
            number += 1
            by = f"${number}"
        elif token.text.lower() == "len" and following is not None and following.token_type is TokenType.L_PAREN:
            by = "array_length"
        if by is not None:
            text, end = f"{text}{sql[end : token.start]}{by}", token.end + 1
    return text + sql[end:]


def _translated(
    tree: exp.Expr, located: Located, frames: Mapping[str, exp.Table], nulls: Sequence[int]
) -> exp.Expr:  # fmt: skip
    for select in list(tree.find_all(exp.Select)):
        _filter_by_exists(select)
        if select.args.get("qualify") and not select.args.get("where"):
            select.where(exp.true(), copy=False)  # older BigQuery wants one beside QUALIFY
    tree = tree.transform(_rewritten, nulls)
    _locate(tree, located, frames)
    return tree


def _locate(tree: exp.Expr, located: Located, frames: Mapping[str, exp.Table]) -> None:
    for table in list(tree.find_all(exp.Table)):
        if table.db:
            _replace(table, located(table.db, table.name), table.name)
        elif table.name in frames:
            _replace(table, frames[table.name], table.name)


def _replace(table: exp.Table, by: exp.Table, name: str) -> None:
    """Names the table that is meant; the query may go on calling it by its old name."""
    for part in ("this", "db", "catalog"):
        table.set(part, by.args[part].copy())
    if not table.alias:
        table.set("alias", exp.TableAlias(this=exp.to_identifier(name)))


def _filter_by_exists(select: exp.Select) -> None:
    """SEMI and ANTI joins become conditions: BigQuery has none."""
    joins = select.args.get("joins") or []
    for number, join in enumerate([join for join in joins if join.args.get("kind") in ("SEMI", "ANTI")]):
        source = select.args["from_"].this
        if not source.alias_or_name:
            source.set("alias", exp.TableAlias(this=exp.to_identifier("_left")))
        other = join.this
        if not other.alias_or_name:
            other.set("alias", exp.TableAlias(this=exp.to_identifier(f"_other{number}")))
        on = join.args.get("on")
        same = [
            exp.EQ(
                this=exp.column(key.name, table=source.alias_or_name),
                expression=exp.column(key.name, table=other.alias_or_name),
            )
            for key in join.args.get("using") or []
        ]
        found = exp.Exists(this=exp.select("1").from_(other.copy()).where(*same, *([on.copy()] if on else [])))
        select.where(exp.Not(this=found) if join.args["kind"] == "ANTI" else found, copy=False)
        joins.remove(join)


def _rewritten(node: exp.Expr, nulls: Sequence[int]) -> exp.Expr:
    if isinstance(node, exp.Table) and node.args.get("when"):
        return _as_of(node)
    if isinstance(node, exp.Placeholder):
        number = int(node.name)
        return exp.null() if number in nulls else exp.Parameter(this=exp.var(f"p{number}"))
    if isinstance(node, exp.SHA2):  # bytes in BigQuery, and text in hexadecimal digits in DuckDB
        return _call("TO_HEX", _call("SHA256", node.this))
    if isinstance(node, exp.Cast) and isinstance(node.this, exp.TimestampTrunc) and node.to.is_type("date"):
        return _call("DATE_TRUNC", exp.cast(node.this.this.copy(), "date"), exp.var(node.this.text("unit")))
    # sqlglot writes CONTAINS_SUBSTR, which ignores case where DuckDB's contains() does not.
    if isinstance(node, exp.Contains):
        return exp.GT(this=_call("STRPOS", node.this, node.expression), expression=exp.Literal.number(0))
    if isinstance(node, exp.Bracket) and isinstance(node.expressions[0], exp.Slice):
        first, last = node.expressions[0].this, node.expressions[0].expression
        return exp.maybe_parse(
            f"ARRAY(SELECT item FROM UNNEST(list) AS item WITH OFFSET AS place "
            f"WHERE place >= {first.sql()} - 1 AND place < {last.sql()} ORDER BY place)",
            dialect="bigquery",
        ).transform(lambda part: node.this.copy() if part == exp.column("list") else part)
    return node


def _as_of(table: exp.Table) -> exp.Table:
    """DuckLake's AT (TIMESTAMP => …) is BigQuery's time travel; snapshots with a number it has none."""
    when = table.args["when"]
    if when.text("kind") != "TIMESTAMP":
        raise InputError("query", "BigQuery numbers no snapshots", "Write AT (TIMESTAMP => …), of the last seven days")
    instant = when.expression
    if isinstance(instant, exp.Anonymous) and instant.name.lower() == "now":  # there sqlglot does not know it
        instant = exp.CurrentTimestamp()
    table.set("when", None)
    table.set("version", exp.Version(this="TIMESTAMP", kind="AS OF", expression=instant))
    return table


def _call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=[argument.copy() for argument in arguments])
