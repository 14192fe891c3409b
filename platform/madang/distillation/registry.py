"""Students on disk: numbered, never changed, released and rolled back like recipes.

A student is a folder under `students/<task>/` of the home. Its identity is the hash of its manifest, which holds the
hash of every other file: whoever changes a weight has another student, and the old name refuses it.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

from madang.distillation.calibration import Calibration, Line
from madang.distillation.deciding import Threshold
from madang.distillation.heads import StudentKind, heads_of
from madang.distillation.promise import Records
from madang.distillation.student import Scorer, Student
from madang.distillation.way_choice import WayChoice
from madang.errors import InputError, ModelFileError
from madang.schema import TaskField
from madang.schema.base import FieldKind

_MANIFEST, _RECORDS, _RELEASES = "manifest.json", "records.npz", "releases.jsonl"
_FIELDS: TypeAdapter[dict[str, TaskField]] = TypeAdapter(dict[str, TaskField])


class HeadState(BaseModel):
    """What a head says beyond its scores."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: float
    flag_thresholds: tuple[float, ...] = ()
    said: tuple[float, float] = Field(description="Slope and offset of the confidence of a value")
    unsaid: tuple[float, float] = Field(description="The same of saying nothing")


class Manifest(BaseModel):
    """Everything that is known of a student."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: str
    kind: StudentKind
    created_at: datetime
    fields: dict[str, JsonValue] = Field(description="The fields that it answers, as they were declared")
    heads: dict[str, HeadState]
    settings: dict[str, JsonValue] = Field(description="Everything that decided what it learnt besides the posts")
    dataset: dict[str, JsonValue] = Field(description="Identity, counts and recipe of what it learnt from")
    scores: dict[str, JsonValue] = Field(description="What it is worth on posts that it had not read")
    reasons: tuple[str, ...] = Field(description="Why it may not be released; none if it may")
    licence: str = Field(description="Terms of its weights")
    versions: dict[str, str] = Field(description="Of the libraries that made it")
    files: dict[str, str] = Field(default_factory=dict, description="SHA-256 of every other file")


@dataclass(frozen=True)
class StoredStudent:
    """A student of the registry.

    Args:
        name: Such as places@2.
        folder: Where it lies.
        identity: SHA-256 of its manifest.
        manifest: What is known of it.
    """

    name: str
    folder: Path
    identity: str
    manifest: Manifest

    def check(self) -> None:
        """Refuses a student whose files are not those that were stored.

        Raises:
            ModelFileError: One was changed or is missing.
        """
        for name, digest in self.manifest.files.items():
            file = self.folder / name
            if not file.is_file() or _digest(file) != digest:
                raise ModelFileError(file, "it is not the file that was stored with the student",
                                     "Restore it, or make the student again: madang distil")  # fmt: skip

    def load(self) -> Student:
        """Reads it.

        Raises:
            ModelFileError: A file was changed, or what it needs is not installed.
        """
        self.check()
        fields = fields_of(self.manifest)
        heads = heads_of(fields)
        scorer: Scorer
        way_choice = None
        if self.manifest.kind == "linear":
            from madang.distillation.linear import LinearStudent

            scorer = LinearStudent.load(self.folder, fields, heads)
        elif self.manifest.kind == "hybrid":
            from madang.distillation.hybrid import HybridStudent

            scorer = HybridStudent.load(self.folder, fields, heads)
        else:
            from madang.distillation.encoder import EncoderStudent

            scorer = encoder = EncoderStudent.load(self.folder, fields, heads)
            way_choice = WayChoice(encoder, self.folder.parent / "ways" / self.identity)
        states = self.manifest.heads
        return Student(
            fields, heads, scorer,
            {name: Threshold(one.threshold, one.flag_thresholds) for name, one in states.items()},
            {name: Calibration(Line(*one.said), Line(*one.unsaid)) for name, one in states.items()},
            way_choice,
        )  # fmt: skip

    def records(self) -> Records:
        """On what its promises rest."""
        with np.load(self.folder / _RECORDS) as stored:
            return Records(tuple(map(str, stored["fields"])), stored["confidences"], stored["right"])


class Registry:
    """The students of a home.

    Args:
        home: The state's folder.
    """

    def __init__(self, home: Path) -> None:
        self.folder = home / "students"

    def keep(
        self, manifest: Manifest, records: Records, save: Callable[[Path], None], texts: Mapping[str, str]
    ) -> StoredStudent:
        """Writes a student under the next number; a process that dies on the way leaves none.

        Args:
            manifest: What is known of it, its files left out.
            records: On what its promises rest.
            save: Writes the scorer's files into a folder.
            texts: More files, by name.
        """
        own = self.folder / manifest.task
        draft = own / f".draft.{os.getpid()}"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        save(draft)
        np.savez_compressed(
            draft / _RECORDS, fields=np.array(records.fields), confidences=records.confidences, right=records.right
        )
        for name, text in texts.items():
            (draft / name).write_text(text, encoding="utf-8")
        files = {
            str(file.relative_to(draft)): _digest(file) for file in sorted(draft.rglob("*")) if file.is_file()
        }  # fmt: skip
        whole = manifest.model_copy(update={"files": files})
        (draft / _MANIFEST).write_text(whole.model_dump_json(indent=1), encoding="utf-8")
        number = max(self._numbers(manifest.task), default=0) + 1
        draft.rename(own / str(number))
        return self.find(f"{manifest.task}@{number}")

    def find(self, name: str) -> StoredStudent:
        """A student by name: `places@2`, or `places` for the released one.

        Raises:
            ModelFileError: There is none, none is released, or a released one's manifest was changed.
        """
        task, _, number = name.partition("@")
        if not number:
            released = self.released(task)
            if released is None:
                raise ModelFileError(name, "no student of this task is released", f"Make one: madang distil {task}")
            name, identity = released
            found = self.find(name)
            if found.identity != identity:
                raise ModelFileError(found.folder / _MANIFEST, "it is not the manifest that was released",
                                     "Restore it, or release another student")  # fmt: skip
            return found
        folder = self.folder / task / number
        file = folder / _MANIFEST
        if not file.is_file():
            known = ", ".join(f"{task}@{one}" for one in self._numbers(task)) or "none"
            raise ModelFileError(name, f"there is no such student (there are: {known})", "Correct the name")
        return StoredStudent(name, folder, _digest(file), Manifest.model_validate_json(file.read_bytes()))

    def names(self, task: str) -> list[str]:
        """The students of a task, the oldest first."""
        return [f"{task}@{number}" for number in self._numbers(task)]

    def released(self, task: str) -> tuple[str, str] | None:
        """Name and identity of the released student; None if there is none."""
        history = self._history(task)
        return (history[-1]["student"], history[-1]["identity"]) if history else None

    def release(self, student: StoredStudent, reason: str) -> None:
        """Makes a student the released one.

        Raises:
            InputError: The gate refused it.
        """
        if student.manifest.reasons:
            raise InputError(student.name, f"the gate refused it: {'; '.join(student.manifest.reasons)}",
                             "Teach it with more labels, or of fewer fields")  # fmt: skip
        row = {"student": student.name, "identity": student.identity, "reason": reason,
               "released_at": datetime.now(UTC).isoformat()}  # fmt: skip
        with (self.folder / student.manifest.task / _RELEASES).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def rollback(self, task: str) -> str:
        """Makes the student released again that was so before the present one.

        Returns:
            Its name.

        Raises:
            InputError: There was none before.
        """
        history = [row["student"] for row in self._history(task)]
        before = next((name for name in reversed(history) if name != history[-1]), None) if history else None
        if before is None:
            raise InputError(task, "no other student was released before", "See madang distil")
        self.release(self.find(before), "rollback")
        return before

    def _history(self, task: str) -> list[dict[str, str]]:
        file = self.folder / task / _RELEASES
        return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.is_file() else []

    def _numbers(self, task: str) -> list[int]:
        own = self.folder / task
        return sorted(int(one.name) for one in own.iterdir() if one.name.isdigit()) if own.is_dir() else []


def head_states(student: Student) -> dict[str, HeadState]:
    """What a student's heads say beyond their scores."""
    return {
        head.field: HeadState(
            threshold=student.thresholds[head.field].said, flag_thresholds=student.thresholds[head.field].flags,
            said=_pair(student.calibrations[head.field].said), unsaid=_pair(student.calibrations[head.field].unsaid),
        )
        for head in student.heads
    }  # fmt: skip


def plain_fields(fields: Mapping[str, FieldKind]) -> dict[str, JsonValue]:
    """Fields as a manifest holds them."""
    return {name: field.model_dump(mode="json") for name, field in fields.items()}


def fields_of(manifest: Manifest) -> dict[str, FieldKind]:
    """The fields of a manifest."""
    return {**_FIELDS.validate_python(manifest.fields)}


def _pair(line: Line) -> tuple[float, float]:
    return line.slope, line.offset


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
