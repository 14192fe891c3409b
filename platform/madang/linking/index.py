"""What is looked up in a directory of places: forms of names, pairs of characters, buildings; kept as numpy arrays.

The arrays are files of their own, mapped and not read: opening an index of a million places takes milliseconds, and
processes share its pages. Nothing in it depends on Python's own hash, which differs from run to run.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl
import pyarrow as pa
from filelock import FileLock
from numpy.typing import NDArray

from madang.linking.forms import Form, forms_of
from madang.linking.hashing import Hashes, TextHashes, hashes_of
from madang.linking.regions import buildings, region_of, stem

FORMAT_VERSION = 1
Rows = NDArray[np.int32]
Forms = NDArray[np.uint8]

_CHUNK_ROWS = 50_000
# A part of a name that so many places share says nothing: 카페, 흑돼지, 강남.
_MOST_PLACES_OF_A_PART = 20
_ARRAYS = ("key_hash", "key_row", "key_form", "gram_hash", "gram_start", "gram_row", "site_hash", "site_row", "area")


@dataclass(frozen=True)
class Place:
    """A row of the directory.

    Args:
        place_id: The directory's own id.
        name: As the directory writes it.
        address: None if it gives none.
        lat: Degrees; None if unknown.
        lon: Degrees; None if unknown.
        category: As the directory calls it.
        district: Given, or read from the address; None if neither says.
        dong: Given, or read from the address; None if neither says.
        popularity: Any number of the directory's own that grows with it; None if unknown.
        folded: The name, folded.
    """

    place_id: str
    name: str
    address: str | None
    lat: float | None
    lon: float | None
    category: str | None
    district: str | None
    dong: str | None
    popularity: float | None
    folded: str


class PlaceIndex:
    """An index over the places of one directory.

    Args:
        places: One batch of columns place_id, name, address, lat, lon, category, district, dong, popularity, folded.
        arrays: The arrays that `build` makes, by name.
        areas: Stems of all areas, in the order of their numbers in `area`.
        version: Version of the directory.
    """

    def __init__(
        self, places: pa.RecordBatch, arrays: dict[str, NDArray[np.generic]], areas: list[str], version: str
    ) -> None:
        self._places = places
        self.version = version
        self.areas = {name: number for number, name in enumerate(areas)}
        self._arrays = arrays
        self.area = arrays["area"]

    @classmethod
    def build(cls, places: pl.DataFrame, version: str) -> Self:
        """Builds the index.

        Args:
            places: What `read_places` gave.
            version: What `version_of` says of them.
        """
        regions = [region_of(address) for address in places["address"]]
        found = [
            (district or region.district, dong or region.dong)
            for region, district, dong in zip(regions, places["district"], places["dong"], strict=True)
        ]
        known: dict[str, int] = {}
        area = np.full((places.height, 2), -1, dtype=np.int32)
        for row, pair in enumerate(found):
            for column, name in enumerate(pair):
                if name:
                    area[row, column] = known.setdefault(stem(name), len(known))
        keys, grams, sites = _Postings(), _Postings(), _Postings()
        folded: list[str] = []
        for start in range(0, places.height, _CHUNK_ROWS):
            chunk = places.slice(start, _CHUNK_ROWS)
            for row, (name, address) in enumerate(chunk.select("name", "address").iter_rows(), start):
                own = {*regions[row].stems, *(stem(name) for name in found[row] if name)}
                forms = forms_of(name, own, known)
                folded.append(forms.whole)
                for text, form in forms.forms.items():
                    keys.add(text, row, form)
                for key, _, _ in buildings(address or ""):
                    sites.add(key, row)
            keys.hash()
            sites.hash()
            grams.add_hashed(*_grams_of_all(folded[start:], start))
        key_hash, key_row, key_form = _without_common_parts(*keys.sorted())
        gram_hashes, gram_row, _ = grams.sorted()
        gram_hash, gram_start = np.unique(gram_hashes, return_index=True)
        site_hash, site_row, _ = sites.sorted()
        arrays: dict[str, NDArray[np.generic]] = {
            "key_hash": key_hash, "key_row": key_row, "key_form": key_form, "gram_hash": gram_hash,
            "gram_start": np.append(gram_start, len(gram_row)).astype(np.int64), "gram_row": gram_row,
            "site_hash": site_hash, "site_row": site_row, "area": area,
        }  # fmt: skip
        told = places.with_columns(
            folded=pl.Series(folded, dtype=pl.String()),
            district=pl.Series([district or None for district, _ in found], dtype=pl.String()),
            dong=pl.Series([dong or None for _, dong in found], dtype=pl.String()),
        )
        return cls(_batch(told.to_arrow(compat_level=pl.CompatLevel.oldest())), arrays, list(known), version)

    def save(self, folder: Path) -> None:
        """Writes the index; a folder appears whole or not at all."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if folder.is_dir():
                return
            making = folder.with_suffix(".making")
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir()
            for name, array in self._arrays.items():
                np.save(making / f"{name}.npy", array)
            with (
                pa.OSFile(str(making / "places.arrow"), "wb") as file,
                pa.ipc.new_file(file, self._places.schema) as to,
            ):
                to.write_batch(self._places)
            about = {"version": self.version, "areas": list(self.areas)}
            (making / "about.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")
            making.rename(folder)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Maps an index that `save` wrote."""
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in _ARRAYS}
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        # The batch as it lies in the file: a table would be copied into memory to make one of it.
        places = pa.ipc.open_file(pa.memory_map(str(folder / "places.arrow"))).get_batch(0)
        return cls(places, arrays, about["areas"], about["version"])

    def with_aliases(self, aliases: Mapping[str, Sequence[str]]) -> Self:
        """The same index, in which aliases are names too.

        Args:
            aliases: Ids of the places that each folded alias means: what `aliases_of` gave. Places that are gone
                are passed over.
        """
        told = [(alias, self.rows_by_id[one]) for alias, ids in aliases.items() for one in ids
                if one in self.rows_by_id]  # fmt: skip
        hashes = hashes_of([alias for alias, _ in told])
        at = np.searchsorted(self._arrays["key_hash"], hashes)
        order = np.argsort(hashes, kind="stable")
        new: dict[str, NDArray[np.generic]] = {
            "key_hash": hashes,
            "key_row": np.array([row for _, row in told], dtype=np.int32),
            "key_form": np.full(len(told), Form.WHOLE, dtype=np.uint8),
        }
        inserted = {name: np.insert(self._arrays[name], at[order], new[name][order]) for name in new}
        return type(self)(self._places, {**self._arrays, **inserted}, list(self.areas), self.version)

    def __len__(self) -> int:
        return int(self._places.num_rows)

    def places(self, rows: Sequence[int]) -> list[Place]:
        """Places by their row."""
        return [Place(**place) for place in self._places.take(pa.array(rows, pa.int32())).to_pylist()]

    @property
    def bytes(self) -> int:
        """Size of the arrays, without the places themselves."""
        return sum(array.nbytes for array in self._arrays.values())

    def find(self, hashes: Hashes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where in the keys each hash stands, as (first, end); equal where it stands nowhere."""
        key_hash = self._arrays["key_hash"]
        return np.searchsorted(key_hash, hashes, "left"), np.searchsorted(key_hash, hashes, "right")

    def at(self, first: int, end: int) -> tuple[Rows, Forms]:
        """Rows and forms of the keys from `first` to `end`."""
        return self._arrays["key_row"][first:end], self._arrays["key_form"][first:end]  # type: ignore[return-value]

    @cached_property
    def districts(self) -> frozenset[str]:
        """Stems of the districts, without those of neighbourhoods."""
        numbers = {int(number) for number in np.unique(self.area[:, 0])}
        return frozenset(name for name, number in self.areas.items() if number in numbers)

    @cached_property
    def rows_by_id(self) -> dict[str, int]:
        """Row of each place; read only where places are given by id."""
        return {place_id: row for row, place_id in enumerate(self._places.column("place_id").to_pylist())}

    def by_form(self, form: str) -> tuple[Rows, Forms]:
        """Rows that have a form, and how much of their name it is."""
        first, end = self.find(hashes_of([form]))
        return self.at(int(first[0]), int(end[0]))

    def by_building(self, key: str) -> Rows:
        """Rows at a building, as `buildings` calls it."""
        wanted = hashes_of([key])[0]
        first, end = (int(np.searchsorted(self._arrays["site_hash"], wanted, side)) for side in ("left", "right"))
        return self._arrays["site_row"][first:end]  # type: ignore[return-value]

    def by_grams(self, folded: str, most: int) -> Rows:
        """Rows whose names share most pairs of characters with a name, best first.

        Rare pairs are read first, and the most common ones not at all once enough rows are found: 카페 alone is
        in tens of thousands of names.
        """
        grams = hashes_of(grams_of(folded))
        at = np.searchsorted(self._arrays["gram_hash"], grams)
        at = at[at < len(self._arrays["gram_hash"])]
        at = at[np.isin(self._arrays["gram_hash"][at], grams)]
        if not len(at):
            return np.empty(0, dtype=np.int32)
        starts = self._arrays["gram_start"]
        order = sorted((int(starts[one + 1] - starts[one]), int(starts[one])) for one in at)
        lists = [self._arrays["gram_row"][start : start + size] for size, start in order[:1]]
        read = order[0][0]
        for size, start in order[1:]:
            if read + size > _MOST_POSTINGS and len(lists) > 1:
                break
            lists.append(self._arrays["gram_row"][start : start + size])
            read += size
        rows, shared = np.unique(np.concatenate(lists), return_counts=True)
        if len(rows) > most:
            best = np.argpartition(-shared, most)[:most]
            rows, shared = rows[best], shared[best]
        found: Rows = rows[np.argsort(-shared, kind="stable")]
        return found


_MOST_POSTINGS = 60_000


def grams_of(folded: str) -> list[str]:
    """Distinct pairs of neighbouring characters, the name's first and last marked, in order."""
    marked = f"^{folded}$"
    return list(dict.fromkeys(marked[at : at + 2] for at in range(len(marked) - 1)))


def _grams_of_all(names: Sequence[str], first_row: int) -> tuple[Hashes, Rows]:
    """What `grams_of` gives for each name, hashed, with the name's row; a pair that a name has twice stands twice."""
    marked = [f"^{name}$" for name in names]
    ends = np.cumsum([len(name) for name in marked], dtype=np.int64)
    # A pair begins at every character but the last of its name.
    starts = np.delete(np.arange(ends[-1] if len(ends) else 0, dtype=np.int64), ends - 1)
    rows = np.repeat(np.arange(first_row, first_row + len(names), dtype=np.int32), [len(name) - 1 for name in marked])
    return TextHashes("".join(marked)).between(starts, starts + 2), rows


class _Postings:
    """Collects (word, row, form), as hashes, chunk by chunk: words of a million places would not fit as text."""

    def __init__(self) -> None:
        self._words: list[str] = []
        self._new_rows: list[int] = []
        self._new_forms: list[int] = []
        self._hashes: list[Hashes] = []
        self._rows: list[Rows] = []
        self._forms: list[Forms] = []

    def add(self, word: str, row: int, form: int = 0) -> None:
        self._words.append(word)
        self._new_rows.append(row)
        self._new_forms.append(form)

    def hash(self) -> None:
        """Hashes the words added since the last time."""
        self.add_hashed(hashes_of(self._words), np.array(self._new_rows, dtype=np.int32), self._new_forms)
        self._words, self._new_rows, self._new_forms = [], [], []

    def add_hashed(self, hashes: Hashes, rows: Rows, forms: Sequence[int] | None = None) -> None:
        self._hashes.append(hashes)
        self._rows.append(rows)
        self._forms.append(np.zeros(len(rows), dtype=np.uint8) if forms is None else np.array(forms, dtype=np.uint8))

    def sorted(self) -> tuple[Hashes, Rows, Forms]:
        if not self._hashes:
            return np.empty(0, np.uint64), np.empty(0, np.int32), np.empty(0, np.uint8)
        hashes = np.concatenate(self._hashes)
        order = np.argsort(hashes, kind="stable")
        return hashes[order], np.concatenate(self._rows)[order], np.concatenate(self._forms)[order]


def _without_common_parts(hashes: Hashes, rows: Rows, forms: NDArray[np.uint8]) -> tuple[Hashes, Rows, Forms]:
    """Drops parts and cores of names that many places share."""
    _, inverse, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    stays = (forms <= Form.BRAND) | (counts[inverse] <= _MOST_PLACES_OF_A_PART)
    return hashes[stays], rows[stays], forms[stays]


def _batch(table: pa.Table) -> pa.RecordBatch:
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)
