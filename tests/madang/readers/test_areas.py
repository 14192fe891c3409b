"""Areas, to square metres."""

import pytest

from madang.readers.areas import read_area_m2


@pytest.mark.parametrize(
    ("text", "area"),
    [
        ("7평", 23.1), ("약 10 평형", 33.1), ("5.5평", 18.2), ("84.97㎡", 85.0), ("전용 59m2", 59.0), ("59M²", 59.0),
        ("33제곱미터", 33.0), ("850 sqft", 79.0), ("850 sq ft", 79.0), ("1,200 sq.ft", 111.5),
        ("850 square feet", 79.0), ("850 square foot", 79.0), ("850 sq feet", 79.0), ("850 sq. ft", 79.0),
        ("850 sf", 79.0), ("전용 59m2 (18평)", 59.0),
    ],
)  # fmt: skip
def test_an_area_is_read_to_one_decimal(text: str, area: float) -> None:
    assert read_area_m2(text) == area


@pytest.mark.parametrize(
    "text", ["", "넓어요", "59", "평", "원룸", "3층", "2 bedrooms", "역에서 300미터", "850 squares"]
)
def test_what_states_no_area_is_none(text: str) -> None:
    assert read_area_m2(text) is None
