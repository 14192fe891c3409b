"""The standing audit: of the posts that a student would keep, a fixed share is asked of the next model as well.

Which ones is decided by hash, so that nobody chooses and a second run takes the same. The next model's answers stand
for them; the student's are written down as digests, for they may quote a post. Where both are known the promise is
checked: evidence that it is broken closes the lane, which leaves every post to the next model, and tells people on
call.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from madang.alerts import alert
from madang.distillation.audited_field import AuditedField
from madang.distillation.dataset import field_keys, labelled_post, without_places
from madang.distillation.promise import PRECISION
from madang.distillation.registry import Registry, StoredStudent
from madang.distillation.student import Said
from madang.errors import ModelFileError
from madang.evaluation.answers import Answer, MentionAnswer
from madang.evaluation.stored import stored_predictions
from madang.extraction.plan import recipe_name
from madang.models.catalogue import Catalogue
from madang.models.specs import StudentModel
from madang.posts.table import CURRENT, content_hash_sql
from madang.recipe import recipe_of
from madang.settings import Settings
from madang.task import Task
from madang.warehouse.protocol import Warehouse

_SCALE = 1 << 32
_CHUNK_POSTS = 2_000


class Audits:
    """The audit's notes of one student.

    Args:
        home: The state's folder.
        student: The student.
    """

    def __init__(self, home: Path, student: StoredStudent) -> None:
        folder = home / "students" / student.manifest.task / "audits"
        self._notes, self._closed, self._told = (
            folder / f"{student.identity}.{kind}" for kind in ("jsonl", "closed", "told")
        )
        self._identity = student.identity

    @property
    def closed(self) -> str | None:
        """When and why its lane was closed; None while it is open. Read anew: a run of hours must see it."""
        return self._closed.read_text("utf-8").strip() if self._closed.is_file() else None

    @property
    def is_told(self) -> bool:
        """Whether people on call know that it is closed."""
        return self._told.is_file()

    def takes(self, turn: str, share: float) -> bool:
        """Whether a post is in the sample."""
        digest = hashlib.sha256(f"{self._identity}:{turn}".encode()).digest()
        return int.from_bytes(digest[:4], "big") < share * _SCALE

    def note(self, asked: Iterable[tuple[str, Mapping[str, Said]]]) -> None:
        """Writes down what the student would have said of posts, each as a model is shown it."""
        lines = [
            json.dumps(
                {"turn": _digest(turn), "said": {name: _answer_digest(one.guess.value) for name, one in said.items()}}
            )
            for turn, said in asked
        ]
        if not lines:
            return
        self._notes.parent.mkdir(parents=True, exist_ok=True)
        with self._notes.open("a", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())

    def notes(self) -> dict[str, dict[str, str]]:
        """Digests of what it would have said, by digest of the post."""
        if not self._notes.is_file():
            return {}
        found = {}
        for text in self._notes.read_text("utf-8").splitlines():
            try:
                line = json.loads(text)
            except ValueError:  # cut by a process that was killed; its post is not audited
                continue
            found[line["turn"]] = line["said"]
        return found

    def close(self, reason: str) -> None:
        """Closes the lane of this student for good; another student opens it again."""
        self._closed.write_text(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC: {reason}\n", encoding="utf-8")

    def tell(self, home: Path, text: str) -> str | None:
        """Tells people on call, once; gives why they could not be told."""
        problem = alert(home, text)
        if problem is None:
            self._told.touch()
        return problem


@dataclass(frozen=True)
class Audit:
    """What the audit of a released student says.

    Args:
        student: Its name; empty where none is released.
        precision: What it promised.
        noted: Posts of which its answer was noted.
        fields: The audited fields; none where nothing is known yet.
        closed: When and why its lane was closed; None where it is open.
        untold: Why people on call could not be told of that; None if they were, or need not be.
    """

    student: str
    precision: float
    noted: int
    fields: Mapping[str, AuditedField]
    closed: str | None
    untold: str | None = None

    @property
    def summary(self) -> str:
        """In one line."""
        if not self.student:
            return "no student is released"
        known = "; ".join(f"{name} {one.told(self.precision)}" for name, one in self.fields.items())
        if self.closed is not None:
            untold = f" Nobody could be told ({self.untold}); the next audit tries again." if self.untold else ""
            return f"{self.student} is closed, {self.closed}. {REMEDY}.{untold}"
        if not self.fields:
            why = f"{self.noted} posts noted, of none is the next model's answer known" if self.noted else "no post yet"
            return f"{self.student} is open; nothing audited ({why})"
        return f"{self.student} is open; it promised {self.precision:.0%}, and where audited: {known}"


REMEDY = (
    "All its posts go to the next model, at that model's price; `madang distil` with newer labels, or `madang distil "
    "TASK --rollback`, puts another student there"
)


def is_audit_due(home: Path, task: str) -> bool:
    """Whether an audit may say something new: a student is released, and it is not known to be closed already."""
    registry = Registry(home)
    released = registry.released(task)
    if released is None:
        return False
    try:
        audits = Audits(home, registry.find(released[0]))
    except ModelFileError:  # its own audit says so; raised here, it would keep every other task from its own
        return True
    return audits.closed is None or not audits.is_told


def audit_released(task: Task, settings: Settings, warehouse: Warehouse) -> Audit:
    """Compares what the released student would have said with what the next model said; closes its lane if it must.

    Args:
        task: The task, as its rows are made now.
        settings: The project's settings.
        warehouse: Where rows and posts are.

    Raises:
        ModelFileError: The released student was changed.
        InputError: Nobody can be told: the address is none.
    """
    registry, precision = Registry(settings.home), _promised(task, settings)
    if registry.released(task.name) is None:
        return Audit("", precision, 0, {}, None)
    student = registry.find(task.name)
    audits = Audits(settings.home, student)
    notes = audits.notes()
    counts: dict[str, list[bool]] = {}
    for digest, answers in _rows(task, settings, warehouse, student, set(notes)):
        for name in notes[digest].keys() & answers.keys():
            counts.setdefault(name, []).append(_answer_digest(answers[name]) == notes[digest][name])
    found = {name: AuditedField(sum(counts[name]), len(counts[name])) for name in task.fields if name in counts}
    broken = [f"{name} {one.told(precision)}" for name, one in found.items() if one.is_broken(precision, len(found))]
    if broken and audits.closed is None:
        audits.close(f"right less often than the {precision:.0%} promised: {'; '.join(broken)}")
    untold = None
    if audits.closed is not None and not audits.is_told:
        untold = audits.tell(settings.home, f"madang: student {student.name} is closed, {audits.closed}. {REMEDY}.")
    return Audit(student.name, precision, len(notes), found, audits.closed, untold)


def _promised(task: Task, settings: Settings) -> float:
    """The most that the settings have a student of the task promise."""
    specs = [spec for spec in settings.models.values() if isinstance(spec, StudentModel) and spec.answers == "sure"]
    return max((spec.precision for spec in specs if spec.student.partition("@")[0] == task.name), default=PRECISION)


def _rows(
    task: Task, settings: Settings, warehouse: Warehouse, student: StoredStudent, wanted: set[str]
) -> Iterator[tuple[str, dict[str, Answer]]]:
    """What others than a student have said of audited posts since the student is there, by the post's digest."""
    if not wanted or not warehouse.has(task.table.name):
        return
    recipe = recipe_name(warehouse, recipe_of(task, Catalogue(settings).identity))
    if recipe is None:
        return
    keys, left = field_keys(task), set(wanted)
    rows = warehouse.read(
        f'SELECT source, post_id, content_hash FROM attributes."{task.name}" '
        "WHERE recipe = ? AND lane <> 'student' AND extracted_at >= ? ORDER BY extracted_at DESC",
        [recipe, student.manifest.created_at],
    )
    for chunk in rows.iter_slices(_CHUNK_POSTS):
        chosen = dict(_audited(task, warehouse, chunk, left))
        predictions = stored_predictions(
            warehouse, task, recipe, {(source, post_id): hashed for source, post_id, hashed in chosen}
        ).rows
        for (source, post_id, _), digest in chosen.items():
            said = predictions.get((source, post_id))
            if said is not None and digest in left:
                left.remove(digest)
                yield digest, {name: without_places(one.predicted(said)) for name, one in keys.items()}
        if not left:
            return


def _audited(
    task: Task, warehouse: Warehouse, rows: pl.DataFrame, wanted: set[str]
) -> Iterator[tuple[tuple[str, str, str], str]]:
    """Of rows, those of audited posts: source, post_id and content hash, with the post's digest."""
    own = content_hash_sql(task.text_columns, images=task.most_images)
    posts = warehouse.read(
        f"SELECT * FROM (SELECT *, {own} AS content_hash FROM (SELECT p.* FROM raw.posts p SEMI JOIN made "
        f"USING (source, post_id) {CURRENT}) WHERE NOT deleted) SEMI JOIN made USING (source, post_id, content_hash)",
        frames={"made": rows},
    )
    for row in posts.iter_rows(named=True):
        digest = _digest(labelled_post(task, row, {}, "extraction").turn)
        if digest in wanted:
            yield (row["source"], row["post_id"], row["content_hash"]), digest


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
