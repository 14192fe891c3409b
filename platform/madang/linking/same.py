"""Rows of a directory that are one real place.

Directories hold a place several times: as each visitor wrote it, or once a source. Rows are one place if they have
the same name within a kilometre (in one district, where coordinates are missing), or if one's name is a form of the
other's (노을리, 노을리카페) in the same building or within 300 m. Two branches of a brand are two places: a brand and
its branch are one only in the same building.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

from madang.linking.forms import Form, NameForms, forms_of
from madang.linking.index import Place, PlaceIndex
from madang.linking.regions import Region, agrees, buildings, region_of, stem

_SAME_NAME_KM = 1.0
_SIMILAR_NAME_KM = 0.3
_KM_A_DEGREE = 111.2


@dataclass(frozen=True)
class KnownPlace:
    """A row, taken apart.

    Args:
        row: Its number in the index.
        place: What the directory says.
        areas: Stems of all areas, by which a branch is told from its brand.
    """

    row: int
    place: Place
    areas: Collection[str] = ()

    @cached_property
    def region(self) -> Region:
        """Where its address lies."""
        return region_of(self.place.address)

    @cached_property
    def forms(self) -> NameForms:
        """Forms of its name."""
        own = {*self.region.stems, *(stem(name) for name in (self.place.district, self.place.dong) if name)}
        return forms_of(self.place.name, own, self.areas)

    @cached_property
    def buildings(self) -> frozenset[str]:
        """Keys of its buildings."""
        return frozenset(key for key, _, _ in buildings(self.place.address or ""))


@dataclass(frozen=True)
class RealPlace:
    """One real place.

    Args:
        rows: Its rows; the one with the fullest address first.
    """

    rows: tuple[KnownPlace, ...]

    @property
    def first(self) -> KnownPlace:
        """The row that stands for it."""
        return self.rows[0]


def known_places(index: PlaceIndex, rows: Sequence[int]) -> list[KnownPlace]:
    """Rows of an index, in their order."""
    return [KnownPlace(row, place, index.areas) for row, place in zip(rows, index.places(rows), strict=True)]


def real_places(known: Sequence[KnownPlace]) -> list[RealPlace]:
    """Groups rows into real places, in the order of their first rows."""
    parent = list(range(len(known)))

    def root(at: int) -> int:
        while parent[at] != at:
            at = parent[at]
        return at

    by_name: dict[str, list[int]] = defaultdict(list)
    for at, one in enumerate(known):
        by_name[one.place.folded].append(at)
    for same in by_name.values():
        for earlier, later in _pairs_near(known, same):
            parent[root(later)] = root(earlier)
    for at, one in enumerate(known):
        for form, kind in one.forms.forms.items():
            if kind is Form.PART or form == one.place.folded:
                continue
            for other in by_name.get(form, ()):
                if _is_similar_place(one, known[other], is_brand=kind is Form.BRAND):
                    parent[root(at)] = root(other)
    groups: dict[int, list[KnownPlace]] = defaultdict(list)
    for at, one in enumerate(known):
        groups[root(at)].append(one)
    return [RealPlace(tuple(sorted(group, key=_fullest))) for group in groups.values()]


def distance_km(one: Place, other: Place) -> float | None:
    """Distance in kilometres, on the plane; None if a place has no coordinates."""
    if one.lat is None or one.lon is None or other.lat is None or other.lon is None:
        return None
    east = (one.lon - other.lon) * math.cos(math.radians(one.lat))
    return math.hypot(one.lat - other.lat, east) * _KM_A_DEGREE


def _pairs_near(known: Sequence[KnownPlace], same: Sequence[int]) -> list[tuple[int, int]]:
    """Each row with the first row of its name that is near, or that says as little of where it is."""
    heads: list[int] = []
    found = []
    for at in same:
        head = next((head for head in heads if _is_near(known[head], known[at])), None)
        if head is None:
            heads.append(at)
        else:
            found.append((head, at))
    return found


def _is_near(one: KnownPlace, other: KnownPlace) -> bool:
    if one.buildings & other.buildings:
        return True
    apart = distance_km(one.place, other.place)
    if apart is not None:
        return apart < _SAME_NAME_KM
    return (
        not one.place.address
        or not other.place.address
        or (
            agrees(one.place.district or "", other.place.district or "") is not False
            and agrees(one.place.dong or "", other.place.dong or "") is not False
        )
    )


def _is_similar_place(one: KnownPlace, other: KnownPlace, *, is_brand: bool) -> bool:
    if is_brand or one.buildings & other.buildings:
        return bool(one.buildings & other.buildings)
    apart = distance_km(one.place, other.place)
    return apart is not None and apart < _SIMILAR_NAME_KM


def _fullest(one: KnownPlace) -> tuple[int, str]:
    return -len(one.place.address or ""), one.place.place_id
