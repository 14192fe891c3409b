"""What a set of fields compiles to. Everything that must agree with the declaration is made here, from it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, create_model

from madang.schema.base import IS_CALIBRATED, FieldKind
from madang.schema.flag import FlagField
from madang.schema.label import LabelField
from madang.schema.labels import LabelsField
from madang.schema.mentions import LINK_COLUMNS, MentionsField
from madang.schema.money import MoneyField
from madang.schema.number import NumberField
from madang.schema.text import TextField
from madang.schema.types import DATE, INSTANT, INTEGER, REASONS, TEXT, Column, Table

TaskField = Annotated[
    LabelField | LabelsField | FlagField | NumberField | MoneyField | TextField | MentionsField,
    Field(discriminator="kind"),
]
Fields = Mapping[str, FieldKind]

EXTRACTION_KEY = ("source", "post_id", "content_hash", "recipe")
_KEY_COLUMNS = (
    Column("source", TEXT, "Where the post comes from"),
    Column("post_id", TEXT, "The source's own id of the post"),
    Column("content_hash", TEXT, "Hash of the text that was read; joins to raw.posts through its hashes"),
    Column("recipe", TEXT, "Which recipe made the row, as task@number"),
)
_ORIGIN = (
    *_KEY_COLUMNS,
    Column("request_hash", TEXT, "The reply it was read from, in ops.replies; null if nothing was asked"),
    Column("model", TEXT, "Model that answered; null if nothing was asked"),
    Column("lane", TEXT, "How the values came: online, batch, local, student or reader"),
    Column("status", TEXT, "ok, partial (an answer was given up for null: see dropped) or empty (nothing to read)"),
    Column(
        "dropped", REASONS, "Answers given up for null, with the reason; reader_disagrees: not given up, but disputed"
    ),
    Column("event_at", INSTANT, "When the post happened, UTC; null if the source does not say"),
    Column("day", DATE, "Partition: the day of event_at in the project's time zone"),
    Column("extracted_at", INSTANT, "When the row was made, UTC"),
    IS_CALIBRATED,
)


def asked(fields: Fields) -> dict[str, FieldKind]:
    """The fields that a model answers, in declaration order."""
    return {name: field for name, field in fields.items() if field.is_asked}


def stated(fields: Fields) -> dict[str, FieldKind]:
    """The fields that a model answers or a reader reads, in declaration order; the others are derived of them."""
    return {name: field for name, field in fields.items() if field.derive is None}


def current_name(fields: Fields, name: str) -> str:
    """The name that a field has now, by any that it had; a name that none had comes back as it is."""
    if name in fields:
        return name
    return next((now for now, field in fields.items() if name in field.renamed_from), name)


def asked_schema(fields: Fields) -> dict[str, JsonValue]:
    """JSON Schema of a reply: keys in declaration order, optional unless a field says `required`."""
    questions = asked(fields)
    return {
        "type": "object",
        "properties": {field.asked_as(name): field.asked_schema() for name, field in questions.items()},
        "required": [field.asked_as(name) for name, field in questions.items() if field.required],
        "additionalProperties": False,
    }


def reply_model(task: str, fields: Fields) -> type[BaseModel]:
    """Pydantic model of a reply, by the names that are asked. Unknown keys are ignored; null counts as not stated."""
    questions: dict[str, Any] = {
        field.asked_as(name): (Annotated[field.answer_type(), Field(description=field.describe)] | None, None)
        for name, field in asked(fields).items()
    }
    return create_model(f"{task}_reply", __config__=ConfigDict(extra="ignore"), **questions)


def attributes_table(task: str, fields: Fields) -> Table:
    """`attributes.<task>`: one row is an extraction."""
    own = [column for name, field in fields.items() for column in _renamed(name, field, field.columns(name))]
    describe = f"An extraction of {task}: what a recipe read in one text of a post"
    return Table(f"attributes.{task}", (*_ORIGIN, *own), EXTRACTION_KEY, describe)


def mentions_table(task: str, name: str, field: MentionsField) -> Table:
    """`attributes.<task>__<f>`: one row is a mention of an extraction; what the post shares stands with that."""
    origin = (
        Column("model", TEXT, "Model that answered; null if nothing was asked"),
        Column("lane", TEXT, "How the values came"),
        Column("day", DATE, "Partition: that of the extraction"),
        Column("extracted_at", INSTANT, "When the row was made, UTC"),
    )
    columns = (*_KEY_COLUMNS, *field.mention_columns(), *origin)
    describe = f"One of the {name} of an extraction of {task}"
    before = tuple(f"attributes.{task}__{old}" for old in field.renamed_from if old != name)
    return Table(f"attributes.{task}__{name}", columns, (*EXTRACTION_KEY, "ordinal"), describe, before)


def links_table(task: str, name: str, field: FieldKind) -> Table:
    """`links.<task>__<f>`: one row is what one linker says of a mention."""
    columns = (
        *_KEY_COLUMNS,
        Column("ordinal", INTEGER, "Its place among the post's mentions"),
        Column("linker", TEXT, "Which linker says so: see links.linkers"),
        *LINK_COLUMNS,
        Column("district", TEXT, "District that the post stated; null if it did not"),
        Column("dong", TEXT, "Neighbourhood that the post stated; null if it did not"),
        Column("day", DATE, "Partition: that of the extraction"),
        Column("linked_at", INSTANT, "When the row was made, UTC"),
    )
    key = (*EXTRACTION_KEY, "ordinal", "linker")
    before = tuple(f"links.{task}__{old}" for old in field.renamed_from if old != name)
    return Table(f"links.{task}__{name}", columns, key, f"What a linker says of one of the {name} of {task}", before)


def feature_columns(fields: Fields) -> list[Column]:
    """The columns of `features.<view>` that hold features: values and confidences."""
    return [column for name, field in fields.items() for column in _renamed(name, field, field.feature_columns(name))]


def features_table(view: str, entity: str, fields: Fields) -> Table:
    """`features.<view>`: what Feast reads. Rows are appended, never overwritten."""
    head = (
        Column(f"{entity}_id", TEXT, "source:post_id"),
        Column("event_at", INSTANT, "From when the features hold, UTC"),
        Column("recipe", TEXT, "Which recipe made the row, as task@number"),
        Column("extracted_at", INSTANT, "When the row was made, UTC"),
        Column("day", DATE, "Partition"),
    )
    key = (f"{entity}_id", "event_at", "recipe", "extracted_at")
    describe = f"What held of one {entity} from a moment on, as Feast reads it"
    return Table(f"features.{view}", (*head, *feature_columns(fields)), key, describe)


def _renamed(name: str, field: FieldKind, columns: list[Column]) -> Iterator[Column]:
    """A field's columns with the names that they had when the field had another."""
    for column in columns:
        suffix = column.name.removeprefix(name)
        yield replace(column, renamed_from=tuple(old + suffix for old in field.renamed_from if old != name))
