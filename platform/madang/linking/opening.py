"""Opens the index of a directory, built once for each content and kept under `places/` of the state's folder."""

import hashlib
from pathlib import Path

import polars as pl

from madang.linking.directory import read_places, version_of
from madang.linking.index import FORMAT_VERSION, PlaceIndex
from madang.linking.landing import aliases_of, current_version, places_of
from madang.settings import Settings
from madang.warehouse.protocol import Warehouse


def index_of_file(settings: Settings, path: Path) -> PlaceIndex:
    """The index of a file of places; the file is read only if its content is new.

    Raises:
        InputError: The file is missing, or a row is wrong.
    """
    if not path.is_file():
        read_places(path)
    with path.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    known = _folder(settings, f"file-{content}{path.suffix.lower()}")
    if not known.is_dir():
        _save(read_places(path), known)
    return PlaceIndex.open(known)


def index_of_warehouse(settings: Settings, warehouse: Warehouse) -> PlaceIndex:
    """The index of the directory that was imported last, with the aliases that were confirmed.

    Raises:
        InputError: None was.
    """
    version = current_version(warehouse)
    known = _folder(settings, version)
    if not known.is_dir():
        _save(places_of(warehouse, version), known)
    aliases = aliases_of(warehouse)
    index = PlaceIndex.open(known)
    return index.with_aliases(aliases) if aliases else index


def _save(places: pl.DataFrame, folder: Path) -> None:
    PlaceIndex.build(places, version_of(places)).save(folder)


def _folder(settings: Settings, name: str) -> Path:
    return settings.home / "places" / f"{name}-{FORMAT_VERSION}"
