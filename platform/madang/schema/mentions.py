"""`mentions`: stretches of the post that name something, each with small fields of its own.

The model lists them, verbatim, and answers simple questions about each; `keep` combines the answers, so that what
counts as a mention is the declaration's to say and not the model's. All of them are stored, kept or not. `link` has
them looked up in a directory: beside the extraction, for a directory comes anew more often than a text.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, create_model, model_validator

from madang.extraction.grounding import PostText, Span
from madang.readers.found import Found, FoundMention
from madang.schema.base import FIELD_NAME, FieldKind, Mention, Reading, Reason, Value
from madang.schema.expressions import TYPE_OF_COLUMN, Expression, ExpressionError, Type
from madang.schema.flag import FlagField
from madang.schema.label import LabelField
from madang.schema.number import NumberField
from madang.schema.types import BOOLEAN, FLOAT, INTEGER, TEXT, TEXTS, Column, ColumnType

SmallField = Annotated[FlagField | LabelField | NumberField, Field(discriminator="kind")]

_OWN_COLUMNS = (
    Column("ordinal", INTEGER, "Its place among the post's mentions, from 1, in the order of the text"),
    Column("text", TEXT, "As it stands in the post"),
    Column("field", TEXT, "Text column of its first occurrence"),
    Column("start", INTEGER, "First code point of it there, in the stored text"),
    Column("end", INTEGER, "One past its last code point"),
    Column("kept", BOOLEAN, "Whether the field's `keep` holds"),
    Column("confidence", FLOAT, "0 to 1; null where nobody says how sure it is"),
)
LINK_COLUMNS = (
    Column("directory", TEXT, "Version of the directory"),
    Column("place_id", TEXT, "The place that is meant, by the directory's own id; null where the linker abstains"),
    Column("place_name", TEXT, "As the directory writes it"),
    Column("score", FLOAT, "Log odds of the best candidate, linked or not; null where there is none"),
    Column("probability", FLOAT, "That the best candidate is meant, 0 to 1"),
    Column("outcome", TEXT, "linked, or why not: no_candidate, unlike, several_alike, region_contradicts, unsure"),
    Column("reason", TEXT, "The same in words"),
    Column("runner_up_id", TEXT, "The second best candidate"),
)
_LINKED_TAKEN = {column.name for column in LINK_COLUMNS} | {"linker", "linked_from"}
# What else stands in the table beside the small fields.
_TAKEN = {column.name for column in _OWN_COLUMNS} | {
    "source", "post_id", "content_hash", "recipe", "lane", "model", "day", "extracted_at",
}  # fmt: skip


class MentionsField(FieldKind):
    """A list of mentions, in a table of its own; the field's column holds the texts of those kept."""

    kind: Literal["mentions"]
    of: dict[str, SmallField] = Field(default_factory=dict, description="Small fields of each mention, by name")
    keep: str | None = Field(
        default=None, description="Condition over the small fields; what is kept counts (null does not). All by default"
    )
    max: int = Field(default=20, ge=1, le=200, description="Most mentions of a post; few posts name more than 20")
    max_chars: int = Field(default=80, ge=1, description="Longest sensible mention, in code points")
    link: Literal["places"] | None = Field(
        default=None, description="Directory in which each mention is looked up; not linked by default"
    )

    @model_validator(mode="after")
    def _check(self) -> "MentionsField":
        if self.derive is not None:
            raise ValueError("mentions cannot be derived; remove `derive`")
        for name, small in self.of.items():
            for one in (name, *small.renamed_from):
                if not FIELD_NAME.fullmatch(one) or "__" in one or one in _TAKEN or hasattr(BaseModel, one):
                    place = f"of.{name}" if one == name else f"of.{name}.renamed_from: {one!r}"
                    raise ValueError(f"{place}: the name is taken or is no field name; rename it")
            if self.link is not None and name in _LINKED_TAKEN:
                raise ValueError(f"of.{name}: linked mentions have a column of this name; rename it")
            if small.derive is not None or small.read is not None or small.decide is not None:
                raise ValueError(f"of.{name}: a small field is neither derived nor read by itself; remove the option")
        if self.keep is not None:
            try:
                found = self._keep.type if self._keep is not None else "null"
            except ExpressionError as error:
                raise ValueError(f"keep: {error}") from error
            if found not in ("flag", "null"):
                raise ValueError(f"keep: `{self.keep}` is not a condition (true or false)")
        return self

    @cached_property
    def _keep(self) -> Expression | None:
        names: dict[str, Type] = {name: TYPE_OF_COLUMN[small.value_type.duckdb] for name, small in self.of.items()}
        return None if self.keep is None else Expression(self.keep, names)

    @property
    def value_type(self) -> ColumnType:
        return TEXTS

    def asked_schema(self) -> dict[str, JsonValue]:
        small: dict[str, JsonValue] = {field.asked_as(name): field.asked_schema() for name, field in self.of.items()}
        item: dict[str, JsonValue] = {
            "type": "object",
            "properties": {"text": {"type": "string", "minLength": 1, "maxLength": self.max_chars}, **small},
            "required": ["text", *(field.asked_as(name) for name, field in self.of.items() if field.required)],
            "additionalProperties": False,
        }
        return {"type": "array", "items": item, "maxItems": self.max}

    def answer_type(self) -> object:
        small: dict[str, Any] = {
            field.asked_as(name): (field.answer_type() | None, None)  # type: ignore[operator]
            for name, field in self.of.items()
        }
        item = create_model("mention", __config__=ConfigDict(extra="ignore"), text=(str, ...), **small)
        return Annotated[list[item], Field(max_length=self.max)]

    def as_asked(self, answer: JsonValue) -> JsonValue:
        if not isinstance(answer, list):
            return answer
        names = {name: small.asked_as(name) for name, small in self.of.items()}
        return [
            {names.get(key, key): value for key, value in item.items()} if isinstance(item, dict) else item
            for item in answer
        ]

    def unstated(self) -> Value:
        return []

    def mention_columns(self) -> list[Column]:
        """Columns of the mentions' table that are a mention's own."""
        own = (Column(name, one.value_type, one.meaning, one.renamed_from) for name, one in self.of.items())
        return [*_OWN_COLUMNS, *own]

    def of_answer(self, answer: object, text: PostText) -> Reading:
        assert isinstance(answer, list)
        found: list[Mention] = []
        lost: list[Reason] = []
        for item in answer:
            span = text.find(item.text)
            if span is None:
                lost.append("not_in_text")
                continue
            readings = {
                name: small.of_answer(given, text)
                for name, small in self.of.items()
                if (given := getattr(item, small.asked_as(name))) is not None
            }
            found.append(self._mention(text, span, readings, None, lost))
        return self._reading(text, found, lost)

    def of_reader(self, found: Found, text: PostText) -> Reading:
        if not isinstance(found.value, tuple):
            raise TypeError(f"{type(found.value).__name__} is no list of mentions")
        mentions: list[Mention] = []
        lost: list[Reason] = []
        for one in found.value:
            if not isinstance(one, FoundMention):
                raise TypeError(f"{type(one).__name__} is no mention")
            readings = {
                name: small.of_reader(Found(one.values[small.asked_as(name)]), text)
                for name, small in self.of.items()
                if small.asked_as(name) in one.values
            }
            mentions.append(self._mention(text, one.span, readings, one.confidence, lost))
        return self._reading(text, mentions, lost)

    def _mention(
        self, text: PostText, span: Span, readings: Mapping[str, Reading], confidence: float | None, lost: list[Reason]
    ) -> Mention:
        lost += [reading.dropped for reading in readings.values() if reading.dropped is not None]
        stated = {name: reading.values[""] for name, reading in readings.items() if reading.dropped is None}
        return Mention(text.quoted(span), span, stated, confidence)

    def _reading(self, text: PostText, found: Iterable[Mention], lost: list[Reason]) -> Reading:
        """Merges mentions of one text, puts them in order, and says which are kept."""
        merged: dict[str, Mention] = {}
        for one in found:
            same = _folded(one.text)
            first = merged.setdefault(same, one)
            merged[same] = replace(first, values={**one.values, **first.values})
        columns = list(text.parts)
        order = sorted(merged.values(), key=lambda one: (columns.index(one.span.field), one.span.start, one.span.end))
        mentions = tuple(self._judged(one) for one in order[: self.max])
        kept = [one for one in mentions if one.is_kept]
        sure = [one.confidence for one in kept if one.confidence is not None]
        return Reading(
            {"": [one.text for one in kept]}, tuple(one.span for one in kept), mentions=mentions, lost=tuple(lost),
            # A list is as sure as its least sure member.
            confidence=min(sure) if kept and len(sure) == len(kept) else None,
        )  # fmt: skip

    def _judged(self, mention: Mention) -> Mention:
        values = {
            name: small.unstated() if (value := mention.values.get(name)) is None else value
            for name, small in self.of.items()
        }
        return replace(mention, values=values, is_kept=self._keep is None or self._keep(values) is True)


def _folded(text: str) -> str:
    """By which two mentions of a post are one: NFKC, case folded, without white space."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())
