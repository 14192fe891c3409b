"""What a declaration compiles to in a student: a head for each field, of one of four shapes.

    choice      label, flag           one class of a list; "not stated" is a class of its own
    choices     labels                each class by itself, yes or no
    stretch     text, number, money   at most one stretch of the post, or a word that need not stand in it (`also`)
    stretches   mentions              any number of stretches that do not overlap, each with its small flags

A student never writes: it points at a stretch, and the field reads it as it would read a model's quote. So a value is
in the post, or there is none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from madang.evaluation.answers import Answer
from madang.schema.base import FieldKind
from madang.schema.flag import FlagField
from madang.schema.label import LabelField
from madang.schema.labels import LabelsField
from madang.schema.mentions import MentionsField
from madang.schema.text import TextField

# By its scores: linear models, an encoder, or the one corrected by the other, which stays as it is.
StudentKind = Literal["linear", "hybrid", "encoder"]
HeadShape = Literal["choice", "choices", "stretch", "stretches"]
NOT_STATED = ""


@dataclass(frozen=True)
class Head:
    """A field as a student answers it.

    Args:
        field: Name of the field.
        shape: See above.
        classes: Of a choice with "not stated" first, of choices, of a stretch what need not stand in the post.
        flags: Small flags of mentions.
        most: Most items of a set.
    """

    field: str
    shape: HeadShape
    classes: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    most: int = 1


@dataclass(frozen=True)
class Guess:
    """What a student says of one field of one post.

    Args:
        answer: As a reply holds it; None leaves the field out: not stated.
        value: The same in the form in which answers are compared.
        odds: Log-odds that it is wholly right, by the head's own opinion.
    """

    answer: JsonValue
    value: Answer
    odds: float


def heads_of(fields: Mapping[str, FieldKind]) -> tuple[Head, ...]:
    """The heads of declared fields, in declaration order; derived ones have none."""
    return tuple(_head(name, field) for name, field in fields.items() if field.derive is None)


def class_of(answer: Answer) -> str:
    """The class of a choice that an answer is."""
    if answer is None:
        return NOT_STATED
    return str(answer).lower() if isinstance(answer, bool) else str(answer)


def answer_of_class(field: FieldKind, name: str) -> JsonValue:
    """What a reply says for a class of a choice; None for "not stated"."""
    if name == NOT_STATED:
        return None
    return name == "true" if isinstance(field, FlagField) else name


def _head(name: str, field: FieldKind) -> Head:
    match field:
        case LabelField():
            return Head(name, "choice", (NOT_STATED, *field.of))
        case FlagField():
            return Head(name, "choice", (NOT_STATED, "true", "false"))
        case LabelsField():
            return Head(name, "choices", field.of, most=field.most)
        case MentionsField():
            flags = tuple(small for small, kind in field.of.items() if isinstance(kind, FlagField))
            return Head(name, "stretches", flags=flags, most=field.max)
        case TextField():
            return Head(name, "stretch", field.also)
    return Head(name, "stretch")
