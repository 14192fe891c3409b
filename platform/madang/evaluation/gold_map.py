"""Which field answers a key of gold, and how the key's value compares with it.

Gold keeps its own keys (`deposit_manwon`): the map lies beside the task, so that one gold can outlive a field's name.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator

from madang.errors import DeclarationError
from madang.evaluation.answers import Answer, AnswerKind, UnreadableError, answer_kind, answer_of
from madang.schema import current_name
from madang.schema.money import MoneyField
from madang.task import Task

_WORDS = {"1": "one", "2": "two", "3": "three", "4": "four", "5": "five", "6": "six"}


class GoldKey(BaseModel):
    """One line of a gold map."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    field: str = Field(description="Field of the task that answers it")
    per: float = Field(default=1.0, gt=0, description="What gold's number is multiplied by to be in the field's unit")
    digits: int | None = Field(default=None, ge=0, description="Decimals kept after that; all by default")
    currency: str | None = Field(
        default=None, pattern="^[A-Z]{3}$", description="Of gold's money; an amount in another one is no answer to it"
    )
    values: dict[str, JsonValue] | None = Field(
        default=None, description="Gold's value, as text, to the field's; a value that is not named is not scored"
    )
    stated: str | None = Field(
        default=None,
        description="Regular expression that finds the value where the text states it, {value} standing for it; "
        "a form's value counts as stated everywhere by default",
    )

    @field_validator("stated")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            try:
                re.compile(pattern.replace("{value}", "x"))
            except re.error as error:
                raise ValueError(f"{pattern!r} is not a regular expression ({error})") from error
        return pattern


@dataclass(frozen=True)
class GoldAnswer:
    """One right answer.

    Args:
        value: None where nothing is to be said.
        pattern: Finds it in a text that states it; None if every text does.
    """

    value: Answer
    pattern: re.Pattern[str] | None = None

    def is_stated(self, text: str) -> bool:
        """Whether a text states it; what is nothing is stated nowhere."""
        return self.value is not None and (self.pattern is None or self.pattern.search(text) is not None)


@dataclass(frozen=True)
class MappedKey:
    """A key of gold with the field that answers it.

    Args:
        name: Key as it stands in gold.
        spec: How it maps.
        kind: How answers are compared.
        is_nullable: Whether the field may say nothing.
    """

    name: str
    spec: GoldKey
    kind: AnswerKind
    is_nullable: bool

    def gold(self, value: object) -> GoldAnswer:
        """Reads gold's value.

        Raises:
            UnreadableError: It cannot be an answer to the field.
        """
        spec = self.spec
        answer = answer_of(self.kind, value if spec.values is None else self._translated(spec.values, value))
        if isinstance(answer, float) and (spec.per != 1.0 or spec.digits is not None):
            amount = answer * spec.per
            answer = answer_of("number", amount if spec.digits is None else round(amount, spec.digits))
        if answer is None or spec.stated is None:
            return GoldAnswer(answer)
        return GoldAnswer(answer, re.compile(spec.stated.replace("{value}", spellings(str(value))), re.IGNORECASE))

    def predicted(self, row: dict[str, object] | None) -> Answer:
        """The field's answer in the columns of a prediction; None stands for a post without one."""
        if row is None:
            return answer_of(self.kind, None)
        if self.kind == "mentions":
            return answer_of(self.kind, row[f"{self.spec.field}__mentions"])
        if self.spec.currency not in (None, row.get(f"{self.spec.field}__currency")):
            return None
        return answer_of(self.kind, row[self.spec.field])

    def confidence(self, row: dict[str, object] | None) -> float | None:
        """How sure the answer is; None where it does not say. Mentions have one each, which no metric reads."""
        if self.kind == "mentions":
            return None
        found = row.get(f"{self.spec.field}__confidence") if row is not None else None
        return found if isinstance(found, float) else None

    def _translated(self, table: dict[str, JsonValue], value: object) -> object:
        if isinstance(value, list):
            known = [table[str(item)] for item in value if str(item) in table]
            if value and not known:
                raise UnreadableError(f"none of {value!r} is in the map's values")
            return known
        if value is not None and str(value) not in table:
            raise UnreadableError(f"{value!r} is not in the map's values")
        return None if value is None else table[str(value)]


class GoldMap:
    """The keys of one gold.

    Args:
        task: The task.
        keys: Mapped keys, checked against the task.
        is_open: Whether a key that is not mapped stands for the field of its name.
    """

    def __init__(self, task: Task, keys: dict[str, MappedKey], *, is_open: bool) -> None:
        self._task, self._keys, self._is_open = task, keys, is_open

    @classmethod
    def load(cls, task: Task, file: Path | None, *, is_open: bool) -> "GoldMap":
        """Reads a map file.

        Args:
            task: The task.
            file: `gold_<name>.yaml` in the task's folder; None maps nothing.
            is_open: Whether a key that is not mapped stands for the field of its name.

        Raises:
            DeclarationError: The file is broken, or does not fit the task.
        """
        if file is None:
            return cls(task, {}, is_open=is_open)
        try:
            plain = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise DeclarationError(file, f"not readable as YAML ({' '.join(str(error).split())[:200]})",
                                   "Correct it there") from error  # fmt: skip
        if not isinstance(plain, dict):
            raise DeclarationError(file, "it is not a mapping", "Write KEY: {field: FIELD}")
        keys = {str(name): _mapped(task, file, str(name), spec) for name, spec in plain.items()}
        return cls(task, keys, is_open=is_open)

    def key(self, name: str) -> MappedKey | None:
        """The mapped key of this name; None if no field answers it."""
        if name in self._keys:
            return self._keys[name]
        # Gold from before a field was renamed bears its old name; gates and reports name the field as it is called now.
        name = current_name(self._task.fields, name)
        field = self._task.fields.get(name) if self._is_open else None
        kind = answer_kind(field) if field is not None else None
        if field is None or kind is None:
            return None
        return MappedKey(name, GoldKey(field=name), kind, field.unstated() is None)


def spellings(value: str) -> str:
    """Regular expression of the ways in which a text may write a form's value: 1200 and 1,200; 2, 2.0 and two; 25만."""
    try:
        number = float(value)
    except ValueError:
        return re.escape(value)
    if not number.is_integer():
        return re.escape(value)
    digits = str(int(number))
    ways = [digits, f"{int(number):,}", _WORDS.get(digits, digits)]
    if number >= 10_000 and number % 1_000 == 0:
        man, rest = divmod(int(number), 10_000)
        ways.append(rf"{man}\s?만" + (rf"\s?{rest // 1_000}\s?천" if rest else r"(?!\s?\d)"))
        if rest:
            ways.append(rf"{number / 10_000:g}\s?만")
    return "(?:" + "|".join(dict.fromkeys(ways)) + r")(?:\.0+)?"


def _mapped(task: Task, file: Path, name: str, plain: object) -> MappedKey:
    try:
        spec = GoldKey.model_validate(plain)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in (name, *first["loc"]))
        raise DeclarationError(file, f"{where}: {first['msg'].removeprefix('Value error, ')}",
                               "Correct it there") from error  # fmt: skip
    field = task.fields.get(spec.field)
    kind = answer_kind(field) if field is not None else None
    if field is None or kind is None:
        raise DeclarationError(file, f"{name}: {spec.field!r} is not a field with a metric (fields are "
                               f"{', '.join(task.fields)})", "Correct the name")  # fmt: skip
    if isinstance(field, MoneyField) != (spec.currency is not None):
        remedy = "Say its currency" if spec.currency is None else "Remove the currency"
        raise DeclarationError(file, f"{name}: {spec.field!r} is a field of kind {_kind_name(field)}", remedy)
    return MappedKey(name, spec, kind, field.unstated() is None)


def _kind_name(field: object) -> str:
    return str(getattr(field, "kind"))  # noqa: B009 - each kind narrows the literal, so the base cannot declare it
