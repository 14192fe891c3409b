"""Reads posts from JSON lines, CSV or Parquet. A file is read whole and checked whole before anything is written."""

import hashlib
import json
import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl
import polars.selectors as cs
import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError

from madang.errors import InputError

COLUMNS = ("source", "post_id", "revision", "board", "title", "body", "images", "event_at", "deleted")
_SCHEMA = pl.Schema(
    {
        "source": pl.String(), "post_id": pl.String(), "revision": pl.Int64(), "board": pl.String(),
        "title": pl.String(), "body": pl.String(), "images": pl.List(pl.String()), "extra": pl.String(),
        "title_hash": pl.String(), "body_hash": pl.String(), "title_chars": pl.Int64(), "body_chars": pl.Int64(),
        "event_at": pl.Datetime("us", "UTC"), "deleted": pl.Boolean(), "landed_from": pl.String(),
        "landed_position": pl.Int64(),
    }
)  # fmt: skip


@dataclass(frozen=True)
class ColumnMap:
    """How a file's columns are named.

    Args:
        columns: Our column to the file's; a column that is not named keeps its own name.
        source: Value of `source` where the file has no such column; the file's stem by default.
        timezone: Zone of instants that state none.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    columns: dict[str, str] = field(default_factory=dict)
    source: str | None = None
    timezone: str = "Asia/Seoul"

    def __post_init__(self) -> None:
        unknown = sorted(set(self.columns) - set(COLUMNS))
        if unknown:
            raise InputError("--map", f"unknown column {unknown[0]!r}", f"Map one of {', '.join(COLUMNS)}")
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise InputError(
                "--timezone", f"no time zone is called {self.timezone!r}", "Write a name such as Asia/Seoul"
            ) from error

    @classmethod
    def from_yaml(cls, file: Path) -> "ColumnMap":
        """Reads {columns: {title: subject}, source: forum, timezone: UTC}.

        Raises:
            InputError: It is missing, broken, or holds anything else.
        """
        try:
            plain = yaml.safe_load(file.read_text(encoding="utf-8"))
            return TypeAdapter(cls).validate_python(plain or {})
        except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
            raise InputError(file, "not a column map", "Write columns:, source: and timezone:") from error


def read_posts(path: Path, mapping: ColumnMap | None = None) -> pl.DataFrame:
    """Reads a file of posts.

    Args:
        path: `.jsonl`, `.ndjson`, `.csv` or `.parquet`.
        mapping: How its columns are named.

    Returns:
        One row a post, in file order, with hashes, lengths and its position; nothing is written.

    Raises:
        InputError: The file is missing, a line is broken (its number is named), or a column is missing.
    """
    mapping = mapping or ColumnMap()
    if not path.is_file():
        raise InputError(path, "there is no such file", "Give the path of a .jsonl, .csv or .parquet file")
    landed_from = f"{path.name}@{_file_hash(path)[:12]}"
    rows = [
        _post(raw, position, f"{path}:{position}", mapping, path.stem) | {"landed_from": landed_from}
        for position, raw in _rows(path)
    ]
    return pl.DataFrame(rows, schema=_SCHEMA)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    suffix = path.suffix.lower()
    if suffix in (".jsonl", ".ndjson"):
        yield from _json_lines(path)
    elif suffix in (".csv", ".parquet"):
        try:
            frame = pl.read_csv(path, infer_schema=False) if suffix == ".csv" else pl.read_parquet(path)
            frame = frame.with_columns(cs.float().replace([math.nan, math.inf, -math.inf], None))
        except (pl.exceptions.PolarsError, OSError) as error:
            # polars quotes cells in some of its messages.
            raise InputError(path, f"not readable as {suffix[1:]} ({error.__class__.__name__})",
                             "Repair the file; nothing was written") from None  # fmt: skip
        yield from enumerate(frame.iter_rows(named=True), 1)
    else:
        raise InputError(path, f"files of type {suffix or 'none'} are not read", "Give .jsonl, .csv or .parquet")


def _json_lines(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                # NaN and Infinity are Python's, not JSON's: a value that is not there.
                row = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"), parse_constant=lambda _: None)
            except (ValueError, RecursionError) as error:
                raise InputError(f"{path}:{number}", f"the line is not JSON ({error.__class__.__name__})",
                                 "Repair the line; nothing was written") from error  # fmt: skip
            if not isinstance(row, dict):
                raise InputError(f"{path}:{number}", f"the line is a {type(row).__name__}, not an object",
                                 "Write one object a line; nothing was written")  # fmt: skip
            yield number, row


def _post(raw: dict[str, object], position: int, place: str, mapping: ColumnMap, stem: str) -> dict[str, object]:
    names = {column: mapping.columns.get(column, column) for column in COLUMNS}
    for column, name in mapping.columns.items():
        if name not in raw and column not in ("revision", "deleted", "images"):
            raise InputError(
                place, f"there is no column {name!r} for {column}", "Correct the column map; nothing was written"
            )
    post_id = raw.get(names["post_id"])
    if post_id is None or str(post_id).strip() == "":
        raise InputError(place, f"there is no {names['post_id']!r}", "Name the column of ids: --map post_id=NAME; "
                         "nothing was written")  # fmt: skip
    deleted = _flag(raw.get(names["deleted"]), place)
    if names["title"] not in raw and names["body"] not in raw and not deleted:
        raise InputError(place, f"there is neither {names['title']!r} nor {names['body']!r}",
                         "Name the text columns: --map body=NAME; nothing was written")  # fmt: skip
    title, body = (_text(raw.get(names[column]), f"{place} {names[column]}") for column in ("title", "body"))
    mapped = set(names.values())
    extra = {name: value for name, value in raw.items() if name not in mapped and value is not None}
    source = raw.get(names["source"])
    return {
        "source": _clean(str(source)) if source not in (None, "") else (mapping.source or stem),
        "post_id": _clean(str(post_id)),
        "revision": _revision(raw.get(names["revision"]), place),
        "board": _text(raw.get(names["board"]), place) or None,
        "title": title,
        "body": body,
        "images": _images(raw.get(names["images"]), place),
        "extra": json.dumps(_cleaned(extra), ensure_ascii=False, sort_keys=True, default=str) if extra else None,
        "title_hash": text_hash(title),
        "body_hash": text_hash(body),
        "title_chars": len(title),
        "body_chars": len(body),
        "event_at": _instant(raw.get(names["event_at"]), mapping.timezone, place),
        "deleted": deleted,
        "landed_position": position,
    }


def text_hash(text: str) -> str:
    """SHA-256 of a text in NFC: composed and decomposed Hangul are the same text."""
    return hashlib.sha256(unicodedata.normalize("NFC", text).encode()).hexdigest()


def _text(value: object, place: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str | int | float):
        return _clean(str(value))
    raise InputError(place, f"a {type(value).__name__} stands where text is wanted", "Write text; nothing was written")


def _clean(text: str) -> str:
    """Replaces what no warehouse can store, one code point for one: NUL, and halves of a surrogate pair."""
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _cleaned(value: object) -> object:
    """A JSON value with every text in it cleaned: escaped, NUL would pass unseen and fail in BigQuery."""
    match value:
        case str():
            return _clean(value)
        case dict():
            return {_clean(str(name)): _cleaned(item) for name, item in value.items()}
        case list():
            return [_cleaned(item) for item in value]
    return value


def _revision(value: object, place: str) -> int | None:
    if value is None or value == "":
        return None
    try:
        revision = int(str(value))
        if abs(revision) >= 2**63:
            raise ValueError
        return revision
    except ValueError:
        raise InputError(
            place, f"revision ({_shape(value)}) is not a whole number", "Correct it; nothing was written"
        ) from None


def _images(value: object, place: str) -> list[str]:
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [_clean(value)]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return [_clean(item) for item in value]
    raise InputError(place, "images is not a list of addresses", "Correct it; nothing was written")


def _flag(value: object, place: str) -> bool:
    if value is None or value == "" or value is False:
        return False
    if value is True or str(value).lower() in ("true", "1"):
        return True
    if str(value).lower() in ("false", "0"):
        return False
    raise InputError(place, f"deleted ({_shape(value)}) is neither true nor false", "Correct it; nothing was written")


def _instant(value: object, timezone: str, place: str) -> datetime | None:
    if value is None or value == "":
        return None
    try:
        instant = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=ZoneInfo(timezone))
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InputError(
            place, f"event_at ({_shape(value)}) is not an ISO 8601 instant",
            "Write 2024-11-27T09:00:00+09:00; nothing was written",
        ) from None  # fmt: skip


def _shape(value: object) -> str:
    """What stands in a cell, never the cell itself: errors reach the event log, and a cell may hold personal data.

    For the same reason these errors have no cause: Python's own quote the value.
    """
    return f"text of {len(value)} characters" if isinstance(value, str) else type(value).__name__


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
