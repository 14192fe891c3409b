"""Lands a directory of places in the warehouse, whole or not at all; and what people call a place."""

from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from madang.errors import InputError
from madang.linking.directory import COLUMNS, version_of
from madang.linking.folding import fold_name
from madang.linking.table import PLACE_ALIASES, PLACE_DIRECTORIES, RAW_PLACES
from madang.warehouse.protocol import Change, Warehouse


@dataclass(frozen=True)
class LandedPlaces:
    """What an import did.

    Args:
        version: Version of the directory.
        places: How many it holds.
        written: Rows written; 0 if this version is the current one.
    """

    version: str
    places: int
    written: int


def land_places(warehouse: Warehouse, places: pl.DataFrame, landed_from: str) -> LandedPlaces:
    """Lands a directory, in one transaction, and makes it the current one.

    Args:
        warehouse: Where.
        places: What `read_places` gave.
        landed_from: File or table they came from.
    """
    warehouse.ensure([RAW_PLACES, PLACE_DIRECTORIES])
    version = version_of(places)
    with warehouse.exclusive():
        if find_version(warehouse) == version:
            return LandedPlaces(version, places.height, 0)
        rows = places.select(pl.lit(version).alias("version"), *COLUMNS)
        told = pl.DataFrame(
            [
                {
                    "version": version,
                    "places": places.height,
                    "landed_from": landed_from,
                    "imported_at": datetime.now(UTC),
                }
            ],
            schema=PLACE_DIRECTORIES.polars_schema,
        )
        written = warehouse.commit([Change(RAW_PLACES, rows), Change(PLACE_DIRECTORIES, told, "upsert")])
    return LandedPlaces(version, places.height, written)


def current_version(warehouse: Warehouse) -> str:
    """Version of the directory that was imported last.

    Raises:
        InputError: None was.
    """
    found = find_version(warehouse)
    if found is None:
        raise InputError("raw.places", "no directory of places has been imported", "Run: madang places import FILE")
    return found


def places_of(warehouse: Warehouse, version: str) -> pl.DataFrame:
    """A directory as it was imported, ordered by place_id."""
    columns = ", ".join(f'"{name}"' for name in COLUMNS)
    return warehouse.read(f"SELECT {columns} FROM raw.places WHERE version = ? ORDER BY place_id", [version])


def confirm(warehouse: Warehouse, written: str, place_id: str) -> None:
    """Remembers that a name means a place, whatever the directory calls it.

    Args:
        warehouse: Where.
        written: The name, as people write it.
        place_id: A place of the current directory.

    Raises:
        InputError: The name holds no letter, or there is no such place.
    """
    alias = fold_name(written)
    if not alias:
        raise InputError("alias", "the name holds no letter or digit", "Give a name")
    version = current_version(warehouse)
    if warehouse.read("SELECT 1 FROM raw.places WHERE version = ? AND place_id = ?", [version, place_id]).is_empty():
        raise InputError("raw.places", f"there is no place {place_id!r} in directory {version}", "Give a place's id")
    warehouse.ensure([PLACE_ALIASES])
    row = {"alias": alias, "place_id": place_id, "written": written, "confirmed_at": datetime.now(UTC)}
    warehouse.commit([Change(PLACE_ALIASES, pl.DataFrame([row], schema=PLACE_ALIASES.polars_schema))])


def aliases_of(warehouse: Warehouse) -> dict[str, tuple[str, ...]]:
    """Ids of the places that each folded alias means."""
    if not warehouse.has(PLACE_ALIASES.name):
        return {}
    found = warehouse.read(
        "SELECT alias, list(place_id ORDER BY place_id) AS ids FROM raw.place_aliases GROUP BY alias"
    )
    return {alias: tuple(ids) for alias, ids in found.iter_rows()}


def find_version(warehouse: Warehouse) -> str | None:
    """Version of the directory that was imported last; None if none was."""
    if not warehouse.has(PLACE_DIRECTORIES.name):
        return None
    found = warehouse.read("SELECT version FROM raw.place_directories ORDER BY imported_at DESC, version LIMIT 1")
    return str(found["version"][0]) if found.height else None
