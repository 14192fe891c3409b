"""`labels`: a set out of a closed list."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue, model_validator

from madang.extraction.grounding import PostText
from madang.readers.found import Found
from madang.schema.base import FieldKind, Reading, Value
from madang.schema.label import check_labels, evidence_of, one_of
from madang.schema.types import TEXTS, ColumnType


class LabelsField(FieldKind):
    """A set of labels, stored as a list in declared order; the empty list means that none is stated."""

    kind: Literal["labels"]
    of: tuple[str, ...] = Field(min_length=2, description="Labels, in the order shown to the model")
    max: int | None = Field(default=None, ge=1, description="Most labels a post can have; unlimited by default")
    cues: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="Words that state a label: for evidence, and as features of a student; alone they decide nothing",
    )

    @model_validator(mode="after")
    def _check(self) -> "LabelsField":
        check_labels(self.of, self.cues)
        return self

    @property
    def value_type(self) -> ColumnType:
        return TEXTS

    @property
    def most(self) -> int:
        """Most labels a post can have."""
        return self.max or len(self.of)

    def asked_schema(self) -> dict[str, JsonValue]:
        return {"type": "array", "items": {"type": "string", "enum": list(self.of)}, "maxItems": self.most}

    def answer_type(self) -> object:
        return Annotated[list[one_of(self.of)], Field(max_length=self.most)]  # type: ignore[misc]  # made while running

    def allowed(self) -> tuple[str, ...]:
        return self.of

    def unstated(self) -> Value:
        return []

    def of_derived(self, value: Value) -> Reading:
        if isinstance(value, list) and not set(value) <= set(self.of):
            return Reading({"": None}, dropped="invalid")
        return Reading({"": value})

    def of_answer(self, answer: object, text: PostText) -> Reading:
        assert isinstance(answer, list)
        stated = [label for label in self.of if label in answer]
        evidence = tuple(span for label in stated for span in evidence_of(label, self.cues, text))
        return Reading({"": list(stated)}, evidence)

    def of_reader(self, found: Found, text: PostText) -> Reading:
        if not isinstance(found.value, tuple) or not all(isinstance(label, str) for label in found.value):
            raise TypeError(f"{type(found.value).__name__} is no set of labels")
        surest = found.value[: self.most]
        if not set(surest) <= set(self.of):
            return Reading({"": None}, dropped="invalid")
        stated: Value = [label for label in self.of if label in surest]
        return Reading({"": stated}, found.spans, confidence=found.confidence)
