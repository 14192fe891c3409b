"""Rental adverts: what is let, for how much, how large, from when and with what. Korean and English."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from madang.extraction.grounding import PostText
from madang.readers.folded import FoldedPost
from madang.readers.found import Found
from madang.readers.rental_english import read_english
from madang.readers.rental_home import read_area, read_bathrooms, read_floor, read_property_type, read_rooms
from madang.readers.rental_money import read_deal
from madang.readers.rental_options import read_english_options, read_korean_options
from madang.readers.rental_station import read_station
from madang.readers.rental_terms import read_available, read_elevator, read_lease_loan, read_parking, read_pets

# Raise it when the same text reads as something else.
VERSION = 1
KEYS = {
    "property_type": "label", "deal_type": "label", "deposit": "money", "monthly_rent": "money",
    "maintenance": "money", "area_m2": "number", "floor": "text", "rooms": "number", "bathrooms": "number",
    "available": "text", "options": "labels", "pets_allowed": "flag", "parking": "flag", "elevator": "flag",
    "near_station": "text", "walk_minutes": "number", "lease_loan_ok": "flag",
}  # fmt: skip

# Share of right values among those given on the tuning part of annotated and form-labelled adverts, smoothed as
# (right + 1) / (given + 2). A field that no such adverts label has none.
_CONFIDENCE_KOREAN = {
    "property_type": 0.99, "deal_type": 0.98, "deposit": 0.95, "monthly_rent": 0.95, "maintenance": 0.83,
    "area_m2": 0.9, "floor": 0.97, "rooms": 0.99, "bathrooms": 0.95, "available": 0.98, "options": 0.96,
    "pets_allowed": 0.89, "parking": 0.98, "elevator": 0.88, "near_station": 0.99, "walk_minutes": 0.98,
    "lease_loan_ok": 0.75,
}  # fmt: skip
_CONFIDENCE_ENGLISH = {
    "property_type": 0.92, "monthly_rent": 0.92, "area_m2": 0.94, "rooms": 0.98, "bathrooms": 0.97,
    "pets_allowed": 0.9, "parking": 0.93,
}  # fmt: skip

# Neighbours ask about homes on the same board; what they mention is offered by nobody.
_ASKS = re.compile(r"\?|까요|나요|가요(?![가-힣])|(?:을|를) 찾아|추천\s?(?:부탁|좀|해)|궁금|아시는 분")

_KOREAN: Mapping[str, Callable[[PostText], Found | None]] = {
    "property_type": read_property_type, "area_m2": read_area, "floor": read_floor, "rooms": read_rooms,
    "bathrooms": read_bathrooms, "available": read_available, "options": read_korean_options,
    "pets_allowed": read_pets, "parking": read_parking, "elevator": read_elevator, "lease_loan_ok": read_lease_loan,
}  # fmt: skip


def read(text: PostText) -> dict[str, Found]:
    """Every field that an advert states.

    Args:
        text: The post; its first column is taken for the title, which decides where two columns differ.

    Returns:
        Key to what was found; spans are of the text as it was given.
    """
    post = FoldedPost(text)
    is_korean = _is_korean(post.text)
    found = _read_korean(post.text) if is_korean else _read_english(post.text)
    confidence = _CONFIDENCE_KOREAN if is_korean else _CONFIDENCE_ENGLISH
    return {key: replace(one, confidence=confidence.get(key)) for key, one in post.stored(found).items()}


def _read_korean(text: PostText) -> dict[str, Found]:
    found = read_deal(text)
    if not found and any(_ASKS.search(part) for part in text.parts.values()):
        return {}
    found |= read_station(text)
    for key, reader in _KOREAN.items():
        one = reader(text)
        if one is not None:
            found[key] = one
    return found


def _read_english(text: PostText) -> dict[str, Found]:
    found = read_english(text)
    options = read_english_options(text)
    if options is not None:
        found["options"] = options
    return found


def _is_korean(text: PostText) -> bool:
    """Whether a fifth of the letters is Hangul: Korean adverts name brands in Latin, English ones a dong in Hangul."""
    letters = [char for part in text.parts.values() for char in part if char.isalpha()]
    if not letters:
        return not any("$" in part for part in text.parts.values())
    return sum("가" <= char <= "힣" for char in letters) * 5 > len(letters)
