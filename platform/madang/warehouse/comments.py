"""What tables and columns mean, as comments: any DuckDB client shows them, and so do the tools of analysts.

DuckLake keeps them for tables and their columns; for columns of a view it cannot: `madang docs` describes those.
"""

from collections.abc import Sequence

from madang.schema.types import Table
from madang.warehouse.protocol import Warehouse
from madang.warehouse.sql_text import literal, quote

_COMMENTS = """
SELECT schema_name || '.' || table_name AS name, '' AS part, comment
FROM duckdb_tables() WHERE database_name = current_database()
UNION ALL
SELECT schema_name || '.' || table_name, column_name, comment
FROM duckdb_columns() WHERE database_name = current_database()
"""


def outdated_comments(warehouse: Warehouse, tables: Sequence[Table]) -> list[str]:
    """Statements that describe what is not described yet, or otherwise now, of tables that are to be made too."""
    there = {(name, part): comment or "" for name, part, comment in warehouse.read(_COMMENTS).iter_rows()}
    statements = []
    for table in tables:
        if there.get((table.name, ""), "") != table.describe:
            statements.append(f"COMMENT ON TABLE {quote(table.name)} IS {literal(table.describe)}")
        statements += [
            f"COMMENT ON COLUMN {quote(table.name)}.{quote(column.name)} IS {literal(column.describe)}"
            for column in table.columns
            if there.get((table.name, column.name), "") != column.describe
        ]
    return statements
