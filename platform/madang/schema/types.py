"""Column types, each with its name in every system that stores it. A type that one of them lacks is not offered."""

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class ColumnType:
    """One type in five dialects.

    Args:
        duckdb: Type in DuckDB and DuckLake SQL.
        bigquery: Standard-SQL type in BigQuery.
        polars: Polars type; its Arrow form is what is sent to DuckDB.
        feast: Name of the type in `feast.types`, with `Array(...)` written out; empty if it is no feature.
        json: Type in JSON Schema.
    """

    duckdb: str
    bigquery: str
    polars: pl.DataType
    feast: str = ""
    json: str = ""


TEXT = ColumnType("VARCHAR", "STRING", pl.String(), "String", "string")
# Feast materialises through pandas, where an integer cannot be null.
INTEGER = ColumnType("BIGINT", "INT64", pl.Int64(), "Float64", "integer")
FLOAT = ColumnType("DOUBLE", "FLOAT64", pl.Float64(), "Float64", "number")
BOOLEAN = ColumnType("BOOLEAN", "BOOL", pl.Boolean(), "Bool", "boolean")
DATE = ColumnType("DATE", "DATE", pl.Date())
INSTANT = ColumnType("TIMESTAMPTZ", "TIMESTAMP", pl.Datetime("us", "UTC"))
# BigQuery's own JSON keeps neither the order of keys nor the spelling of numbers, by which posts are compared; its
# functions read JSON in a string.
JSON = ColumnType("JSON", "STRING", pl.String())
TEXTS = ColumnType("VARCHAR[]", "ARRAY<STRING>", pl.List(pl.String()), "Array(String)")
SPANS = ColumnType(
    'STRUCT("field" VARCHAR, "start" BIGINT, "end" BIGINT)[]',
    "ARRAY<STRUCT<field STRING, start INT64, `end` INT64>>",
    pl.List(pl.Struct({"field": pl.String(), "start": pl.Int64(), "end": pl.Int64()})),
)
REASONS = ColumnType(
    'STRUCT("field" VARCHAR, "reason" VARCHAR)[]',
    "ARRAY<STRUCT<field STRING, reason STRING>>",
    pl.List(pl.Struct({"field": pl.String(), "reason": pl.String()})),
)


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Args:
        name: Column name, quoted wherever it meets SQL.
        type: Its type in every dialect.
        describe: What a value means, with its unit; what null means.
        renamed_from: Names that it had before, the oldest first; a column of such a name becomes it.
    """

    name: str
    type: ColumnType
    describe: str = ""
    renamed_from: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One table.

    Args:
        name: `schema.name`.
        columns: In the order of the warehouse.
        key: Names of the columns that identify a row.
        describe: What one row is.
        renamed_from: Names that it had before, each `schema.name` of the same schema, the oldest first.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    describe: str = ""
    renamed_from: tuple[str, ...] = ()

    @property
    def polars_schema(self) -> pl.Schema:
        """Schema of a frame that holds rows of this table."""
        return pl.Schema({column.name: column.type.polars for column in self.columns})
