"""An extraction is a pure function of the reply, the recipe and the post: no clock, no network, no order.

Where a reader finds a value of a field that it decides, that value stands. What it finds of a field that a model
answers too is compared with the answer, whoever decides; `reader_disagrees` counts where they differ. It makes no row
partial, for nothing is lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from typing import Literal

from pydantic import BaseModel

from madang.extraction.confidence import confidences
from madang.extraction.grounding import PostText
from madang.extraction.repair import parse_reply
from madang.models.protocol import Reply
from madang.readers.registry import ReaderFailed
from madang.schema import asked, reply_model, stated
from madang.schema.base import FieldKind, Mention, Reading, Reason
from madang.task import Task

Status = Literal["ok", "partial", "empty"]


@dataclass(frozen=True)
class Extraction:
    """Typed values of one post.

    Args:
        values: Columns of the attributes table that belong to fields.
        dropped: Answers given up for null, with the reason; and where a reader disagrees with the model.
        status: `partial` if an answer was given up for null, `empty` if there was nothing to read.
        mentions: Mentions by field, kept or not, in the order of the text.
        problems: What the validator says of invalid answers.
        is_repaired: Whether the reply was not JSON as it came.
    """

    values: dict[str, object]
    dropped: tuple[tuple[str, Reason], ...]
    status: Status
    mentions: Mapping[str, tuple[Mention, ...]] = dataclass_field(default_factory=dict)
    problems: tuple[str, ...] = ()
    is_repaired: bool = False


class Extractor:
    """Extracts for one task; everything that posts share is compiled once."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._stated = stated(task.fields)
        self._asked = {field.asked_as(name): field for name, field in asked(task.fields).items()}
        self._names = {field.asked_as(name): name for name, field in self._stated.items()}
        self._model: type[BaseModel] = reply_model(task.name, task.fields)
        self._columns = {name: [column.name for column in field.columns(name)] for name, field in self._stated.items()}

    def extract(self, text: PostText, reply: Reply) -> Extraction | None:
        """Reads a reply, and the text where readers have fields.

        Returns:
            The extraction, or None if no answer can be read out of the reply.

        Raises:
            ReaderFailed: A reader raised on this post.
        """
        answers = parse_reply(reply.text, self._model)
        if answers is None:
            return None
        sure = confidences(reply.text, reply.tokens, self._asked)
        answered = {self._names[name]: Reading({}, dropped="invalid") for name in answers.invalid}
        for name, answer in answers.values.items():
            reading = self._asked[name].of_answer(answer, text)
            answered[self._names[name]] = replace(reading, confidence=sure.get(name))
        read = self._read(text)
        # An invalid answer is not asked again where a reader's value stands anyway.
        settled = {name for name, one in read.items() if one.dropped is None and self._stated[name].decider == "both"}
        problems = tuple(
            problem for problem in answers.problems if self._names.get(problem.partition(":")[0]) not in settled
        )
        return replace(self._assemble(answered, read), problems=problems, is_repaired=answers.is_repaired)

    def unasked(self, text: PostText) -> Extraction:
        """The extraction of a post about which nothing is asked: blank, or readers find all fields.

        Raises:
            ReaderFailed: A reader raised on this post.
        """
        if text.is_blank:
            return replace(self._assemble({}, {}), status="empty", dropped=())
        return self._assemble({}, self._read(text))

    def _read(self, text: PostText) -> dict[str, Reading]:
        """What readers find of the fields that name one."""
        found = {name: reader.read(text) for name, reader in self._task.readers.items()}
        readings = {}
        for name, field in self._stated.items():
            if field.read is None:
                continue
            reader, _, key = field.read.partition(".")
            if key in found[reader]:
                try:
                    readings[name] = field.of_reader(found[reader][key], text)
                except TypeError as error:
                    raise ReaderFailed(f"reader {reader} gives no {field.kind} for {key} ({error})") from error
        return readings

    def _assemble(self, answered: Mapping[str, Reading], read: Mapping[str, Reading]) -> Extraction:
        row: dict[str, object] = {}
        dropped: list[tuple[str, Reason]] = []
        mentions: dict[str, tuple[Mention, ...]] = {}
        for name, field in self._stated.items():
            reading, reason = _decided(field, answered.get(name), read.get(name))
            row.update(dict.fromkeys(self._columns[name]))
            row[name] = field.unstated()
            row[f"{name}__evidence"] = []
            if reason is not None:
                dropped.append((name, reason))
            if reading is None or reading.dropped is not None:
                continue
            dropped += [(name, lost) for lost in reading.lost]
            if reading.mentions:
                mentions[name] = reading.mentions
            row |= {name + suffix: value for suffix, value in reading.values.items()}
            row[f"{name}__confidence"] = reading.confidence
            row[f"{name}__evidence"] = [
                {"field": span.field, "start": span.start, "end": span.end} for span in reading.evidence
            ]
        for name, expression in self._task.derivations.items():
            kept = self._task.fields[name].of_derived(expression(row))  # type: ignore[arg-type]
            row[name] = kept.values[""]
            if kept.dropped is not None:
                dropped.append((name, kept.dropped))
        is_partial = any(reason != "reader_disagrees" for _, reason in dropped)
        return Extraction(row, tuple(dropped), "partial" if is_partial else "ok", mentions)


def _decided(field: FieldKind, answered: Reading | None, read: Reading | None) -> tuple[Reading | None, Reason | None]:
    """What stands of an answer and of what a reader found, and what is to be counted."""
    if field.decider == "reader":
        return read, read.dropped if read is not None else None
    reason = answered.dropped if answered is not None else None
    if read is None or read.dropped is not None:
        return answered, reason
    if field.decider == "both":
        differs = answered is not None and answered.values != read.values
        return read, "reader_disagrees" if differs else None
    differs = answered is not None and reason is None and answered.values != read.values
    return answered, "reader_disagrees" if differs else reason
