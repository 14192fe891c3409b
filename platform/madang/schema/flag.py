"""`flag`: true, false, or null where the post does not say."""

from typing import Literal

from pydantic import Field, JsonValue, StrictBool

from madang.extraction.grounding import PostText
from madang.readers.found import Found
from madang.schema.base import FieldKind, Reading, Value
from madang.schema.label import evidence_of
from madang.schema.types import BOOLEAN, ColumnType


class FlagField(FieldKind):
    """A yes/no question."""

    kind: Literal["flag"]
    default: bool | None = Field(default=None, description="Value of a post that does not say; null by default")
    cues: tuple[str, ...] = Field(default=(), description="Words that state it, for evidence")

    @property
    def value_type(self) -> ColumnType:
        return BOOLEAN

    def asked_schema(self) -> dict[str, JsonValue]:
        return {"type": "boolean"}

    def answer_type(self) -> object:
        return StrictBool

    def allowed(self) -> tuple[str, ...]:
        return ("true", "false")

    def unstated(self) -> Value:
        return self.default

    def of_answer(self, answer: object, text: PostText) -> Reading:
        return Reading({"": bool(answer)}, evidence_of("", {"": self.cues}, text))

    def of_reader(self, found: Found, text: PostText) -> Reading:
        if not isinstance(found.value, bool):
            raise TypeError(f"{type(found.value).__name__} is no flag")
        return Reading({"": found.value}, found.spans, confidence=found.confidence)
