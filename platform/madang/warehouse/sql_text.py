"""Names and strings as they stand in DuckDB's SQL."""


def quote(name: str) -> str:
    """A possibly dotted identifier, quoted."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in name.split("."))


def literal(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
