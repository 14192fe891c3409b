"""Filling in a form: the fields of one text that has not landed, as a run would extract them.

Readers alone fill it in by default: no call, no table, milliseconds. The task's model is asked only where that was
allowed.
"""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from madang.errors import InputError, MadangError
from madang.evaluation.lanes import of_lane
from madang.extraction.extract import Extractor
from madang.extraction.grounding import PostText
from madang.posts.masking import mask
from madang.readers.registry import ReaderFailed
from madang.schema.money import MoneyField
from madang.settings import Settings
from madang.task import Task

MAX_CHARS = 100_000


class NotFilled(MadangError):
    """A text could not be read: a reader raised, or no reply of the model was of use."""


@dataclass(frozen=True)
class FilledForm:
    """A form.

    Args:
        task: Name of the task.
        lane: How the values came.
        fields: By field: `value`, `currency` of an amount, `confidence` and `evidence` (text column, code points with
            the end exclusive, and the text there).
        not_asked: Fields that only a model finds, which was not allowed.
        seconds: What it took.
    """

    task: str
    lane: str
    fields: Mapping[str, JsonValue]
    not_asked: tuple[str, ...]
    seconds: float

    def to_json(self) -> dict[str, JsonValue]:
        """Plain form."""
        return {
            "task": self.task, "lane": self.lane, "fields": dict(self.fields), "not_asked": list(self.not_asked),
            "seconds": round(self.seconds, 4),
        }  # fmt: skip


class Autofill:
    """Fills in the form of one task; what texts share is compiled once.

    Args:
        task: The task.
        settings: The project's.
        asks_model: Whether its model may be asked.

    Raises:
        InputError: No field of the task names a reader, and its model may not be asked.
    """

    def __init__(self, task: Task, settings: Settings, *, asks_model: bool) -> None:
        is_read = any(field.read is not None for field in task.declaration.fields.values())
        if not asks_model and not is_read:
            raise InputError(task.name, "no field names a reader", "Allow its model with --model")
        self._settings = settings
        self._task = task if asks_model else of_lane(task, settings, "reader")
        self._asks_model = asks_model and bool(task.declaration.models)
        self._not_asked = tuple(name for name in task.fields if name not in self._task.fields)
        self._extractor = Extractor(self._task)

    @property
    def columns(self) -> tuple[str, ...]:
        """Text columns that a text may have, in declared order."""
        return tuple(self._task.text_columns)

    def fill(self, written: Mapping[str, str]) -> FilledForm:
        """Fills in the form of one text.

        Args:
            written: Text by column; a column that is not given is empty.

        Raises:
            InputError: A column is not one of the task's, or the text is too long.
            NotFilled: A reader raised, or no reply of the model was of use.
            CapReached: The money cap allows no call.
        """
        for name in written:
            if name not in self.columns:
                raise InputError(name, f"{self._task.name!r} has no such text column (it has "
                                 f"{', '.join(self.columns)})", "Correct the name")  # fmt: skip
        chars = sum(map(len, written.values()))
        if chars > MAX_CHARS:
            raise InputError("the text", f"it has {chars:,} characters, more than {MAX_CHARS:,}", "Shorten it")
        began = time.monotonic()
        parts = {name: written.get(name, "") for name in self.columns}
        row, lane = self._asked(parts) if self._asks_model else (self._read(parts), "reader")
        fields = {name: self._field(name, row, parts) for name in self._task.fields}
        return FilledForm(self._task.name, lane, fields, self._not_asked, time.monotonic() - began)

    def _read(self, parts: Mapping[str, str]) -> Mapping[str, object]:
        try:
            return self._extractor.unasked(PostText({name: mask(part) for name, part in parts.items()})).values
        except ReaderFailed as error:
            raise NotFilled("the text", str(error), "Correct the reader") from error

    def _asked(self, parts: Mapping[str, str]) -> tuple[Mapping[str, object], str]:
        from madang.evaluation.predicting import predict

        text_hash = hashlib.sha256("\0".join(parts.values()).encode()).hexdigest()
        post: dict[str, object] = {
            **parts, "source": "autofill", "post_id": text_hash, "board": None, "event_at": None, "images": None,
            "content_hash": text_hash, "day": self._settings.first_day, "chars": sum(map(len, parts.values())),
        }  # fmt: skip
        found = predict(
            self._task, self._settings, [post], warehouse=None, cap_usd=None, on_reply=lambda answered, wanted: None
        )
        row = found.rows["autofill", text_hash]
        if row is None:
            raise NotFilled("the text", "no reply of the model was of use", "Try again, or leave out --model")
        return row, "+".join(sorted(found.lanes))

    def _field(self, name: str, row: Mapping[str, object], parts: Mapping[str, str]) -> JsonValue:
        field: dict[str, JsonValue] = {"value": _plain(row[name])}
        if isinstance(self._task.fields[name], MoneyField):
            field["currency"] = _plain(row[f"{name}__currency"])
        spans = row.get(f"{name}__evidence")
        field["confidence"] = _plain(row.get(f"{name}__confidence"))
        field["evidence"] = [
            {**span, "text": parts[span["field"]][span["start"] : span["end"]]}
            for span in (spans if isinstance(spans, list) else [])
        ]
        return field


def _plain(value: object) -> JsonValue:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return str(value)  # a date
