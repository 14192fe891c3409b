"""What a student that is loaded answers: replies of posts that it may keep, `abstained` for the others.

It stands in the lane's own process, in one beside it or in an actor of Ray, maybe on another machine: it is handed
turns, and gives back outcomes and what the audit has to note. It writes nothing.
"""

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from pydantic import JsonValue

from madang.distillation.promise import make_promise
from madang.distillation.registry import StoredStudent
from madang.distillation.student import Said
from madang.errors import TooLong
from madang.models.protocol import Failure, Outcome, Reply, Token
from madang.models.specs import StudentModel

_LEAST, _MOST = 0.002, 0.9995
_TOO_LARGE = "the student's memory does not hold this post alone"


@dataclass(frozen=True)
class Asked:
    """What a student needs of a request.

    Args:
        request_hash: Which request.
        turn: What a model is shown of the post.
        fields: The asked fields, in order.
        is_audited: Whether the next model answers it too if the student would keep it.
    """

    request_hash: str
    turn: str
    fields: tuple[str, ...]
    is_audited: bool = False


@dataclass(frozen=True)
class Answered:
    """What came of a batch.

    Args:
        outcomes: Of its posts, in order.
        notes: For the audit: turns of posts that the student would keep, and what it says of them.
    """

    outcomes: list[Outcome]
    notes: list[tuple[str, dict[str, Said]]] = field(default_factory=list)

    def __add__(self, other: "Answered") -> "Answered":
        return Answered([*self.outcomes, *other.outcomes], [*self.notes, *other.notes])


class StudentAnswers:
    """A student that is loaded.

    Args:
        spec: What the settings say.
        stored: The student.

    Raises:
        ModelFileError: A file was changed.
    """

    def __init__(self, spec: StudentModel, stored: StoredStudent) -> None:
        self._spec, self._student, self._records = spec, stored.load(), stored.records()
        self._heads = self._student.heads_by_field
        # By the names that requests use, which are those that fields had first.
        self._fields = {field.asked_as(name): name for name, field in self._student.fields.items()}
        self._thresholds: dict[tuple[str, ...], float | None] = {}

    def answer(self, batch: Sequence[Asked]) -> Answered:
        """Answers a batch. One that does not fit the memory is cut in two, and those again."""
        started = time.perf_counter()
        try:
            said = self._student.says([asked.turn for asked in batch])
        except MemoryError:
            return split(self.answer, batch)
        seconds = (time.perf_counter() - started) / len(batch)
        answered = Answered([])
        for asked, one in zip(batch, said, strict=True):
            answered.outcomes.append(self._outcome(asked, one, seconds, answered.notes))
        return answered

    def _outcome(
        self, asked: Asked, said: dict[str, Said], seconds: float, notes: list[tuple[str, dict[str, Said]]]
    ) -> Outcome:
        own = {self._fields[name]: said[self._fields[name]] for name in asked.fields if name in self._fields}
        if self._spec.answers == "sure":
            unknown = next((name for name in asked.fields if name not in self._fields), None)
            if unknown is not None:
                return abstained(asked, f"it has not learnt {unknown}")
            threshold = self._threshold(tuple(own))
            if threshold is None or min(one.confidence for one in own.values()) < threshold:
                return abstained(asked, "it is not sure of every field")
            if asked.is_audited:
                notes.append((asked.turn, own))
                return abstained(asked, "the audit asks the next model about it")
        tokens = self._tokens(own)
        text = "".join([token.text for token in tokens])
        return Reply(asked.request_hash, text, "stop", len(asked.turn), len(text), seconds=seconds, tokens=tokens)

    def _tokens(self, said: dict[str, Said]) -> tuple[Token, ...]:
        """A reply in tokens: each value one token, or one an item, whose probability is how sure it is."""
        tokens = [_OPENED]
        for name, one in said.items():
            field, classes = self._student.fields[name], self._heads[name].classes
            answer = field.as_asked(one.guess.answer)
            if answer is None:
                continue
            tokens.append(_key(field.asked_as(name), is_first=len(tokens) == 1))
            if isinstance(answer, list):
                for place, item in enumerate(answer):
                    tokens += [_NEXT_ITEM if place else _FIRST_ITEM, _token(item, one.confidence, classes)]
                tokens.append(_LIST_CLOSED)
            else:
                tokens.append(_token(answer, one.confidence, classes))
        return (*tokens, _CLOSED)

    def _threshold(self, names: tuple[str, ...]) -> float | None:
        """How sure a post must be so that the promise holds of the fields that are asked."""
        if names not in self._thresholds:
            promise = make_promise(self._records.of(names), self._spec.precision)
            self._thresholds[names] = promise.threshold
        return self._thresholds[names]


def split(answer: Callable[[Sequence[Asked]], Answered], batch: Sequence[Asked]) -> Answered:
    """Answers the halves of a batch that did not fit the memory; a single post that does not is too long for good."""
    if len(batch) == 1:
        return Answered([Failure(batch[0].request_hash, TooLong.failure, _TOO_LARGE, is_transient=False)])
    half = len(batch) // 2
    return answer(batch[:half]) + answer(batch[half:])


def abstained(asked: Asked, why: str) -> Failure:
    """The failure of a post that is left to the next model."""
    return Failure(asked.request_hash, "abstained", why, is_transient=False)


_OPENED, _CLOSED, _FIRST_ITEM, _NEXT_ITEM, _LIST_CLOSED = (Token(text, 0.0) for text in ("{", "}", "[", ", ", "]"))


@lru_cache(maxsize=1024)
def _key(name: str, *, is_first: bool) -> Token:
    return Token(f"{'' if is_first else ', '}{json.dumps(name)}: ", 0.0)


def _token(value: JsonValue, confidence: float, classes: tuple[str, ...]) -> Token:
    """A value; one of a closed list beside another of the list, since confidence is renormalised over those."""
    text, other = _spelt(value, classes) if isinstance(value, str | bool) else (_json(value), None)
    sure = min(max(confidence, _LEAST), _MOST)
    logprob = math.log(sure)
    beside = ((other, math.log(1 - sure)),) if other is not None else ()
    return Token(text, logprob, ((text, logprob), *beside))


@lru_cache(maxsize=4096)
def _spelt(value: str | bool, classes: tuple[str, ...]) -> tuple[str, str | None]:
    """A value as it stands in a reply, and another of its closed list."""
    text = _json(value)
    quote = '"' if isinstance(value, str) else ""
    return text, next((f"{quote}{name}{quote}" for name in classes if name and f"{quote}{name}{quote}" != text), None)


def _json(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False)
