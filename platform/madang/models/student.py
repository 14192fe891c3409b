"""The lane to a student: a distilled classifier behind the same Protocol as a model that writes.

A reply's text is the JSON of the asked schema, its tokens hold how sure each value is, so that claims, spool, ledger
and evaluation know nothing of students. A post of which the student is not sure fails as `abstained`, which is for
good, and so goes to the route's fallback: the cascade is the engine's own way with models that cannot answer.
"""

import asyncio
import json
import math
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from pydantic import JsonValue

from madang.distillation.audit import Audits
from madang.distillation.heads import Head
from madang.distillation.promise import make_promise
from madang.distillation.registry import Registry, StoredStudent
from madang.distillation.student import Said
from madang.errors import ModelFileError
from madang.models.protocol import Failure, Outcome, Reply, Request, Token
from madang.models.specs import Lane, StudentModel

# How long a batch waits for one more post when no other is ready.
_PATIENCE_SECONDS = 0.005
_LEAST, _MOST = 0.002, 0.9995


class StudentLane:
    """A lane to one student of the registry; `open` reads and checks it.

    Args:
        spec: What the settings say.
        home: The state's folder.
        identity: As in request hashes.
    """

    lane: Lane = "student"

    def __init__(self, spec: StudentModel, home: Path, identity: str) -> None:
        self._spec, self._home, self._identity = spec, home, identity
        self._open: _Open | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """See `Model`."""
        self._open = await asyncio.to_thread(_Open, self._spec, self._home, self._identity)
        try:
            yield
        finally:
            self._open = None

    async def send(self, requests: AsyncIterator[Request]) -> AsyncIterator[Outcome]:
        """See `Model`. Pulls what is ready, up to a batch, and never waits for a full one: claims wait with it."""
        assert self._open is not None
        async for batch in _batches(requests, self._spec.batch_posts):
            for outcome in await asyncio.to_thread(self._open.answer, batch):
                yield outcome

    def reserved_usd(self, request: Request) -> float:
        """Nothing: the cores are ours."""
        return 0.0


class _Open:
    """A student that is loaded."""

    def __init__(self, spec: StudentModel, home: Path, identity: str) -> None:
        stored = Registry(home).find(spec.student)
        if identity_of(stored) != identity:
            raise ModelFileError(spec.student, "another student was released since the run began", "Run again")
        self._spec, self._student, self._records = spec, stored.load(), stored.records()
        self._audits = Audits(home, stored)
        self._thresholds: dict[tuple[str, ...], float | None] = {}

    def answer(self, batch: Sequence[Request]) -> list[Outcome]:
        """Outcomes of a batch, in its order."""
        if self._spec.answers == "sure" and self._audits.closed is not None:
            return [_abstained(request, "the lane is closed: the audit found its promise broken") for request in batch]
        started = time.perf_counter()
        turns = [request.messages[-1].content for request in batch]
        said = self._student.says(turns)
        seconds = (time.perf_counter() - started) / len(batch)
        return [
            self._outcome(request, turn, one, seconds) for request, turn, one in zip(batch, turns, said, strict=True)
        ]

    def _outcome(self, request: Request, turn: str, said: dict[str, Said], seconds: float) -> Outcome:
        names = list(cast("dict[str, JsonValue]", request.schema["properties"]))
        own = {name: said[name] for name in names if name in said}
        if self._spec.answers == "sure":
            unknown = next((name for name in names if name not in said), None)
            if unknown is not None:
                return _abstained(request, f"it has not learnt {unknown}")
            threshold = self._threshold(tuple(names))
            if threshold is None or min(one.confidence for one in own.values()) < threshold:
                return _abstained(request, "it is not sure of every field")
            if self._audits.takes(turn, self._spec.audit_share):
                self._audits.note(turn, own)
                return _abstained(request, "the audit asks the next model about it")
        tokens = _tokens(own, self._student.heads_by_field)
        text = "".join(token.text for token in tokens)
        return Reply(request.hash, text, "stop", len(turn), len(text), seconds=seconds, tokens=tokens)

    def _threshold(self, names: tuple[str, ...]) -> float | None:
        """How sure a post must be so that the promise holds of the fields that are asked."""
        if names not in self._thresholds:
            promise = make_promise(self._records.of(names), self._spec.precision)
            self._thresholds[names] = promise.threshold
        return self._thresholds[names]


def identity_of(stored: StoredStudent) -> str:
    """What a request hash says of a student."""
    return f"student:{stored.identity}"


def _abstained(request: Request, why: str) -> Failure:
    return Failure(request.hash, "abstained", why, is_transient=False)


def _tokens(said: dict[str, Said], heads: Mapping[str, Head]) -> tuple[Token, ...]:
    """A reply in tokens: each value one token, or one an item, whose probability is how sure it is."""
    tokens = [Token("{", 0.0)]
    stated = {name: one for name, one in said.items() if one.guess.answer is not None}
    for number, (name, one) in enumerate(stated.items()):
        tokens.append(Token(f"{', ' if number else ''}{json.dumps(name)}: ", 0.0))
        answer, classes = one.guess.answer, heads[name].classes
        if isinstance(answer, list):
            for place, item in enumerate(answer):
                tokens += [Token(", " if place else "[", 0.0), _token(item, one.confidence, classes)]
            tokens.append(Token("]", 0.0))
        else:
            tokens.append(_token(answer, one.confidence, classes))
    return (*tokens, Token("}", 0.0))


def _token(value: JsonValue, confidence: float, classes: Sequence[str]) -> Token:
    """A value; one of a closed list beside another of the list, since confidence is renormalised over those."""
    text = json.dumps(value, ensure_ascii=False)
    sure = min(max(confidence, _LEAST), _MOST)
    quote = '"' if isinstance(value, str) else ""
    other = next((name for name in classes if name and f"{quote}{name}{quote}" != text), None)
    beside = ((f"{quote}{other}{quote}", math.log(1 - sure)),) if other is not None else ()
    return Token(text, math.log(sure), ((text, math.log(sure)), *beside))


async def _batches(requests: AsyncIterator[Request], most: int) -> AsyncIterator[list[Request]]:
    """Batches of what is ready."""
    pulling: asyncio.Task[Request | None] | None = None
    try:
        while True:
            batch: list[Request] = []
            while len(batch) < most:
                pulling = pulling or asyncio.ensure_future(_next(requests))
                await asyncio.wait([pulling], timeout=_PATIENCE_SECONDS if batch else None)
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
