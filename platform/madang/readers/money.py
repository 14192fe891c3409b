"""Money as adverts write it: 500만원, 1억 2천, 월 오십, $1,200. Idioms of two numbers (500/40) are two quotes."""

import re
from dataclasses import dataclass
from typing import Literal

from madang.readers.numbers import OTHER_UNIT, NumberSpan, amounts_in

BareUnit = Literal["KRW", "manwon", "USD"]
_BARE: dict[str, tuple[float, str]] = {"KRW": (1.0, "KRW"), "manwon": (10_000.0, "KRW"), "USD": (1.0, "USD")}
_DOLLARS = re.compile(r"\$|usd|dollars?|bucks|달러", re.IGNORECASE)
_DOLLARS_BEFORE = re.compile(r"(?:\$|usd)\s?$", re.IGNORECASE)
_DOLLARS_AFTER = re.compile(r"\s?k?\s?(?:\$|usd|dollars?|bucks|달러)", re.IGNORECASE)
_THOUSANDS = re.compile(r"\s?k\b", re.IGNORECASE)
# 40 원룸 is a room.
_WON_AFTER = re.compile(r"\s?(?:원(?!룸)|krw|won\b)", re.IGNORECASE)
_WON_BEFORE = re.compile(r"(?:₩|krw)\s?$", re.IGNORECASE)
_HAS_GROUP = re.compile(r"[만억]")


@dataclass(frozen=True)
class Money:
    """An amount.

    Args:
        amount: In whole units of the currency.
        currency: ISO 4217 code.
    """

    amount: float
    currency: str


def read_money(text: str, bare_unit: BareUnit = "KRW") -> Money | None:
    """Reads one amount.

    Args:
        text: A short quote that holds one amount.
        bare_unit: What a number counts that names no unit.

    Returns:
        The first amount that names money, else the first number of no other unit (33평, 3층, 30%); None if there is
        neither.
    """
    amounts = [found for found in amounts_in(text) if not OTHER_UNIT.match(text, found.end)]
    if not amounts:
        return None
    chosen, currency = next(
        ((found, named) for found in amounts if (named := _currency(text, found)) is not None), (amounts[0], None)
    )
    if currency is None and _DOLLARS.search(text):
        currency = "USD"
    if currency is None:
        factor, currency = _BARE[bare_unit]
        return Money(chosen.value * factor, currency)
    if currency == "USD" and _THOUSANDS.match(text, chosen.end):
        return Money(chosen.value * 1_000, currency)
    return Money(chosen.value, currency)


def _currency(text: str, found: NumberSpan) -> str | None:
    """Currency that an amount names itself."""
    before = text[: found.start]
    if _DOLLARS_BEFORE.search(before) or _DOLLARS_AFTER.match(text, found.end):
        return "USD"
    is_won = _WON_AFTER.match(text, found.end) or _WON_BEFORE.search(before)
    return "KRW" if is_won or _HAS_GROUP.search(text, found.start, found.end) else None
