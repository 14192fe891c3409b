"""A task's fields as a Markdown page: what the asset shows in the UI."""

from madang.schema.compiled import Fields


def fields_markdown(fields: Fields) -> str:
    """Table of the fields: kind, column type, where the value comes from, meaning."""
    lines = ["| field | kind | column | from | meaning |", "|---|---|---|---|---|"]
    for name, field in fields.items():
        origin = f"`{field.derive}`" if field.derive is not None else "asked"
        allowed = field.allowed()
        meaning = field.describe + (
            f" ({', '.join(allowed)})" if allowed and field.value_type.duckdb != "BOOLEAN" else ""
        )
        lines.append(f"| {name} | {field.kind} | {field.value_type.duckdb} | {origin} | {meaning.replace('|', '/')} |")
    return "\n".join(lines)
