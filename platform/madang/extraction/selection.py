"""Posts named one by one: JSON lines with `source` and `post_id`. `madang choose` writes them, --only reads them."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import polars as pl

from madang.errors import InputError

_SCHEMA = pl.Schema({"source": pl.String(), "post_id": pl.String()})


def read_selection(file: Path) -> pl.DataFrame:
    """Reads a file of posts; further keys of a line are left alone.

    Returns:
        Source and post_id, each post once.

    Raises:
        InputError: There is no such file, a line names no post, or none does.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InputError(file, f"it cannot be read ({reason})", "Write one with madang choose --write") from error
    rows = [_post(file, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise InputError(file, "it names no post", "Write one with madang choose --write")
    return selection_of(rows)


def selection_of(posts: Iterable[tuple[str, str]]) -> pl.DataFrame:
    """Posts by source and post_id, each once."""
    return pl.DataFrame(list(posts), schema=_SCHEMA, orient="row").unique(maintain_order=True)


def write_selection(file: Path, posts: Iterable[Mapping[str, object]]) -> None:
    """Writes posts, a line each.

    Args:
        file: Where to; what is there is replaced.
        posts: Rows with `source`, `post_id` and what else is to be told of them.

    Raises:
        InputError: It cannot be written.
    """
    try:
        file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in posts), encoding="utf-8")
    except OSError as error:
        raise InputError(file, f"it cannot be written ({error.strerror})", "Give another file") from error


def _post(file: Path, number: int, line: str) -> tuple[str, str]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise InputError(file, f"line {number} is not JSON", "Write one object a line") from error
    named = [row.get(name) for name in _SCHEMA] if isinstance(row, dict) else [None]
    if not all(isinstance(name, str) and name for name in named):
        raise InputError(file, f"line {number} has no source and post_id", "Name both, as text")
    source, post_id = map(str, named)
    return source, post_id
