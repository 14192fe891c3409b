"""The typed schema layer: field kinds, and everything that a declaration compiles to."""

from madang.schema.compiled import (
    Fields,
    TaskField,
    asked,
    asked_schema,
    attributes_table,
    current_name,
    feature_columns,
    features_table,
    links_table,
    mentions_table,
    reply_model,
    stated,
)
from madang.schema.markdown import fields_markdown
from madang.schema.types import Column, ColumnType, Table

__all__ = [
    "Column",
    "ColumnType",
    "Fields",
    "Table",
    "TaskField",
    "asked",
    "asked_schema",
    "attributes_table",
    "current_name",
    "feature_columns",
    "features_table",
    "fields_markdown",
    "links_table",
    "mentions_table",
    "reply_model",
    "stated",
]
