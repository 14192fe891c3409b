"""A task: one folder, whose `defs.yaml` is the single source of everything generated from it.

The command line and Dagster both load it here, so neither can accept what the other refuses.
"""

import json
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml
from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import SandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator, model_validator

from madang.errors import DeclarationError
from madang.posts.where import WhereError, compile_where
from madang.schema import TaskField, asked, attributes_table, feature_columns, features_table, reply_model
from madang.schema.base import FIELD_NAME, Value
from madang.schema.expressions import TYPE_OF_COLUMN, Expression, ExpressionError, Type
from madang.schema.money import MoneyField
from madang.schema.types import Column, Table

COMPONENT = "orchestration.ExtractionTask"
ROUTE_NAMES: dict[str, Type] = {"chars": "number", "source": "text", "board": "text"}
# Two underscores join a task's name to those of its view and of its mentions.
_TASK_NAME = re.compile(r"(?!.*__)[a-z][a-z0-9_]{0,39}")

_ENVIRONMENT = SandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


# What a wrong template raises: Jinja's own errors, and those of the expressions in it.
_TEMPLATE_ERRORS = (TemplateError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


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
    prompt: str = Field(default="prompt.md", description="Jinja template of the system turn, beside defs.yaml")
    turn: str | None = Field(
        default=None, description="Jinja template of a post's turn, over its text columns; each on a line by default"
    )
    examples: str | None = Field(default=None, description="JSON lines {title, body, answer}, beside defs.yaml")
    models: tuple[Route, ...] = Field(min_length=1, description="First match wins")
    evaluation: Evaluation = Evaluation()
    features: Features = Features()

    @field_validator("name", "entity")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if not _TASK_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a name (lower-case letters, digits, single _, at most 40)")
        return name

    @field_validator("fields")
    @classmethod
    def _field_names(cls, fields: dict[str, Any]) -> dict[str, Any]:
        taken = {column.name for column in attributes_table("t", {}).columns}
        for name in fields:
            if not FIELD_NAME.fullmatch(name) or "__" in name:
                raise ValueError(f"{name!r} is not a field name (lower-case letters, digits, single _, at most 48)")
            if name in taken:
                raise ValueError(f"{name!r} is a column that every task has; rename the field")
            if hasattr(BaseModel, name):
                raise ValueError(f"{name!r} is a name of the library that checks replies; rename the field")
        return fields

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
        for index, route in enumerate(self.models[:-1]):
            if route.when is None:
                raise ValueError(f"models: route {index + 1} has no `when`, so the later ones are never used")
        if self.models[-1].when is not None:
            raise ValueError("models: the last route has a `when`, so some posts have no model; add one without")
        if not asked(self.fields):
            raise ValueError("fields: every field is derived, so there is nothing to ask")
        self._derived_types()
        for gate in self.evaluation.gates:
            field, _, metric = gate.partition(".")
            if field not in self.fields or not metric:
                raise ValueError(f"evaluation.gates: {gate!r} names no field and metric; fields are "
                                 f"{', '.join(self.fields)}")  # fmt: skip
        return self

    def _derived_types(self) -> None:
        names: dict[str, Type] = {
            name: TYPE_OF_COLUMN[field.value_type.duckdb] for name, field in asked(self.fields).items()
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


def _type_of(place: str, expression: str, names: Mapping[str, Type]) -> Type:
    try:
        return Expression(expression, names).type
    except ExpressionError as error:
        raise ValueError(f"{place}: {error}") from error


class Example(_Strict):
    """One example of the prompt: a post and the answer exactly as the model should write it."""

    title: str = ""
    body: str = ""
    answer: dict[str, JsonValue]


class Task:
    """A loaded task.

    Args:
        declaration: What its defs.yaml says.
        folder: Where it lies.
    """

    def __init__(self, declaration: Declaration, folder: Path) -> None:
        self.declaration, self.folder = declaration, folder
        self.name, self.fields = declaration.name, declaration.fields
        self.text_columns = declaration.source.text
        self.system_prompt = self._render_prompt()
        self._turn = self._compile_turn()
        self.examples = self._load_examples()
        for beside in filter(None, [declaration.evaluation.gold]):
            self._beside(beside, "evaluation.gold")

    @classmethod
    def load(cls, folder: Path) -> "Task":
        """Loads the task of a folder.

        Raises:
            DeclarationError: Something is wrong; the message names file, field and remedy.
        """
        file = folder / "defs.yaml"
        if not file.is_file():
            raise DeclarationError(folder, "there is no defs.yaml", f"Scaffold one: dg scaffold defs {COMPONENT} NAME")
        try:
            document = yaml.load(file.read_text(encoding="utf-8"), _UniqueKeys)  # noqa: S506 - a SafeLoader
        except (yaml.YAMLError, ValueError, RecursionError) as error:  # 2024-13-45 is a ValueError
            raise DeclarationError(file, f"not valid YAML ({_one_line(error)})", "Correct it there") from error
        if not isinstance(document, dict) or not isinstance(document.get("attributes"), dict):
            raise DeclarationError(file, "there is no `attributes` mapping", "Write type: and attributes:")
        return cls.of(document["attributes"], folder)

    @classmethod
    def of(cls, attributes: dict[str, Any], folder: Path) -> "Task":
        """Builds a task of a declaration already read from a folder's defs.yaml.

        Raises:
            DeclarationError: Something is wrong; the message names file, field and remedy.
        """
        try:
            declaration = Declaration.model_validate(attributes)
        except ValidationError as error:
            raise _declaration_error(folder / "defs.yaml", error) from error
        if declaration.name != folder.name:  # two folders could otherwise write one table
            raise DeclarationError(
                folder / "defs.yaml", f"name: {declaration.name!r} is not the folder's name, {folder.name!r}",
                "Rename one of them",
            )  # fmt: skip
        return cls(declaration, folder)

    @cached_property
    def table(self) -> Table:
        """`attributes.<task>`."""
        return attributes_table(self.name, self.fields)

    @cached_property
    def features_table(self) -> Table:
        """`features.<task>`."""
        return features_table(self.name, self.declaration.entity, self.fields)

    @cached_property
    def feature_columns(self) -> list[Column]:
        """Feature values and confidences, in declared order."""
        return feature_columns(self.fields)

    @cached_property
    def derivations(self) -> dict[str, Expression]:
        """Derived fields, in the order in which they can be computed."""
        names: dict[str, Type] = {name: TYPE_OF_COLUMN[field.value_type.duckdb] for name, field in self.fields.items()}
        return {name: Expression(field.derive, names) for name, field in self.fields.items() if field.derive}

    @cached_property
    def routes(self) -> list[tuple[Expression | None, Route]]:
        """Routes with their compiled conditions."""
        return [
            (Expression(route.when, ROUTE_NAMES) if route.when is not None else None, route)
            for route in self.declaration.models
        ]

    def route(self, chars: int, source: str, board: str | None) -> Route:
        """The route of one post."""
        values: dict[str, Value] = {"chars": chars, "source": source, "board": board}
        return next(route for when, route in self.routes if when is None or when(values) is True)

    def render_turn(self, parts: dict[str, str]) -> str:
        """A post's own turn. Its text is a value of the template, never a part of it."""
        if self._turn is None:
            return "\n".join(part.strip() for part in parts.values() if part.strip())
        return self._turn.render(parts).strip()

    def _compile_turn(self) -> Template | None:
        source = self.declaration.turn
        if source is None:
            return None
        try:
            turn = _ENVIRONMENT.from_string(source)
            for text in ("text", ""):  # a post may lack a title
                turn.render(dict.fromkeys(self.text_columns, text))
        except _TEMPLATE_ERRORS as error:
            raise DeclarationError(
                self.folder / "defs.yaml", f"turn: the template does not render ({_one_line(error)})",
                f"It may use {', '.join(self.text_columns)}",
            ) from error  # fmt: skip
        return turn

    def _beside(self, name: str, field: str) -> Path:
        path = self.folder / name
        if not path.is_file() or self.folder.resolve() not in path.resolve().parents:
            raise DeclarationError(
                self.folder / "defs.yaml",
                f"{field}: there is no file {name!r} beside it",
                "Create it, or correct the name",
            )
        return path

    def _render_prompt(self) -> str:
        file = self._beside(self.declaration.prompt, "prompt")
        shown = [
            {"name": name, "kind": field.kind, "describe": field.describe, "labels": field.allowed() or ()}
            for name, field in asked(self.fields).items()
        ]
        try:
            rendered = _ENVIRONMENT.from_string(file.read_text(encoding="utf-8")).render(task=self.name, fields=shown)
        except _TEMPLATE_ERRORS as error:
            raise DeclarationError(
                file, f"the template does not render ({_one_line(error)})", "It may use `task` and `fields`"
            ) from error
        return rendered.strip()

    def _load_examples(self) -> list[Example]:
        if self.declaration.examples is None:
            return []
        file = self._beside(self.declaration.examples, "examples")
        examples = []
        try:
            lines = file.read_text(encoding="utf-8").split("\n")  # splitlines would cut at a U+2028 in a text
        except UnicodeDecodeError as error:
            raise DeclarationError(file, "not UTF-8", "Save it as UTF-8") from error
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                example = Example.model_validate(json.loads(line))
            except (ValueError, RecursionError) as error:
                raise DeclarationError(f"{file}:{number}", f"not an example ({_one_line(error)})",
                                       "Write {title, body, answer}") from error  # fmt: skip
            self._check_answer(example, f"{file}:{number}")
            examples.append(example)
        return examples

    def _check_answer(self, example: Example, place: str) -> None:
        unknown = sorted(set(example.answer) - set(asked(self.fields)))
        if unknown:
            raise DeclarationError(place, f"the answer has {unknown[0]!r}, which is not asked", "Correct the key")
        try:
            reply_model(self.name, self.fields).model_validate(example.answer)
        except ValidationError as error:
            raise DeclarationError(place, f"the answer is not valid ({_one_line(error)})", "Correct it") from error


class _UniqueKeys(yaml.SafeLoader):
    """Refuses a key that stands twice, where YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, list | dict):
                continue
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} stands twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def find_tasks(project: Path) -> list[Path]:
    """Folders of `assets/` that declare a task, by name."""
    return sorted(file.parent for file in (project / "assets").glob("*/defs.yaml"))


def load_task(project: Path, name: str) -> Task:
    """Loads one task by name; a wrong declaration elsewhere does not matter.

    Raises:
        DeclarationError: There is no such task, or its declaration is wrong.
    """
    folders = find_tasks(project)
    for folder in folders:
        if folder.name == name:
            return Task.load(folder)
    known = ", ".join(folder.name for folder in folders) or "none"
    raise DeclarationError(project / "assets", f"there is no task {name!r} (there are: {known})", "Correct the name")


def load_tasks(project: Path) -> tuple[list[Task], list[DeclarationError]]:
    """Loads every task; wrong ones come back as their errors, so that they spoil no other."""
    tasks, errors = [], []
    for folder in find_tasks(project):
        try:
            tasks.append(Task.load(folder))
        except DeclarationError as error:
            errors.append(error)
    return tasks, errors


def _declaration_error(file: Path, error: ValidationError) -> DeclarationError:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    remedies = {
        "extra_forbidden": "Remove it, or correct its name",
        "missing": "Add it",
        "union_tag_invalid": "Use one of the expected kinds",
        "union_tag_not_found": "Say its `kind`",
    }
    return DeclarationError(file, f"{where}: {message}" if where else message,
                            remedies.get(first["type"], "Correct it there"))  # fmt: skip


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
