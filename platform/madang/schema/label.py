"""`label`: exactly one of a closed list."""

from typing import Any, Literal

from pydantic import Field, JsonValue, model_validator

from madang.extraction.grounding import PostText, Span
from madang.readers.found import Found
from madang.schema.base import FieldKind, Reading, Value
from madang.schema.types import TEXT, ColumnType


class LabelField(FieldKind):
    """One label; evidence is the first of its cues that stands in the post."""

    kind: Literal["label"]
    of: tuple[str, ...] = Field(min_length=2, description="Labels, in the order shown to the model")
    default: str | None = Field(default=None, description="Label of a post that does not say; null by default")
    cues: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="Words that state a label: for evidence, and as features of a student; alone they decide nothing",
    )

    @model_validator(mode="after")
    def _check(self) -> "LabelField":
        check_labels(self.of, self.cues)
        if self.default is not None and self.default not in self.of:
            raise ValueError(f"default {self.default!r} is not one of its labels; add it to `of` or correct it")
        return self

    @property
    def value_type(self) -> ColumnType:
        return TEXT

    def asked_schema(self) -> dict[str, JsonValue]:
        return {"type": "string", "enum": list(self.of)}

    def answer_type(self) -> object:
        return one_of(self.of)

    def allowed(self) -> tuple[str, ...]:
        return self.of

    def unstated(self) -> Value:
        return self.default

    def of_derived(self, value: Value) -> Reading:
        if value is not None and value not in self.of:
            return Reading({"": None}, dropped="invalid")
        return Reading({"": value})

    def of_answer(self, answer: object, text: PostText) -> Reading:
        label = str(answer)
        return Reading({"": label}, evidence_of(label, self.cues, text))

    def of_reader(self, found: Found, text: PostText) -> Reading:
        if not isinstance(found.value, str):
            raise TypeError(f"{type(found.value).__name__} is no label")
        kept = self.of_derived(found.value)
        return kept if kept.dropped else Reading(kept.values, found.spans, confidence=found.confidence)


def one_of(labels: tuple[str, ...]) -> Any:
    """Annotation of an answer among labels."""
    return Literal[labels]


def evidence_of(label: str, cues: dict[str, tuple[str, ...]], text: PostText) -> tuple[Span, ...]:
    """First cue of the label that stands in the text, as a one-span tuple; empty if none does."""
    for cue in (*cues.get(label, ()), label.replace("_", " ")):
        span = text.find(cue)
        if span is not None:
            return (span,)
    return ()


def check_labels(labels: tuple[str, ...], cues: dict[str, tuple[str, ...]]) -> None:
    """Refuses a label that stands twice and cues of an unknown label."""
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise ValueError(f"label {twice[0]!r} stands twice in `of`; remove one")
    unknown = sorted(set(cues) - set(labels))
    if unknown:
        raise ValueError(f"cues name {unknown[0]!r}, which is not a label; add it to `of` or remove its cues")
