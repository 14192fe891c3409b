"""Tables of BigQuery as they are declared: columns, partitions, clusters, descriptions, and how they come to be so."""

import re
from collections.abc import Sequence
from functools import cache, partial
from typing import TYPE_CHECKING

import polars as pl
from sqlglot import exp

from madang.schema import types
from madang.schema.types import Column, ColumnType, Table
from madang.warehouse.bigquery_jobs import Jobs, reference
from madang.warehouse.bigquery_sql import Located
from madang.warehouse.evolution import Evolution, State, is_empty

if TYPE_CHECKING:
    from google.cloud import bigquery

    from madang.settings import BigQuerySettings
    from madang.warehouse.protocol import Warehouse

_MOST_CLUSTERS = 4
_STAGED_MS = 24 * 3600 * 1000
# Names that tables.get gives for types, where standard SQL has another.
_STANDARD = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}
_CLUSTERED = (types.TEXT, types.INTEGER, types.DATE, types.INSTANT, types.BOOLEAN)
_ARRAY = re.compile(r"ARRAY<(?P<item>.+)>")
_STRUCT = re.compile(r"STRUCT<(?P<fields>.+)>")


def difference(warehouse: "Warehouse", jobs: Jobs, located: Located, table: Table) -> Evolution:
    """What a table lacks of its declaration.

    Raises:
        WarehouseError: See `Evolution.of`.
    """

    @cache
    def columns(name: str) -> dict[str, str] | None:
        found = jobs.table(reference(located(*name.split("."))))
        return None if found is None else {column.name: _standard(column) for column in found.schema}

    return Evolution.of(table, State(columns, _spelt, partial(is_empty, warehouse, columns)))


def statements(located: Located, evolution: Evolution) -> list[str]:
    """SQL that carries an evolution out, in this order; killed between two, the rest is what is needed next time."""
    table, name = evolution.table, quoted(located(*evolution.table.name.split(".")))
    if evolution.held_as is None:
        return [_creation(name, table)]
    found = []
    if evolution.is_moved:
        old = quoted(located(*evolution.held_as.split(".")))
        found.append(f"ALTER TABLE {old} RENAME TO {identifier(table.name.partition('.')[2])}")
    # Before the columns: that they have their old names still is how the next process knows of it.
    found += _reasons(name, evolution)
    found += [
        f"ALTER TABLE {name} RENAME COLUMN {identifier(before)} TO {identifier(column.name)}"
        for before, column in evolution.renamed
    ]
    found += [f"ALTER TABLE {name} ADD COLUMN IF NOT EXISTS {_declared(column)}" for column in evolution.added]
    return found + [
        f"ALTER TABLE {name} ALTER COLUMN {identifier(column.name)} SET DATA TYPE {column.type.bigquery}"
        for column in evolution.widened
    ]


def make_dataset(jobs: Jobs, target: exp.Table, settings: "BigQuerySettings", *, expires: bool = False) -> None:
    """Makes a table's dataset if there is none; tables of one that `expires` go after a day."""
    from google.cloud import bigquery

    dataset = bigquery.Dataset(f"{target.catalog}.{target.db}")
    dataset.location = settings.location
    dataset.labels = {"application": "madang"}
    if expires:
        dataset.default_table_expiration_ms = _STAGED_MS
    jobs.make_dataset(dataset)


def field(column: Column) -> "bigquery.SchemaField":
    """A column as a load job takes it."""
    from google.cloud import bigquery

    mode, kind = "NULLABLE", column.type.bigquery
    if found := _ARRAY.fullmatch(kind):
        mode, kind = "REPEATED", found["item"]
    if found := _STRUCT.fullmatch(kind):
        parts = [part.strip().replace("`", "").split(" ") for part in found["fields"].split(",")]
        return bigquery.SchemaField(
            column.name, "RECORD", mode, fields=[bigquery.SchemaField(name, own) for name, own in parts]
        )
    return bigquery.SchemaField(column.name, kind, mode)


def fields_of(frame: pl.DataFrame) -> list["bigquery.SchemaField"]:
    """The columns of a frame that is no table's."""
    found = []
    for name, kind in frame.schema.items():
        own = next((own for own in _TYPES if own.polars == kind), None)
        if own is None:
            own = types.INTEGER if kind.is_integer() else types.FLOAT if kind.is_float() else types.TEXT
        found.append(field(Column(name, own)))
    return found


def quoted(table: exp.Table) -> str:
    """`project`.`dataset`.`table`."""
    return ".".join(identifier(part) for part in (table.catalog, table.db, table.name))


def identifier(name: str) -> str:
    """A name, quoted."""
    return exp.to_identifier(name, quoted=True).sql("bigquery")


def literal(text: str) -> str:
    """A string literal."""
    return exp.Literal.string(text).sql("bigquery")


def is_plain(kind: ColumnType) -> bool:
    """Whether values can be compared with `=`: arrays cannot."""
    return _ARRAY.fullmatch(kind.bigquery) is None


def _creation(name: str, table: Table) -> str:
    columns = ", ".join(_declared(column) for column in table.columns)
    kinds = {column.name: column.type for column in table.columns}
    partition = " PARTITION BY `day`" if kinds.get("day") == types.DATE else ""
    clusters = [key for key in table.key if kinds[key] in _CLUSTERED and key != "day"][:_MOST_CLUSTERS]
    cluster = f" CLUSTER BY {', '.join(map(identifier, clusters))}" if clusters else ""
    options = " OPTIONS (labels = [('application', 'madang')])"
    return f"CREATE TABLE IF NOT EXISTS {name} ({columns}){partition}{cluster}{options}"


def _reasons(name: str, evolution: Evolution) -> list[str]:
    columns, fields = evolution.renamed_reasons
    cases = " ".join(f"WHEN {literal(before)} THEN {literal(now)}" for before, now in fields.items())
    old = ", ".join(map(literal, fields))
    return [
        f"UPDATE {name} SET {identifier(column)} = ARRAY(SELECT AS STRUCT CASE r.field {cases} ELSE r.field END "
        f"AS field, r.reason AS reason FROM UNNEST({identifier(column)}) AS r WITH OFFSET AS place ORDER BY place) "
        f"WHERE EXISTS (SELECT 1 FROM UNNEST({identifier(column)}) AS r WHERE r.field IN ({old}))"
        for column in columns
    ]


def _declared(column: Column) -> str:
    describe = f" OPTIONS (description = {literal(column.describe)})" if column.describe else ""
    return f"{identifier(column.name)} {column.type.bigquery}{describe}"


def _standard(column: "bigquery.SchemaField") -> str:
    kind = _STANDARD.get(column.field_type, column.field_type)
    if kind == "STRUCT":
        kind = f"STRUCT<{', '.join(f'{part.name} {_standard(part)}' for part in column.fields)}>"
    return f"ARRAY<{kind}>" if column.mode == "REPEATED" else kind


def _spelt(kind: ColumnType) -> str:
    return kind.bigquery.replace("`", "")


_TYPES: Sequence[ColumnType] = (
    types.TEXT, types.INTEGER, types.FLOAT, types.BOOLEAN, types.DATE, types.INSTANT, types.TEXTS, types.SPANS,
    types.REASONS,
)  # fmt: skip
