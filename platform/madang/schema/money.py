"""`money`: an amount and its currency, in two columns.

The model quotes the text ("500만원", "1억 2천", "$1,200") and a reader converts: multiplying by ten thousand is
what small models get wrong, and a quote is its own evidence.
"""

from dataclasses import replace
from typing import Literal

from pydantic import Field, JsonValue

from madang.extraction.grounding import PostText
from madang.readers.found import Found
from madang.readers.money import Money, read_money
from madang.schema.base import FieldKind, Reading
from madang.schema.number import MAX_QUOTE_CHARS
from madang.schema.types import FLOAT, TEXT, Column, ColumnType


class MoneyField(FieldKind):
    """An amount in whole units of its currency (KRW, USD)."""

    kind: Literal["money"]
    bare_unit: Literal["KRW", "manwon", "USD"] = Field(
        default="KRW",
        description="What a number without a unit counts in a Korean post (manwon: 500/40); elsewhere dollars",
    )
    min: float | None = Field(default=None, description="Smallest sensible amount, in the currency's unit")
    max: float | None = Field(default=None, description="Largest sensible amount, in the currency's unit")

    @property
    def value_type(self) -> ColumnType:
        return FLOAT

    def asked_schema(self) -> dict[str, JsonValue]:
        return {"type": "string", "minLength": 1, "maxLength": MAX_QUOTE_CHARS}

    def answer_type(self) -> object:
        return str

    def columns(self, name: str) -> list[Column]:
        own, *rest = super().columns(name)
        return [own, Column(f"{name}__currency", TEXT, "ISO 4217 code; null where the amount is"), *rest]

    def of_answer(self, answer: object, text: PostText) -> Reading:
        span = text.find(str(answer))
        if span is None:
            return Reading({"": None, "__currency": None}, dropped="not_in_text")
        # 1,450 in an English advert is not 14.5 million won.
        money = read_money(text.quoted(span), bare_unit=self.bare_unit if text.is_korean else "USD")
        if money is None:
            return Reading({"": None, "__currency": None}, dropped="unreadable")
        return self._kept(money, Reading({}, (span,)))

    def of_reader(self, found: Found, text: PostText) -> Reading:
        if not isinstance(found.value, Money):
            raise TypeError(f"{type(found.value).__name__} is no money")
        return self._kept(found.value, Reading({}, found.spans, confidence=found.confidence))

    def _kept(self, money: Money, origin: Reading) -> Reading:
        if (self.min is not None and money.amount < self.min) or (self.max is not None and money.amount > self.max):
            return Reading({"": None, "__currency": None}, dropped="out_of_range")
        return replace(origin, values={"": money.amount, "__currency": money.currency})
