"""The SQL of a Markdown page."""

import re
from pathlib import Path

from scenario import REPOSITORY

_BLOCK = re.compile(r"^## (?P<title>.+?)$|^```sql\n(?P<sql>.+?)^```$", re.MULTILINE | re.DOTALL)


def queries_of(name: str) -> dict[str, list[str]]:
    """Every SQL block of `docs/<name>`, by the heading that it stands under."""
    found: dict[str, list[str]] = {}
    title = ""
    for block in _BLOCK.finditer((REPOSITORY / "docs" / name).read_text(encoding="utf-8")):
        title = block["title"] or title
        if block["sql"]:
            found.setdefault(title, []).append(block["sql"])
    return found


def folder() -> Path:
    """Where the pages lie."""
    return REPOSITORY / "docs"
