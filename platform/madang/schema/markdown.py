"""A task's fields as a Markdown page: what the asset shows in the UI."""

from madang.schema.base import FieldKind
from madang.schema.compiled import Fields
from madang.schema.mentions import MentionsField


def fields_markdown(fields: Fields) -> str:
    """Table of the fields: kind, column type, where the value comes from, meaning."""
    lines = ["| field | kind | column | from | meaning |", "|---|---|---|---|---|"]
    for name, field in fields.items():
        origin = _origin(field)
        allowed = field.allowed()
        meaning = field.describe + (
            f" ({', '.join(allowed)})" if allowed and field.value_type.duckdb != "BOOLEAN" else ""
        )
        if isinstance(field, MentionsField):
            meaning += f" (of each: {', '.join(field.of) or 'its place'}; kept if {field.keep or 'found'})"
        lines.append(f"| {name} | {field.kind} | {field.value_type.duckdb} | {origin} | {meaning.replace('|', '/')} |")
    return "\n".join(lines)


def _origin(field: FieldKind) -> str:
    if field.derive is not None:
        return f"`{field.derive}`"
    if field.read is None:
        return "asked"
    origin = {"reader": "read", "model": "asked, verified", "both": "read, else asked"}[field.decider]
    return f"{origin} (`{field.read}`)"
