"""A task: one folder, whose `defs.yaml` is the single source of everything generated from it.

The command line and Dagster both load it here, so neither can accept what the other refuses.
"""

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import SandboxedEnvironment
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from madang.declaration import ROUTE_NAMES, Declaration, Route
from madang.errors import DeclarationError
from madang.schema import asked, attributes_table, feature_columns, features_table, reply_model
from madang.schema.base import Value
from madang.schema.expressions import TYPE_OF_COLUMN, Expression, Type
from madang.schema.types import Column, Table

COMPONENT = "orchestration.ExtractionTask"
_ENVIRONMENT = SandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


# What a wrong template raises: Jinja's own errors, and those of the expressions in it.
_TEMPLATE_ERRORS = (TemplateError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


class Example(BaseModel):
    """One example of the prompt: a post and the answer exactly as the model should write it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

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
