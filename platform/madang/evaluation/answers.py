"""Answers in a form in which equal means right.

Gold and predictions go through the same door, so that neither is folded or rounded in a way the other is not.
"""

import unicodedata
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Literal

from madang.schema.base import FieldKind
from madang.schema.flag import FlagField
from madang.schema.label import LabelField
from madang.schema.labels import LabelsField
from madang.schema.mentions import MentionsField
from madang.schema.money import MoneyField
from madang.schema.number import NumberField
from madang.schema.text import TextField

AnswerKind = Literal["label", "labels", "flag", "number", "text", "mentions"]


@dataclass(frozen=True)
class MentionAnswer:
    """One mention of a post.

    Args:
        text: Folded, as `folded` does.
        quote: As it stands there.
        place: Text column, first code point and one past the last; None where nobody says. Of gold without a column
            the column is empty until the text is looked at.
        is_review: Whether the author judges it; None where it is not said.
        direction_only: Whether it only says where something else is; None where it is not said.
    """

    text: str
    quote: str = dataclass_field(compare=False)
    place: tuple[str, int, int] | None = None
    is_review: bool | None = dataclass_field(default=None, compare=False)
    direction_only: bool | None = dataclass_field(default=None, compare=False)

    def __str__(self) -> str:
        return self.quote


Answer = str | float | bool | frozenset[str] | frozenset[MentionAnswer] | None

_FLAGS = {"true": True, "false": False}


class UnreadableError(ValueError):
    """A value cannot be an answer to its field."""


def answer_kind(field: FieldKind) -> AnswerKind | None:
    """How answers to a field are compared; None for kinds that no metric is written for yet."""
    match field:
        case LabelField():
            return "label"
        case LabelsField():
            return "labels"
        case FlagField():
            return "flag"
        case NumberField() | MoneyField():
            return "number"
        case TextField():
            return "text"
        case MentionsField():
            return "mentions"
    return None


def answer_of(kind: AnswerKind, value: object) -> Answer:
    """Brings a value of gold, of a form or of an extraction to comparable form.

    Args:
        kind: How it is compared.
        value: As it stands there; None means not stated.

    Returns:
        None where nothing is stated; for `labels` and `mentions` the empty set. Numbers keep nine significant
        digits (500 × 10,000 and 5,000,000 are one number), text is folded by NFKC, case and spaces.

    Raises:
        UnreadableError: The value has the wrong type.
    """
    if kind == "labels":
        return _labels(value)
    if kind == "mentions":
        return _mentions(value)
    if value is None:
        return None
    match kind:
        case "flag":
            return _flag(value)
        case "number":
            return _number(value)
        case "text" if isinstance(value, str | int | float) and not isinstance(value, bool):
            return folded(str(value)) or None
        case "label" if isinstance(value, str):
            return value
    raise UnreadableError(f"{value!r} is not a {kind}")


def folded(text: str) -> str:
    """Text by which two quotes are the same: NFKC, case folded, without white space."""
    return "".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).split())


def _labels(value: object) -> frozenset[str]:
    if value is None:
        return frozenset()
    if not isinstance(value, list | tuple | set | frozenset) or not all(isinstance(item, str) for item in value):
        raise UnreadableError(f"{value!r} is not a list of labels")
    return frozenset(value)


def _mentions(value: object) -> frozenset[MentionAnswer]:
    if value is None:
        return frozenset()
    if not isinstance(value, list | tuple):
        raise UnreadableError(f"{type(value).__name__} is not a list of mentions")
    return frozenset(_mention(item) for item in value)


def _mention(item: object) -> MentionAnswer:
    plain = {"text": item} if isinstance(item, str) else item
    if not isinstance(plain, dict) or not isinstance(plain.get("text"), str):
        raise UnreadableError("a mention is not an object with a text")
    quote, start, end = plain["text"], plain.get("start"), plain.get("end")
    place = None
    if isinstance(start, int) and isinstance(end, int):
        place = (str(plain.get("field") or ""), start, end)
    is_review, direction_only = (
        None if plain.get(name) is None else _flag(plain[name]) for name in ("is_review", "direction_only")
    )
    return MentionAnswer(folded(quote), quote, place, is_review, direction_only)


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    flag = _FLAGS.get(value.strip().lower()) if isinstance(value, str) else None
    if flag is None:
        raise UnreadableError(f"{value!r} is neither true nor false")
    return flag


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise UnreadableError(f"{value!r} is not a number")
    try:
        return float(f"{float(value.replace(',', '') if isinstance(value, str) else value):.9g}")
    except ValueError as error:
        raise UnreadableError(f"{value!r} is not a number") from error
