"""`number`: a quantity that the post states, in a declared unit and range.

A quantity with a unit that people write in several ways (m2) is asked as a verbatim quote and converted by a
reader: a model that copies is right more often than one that multiplies. A plain count is asked as a number.
"""

from typing import Literal

from pydantic import Field, JsonValue, model_validator

from madang.extraction.grounding import PostText
from madang.readers.areas import read_area_m2
from madang.readers.found import Found
from madang.readers.numbers import find_number
from madang.schema.base import FieldKind, Reading, Value
from madang.schema.types import FLOAT, INTEGER, ColumnType

MAX_QUOTE_CHARS = 40


class NumberField(FieldKind):
    """A number; null if the text does not hold it, or if it is out of range."""

    kind: Literal["number"]
    unit: str = Field(default="", description="Unit of the stored value; m2 is read from 평, m2 and sqft")
    integer: bool = Field(default=False, description="Whether only whole numbers make sense")
    min: float | None = Field(default=None, description="Smallest sensible value, in the unit")
    max: float | None = Field(default=None, description="Largest sensible value, in the unit")
    words: dict[str, float] = Field(
        default_factory=dict, description="Words that state a value without a digit (투룸: 2)"
    )

    @model_validator(mode="after")
    def _check(self) -> "NumberField":
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}; swap them")
        return self

    @property
    def value_type(self) -> ColumnType:
        return INTEGER if self.integer else FLOAT

    @property
    def is_quoted(self) -> bool:
        """Whether the model quotes the text and a reader converts."""
        return self.unit == "m2"

    def asked_schema(self) -> dict[str, JsonValue]:
        if self.is_quoted:
            return {"type": "string", "minLength": 1, "maxLength": MAX_QUOTE_CHARS}
        return {"type": "integer" if self.integer else "number"}

    def answer_type(self) -> object:
        return str if self.is_quoted else (int if self.integer else float)

    def of_answer(self, answer: object, text: PostText) -> Reading:
        if isinstance(answer, str):
            span = text.find(answer)
            if span is None:
                return Reading({"": None}, dropped="not_in_text")
            value = read_area_m2(text.quoted(span))
            if value is None:
                return Reading({"": None}, dropped="unreadable")
        else:
            assert isinstance(answer, int | float)
            value = answer
            span = find_number(value, text, self.words)
            if span is None:
                return Reading({"": None}, dropped="not_in_text")
        kept = self.of_derived(value)
        return kept if kept.dropped else Reading(kept.values, (span,))

    def of_reader(self, found: Found, text: PostText) -> Reading:
        if isinstance(found.value, bool) or not isinstance(found.value, int | float):
            raise TypeError(f"{type(found.value).__name__} is no number")
        kept = self.of_derived(found.value)
        return kept if kept.dropped else Reading(kept.values, found.spans, confidence=found.confidence)

    def of_derived(self, value: Value) -> Reading:
        if value is None:
            return Reading({"": None})
        number = float(value)  # type: ignore[arg-type]  # the expression's type was checked when the task loaded
        if (self.min is not None and number < self.min) or (self.max is not None and number > self.max):
            return Reading({"": None}, dropped="out_of_range")
        if self.integer and not number.is_integer():
            return Reading({"": None}, dropped="invalid")
        return Reading({"": int(number) if self.integer else number})
