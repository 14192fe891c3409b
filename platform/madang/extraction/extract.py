"""An extraction is a pure function of the reply, the recipe and the post: no clock, no network, no order."""

from dataclasses import dataclass, replace
from typing import Literal

from pydantic import BaseModel

from madang.extraction.confidence import confidences
from madang.extraction.grounding import PostText
from madang.extraction.repair import parse_reply
from madang.models.protocol import Reply
from madang.schema import asked, reply_model
from madang.schema.base import Reading, Reason
from madang.task import Task

Status = Literal["ok", "partial", "empty"]


@dataclass(frozen=True)
class Extraction:
    """Typed values of one post.

    Args:
        values: Columns of the attributes table that belong to fields.
        dropped: Answers given up for null, with the reason.
        status: `partial` if an answer was dropped, `empty` if nothing was asked.
        problems: What the validator says of invalid answers.
        is_repaired: Whether the reply was not JSON as it came.
    """

    values: dict[str, object]
    dropped: tuple[tuple[str, Reason], ...]
    status: Status
    problems: tuple[str, ...] = ()
    is_repaired: bool = False


class Extractor:
    """Extracts for one task; everything that posts share is compiled once."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._asked = asked(task.fields)
        self._model: type[BaseModel] = reply_model(task.name, task.fields)

    def extract(self, text: PostText, reply: Reply) -> Extraction | None:
        """Reads a reply.

        Returns:
            The extraction, or None if no answer can be read out of the reply.
        """
        answers = parse_reply(reply.text, self._model)
        if answers is None:
            return None
        sure = confidences(reply.text, reply.tokens, self._asked)
        readings = {name: self._asked[name].read(answer, text) for name, answer in answers.values.items()}
        dropped: list[tuple[str, Reason]] = [(name, "invalid") for name in answers.invalid]
        dropped += [(name, reading.dropped) for name, reading in readings.items() if reading.dropped is not None]
        found = self._assemble(readings, sure, tuple(dropped))
        return replace(found, problems=answers.problems, is_repaired=answers.is_repaired)

    def empty(self) -> Extraction:
        """The extraction of a post without letters or digits: nothing is asked."""
        found = self._assemble({}, {}, ())
        return Extraction(found.values, (), "empty")

    def _assemble(
        self, readings: dict[str, Reading], sure: dict[str, float], dropped: tuple[tuple[str, Reason], ...]
    ) -> Extraction:
        row: dict[str, object] = {}
        for name, field in self._asked.items():
            reading = readings.get(name)
            row |= {column.name: None for column in field.columns(name)}
            row[name] = field.unstated()
            row[f"{name}__evidence"] = []
            if reading is None or reading.dropped is not None:
                continue
            row |= {name + suffix: value for suffix, value in reading.values.items()}
            row[f"{name}__confidence"] = sure.get(name)
            row[f"{name}__evidence"] = [
                {"field": span.field, "start": span.start, "end": span.end} for span in reading.evidence
            ]
        for name, expression in self._task.derivations.items():
            kept = self._task.fields[name].keep(expression(row))  # type: ignore[arg-type]
            row[name] = kept.values[""]
            if kept.dropped is not None:
                dropped = (*dropped, (name, kept.dropped))
        return Extraction(row, dropped, "partial" if dropped else "ok")
