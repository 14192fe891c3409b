"""What a task's defs.yaml may say, and what makes it wrong: checked by itself, without the files beside it."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

from madang.posts.where import WhereError, compile_where
from madang.schema import TaskField, asked, attributes_table, stated
from madang.schema.base import FIELD_NAME, FieldKind, check_renames
from madang.schema.expressions import TYPE_OF_COLUMN, Expression, ExpressionError, Type
from madang.schema.mentions import MentionsField
from madang.schema.money import MoneyField

ROUTE_NAMES: dict[str, Type] = {"chars": "number", "source": "text", "board": "text"}
_TAKEN_NAMES = {"place_mentions"}  # features.place_mentions holds the mentions of every task that links
# Two underscores join a task's name to those of its view and of its mentions.
_TASK_NAME = re.compile(r"(?!.*__)[a-z][a-z0-9_]{0,39}")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TableSource(_Strict):
    """Posts come from a table of the warehouse."""

    kind: Literal["table"]
    table: Literal["raw.posts"] = "raw.posts"
    where: str = Field(default="true", description="Which posts, as a SQL condition over the columns of raw.posts")
    text: tuple[Literal["title", "body"], ...] = Field(
        default=("title", "body"), min_length=1, description="Text columns that are read, in order"
    )

    images: int = Field(
        default=0, ge=0, le=16,
        description="Most images of a post that the model sees, the first ones, as they are: masking knows text only; "
        "none by default",
    )  # fmt: skip

    @field_validator("text")
    @classmethod
    def _each_once(cls, text: tuple[str, ...]) -> tuple[str, ...]:
        twice = [column for column in text if text.count(column) > 1]
        if twice:
            raise ValueError(f"{twice[0]!r} stands twice; remove one")
        return text

    @field_validator("where")
    @classmethod
    def _compiles(cls, where: str) -> str:
        try:
            compile_where(where)
        except WhereError as error:
            raise ValueError(str(error)) from error
        return where


class TableResult(_Strict):
    """Extractions go to `attributes.<task>`."""

    kind: Literal["table"]


# Unions of one member today; the `kind` tag is there so that `kind: kafka` can join without changing a task.
Source = TableSource
Result = TableResult


class Route(_Strict):
    """Which model reads a post: the first route whose `when` holds."""

    when: str | None = Field(default=None, description="Condition over chars, source and board; always by default")
    use: str = Field(description="Name of a model in the settings")
    fallback: tuple[str, ...] = Field(default=(), description="Models asked in turn when it fails for good")
    max_tokens: int = Field(default=256, ge=8, le=8192, description="Most tokens of a reply")


class NearestExamples(_Strict):
    """For each post, the examples of a file that are most like it."""

    file: str = Field(
        description="JSON lines {title, body, answer}, or of posts whose answers are in `gold`; beside defs.yaml"
    )
    gold: str | None = Field(
        default=None, description="Answers to the posts of `file`, beside defs.yaml; its part `tune` is shown"
    )
    nearest: int = Field(ge=1, le=32, description="How many stand in the prompt, the nearest last")
    by: Literal["ngram"] = Field(default="ngram", description="What makes two posts alike: n-grams of characters")

    @field_validator("by", mode="before")
    @classmethod
    def _is_there(cls, by: object) -> object:
        if by == "embedding":
            raise ValueError("'embedding' needs an embedding model, and madang has no lane to one; use ngram")
        return by


def _form_of_examples(value: object) -> str:
    return "mapping" if isinstance(value, dict | NearestExamples) else "file"


Examples = Annotated[
    Annotated[str, Tag("file")] | Annotated[NearestExamples, Tag("mapping")], Discriminator(_form_of_examples)
]


class KnowledgeFile(_Strict):
    """Entries of which a post calls up those whose keys stand in it."""

    file: str = Field(description="JSON lines {text, keys}, beside defs.yaml")
    most: int = Field(default=5, ge=1, le=50, description="Most entries a post; those of the longest keys come first")


class Evaluation(_Strict):
    """Against what the task is measured."""

    gold: str | None = Field(default=None, description="File of answers, beside defs.yaml")
    gates: dict[str, float] = Field(default_factory=dict, description="<field>.<metric>: least value for a release")


class Features(_Strict):
    """How features are served."""

    ttl_days: int | None = Field(
        default=None, ge=1, description="Days after which a feature is stale; never by default"
    )


class Declaration(_Strict):
    """The `attributes` of a task's defs.yaml."""

    name: str = Field(description="Name of the task: of its tables, assets and feature view")
    entity: str = Field(description="What one post describes; gives the join key <entity>_id")
    source: Source
    result: Result = TableResult(kind="table")
    fields: dict[str, TaskField] = Field(min_length=1)
    readers: dict[str, str] = Field(
        default_factory=dict, description="Readers of the project's own, module:function by name; ours need no line"
    )
    prompt: str = Field(default="prompt.md", description="Jinja template of the system turn, beside defs.yaml")
    turn: str | None = Field(
        default=None, description="Jinja template of a post's turn, over its text columns; each on a line by default"
    )
    knowledge: dict[str, KnowledgeFile] = Field(
        default_factory=dict, description="What `turn` shows as knowledge.<name>: texts that the post calls up"
    )
    examples: Examples | None = Field(
        default=None,
        description="JSON lines {title, body, answer}, beside defs.yaml, the same for every post; or the nearest",
    )
    models: tuple[Route, ...] = Field(
        default=(), description="First match wins; none is needed where readers find all fields"
    )
    evaluation: Evaluation = Evaluation()
    features: Features = Features()

    @field_validator("name", "entity")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if not _TASK_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a name (lower-case letters, digits, single _, at most 40)")
        return name

    @field_validator("name")
    @classmethod
    def _is_free(cls, name: str) -> str:
        if name in _TAKEN_NAMES:
            raise ValueError(f"{name!r} is the name of a table of every task; rename the task")
        return name

    @field_validator("fields")
    @classmethod
    def _field_names(cls, fields: dict[str, Any]) -> dict[str, Any]:
        for name, field in fields.items():
            _check_name(name, field)
        _check_earlier_names(fields)
        return fields

    @field_validator("knowledge")
    @classmethod
    def _knowledge_names(cls, knowledge: dict[str, KnowledgeFile]) -> dict[str, KnowledgeFile]:
        for name in knowledge:
            if not FIELD_NAME.fullmatch(name) or hasattr(dict, name):  # a template would find the dict's own `items`
                raise ValueError(f"{name!r} is not a name that a template can use; rename it")
        return knowledge

    @model_validator(mode="after")
    def _expressions_and_gates(self) -> "Declaration":
        if f"{self.entity}_id" in self.fields:
            raise ValueError(f"fields: {self.entity + '_id'!r} is the entity's join key; rename the field")
        for index, route in enumerate(self.models):
            if route.when is not None and _type_of(f"models.{index}.when", route.when, ROUTE_NAMES) not in (
                "flag",
                "null",
            ):
                raise ValueError(f"models.{index}.when: `{route.when}` is not a condition (true or false)")
        questions = asked(self.fields)
        if not stated(self.fields):
            raise ValueError("fields: every field is derived, so there is nothing to derive them from")
        if questions and not self.models:
            raise ValueError(f"models: no model is named to answer {', '.join(questions)}; add a route, or let a "
                             "reader decide them")  # fmt: skip
        for index, route in enumerate(self.models[:-1]):
            if route.when is None:
                raise ValueError(f"models: route {index + 1} has no `when`, so the later ones are never used")
        if self.models and self.models[-1].when is not None:
            raise ValueError("models: the last route has a `when`, so some posts have no model; add one without")
        self._derived_types()
        linked = [name for name, field in self.fields.items() if isinstance(field, MentionsField) and field.link]
        if len(linked) > 1:
            raise ValueError(f"fields: {' and '.join(linked)} are linked, and a task has one such field; remove `link` "
                             "from the others")  # fmt: skip
        for gate in self.evaluation.gates:
            field, _, metric = gate.partition(".")
            if field not in self.fields or not metric:
                raise ValueError(f"evaluation.gates: {gate!r} names no field and metric; fields are "
                                 f"{', '.join(self.fields)}")  # fmt: skip
        return self

    def _derived_types(self) -> None:
        names: dict[str, Type] = {
            name: TYPE_OF_COLUMN[field.value_type.duckdb] for name, field in stated(self.fields).items()
        }
        for name, field in self.fields.items():
            if field.derive is None:
                continue
            if isinstance(field, MoneyField):
                raise ValueError(f"fields.{name}.derive: a derived amount has no currency; make the field a number")
            found = _type_of(f"fields.{name}.derive", field.derive, names)
            wanted = TYPE_OF_COLUMN[field.value_type.duckdb]
            if found not in (wanted, "null"):
                raise ValueError(f"fields.{name}.derive: `{field.derive}` is {found}, and the field is {wanted}")
            names[name] = wanted


def _check_name(name: str, field: FieldKind) -> None:
    if not FIELD_NAME.fullmatch(name) or "__" in name:
        raise ValueError(f"{name!r} is not a field name (lower-case letters, digits, single _, at most 48)")
    if name in {column.name for column in attributes_table("t", {}).columns}:
        raise ValueError(f"{name!r} is a column that every task has; rename the field")
    if name == "live" and isinstance(field, MentionsField):
        raise ValueError("'live' is the name of the task's view; rename the field")
    if hasattr(BaseModel, name):
        raise ValueError(f"{name!r} is a name of the library that checks replies; rename the field")


def _check_earlier_names(fields: Mapping[str, FieldKind]) -> None:
    for name, field in fields.items():
        for old in field.renamed_from:
            _check_name(old, field)
        if isinstance(field, MentionsField):
            check_renames(field.of, f"{name}.of.")
    check_renames(fields)


def _type_of(place: str, expression: str, names: Mapping[str, Type]) -> Type:
    try:
        return Expression(expression, names).type
    except ExpressionError as error:
        raise ValueError(f"{place}: {error}") from error
