"""English rental adverts, field by field."""

from madang.extraction.grounding import PostText
from madang.readers.found import Found
from madang.readers.rental_english_money import read_deal_type, read_deposit, read_maintenance, read_rent
from madang.readers.rental_english_rooms import of_this_home, read_area, read_bathrooms, read_bedrooms
from madang.readers.rental_english_terms import (
    read_available,
    read_elevator,
    read_floor,
    read_parking,
    read_pets,
    read_property_type,
    read_station,
)


def read_english(text: PostText) -> dict[str, Found]:
    """Every field that an English advert states."""
    home = of_this_home(text)
    named: dict[str, Found | None] = {
        "property_type": read_property_type(text), "monthly_rent": read_rent(home), "deposit": read_deposit(home),
        "maintenance": read_maintenance(home), "area_m2": read_area(home), "floor": read_floor(text),
        "rooms": read_bedrooms(text), "bathrooms": read_bathrooms(home), "available": read_available(text),
        "pets_allowed": read_pets(text), "parking": read_parking(text), "elevator": read_elevator(text),
    }  # fmt: skip
    found = {key: one for key, one in named.items() if one is not None}
    deal = read_deal_type(text)
    if deal is None and "monthly_rent" in found:
        deal = Found("monthly", found["monthly_rent"].spans)
    if deal is not None:
        found["deal_type"] = deal
        if deal.value == "sale":
            found.pop("monthly_rent", None)
    return found | read_station(text)
