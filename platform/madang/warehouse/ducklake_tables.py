"""Tables of DuckLake: SQL that makes one what is declared, all of it in one transaction."""

from madang.warehouse.evolution import Evolution
from madang.warehouse.sql_text import literal, quote


def statements(evolution: Evolution) -> list[str]:
    """What is to be run, in this order."""
    table, name = evolution.table, quote(evolution.table.name)
    if evolution.held_as is None:
        body = ", ".join(f"{quote(column.name)} {column.type.duckdb}" for column in table.columns)
        schema = quote(table.name.partition(".")[0])
        return [f"CREATE SCHEMA IF NOT EXISTS {schema}", f"CREATE TABLE {name} ({body})"]
    found = []
    if evolution.is_moved:
        # First of all: DuckLake 1.5.5 cannot read a table any more that is renamed after its columns.
        found.append(f"ALTER TABLE {quote(evolution.held_as)} RENAME TO {quote(table.name.partition('.')[2])}")
    found += _reasons(evolution)
    found += [
        f"ALTER TABLE {name} RENAME COLUMN {quote(before)} TO {quote(column.name)}"
        for before, column in evolution.renamed
    ]
    found += [f"ALTER TABLE {name} ADD COLUMN {quote(column.name)} {column.type.duckdb}" for column in evolution.added]
    for column in evolution.widened:
        # DuckLake itself widens integers among each other alone.
        wide, old = quote(f"{column.name}__wide"), quote(column.name)
        found += [
            f"ALTER TABLE {name} ADD COLUMN {wide} {column.type.duckdb}",
            f"UPDATE {name} SET {wide} = {old}",
            f"ALTER TABLE {name} DROP COLUMN {old}",
            f"ALTER TABLE {name} RENAME COLUMN {wide} TO {old}",
        ]
    return found


def spelling(kind: str) -> str:
    """A type in one spelling, whoever says it: DuckDB's catalog has another than our declarations."""
    return kind.replace('"', "").replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")


def _reasons(evolution: Evolution) -> list[str]:
    columns, fields = evolution.renamed_reasons
    cases = " ".join(f"WHEN {literal(before)} THEN {literal(now)}" for before, now in fields.items())
    old = ", ".join(map(literal, fields))
    return [
        f"UPDATE {quote(evolution.table.name)} SET {quote(column)} = [{{'field': CASE r.\"field\" {cases} "
        f"ELSE r.\"field\" END, 'reason': r.reason}} FOR r IN {quote(column)}] "
        f'WHERE len([r FOR r IN {quote(column)} IF r."field" IN ({old})]) > 0'
        for column in columns
    ]
