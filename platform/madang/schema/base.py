"""What every field kind answers for: its contract with the model, its columns, and what an answer means."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator

from madang.extraction.grounding import PostText, Span
from madang.readers.found import Found
from madang.schema.types import BOOLEAN, FLOAT, SPANS, Column, ColumnType

FIELD_NAME = re.compile(r"^[a-z][a-z0-9_]{0,47}$")

Value = str | int | float | bool | list[str] | None
# `reader_disagrees` is no loss: the field keeps the value of whoever decides it.
Reason = Literal["not_in_text", "out_of_range", "unreadable", "invalid", "reader_disagrees"]
Decider = Literal["reader", "model", "both"]


@dataclass(frozen=True)
class Mention:
    """One mention of a post.

    Args:
        text: As it stands in the post.
        span: Its first occurrence.
        values: Its small fields that are stated.
        confidence: 0 to 1, where whoever found it says how sure it is.
        is_kept: Whether the field's `keep` holds.
    """

    text: str
    span: Span
    values: Mapping[str, Value]
    confidence: float | None = None
    is_kept: bool = False

    @property
    def row(self) -> dict[str, object]:
        """Columns of the mentions' table that are its own, the ordinal left out."""
        return {
            "text": self.text, "field": self.span.field, "start": self.span.start, "end": self.span.end,
            "kept": self.is_kept, "confidence": self.confidence, **self.values,
        }  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """What one answer means.

    Args:
        values: Column suffix to value; "" is the field's own column. Null means not stated.
        evidence: Where the value stands in the text; empty if it is implied rather than stated.
        dropped: Why an answer was given up for null, or None.
        confidence: 0 to 1, where whoever gave the value says how sure it is.
        mentions: All mentions, kept or not; empty for other kinds.
        lost: Why parts of an answer that stands were given up, each once.
    """

    values: dict[str, Value]
    evidence: tuple[Span, ...] = ()
    dropped: Reason | None = None
    confidence: float | None = None
    mentions: tuple[Mention, ...] = ()
    lost: tuple[Reason, ...] = ()


class FieldKind(BaseModel, ABC):
    """Options that all kinds share. A kind adds its own and says what they compile to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    describe: str = Field(default="", description="What the field means, shown to the model and in the docs")
    derive: str | None = Field(
        default=None, description="Expression over other fields; such a field is computed, never asked"
    )
    required: bool = Field(
        default=False, description="Whether the model must answer; otherwise it leaves out what is not stated"
    )

    read: str | None = Field(
        default=None, pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$", description="<reader>.<key>: what a reader finds"
    )
    decide: Decider | None = Field(
        default=None,
        description="Whose value stands: reader (not asked), model, or both (asked, and the reader's stands where it "
        "finds one); reader by default where `read` is given",
    )
    renamed_from: tuple[str, ...] = Field(
        default=(),
        description="Names that the field had before, the oldest first: its columns are renamed with all their rows, "
        "and the model goes on being asked by the oldest, so that no post is asked again",
    )

    @field_validator("renamed_from", mode="before", json_schema_input_type=str | tuple[str, ...])
    @classmethod
    def _one_or_several(cls, names: object) -> object:
        return (names,) if isinstance(names, str) else names

    @model_validator(mode="after")
    def _one_origin(self) -> "FieldKind":
        if self.derive is not None and (self.read is not None or self.decide is not None):
            raise ValueError("`derive` computes the field, so nobody reads or decides it; remove one of them")
        if self.read is None and self.decide in ("reader", "both"):
            raise ValueError(f"decide: {self.decide} needs a reader; add `read: <reader>.<key>`")
        return self

    def asked_as(self, name: str) -> str:
        """The name of the field in requests, replies and recipes: the one that it had first."""
        return self.renamed_from[0] if self.renamed_from else name

    def as_asked(self, answer: JsonValue) -> JsonValue:
        """An answer with the names in it by which the model is asked."""
        return answer

    @property
    def is_asked(self) -> bool:
        """Whether a model answers the field."""
        return self.derive is None and self.decider != "reader"

    @property
    def decider(self) -> Decider:
        """Whose value stands."""
        return self.decide or ("model" if self.read is None else "reader")

    @property
    def meaning(self) -> str:
        """What the field means, with its labels and earlier names, for those who read its column."""
        labels = ", ".join(self.allowed() or ()) if self.value_type is not BOOLEAN else ""
        told = f"{self.describe}: {labels}" if self.describe and labels else self.describe or labels
        before = f"formerly {', '.join(self.renamed_from)}" if self.renamed_from else ""
        return f"{told} ({before})" if told and before else told or before

    @property
    @abstractmethod
    def value_type(self) -> ColumnType:
        """Type of the field's own column."""

    @abstractmethod
    def asked_schema(self) -> dict[str, JsonValue]:
        """JSON Schema of the answer that the model is asked for."""

    @abstractmethod
    def answer_type(self) -> object:
        """Annotation with which pydantic validates the answer."""

    @abstractmethod
    def of_answer(self, answer: object, text: PostText) -> Reading:
        """Turns a validated answer into values and evidence."""

    @abstractmethod
    def of_reader(self, found: Found, text: PostText) -> Reading:
        """What the field keeps of what a reader found, by the same rules as of an answer.

        Raises:
            TypeError: The reader gives values of another kind.
        """

    def of_derived(self, value: Value) -> Reading:
        """What of a derived value the field can hold."""
        return Reading({"": value})

    def allowed(self) -> tuple[str, ...] | None:
        """Answers among which the model chooses, for confidence; None if they are open."""
        return None

    def unstated(self) -> Value:
        """The value where the post does not say."""
        return None

    def columns(self, name: str) -> list[Column]:
        """Columns of the attributes table, the field's own first."""
        own = [Column(name, self.value_type, self.meaning)]
        if self.derive is not None:
            return own
        return [
            *own,
            Column(f"{name}__confidence", FLOAT, "0 to 1; null where nobody says how sure it is"),
            Column(f"{name}__evidence", SPANS, "Where it stands: code points in the stored text, end exclusive"),
        ]

    def feature_columns(self, name: str) -> list[Column]:
        """Columns that the feature view publishes."""
        return [column for column in self.columns(name) if column.type is not SPANS]


def check_renames(fields: Mapping[str, FieldKind], place: str = "") -> None:
    """Refuses earlier names of which a table's columns would not tell what is to become of them.

    Args:
        fields: The fields of one table, by name.
        place: Where they stand, for the message.
    """
    owner: dict[str, str] = {}
    for name, field in fields.items():
        for number, old in enumerate(field.renamed_from):
            where = f"{place}{name}.renamed_from: {old!r}"
            if old != name and old in fields:
                raise ValueError(
                    f"{where} is the name of a field that is declared, too: two fields cannot swap names, nor move up; "
                    "give one of them a name that no field had"
                )
            if owner.setdefault(old, name) != name:
                raise ValueError(f"{where} is where {owner[old]!r} comes from; a column becomes one field: remove one")
            if old in field.renamed_from[:number] or field.renamed_from[-1] == name:
                raise ValueError(f"{where}: list each earlier name once, the oldest first, the present one never last")


IS_CALIBRATED = Column("is_calibrated", BOOLEAN, "Whether the confidences were calibrated on gold")
