"""The lane to a student: a distilled classifier behind the same Protocol as a model that writes.

A reply's text is the JSON of the asked schema, its tokens hold how sure each value is, so that claims, spool, ledger
and evaluation know nothing of students. A post of which the student is not sure fails as `abstained`, which is for
good, and so goes to the route's fallback: the cascade is the engine's own way with models that cannot answer.

An evaluation asks for a few posts, and is answered in this process; the engine sends batches, which go to a process
beside it or to Ray's actors while it claims, keeps and reads those before and after them.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, closing, contextmanager
from pathlib import Path

from madang.distillation.audit import Audits
from madang.distillation.registry import Registry, StoredStudent
from madang.errors import ModelFileError
from madang.models.protocol import Outcome, Request
from madang.models.specs import Lane, StudentModel
from madang.models.student_answers import Answered, Asked, StudentAnswers, abstained
from madang.models.student_batches import answered_beside

# How long a batch waits for one more post when no other is ready.
_PATIENCE_SECONDS, _LEAST_PATIENCE_SECONDS = 0.02, 0.005
# A data set of Ray takes seconds to start, whatever its size.
_RAY_POSTS, _RAY_PATIENCE_SECONDS = 50_000, 2.0

# What answers a batch, in one part or several.
Answer = Callable[[Sequence[Asked]], Iterator[Answered]]


class StudentLane:
    """A lane to one student of the registry; `open` finds it and checks its files.

    Args:
        spec: What the settings say.
        home: The state's folder.
        identity: As in request hashes.
    """

    lane: Lane = "student"

    def __init__(self, spec: StudentModel, home: Path, identity: str) -> None:
        self._spec, self._home, self._identity = spec, home, identity
        self._stored: StoredStudent | None = None

    @property
    def bulk_posts(self) -> int:
        """See `BulkModel`."""
        return self._spec.batch_posts if self._spec.engine == "process" else _RAY_POSTS

    @property
    def patience_seconds(self) -> float:
        """See `BulkModel`."""
        return _PATIENCE_SECONDS if self._spec.engine == "process" else _RAY_PATIENCE_SECONDS

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """See `Model`. Whoever answers loads the student, before it is sent anything."""
        stored = Registry(self._home).find(self._spec.student)
        if f"student:{stored.identity}" != self._identity:
            raise ModelFileError(self._spec.student, "another student was released since the run began", "Run again")
        await asyncio.to_thread(stored.check)
        self._stored = stored
        try:
            yield
        finally:
            self._stored = None

    async def send(self, requests: AsyncIterator[Request]) -> AsyncIterator[Outcome]:
        """See `Model`. Pulls what is ready, up to a batch, and never waits for a full one: claims wait with it."""
        assert self._stored is not None
        answers = await asyncio.to_thread(StudentAnswers, self._spec, self._stored)

        def answer(batch: Sequence[Asked]) -> Iterator[Answered]:
            yield answers.answer(batch)

        async for outcomes in self._sent(answer, _batches(requests, self._spec.batch_posts)):
            for outcome in outcomes:
                yield outcome

    async def send_batches(self, batches: AsyncIterator[Sequence[Request]]) -> AsyncIterator[Sequence[Outcome]]:
        """See `BulkModel`."""
        assert self._stored is not None
        beside = _process if self._spec.engine == "process" else _ray
        opening = beside(self._spec, self._stored)
        answer = await asyncio.to_thread(opening.__enter__)
        try:
            async for outcomes in self._sent(answer, batches):
                yield outcomes
        finally:
            await asyncio.to_thread(opening.__exit__, None, None, None)

    def reserved_usd(self, request: Request) -> float:
        """Nothing: the cores are ours."""
        return 0.0

    def _sent(self, answer: Answer, batches: AsyncIterator[Sequence[Request]]) -> AsyncIterator[list[Outcome]]:
        assert self._stored is not None
        audits, is_cautious = Audits(self._home, self._stored), self._spec.answers == "sure"

        def audited(requests: Sequence[Request]) -> Iterator[list[Outcome]]:
            batch = [self._asked(request, audits) for request in requests]
            if is_cautious and audits.closed is not None:
                yield [abstained(asked, "the lane is closed: the audit found its promise broken") for asked in batch]
                return
            for answered in answer(batch):
                audits.note(answered.notes)
                yield answered.outcomes

        return answered_beside(audited, batches)

    def _asked(self, request: Request, audits: Audits) -> Asked:
        """Of a whole request: the prompt and its examples are not for students."""
        turn, properties = request.messages[-1].content, request.schema["properties"]
        assert isinstance(properties, dict)
        is_audited = self._spec.answers == "sure" and audits.takes(turn, self._spec.audit_share)
        return Asked(request.hash, turn, tuple(properties), is_audited)


@contextmanager
def _process(spec: StudentModel, stored: StoredStudent) -> Iterator[Answer]:
    from madang.models.student_process import StudentProcess

    with closing(StudentProcess(spec, stored)) as process:
        yield lambda batch: iter([process.answer(batch)])


def _ray(spec: StudentModel, stored: StoredStudent) -> AbstractContextManager[Answer]:
    from madang.models.student_ray import ray_actors

    return ray_actors(spec, stored)


async def _batches(requests: AsyncIterator[Request], most: int) -> AsyncIterator[list[Request]]:
    """Batches of what is ready."""
    pulling: asyncio.Task[Request | None] | None = None
    try:
        while True:
            batch: list[Request] = []
            while len(batch) < most:
                pulling = pulling or asyncio.ensure_future(_next(requests))
                await asyncio.wait([pulling], timeout=_LEAST_PATIENCE_SECONDS if batch else None)
                if not pulling.done():
                    break
                request, pulling = pulling.result(), None
                if request is None:
                    if batch:
                        yield batch
                    return
                batch.append(request)
            yield batch
    finally:
        if pulling is not None:
            pulling.cancel()


async def _next(requests: AsyncIterator[Request]) -> Request | None:
    return await anext(requests, None)
