"""Active choice: of the posts that nobody has answered, the next ones worth paying the teacher for, and what they cost.

A student doubts a post as it doubts its least sure field. Posts that it would keep in a cascade are left out: they
would not reach the teacher. Where there is no student yet, posts are chosen for unlikeness alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf

from pydantic import JsonValue

from madang.distillation.audit import Audits
from madang.distillation.diverse import most_telling
from madang.distillation.promise import make_promise
from madang.distillation.registry import Registry, StoredStudent
from madang.distillation.teacher import teacher_task
from madang.errors import InputError
from madang.extraction.dry_run import DryRun
from madang.extraction.estimate import estimate
from madang.extraction.leases import Leased
from madang.extraction.plan import Days, Plan, make_plan
from madang.extraction.prepared import Preparation, PreparedPost
from madang.extraction.selection import selection_of
from madang.models.catalogue import Catalogue
from madang.models.specs import StudentModel
from madang.recipe import recipe_of
from madang.schema import asked
from madang.settings import Settings
from madang.task import Task
from madang.warehouse.protocol import Warehouse

# A field of mentions takes a linear student 20 ms a post: this many are looked at in two minutes.
MOST_LOOKED_AT = 5_000
_CHUNK_POSTS = 500
_SEED = 7


@dataclass(frozen=True)
class ChosenPost:
    """A post worth paying for.

    Args:
        source: Its source.
        post_id: The source's own id.
        field: The field of which the student is least sure; empty without a student.
        confidence: How sure it is, 0 to 1; None without a student.
        stands_for: Posts among the most doubtful that are more like it than like another chosen one, itself included.
    """

    source: str
    post_id: str
    field: str
    confidence: float | None
    stands_for: int

    def to_json(self) -> dict[str, JsonValue]:
        """Plain form: a line of the file that `madang run --only` reads."""
        known: dict[str, JsonValue] = {}
        if self.confidence is not None:
            known = {"field": self.field, "confidence": round(self.confidence, 3)}
        return {"source": self.source, "post_id": self.post_id, **known, "stands_for": self.stands_for}


@dataclass(frozen=True)
class Choice:
    """The posts to pay for.

    Args:
        student: Whose doubts decided; empty where there is none.
        is_released: Whether it is the released one.
        pending: Posts without an answer.
        looked_at: Those among which was chosen: a sample of the pending ones if they are many.
        kept: Those of them that the student answers itself.
        posts: The chosen ones, the first drawn first.
        paying: What a run of them would do and cost.
    """

    student: str
    is_released: bool
    pending: int
    looked_at: int
    kept: int
    posts: tuple[ChosenPost, ...]
    paying: DryRun

    def to_json(self) -> dict[str, JsonValue]:
        """Plain form."""
        return {
            "student": self.student or None, "pending": self.pending, "looked_at": self.looked_at, "kept": self.kept,
            "posts": [post.to_json() for post in self.posts], "paying": self.paying.to_json(),
        }  # fmt: skip


@dataclass(frozen=True)
class _Candidate:
    """A post that may be chosen, with the field of which the student is least sure and how sure it is of that."""

    post: PreparedPost
    turn: str
    field: str = ""
    confidence: float | None = None


def choose_posts(task: Task, settings: Settings, warehouse: Warehouse, days: Days, most: int) -> Choice:
    """Chooses among the pending posts of some days; sends and writes nothing.

    Args:
        task: The task.
        settings: The project's settings.
        warehouse: Where posts and rows are.
        days: First and last partition, both included.
        most: Most posts.

    Raises:
        InputError: No model is asked in the task, so that there is nobody to pay.
        NothingPlanned: No post is pending.
        ModelFileError: The student was changed.
    """
    teacher = teacher_task(task, settings)
    if teacher is None:
        raise InputError(task.name, "no model is asked in it, so that there is no teacher to pay",
                         "Name a model under `models`, and let it decide a field")  # fmt: skip
    catalogue = Catalogue(settings)
    plan = make_plan(warehouse, task, recipe_of(task, catalogue.identity), days)
    plan.require_posts()
    looked_at = list(_askable(Preparation(warehouse, teacher, catalogue), plan))
    candidates, doubts = looked_at, None
    student = _student(Registry(settings.home), task)
    if student is not None:
        least, judged = _kept_from(task, settings, student), _judged(student, looked_at)
        candidates = [one for one in judged if one.confidence is None or one.confidence < least]
        doubts = [1 - (one.confidence or 0.0) for one in candidates]
    drawn = most_telling([one.turn for one in candidates], doubts, most)
    chosen = tuple(_chosen(candidates[one.at], one.stands_for) for one in drawn)
    bought = plan.only(selection_of((post.source, post.post_id) for post in chosen))
    paying = DryRun(bought, None, estimate(warehouse, teacher, catalogue, bought), Leased())
    released = Registry(settings.home).released(task.name)
    name = student.name if student is not None else ""
    return Choice(
        name, released is not None and released[0] == name, plan.posts.height, len(looked_at),
        len(looked_at) - len(candidates), chosen, paying,
    )  # fmt: skip


def _askable(preparation: Preparation, plan: Plan) -> Iterator[_Candidate]:
    """Posts about which a model would be asked, one of each text."""
    looked_at = plan.posts
    if looked_at.height > MOST_LOOKED_AT:
        looked_at = looked_at.sample(MOST_LOOKED_AT, seed=_SEED)
    seen: set[str] = set()
    for chunk in looked_at.iter_slices(_CHUNK_POSTS):
        for post in preparation.prepare(chunk):
            if post.request is not None and post.request.hash not in seen:
                seen.add(post.request.hash)
                yield _Candidate(post, post.request.messages[-1].content)


def _student(registry: Registry, task: Task) -> StoredStudent | None:
    """The released student, else the newest: one that was refused knows as well what it does not know."""
    if registry.released(task.name) is not None:
        return registry.find(task.name)
    names = registry.names(task.name)
    return registry.find(names[-1]) if names else None


def _judged(stored: StoredStudent, candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """The candidates with what the student thinks of them."""
    student = stored.load()
    found = []
    for start in range(0, len(candidates), _CHUNK_POSTS):
        part = candidates[start : start + _CHUNK_POSTS]
        for one, said in zip(part, student.says([one.turn for one in part]), strict=True):
            field = min(said, key=lambda name: said[name].confidence)
            found.append(replace(one, field=field, confidence=said[field].confidence))
    return found


def _chosen(one: _Candidate, stands_for: int) -> ChosenPost:
    return ChosenPost(one.post.source, one.post.post_id, one.field, one.confidence, stands_for)


def _kept_from(task: Task, settings: Settings, student: StoredStudent) -> float:
    """How sure it must be of a post to keep it, if the task's route asks it first and its lane is open."""
    if Audits(settings.home, student).closed is not None:
        return inf
    for route in task.declaration.models:
        spec = settings.models.get(route.use)
        names = list(asked(task.fields))
        if isinstance(spec, StudentModel) and spec.answers == "sure" and set(names) <= set(student.manifest.fields):
            if Registry(settings.home).find(spec.student).identity != student.identity:
                continue
            threshold = make_promise(student.records().of(names), spec.precision).threshold
            return inf if threshold is None else threshold
    return inf
