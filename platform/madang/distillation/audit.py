"""The standing audit: of the posts that a student would keep, a fixed share is asked of the next model as well.

Which ones is decided by hash, so that nobody chooses and a second run takes the same. The next model's answers stand
for them; the student's are written down as digests, for they may quote a post. Where both are known the promise is
checked: a field whose share of right answers lies below the promise with 95% confidence closes the lane, and a closed
lane leaves every post to the next model.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from madang.distillation.dataset import field_keys, labelled_post, without_places
from madang.distillation.promise import upper_bound
from madang.distillation.registry import Registry, StoredStudent
from madang.distillation.student import Said
from madang.evaluation.answers import Answer, MentionAnswer
from madang.evaluation.stored import stored_predictions
from madang.extraction.plan import recipe_name
from madang.models.catalogue import Catalogue
from madang.posts.table import CURRENT, content_hash_sql
from madang.recipe import recipe_of
from madang.settings import Settings
from madang.task import Task
from madang.warehouse.protocol import Warehouse

_SCALE = 1 << 32


@dataclass(frozen=True)
class AuditedField:
    """One field of the audited posts.

    Args:
        right: Posts on which student and next model agree.
        n: Posts on which both are known.
    """

    right: int
    n: int

    def is_broken(self, precision: float) -> bool:
        """Whether a promise surely does not hold."""
        return self.n > 0 and upper_bound(self.right, self.n) < precision


class Audits:
    """The audit's notes of one student.

    Args:
        home: The state's folder.
        student: The student.
    """

    def __init__(self, home: Path, student: StoredStudent) -> None:
        folder = home / "students" / student.manifest.task / "audits"
        self._notes, self._closed = folder / f"{student.identity}.jsonl", folder / f"{student.identity}.closed"
        self._identity = student.identity
        self.closed = self._closed.read_text("utf-8") if self._closed.is_file() else None

    def takes(self, turn: str, share: float) -> bool:
        """Whether a post is in the sample."""
        digest = hashlib.sha256(f"{self._identity}:{turn}".encode()).digest()
        return int.from_bytes(digest[:4], "big") < share * _SCALE

    def note(self, turn: str, said: Mapping[str, Said]) -> None:
        """Writes down what the student would have said."""
        self._notes.parent.mkdir(parents=True, exist_ok=True)
        line = {"turn": _digest(turn), "said": {name: _answer_digest(one.guess.value) for name, one in said.items()}}
        with self._notes.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def notes(self) -> dict[str, dict[str, str]]:
        """Digests of what it would have said, by digest of the post."""
        if not self._notes.is_file():
            return {}
        lines = [json.loads(line) for line in self._notes.read_text("utf-8").splitlines()]
        return {line["turn"]: line["said"] for line in lines}

    def close(self, reason: str) -> None:
        """Closes the lane of this student for good; another student opens it again."""
        self._closed.write_text(f"{datetime.now(UTC).isoformat()} {reason}\n", encoding="utf-8")
        self.closed = reason


@dataclass(frozen=True)
class Audit:
    """What the audit of a released student says.

    Args:
        student: Its name; empty where none is released.
        fields: The audited fields; none where nothing is known yet.
        closed: Why its lane is closed; None where it is open.
    """

    student: str
    fields: Mapping[str, AuditedField]
    closed: str | None

    @property
    def summary(self) -> str:
        """In one line."""
        if self.closed is not None:
            return f"{self.student} is closed: {self.closed.strip()}"
        if not self.student:
            return "no student is released"
        agreed = ", ".join(f"{name} {one.right} of {one.n}" for name, one in self.fields.items())
        return f"{self.student} is open; right where audited: {agreed or 'nothing audited yet'}"


def audit_released(task: Task, settings: Settings, warehouse: Warehouse, precision: float) -> Audit:
    """Compares what the released student would have said with what the next model said; closes its lane if it must.

    Args:
        task: The task, as its rows are made now.
        settings: The project's settings.
        warehouse: Where rows and posts are.
        precision: What it promised.
    """
    registry = Registry(settings.home)
    if registry.released(task.name) is None:
        return Audit("", {}, None)
    student = registry.find(task.name)
    audits = Audits(settings.home, student)
    notes = audits.notes()
    counts: dict[str, list[bool]] = {}
    for digest, answers in _rows(task, settings, warehouse, set(notes)):
        for name, said in notes[digest].items():
            counts.setdefault(name, []).append(_answer_digest(answers[name]) == said)
    found = {name: AuditedField(sum(agreed), len(agreed)) for name, agreed in counts.items()}
    broken = [f"{name} ({one.right} of {one.n})" for name, one in found.items() if one.is_broken(precision)]
    if broken and audits.closed is None:
        audits.close(f"right less often than {precision:.0%}: {', '.join(broken)}")
    return Audit(student.name, found, audits.closed)


def _rows(
    task: Task, settings: Settings, warehouse: Warehouse, wanted: set[str]
) -> Iterator[tuple[str, dict[str, Answer]]]:
    """What others than a student said of audited posts, by the post's digest."""
    if not wanted:
        return
    recipe = recipe_name(warehouse, recipe_of(task, Catalogue(settings).identity))
    if recipe is None:
        return
    own = content_hash_sql(task.text_columns, images=task.most_images)
    posts = warehouse.read(
        f"SELECT *, {own} AS content_hash FROM (SELECT * FROM raw.posts {CURRENT}) WHERE NOT deleted"
    )
    keys = field_keys(task)
    chosen = {}
    for row in posts.iter_rows(named=True):
        digest = _digest(labelled_post(task, row, {}, "extraction").turn)
        if digest in wanted:
            chosen[row["source"], row["post_id"]] = digest, row["content_hash"]
    rows = stored_predictions(warehouse, task, recipe, {key: content for key, (_, content) in chosen.items()}).rows
    for key, said in rows.items():
        if said is not None and said["lane"] != "student":
            yield chosen[key][0], {name: without_places(one.predicted(said)) for name, one in keys.items()}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _answer_digest(answer: Answer) -> str:
    if not isinstance(answer, frozenset):
        return _digest(repr(answer))
    told = [
        (one.text, bool(one.is_review), bool(one.direction_only)) if isinstance(one, MentionAnswer) else one
        for one in answer
    ]
    return _digest(repr(sorted(told, key=repr)))
