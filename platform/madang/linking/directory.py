"""Reads a directory of places from a file or a BigQuery table. It is read whole and checked whole.

Wrong rows are errors and not left out: a directory is somebody's product, and a place that is silently missing would
be a link that silently fails.
"""

import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from madang.errors import InputError
from madang.linking.table import RAW_PLACES

COLUMNS = tuple(name for name in RAW_PLACES.polars_schema if name != "version")
_SCHEMA = pl.Schema({name: RAW_PLACES.polars_schema[name] for name in COLUMNS})
# A number outside is unknown, as NaN is: of 60,790 real places two have their coordinates the wrong way round.
_RANGES = {"lat": (-90.0, 90.0), "lon": (-180.0, 180.0), "popularity": (-sys.float_info.max, sys.float_info.max)}
_TABLE = re.compile(r"[a-z][a-z0-9-]+\.\w+\.\w+")
# As Python objects a million places would take ten times their room.
_CHUNK_ROWS = 50_000
_NOTHING = "nothing was written"
_TYPES = ".jsonl, .ndjson, .json, .csv or .parquet"


def read_places(path: Path, columns: Mapping[str, str] | None = None) -> pl.DataFrame:
    """Reads a file of places.

    Args:
        path: JSON lines, a JSON array, CSV or Parquet.
        columns: Our column to the file's; a column that is not named keeps its own name, and `id` is `place_id`.

    Returns:
        One row a place, in file order; columns of `raw.places` without the version.

    Raises:
        InputError: The file is missing or broken, a row lacks its id or name, an id stands twice, a coordinate is
            no number. The row is named.
    """
    if not path.is_file():
        raise InputError(path, "there is no such file", f"Give the path of a file of type {_TYPES}")
    return _checked(_rows(path), dict(columns or {}), path)


def read_places_of_bigquery(table: str, columns: Mapping[str, str] | None = None) -> pl.DataFrame:
    """Reads a table `project.dataset.table`, by the account of the environment.

    Raises:
        InputError: It cannot be read, or a row is wrong.
    """
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError
    from google.cloud import bigquery

    try:
        rows = [dict(row.items()) for row in bigquery.Client().list_rows(table)]
    except (GoogleAPIError, GoogleAuthError, ValueError) as error:
        raise InputError(table, f"BigQuery does not give it ({error.__class__.__name__})",
                         "Check its name, and the account's right to read it") from error  # fmt: skip
    return _checked(((f"{table} row {number}", row) for number, row in enumerate(rows, 1)), dict(columns or {}), table)


def is_bigquery_table(source: str) -> bool:
    """Whether a source is no file's name but a table's: project.dataset.table."""
    return _TABLE.fullmatch(source) is not None and Path(source).suffix.lower() not in _TYPES.replace(",", "").split()


def version_of(places: pl.DataFrame) -> str:
    """Version of a directory: hash of its places, whatever their order and the file's type."""
    ordered = places.select(COLUMNS).sort("place_id")
    return hashlib.sha256(ordered.write_csv(float_precision=7).encode()).hexdigest()[:16]


def _checked(rows: Iterable[tuple[str, dict[str, Any]]], columns: dict[str, str], place: object) -> pl.DataFrame:
    unknown = sorted(set(columns) - set(COLUMNS))
    if unknown:
        raise InputError("--map", f"unknown column {unknown[0]!r}", f"Map one of {', '.join(COLUMNS)}")
    frames = [pl.DataFrame(schema=_SCHEMA)]
    values: dict[str, list[object]] = {name: [] for name in COLUMNS}
    seen: dict[str, int] = {}
    for number, (where, row) in enumerate(rows, 1):
        for ours, theirs in columns.items():
            if theirs not in row:
                raise InputError(where, f"there is no column {theirs!r} for {ours}", f"Correct --map; {_NOTHING}")
        told = {name: row.get(columns.get(name, name)) for name in COLUMNS}
        if told["place_id"] is None and "place_id" not in columns:
            told["place_id"] = row.get("id")
        for name in ("place_id", "name"):
            if told[name] is None or not str(told[name]).strip():
                raise InputError(where, f"there is no {name}", f"Name its column: --map {name}=NAME; {_NOTHING}")
        place_id = str(told["place_id"]).strip()
        if place_id in seen:
            raise InputError(where, f"place_id {place_id!r} is that of place {seen[place_id]} too",
                             f"Remove one of them; {_NOTHING}")  # fmt: skip
        seen[place_id] = number
        for name in COLUMNS:
            values[name].append(_value(name, told[name], where))
        if number % _CHUNK_ROWS == 0:
            frames.append(pl.DataFrame(values, schema=_SCHEMA))
            values = {name: [] for name in COLUMNS}
    return pl.concat([*frames, pl.DataFrame(values, schema=_SCHEMA)], rechunk=True)


def _value(name: str, value: object, where: str) -> object:
    if value is None or value == "":
        return None
    if name not in _RANGES:
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            raise InputError(where, f"{name} is a {type(value).__name__}", f"Write text; {_NOTHING}")
        return _stored(str(value)).strip() or None
    low, high = _RANGES[name]
    try:
        number = float(str(value))
    except ValueError:
        raise InputError(where, f"{name} is {value!r}, which is no number", f"Correct it; {_NOTHING}") from None
    return number if low <= number <= high else None


def _stored(text: str) -> str:
    """What every warehouse can store: NUL and halves of surrogate pairs cannot be."""
    return text.replace("\x00", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    match path.suffix.lower():
        case ".jsonl" | ".ndjson":
            yield from _json_lines(path)
        case ".json":
            found = _json(path.read_bytes(), str(path))
            if not isinstance(found, list):
                raise InputError(path, f"it holds a {type(found).__name__}, not a list of places",
                                 f"Write [{{...}}, ...]; {_NOTHING}")  # fmt: skip
            for number, row in enumerate(found, 1):
                yield f"{path} item {number}", _object(row, f"{path} item {number}")
        case ".csv" | ".parquet" as suffix:
            try:
                frame = pl.read_csv(path, infer_schema=False) if suffix == ".csv" else pl.read_parquet(path)
            except (pl.exceptions.PolarsError, OSError) as error:
                raise InputError(path, f"not readable as {suffix[1:]} ({error.__class__.__name__})",
                                 f"Repair the file; {_NOTHING}") from error  # fmt: skip
            for number, row in enumerate(frame.iter_rows(named=True), 1):
                yield f"{path} row {number}", row
        case suffix:
            raise InputError(path, f"files of type {suffix or 'none'} are not read", f"Give {_TYPES}")


def _json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield f"{path}:{number}", _object(_json(line, f"{path}:{number}"), f"{path}:{number}")


def _json(text: bytes, where: str) -> object:
    try:
        # NaN and Infinity are Python's, not JSON's: a value that is not there.
        return json.loads(text.decode("utf-8-sig"), parse_constant=lambda _: None)
    except (ValueError, RecursionError) as error:
        raise InputError(where, f"it is not JSON ({error.__class__.__name__})", f"Repair it; {_NOTHING}") from error


def _object(row: object, where: str) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise InputError(where, f"it is a {type(row).__name__}, not an object", f"Write one object a place; {_NOTHING}")
    return row
