"""`text`: words of the post itself. What does not stand in the post becomes null."""

from typing import Literal

from pydantic import Field, JsonValue

from madang.extraction.grounding import PostText
from madang.readers.found import Found
from madang.schema.base import FieldKind, Reading
from madang.schema.types import TEXT, ColumnType


class TextField(FieldKind):
    """A verbatim quote, stored as it stands in the post."""

    kind: Literal["text"]
    max_chars: int = Field(default=80, ge=1, description="Longest sensible quote, in code points")
    also: tuple[str, ...] = Field(
        default=(), description="Answers that need not stand in the post (immediate, negotiable)"
    )
    cues: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Words that state one of `also`, for evidence"
    )

    @property
    def value_type(self) -> ColumnType:
        return TEXT

    def asked_schema(self) -> dict[str, JsonValue]:
        return {"type": "string", "minLength": 1, "maxLength": self.max_chars}

    def answer_type(self) -> object:
        return str

    def of_answer(self, answer: object, text: PostText) -> Reading:
        quote = str(answer).strip()
        if quote in self.also:
            cues = (span for cue in self.cues.get(quote, ()) if (span := text.find(cue)))
            return Reading({"": quote}, tuple(cues)[:1])
        span = text.find(quote)
        if span is None:
            return Reading({"": None}, dropped="not_in_text")
        return Reading({"": text.quoted(span)}, (span,))

    def of_reader(self, found: Found, text: PostText) -> Reading:
        if not isinstance(found.value, str):
            raise TypeError(f"{type(found.value).__name__} is no text")
        if not found.spans and found.value not in self.also:
            return Reading({"": None}, dropped="not_in_text")
        if len(found.value) > self.max_chars:
            return Reading({"": None}, dropped="invalid")
        return Reading({"": found.value}, found.spans, confidence=found.confidence)
