"""What every field kind answers for: its contract with the model, its columns, and what an answer means."""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from madang.extraction.grounding import PostText, Span
from madang.schema.types import BOOLEAN, FLOAT, SPANS, Column, ColumnType

FIELD_NAME = re.compile(r"^[a-z][a-z0-9_]{0,47}$")

Value = str | int | float | bool | list[str] | None
Reason = Literal["not_in_text", "out_of_range", "unreadable", "invalid"]


@dataclass(frozen=True)
class Reading:
    """What one answer means.

    Args:
        values: Column suffix to value; "" is the field's own column. Null means not stated.
        evidence: Where the value stands in the text; empty if it is implied rather than stated.
        dropped: Why an answer was given up for null, or None.
    """

    values: dict[str, Value]
    evidence: tuple[Span, ...] = ()
    dropped: Reason | None = None


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
    def read(self, answer: object, text: PostText) -> Reading:
        """Turns a validated answer into values and evidence."""

    def keep(self, value: Value) -> Reading:
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
        own = [Column(name, self.value_type, self.describe)]
        if self.derive is not None:
            return own
        return [
            *own,
            Column(f"{name}__confidence", FLOAT, "0 to 1; null where the model gave no probabilities"),
            Column(f"{name}__evidence", SPANS, "Where it stands: code points in the stored text, end exclusive"),
        ]

    def feature_columns(self, name: str) -> list[Column]:
        """Columns that the feature view publishes."""
        return [column for column in self.columns(name) if column.type is not SPANS]


IS_CALIBRATED = Column("is_calibrated", BOOLEAN, "Whether the confidences were calibrated on gold")
