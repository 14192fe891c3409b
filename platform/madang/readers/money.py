"""Money as adverts write it: 500만원, 1억 2천, 월 오십, $1,200. Idioms of two numbers (500/40) are two quotes."""

import re
from dataclasses import dataclass
from typing import Literal

from madang.readers.numbers import read_amount

BareUnit = Literal["KRW", "manwon", "USD"]
_BARE: dict[str, tuple[float, str]] = {"KRW": (1.0, "KRW"), "manwon": (10_000.0, "KRW"), "USD": (1.0, "USD")}
_DOLLARS = re.compile(r"\$|usd|dollars?|bucks", re.IGNORECASE)
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
        The amount, or None if the quote holds no number.
    """
    amount = read_amount(text)
    if amount is None:
        return None
    if _DOLLARS.search(text):
        if re.search(r"\d\s?k\b", text, re.IGNORECASE):
            amount *= 1_000
        return Money(amount, "USD")
    if _HAS_GROUP.search(text) or "원" in text or "₩" in text:
        return Money(amount, "KRW")
    factor, currency = _BARE[bare_unit]
    return Money(amount * factor, currency)
