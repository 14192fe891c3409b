"""What a reader finds. A reader is tested code that finds a value where no model is needed, or checks a model's.

A reader is a function of a post's text. It gives everything that it can find in one pass, by key; a task's field
names the key that it takes (`read: rentals.deposit`). What a reader does not find is absent, never guessed.

Its module says three names: `VERSION`, raised when values change; `KEYS`, each key with the kind of the fields that
may take it; and the function. All readers of a project have these names: `madang.readers.registry`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from madang.extraction.grounding import PostText, Span
from madang.readers.money import Money


@dataclass(frozen=True)
class FoundMention:
    """One stretch of text that names something.

    Args:
        span: Where its first occurrence stands.
        values: Small fields of its own, such as `is_review`.
        confidence: 0 to 1: share of such mentions that are right on posts not used for writing the reader.
    """

    span: Span
    values: Mapping[str, str | float | bool] = field(default_factory=dict)
    confidence: float | None = None


# A label, a set of labels, yes or no, a quantity in the field's unit, an amount, verbatim text, or mentions.
FoundValue = str | tuple[str, ...] | bool | float | Money | tuple[FoundMention, ...]


@dataclass(frozen=True)
class Found:
    """One value that a reader found.

    Args:
        value: In the form that the field's column keeps: labels surest first, of text also a normalised form.
        spans: Where it stands; what must be in the text has at least one.
        confidence: 0 to 1: share of such values that are right on posts not used for writing the reader.
    """

    value: FoundValue
    spans: tuple[Span, ...] = ()
    confidence: float | None = None


Reader = Callable[[PostText], Mapping[str, Found]]
