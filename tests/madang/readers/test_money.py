"""Money as adverts write it."""

import pytest

from madang.readers.money import Money, read_money


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("500만원", 5_000_000, "KRW"), ("38만", 380_000, "KRW"), ("1억", 100_000_000, "KRW"),
        ("1억 2천", 120_000_000, "KRW"), ("1억 2천만원", 120_000_000, "KRW"), ("1억2000", 120_000_000, "KRW"),
        ("1억 5,000만원", 150_000_000, "KRW"), ("2.5억", 250_000_000, "KRW"), ("3천만원", 30_000_000, "KRW"),
        ("3천5백만", 35_000_000, "KRW"), ("보증금 2천만", 20_000_000, "KRW"), ("백만원", 1_000_000, "KRW"),
        ("오십만원", 500_000, "KRW"), ("만원", 10_000, "KRW"), ("1만5천원", 15_000, "KRW"),
        ("1,450,000원", 1_450_000, "KRW"), ("₩450000", 450_000, "KRW"), ("5000원", 5_000, "KRW"),
        ("$1,200", 1_200, "USD"), ("1,450 USD", 1_450, "USD"), ("800 dollars", 800, "USD"), ("$1.5k", 1_500, "USD"),
        ("500 bucks", 500, "USD"), ("500달러", 500, "USD"), ("$1.2k", 1_200, "USD"),
        ("12억 3,400만", 1_234_000_000, "KRW"),
    ],
)  # fmt: skip
def test_an_amount_is_read_with_its_currency(text: str, amount: float, currency: str) -> None:
    assert read_money(text, "manwon") == Money(amount, currency)


@pytest.mark.parametrize(
    ("text", "unit", "money"),
    [
        ("500", "KRW", Money(500, "KRW")), ("500", "manwon", Money(5_000_000, "KRW")),
        ("500", "USD", Money(500, "USD")),
        ("월 오십", "manwon", Money(500_000, "KRW")), ("3천", "manwon", Money(30_000_000, "KRW")),
        ("45.5", "manwon", Money(455_000, "KRW")), ("500원", "manwon", Money(500, "KRW")),
        ("$500", "manwon", Money(500, "USD")), ("원룸 월 40", "manwon", Money(400_000, "KRW")),
        ("천에", "manwon", Money(10_000_000, "KRW")), ("40 개별난방", "manwon", Money(400_000, "KRW")),
    ],
)  # fmt: skip
def test_a_number_without_a_unit_takes_the_declared_one(text: str, unit: str, money: Money) -> None:
    assert read_money(text, unit) == money


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("이사비 10만원", 100_000), ("구로역 40만원", 400_000), ("일시불 500만원", 5_000_000),
        ("사무실 월 50만원", 500_000), ("오피스텔 월 40", 400_000), ("천안 500", 5_000_000),
        ("월 40 이상", 400_000), ("50이하", 500_000),
        ("500 만원", 5_000_000), ("일억 2천", 120_000_000), ("1억 이천만원", 120_000_000), ("1만 5000원", 15_000),
    ],
)  # fmt: skip
def test_a_numeral_syllable_inside_another_word_is_no_amount(text: str, amount: float) -> None:
    """이사비 10만원 was read as 4 won: 이 is two, and 사 four."""
    assert read_money(text, "manwon") == Money(amount, "KRW")


@pytest.mark.parametrize(
    "text",
    [
        "850 sq ft",
        "850 square feet",
        "33평",
        "84.97㎡",
        "3층",
        "도보 5분",
        "2호선",
        "30%",
        "2 bedrooms",
        "만 30세",
        "300미터",
    ],
)
def test_a_number_of_another_unit_is_no_money(text: str) -> None:
    assert read_money(text, "manwon") is None


@pytest.mark.parametrize(
    ("text", "money"),
    [
        ("3층 50만원", Money(500_000, "KRW")), ("33평 월 40", Money(400_000, "KRW")),
        ("1,200 sq ft $1,450", Money(1_450, "USD")), ("50만 33평", Money(500_000, "KRW")),
        ("2호선 도보 5분 월 오십", Money(500_000, "KRW")), ("101동 8층 5,000원", Money(5_000, "KRW")),
    ],
)  # fmt: skip
def test_money_beside_another_unit_is_read(text: str, money: Money) -> None:
    assert read_money(text, "manwon") == money


@pytest.mark.parametrize("text", ["", "협의", "보증금", "free", "$"])
def test_what_states_no_amount_is_none(text: str) -> None:
    assert read_money(text) is None
