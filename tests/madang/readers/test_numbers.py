"""Numbers as people write them in Korean and English."""

import pytest

from madang.extraction.grounding import PostText, Span
from madang.readers.numbers import NumberSpan, find_number, numbers_in, read_amount


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("방 2개", [(2.0, 2, 3)]), ("1,450,000원", [(1450000.0, 0, 9)]), ("12.5평", [(12.5, 0, 4)]),
        ("500/40", [(500.0, 0, 3), (40.0, 4, 6)]), ("2BR", [(2.0, 0, 1)]), ("Two rooms", [(2.0, 0, 3)]),
        ("방 두 개", [(2.0, 2, 3)]), ("방이 셋", [(3.0, 3, 4)]), ("세 명", [(3.0, 0, 1)]), ("한강 두부", []),
        ("networks", []), ("none", []), ("", []),
    ],
)  # fmt: skip
def test_every_number_is_found_where_it_stands(text: str, numbers: list[tuple[float, int, int]]) -> None:
    assert sorted(numbers_in(text), key=lambda number: number.start) == [NumberSpan(*number) for number in numbers]


TEXT = PostText({"title": "투룸", "body": "3층, 방 2개"})


@pytest.mark.parametrize(
    ("value", "words", "span"),
    [
        (3, {}, Span("body", 0, 1)), (2, {"투룸": 2}, Span("body", 6, 7)), (2.0, {}, Span("body", 6, 7)),
        (7, {"투룸": 7}, Span("title", 0, 2)), (4, {"쓰리룸": 4}, None), (23, {}, None),
    ],
)  # fmt: skip
def test_a_number_is_found_in_digits_first_and_then_as_a_word(
    value: float, words: dict[str, float], span: Span | None
) -> None:
    assert find_number(value, TEXT, words) == span


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("500", 500), ("1억", 1e8), ("1억 2천", 1.2e8), ("1억 2천만", 1.2e8), ("1억 500", 1.05e8), ("3천5백", 3500),
        ("삼천오백", 3500), ("이십오", 25), ("십", 10), ("만", 10000), ("십만", 100000), ("3만 5천", 35000),
        ("2,500만", 25_000_000), ("보증금 300", 300), ("억", 1e8),
        ("1000만 50", 1e7), ("500 40", 500), ("2억 5000", 2.5e8), ("3천 500만", 3.5e7),
    ],
)  # fmt: skip
def test_a_korean_amount_has_this_value(text: str, amount: float) -> None:
    assert read_amount(text) == amount


@pytest.mark.parametrize("text", ["", "협의", "monthly"])
def test_what_holds_no_number_is_none(text: str) -> None:
    assert read_amount(text) is None
