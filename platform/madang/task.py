"""A task: one folder, whose `defs.yaml` is the single source of everything generated from it.

The command line and Dagster both load it here, so neither can accept what the other refuses.
"""

from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from jinja2 import StrictUndefined, Template, TemplateError, meta
from jinja2.sandbox import SandboxedEnvironment
from pydantic import ValidationError

from madang.declaration import ROUTE_NAMES, Declaration, Route
from madang.errors import DeclarationError
from madang.extraction.examples import Example, gold_examples, written_examples
from madang.extraction.knowledge import Knowledge
from madang.readers.registry import NamedReader, ReaderError, find_reader
from madang.schema import asked, attributes_table, feature_columns, features_table, links_table, mentions_table
from madang.schema.base import FieldKind, Value
from madang.schema.expressions import TYPE_OF_COLUMN, Expression, Type
from madang.schema.mentions import MentionsField
from madang.schema.types import Column, Table

COMPONENT = "orchestration.ExtractionTask"
_ENVIRONMENT = SandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


# What a wrong template raises: Jinja's own errors, and those of the expressions in it.
_TEMPLATE_ERRORS = (TemplateError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


class Task:
    """A loaded task.

    Args:
        declaration: What its defs.yaml says.
        folder: Where it lies.
    """

    def __init__(self, declaration: Declaration, folder: Path) -> None:
        self.declaration, self.folder = declaration, folder
        self.name, self.fields = declaration.name, declaration.fields
        self.text_columns, self.most_images = declaration.source.text, declaration.source.images
        self.readers = self._find_readers()
        self.system_prompt = self._render_prompt() if self.is_asking else ""
        self.knowledge = self._load_knowledge()
        self._turn = self._compile_turn()
        self.examples = self._load_examples() if self.is_asking else []
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

    @property
    def is_asking(self) -> bool:
        """Whether a model answers a field; otherwise readers find all of them, and no call is made."""
        return bool(asked(self.fields))

    @cached_property
    def table(self) -> Table:
        """`attributes.<task>`."""
        return attributes_table(self.name, self.fields)

    @cached_property
    def mention_tables(self) -> dict[str, Table]:
        """`attributes.<task>__<f>` of each field of mentions."""
        return {
            name: mentions_table(self.name, name, field)
            for name, field in self.fields.items()
            if isinstance(field, MentionsField)
        }

    @cached_property
    def linked_field(self) -> str | None:
        """The field of mentions that are looked up in a directory, if there is one."""
        linked = (name for name, field in self.fields.items() if isinstance(field, MentionsField) and field.link)
        return next(linked, None)

    @cached_property
    def links_table(self) -> Table | None:
        """`links.<task>__<f>` of the linked field, if there is one."""
        name = self.linked_field
        return None if name is None else links_table(self.name, name, self.fields[name])

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
        """Routes with their compiled conditions; none where nothing is asked."""
        return [
            (Expression(route.when, ROUTE_NAMES) if route.when is not None else None, route)
            for route in self.declaration.models
            if self.is_asking
        ]

    def route(self, chars: int, source: str, board: str | None) -> Route | None:
        """The route of one post; None where nothing is asked."""
        values: dict[str, Value] = {"chars": chars, "source": source, "board": board}
        return next((route for when, route in self.routes if when is None or when(values) is True), None)

    def render_turn(self, parts: dict[str, str]) -> str:
        """A post's own turn. Its text is a value of the template, never a part of it."""
        if self._turn is None:
            return "\n".join(part.strip() for part in parts.values() if part.strip())
        known = {name: knowledge.of(parts.values()) for name, knowledge in self.knowledge.items()}
        return self._turn.render(parts | {"knowledge": known}).strip()

    def _compile_turn(self) -> Template | None:
        source = self.declaration.turn
        if source is None and not self.knowledge:
            return None
        try:
            turn = _ENVIRONMENT.from_string(source or "")
            shown = meta.find_undeclared_variables(_ENVIRONMENT.parse(source or ""))
            for text, called_up in (("text", ("entry",)), ("", ())):  # a post may lack a title, or call up nothing
                turn.render(
                    dict.fromkeys(self.text_columns, text)
                    | ({"knowledge": dict.fromkeys(self.knowledge, called_up)} if self.knowledge else {})
                )
        except _TEMPLATE_ERRORS as error:
            raise DeclarationError(
                self.folder / "defs.yaml", f"turn: the template does not render ({_one_line(error)})",
                f"It may use {', '.join([*self.text_columns, *(f'knowledge.{name}' for name in self.knowledge)])}",
            ) from error  # fmt: skip
        if self.knowledge and "knowledge" not in shown:
            raise DeclarationError(
                self.folder / "defs.yaml", "knowledge: no turn shows it",
                f"Write a `turn` that does: {{% for text in knowledge.{next(iter(self.knowledge))} %}}",
            )  # fmt: skip
        return turn

    def _load_knowledge(self) -> dict[str, Knowledge]:
        return {
            name: Knowledge.load(self._beside(declared.file, f"knowledge.{name}.file"), declared.most)
            for name, declared in self.declaration.knowledge.items()
        }

    def _find_readers(self) -> dict[str, NamedReader]:
        """The readers that fields name, each key fit for its field."""
        place = self.folder / "defs.yaml"
        found: dict[str, NamedReader] = {}
        for field_name, field in self.fields.items():
            if field.read is None:
                continue
            name, _, key = field.read.partition(".")
            try:
                if name not in found:
                    found[name] = find_reader(name, self.declaration.readers)
            except ReaderError as error:
                raise DeclarationError(
                    place, f"fields.{field_name}.read: {error}", "Correct it, or declare the reader under `readers`"
                ) from error
            keys = found[name].keys
            if keys.get(key) != field.kind:
                fit = ", ".join(one for one, kind in keys.items() if kind == field.kind) or "none"
                raise DeclarationError(
                    place, f"fields.{field_name}.read: reader {name!r} finds no {field.kind} called {key!r} "
                    f"(of this kind: {fit})", "Correct the key, or the field's kind",
                )  # fmt: skip
        return found

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
            _shown(name, field)
            | {"of": [_shown(*small) for small in field.of.items()] if isinstance(field, MentionsField) else []}
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
        declared = self.declaration.examples
        if declared is None:
            return []
        if isinstance(declared, str):
            return written_examples(self._beside(declared, "examples"), self.fields)
        file = self._beside(declared.file, "examples.file")
        if declared.gold is None:
            found = written_examples(file, self.fields)
        else:
            found = gold_examples(file, self._beside(declared.gold, "examples.gold"), self.fields)
        if not found:
            raise DeclarationError(file, "it has no example, so none is nearest", "Write some, or remove `examples`")
        return [example.masked for example in found]


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


def _shown(name: str, field: FieldKind) -> dict[str, object]:
    """What a prompt's template may say of a field; by the name that the model is asked by."""
    return {
        "name": field.asked_as(name), "kind": field.kind, "describe": field.describe, "labels": field.allowed() or (),
    }  # fmt: skip


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
