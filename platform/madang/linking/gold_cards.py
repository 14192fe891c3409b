"""Which places of a directory an author's map card means: the right answers of posts that have such cards."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from madang.linking.folding import fold_name
from madang.linking.index import PlaceIndex
from madang.linking.regions import agrees, buildings, region_of
from madang.linking.same import known_places


def cards_of(row: Mapping[str, object]) -> list[dict[str, Any]]:
    """Map cards of a post as `read_posts` gives it: what stands under `places`; empty if it has none."""
    extra = json.loads(str(row["extra"])) if row["extra"] else {}
    cards = extra.get("places")
    return [card for card in cards if isinstance(card, dict) and card.get("name")] if isinstance(cards, list) else []


def right_ids(index: PlaceIndex, cards: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Ids of the places that cards mean.

    A card means the rows of its own name that have its address or lie in its building; where there is none, those
    of its name that lie in its district or do not say where they lie; where there is none either, the only row of
    its name. Cards that were copied from a map and directories write addresses in several ways, and some wrongly.

    Args:
        index: The directory.
        cards: Each with `name` and, if it is known, `address`.
    """
    found: set[str] = set()
    for card in cards:
        name, address = fold_name(str(card["name"])), str(card.get("address") or "")
        rows = sorted({int(row) for row in index.by_form(name)[0]})
        same = [one for one in known_places(index, rows) if one.place.folded == name]
        keys = {key for key, _, _ in buildings(address)}
        exact = [one for one in same if one.place.address == address or one.buildings & keys]
        district = region_of(address).district
        near = [one for one in same if agrees(one.place.district or "", district) is not False]
        found.update(one.place.place_id for one in exact or near or (same if len(same) == 1 else []))
    return frozenset(found)
