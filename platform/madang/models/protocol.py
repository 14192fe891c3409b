"""What crosses the border to a model. Every lane, batch included, is an iterator of requests turned into outcomes.

A lane *pulls*: the engine claims a request and writes down its intent when the lane takes it, not before. So a
lane that sends one call at a time, two hundred at once or a file of a million is the same to the engine, and
what was never pulled was never claimed. A failed call is an outcome, not an exception: one post cannot end a run.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, Protocol, cast, runtime_checkable

from pydantic import JsonValue, TypeAdapter

from madang.errors import PermanentFailure
from madang.models.specs import Lane

# Alternatives under a thousandth move no confidence, and would be nine tenths of what ops.replies stores.
LEAST_LOGPROB = -7.0

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True)
class Image:
    """A picture that goes with a turn.

    Args:
        content: Its bytes, or where it lies (https, or gs with Gemini).
        media_type: Such as image/jpeg.
    """

    content: bytes | str
    media_type: str

    @property
    def digest(self) -> str:
        """What a request hash says of it. Bytes at an address may change: whoever must notice sends the bytes."""
        return self.content if isinstance(self.content, str) else hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class StoredImage:
    """A picture in a file, whose bytes are read when they are sent: those of all posts in a queue fill the memory.

    Args:
        path: Its file.
        media_type: Such as image/jpeg.
        digest: SHA-256 of its bytes when the request was made.
    """

    path: Path
    media_type: str
    digest: str

    @property
    def content(self) -> bytes:
        """Its bytes.

        Raises:
            PermanentFailure: It is not there any more, or is another picture than the request's hash says.
        """
        try:
            content = self.path.read_bytes()
        except OSError:
            content = b""
        if hashlib.sha256(content).hexdigest() != self.digest:
            raise PermanentFailure("image", "the picture has changed since the request was made", "Run again")
        return content


@dataclass(frozen=True)
class Message:
    """One turn; its images stand before its text."""

    role: Role
    content: str
    images: tuple[Image | StoredImage, ...] = ()


@dataclass(frozen=True)
class Request:
    """What is really sent in one call. Its hash is the identity of the answer.

    Args:
        messages: Prompt, examples and the masked post, in turns.
        schema: JSON Schema of the reply.
        model: Identity of the model, such as `local:a5fd3b…`.
        max_tokens: Most tokens of the reply.
    """

    messages: tuple[Message, ...]
    schema: dict[str, JsonValue] = field(hash=False)
    model: str
    max_tokens: int

    @cached_property
    def hash(self) -> str:
        """SHA-256 over everything that is sent. Decoding is greedy, so it has no other parameter."""
        content = {
            "messages": [
                [message.role, message.content, *(image.digest for image in message.images)]
                for message in self.messages
            ],
            "schema": self.schema,
            "model": self.model,
            "max_tokens": self.max_tokens,
        }
        return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True)
class Token:
    """One token of a reply.

    Args:
        text: Its text; pieces of a split code point are joined to the last one.
        logprob: Natural logarithm of its probability before the grammar.
        top: Likeliest tokens at this place, with their logarithms, the likeliest first.
    """

    text: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()

    def __reduce__(self) -> tuple[type["Token"], tuple[object, ...]]:
        # What a dataclass does by itself takes four times as long, and students send tokens by the thousand.
        return Token, (self.text, self.logprob, self.top)


@dataclass(frozen=True)
class Reply:
    """The raw answer to one request: the only thing ever paid for.

    Args:
        request_hash: Which request it answers.
        text: As received.
        finish: `length` if the reply was cut at the token limit.
        input_tokens: Tokens of the request, cached ones included.
        output_tokens: Tokens of the reply.
        cached_tokens: Tokens of the request that were read from a cache.
        seconds: From sending to the last token.
        usd: What it cost, US dollars.
        tokens: The reply's tokens; empty if the model gives no probabilities.
    """

    request_hash: str
    text: str
    finish: Literal["stop", "length"]
    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    seconds: float = 0.0
    usd: float = 0.0
    tokens: tuple[Token, ...] = ()

    def to_json(self) -> dict[str, JsonValue]:
        """Plain form for the spool."""
        return cast("dict[str, JsonValue]", _REPLY.dump_python(self))

    @classmethod
    def from_json(cls, plain: JsonValue) -> "Reply":
        """Reads the plain form back."""
        return _REPLY.validate_python(plain)


def tokens_of(text: str) -> tuple[Token, ...]:
    """Reads tokens back from the JSON that ops.replies keeps."""
    return _TOKENS.validate_json(text)


_REPLY = TypeAdapter(Reply)
_TOKENS = TypeAdapter(tuple[Token, ...])


@dataclass(frozen=True)
class Failure:
    """A call that brought no reply.

    Args:
        request_hash: Which request failed.
        failure: Class of the failure, as in the ledger and in quarantine.
        message: For the operator; holds no post text.
        is_transient: Whether the same request may succeed later.
        usd: What it cost all the same, US dollars; None if nobody knows: it counts at what was reserved.
        retry_after_seconds: How long the server asked to wait; None if it did not say.
        is_overload: Whether the server said that it gets too much.
    """

    request_hash: str
    failure: str
    message: str
    is_transient: bool
    usd: float | None = 0.0
    retry_after_seconds: float | None = None
    is_overload: bool = False


Outcome = Reply | Failure


class Model(Protocol):
    """A lane to one model. Opening it loads weights or connects; only an open model is sent anything."""

    @property
    def lane(self) -> Lane:
        """How values of this model came."""

    def open(self) -> AbstractAsyncContextManager[None]:
        """Holds whatever sending needs; waits for a lock that another process holds.

        Raises:
            ModelFileError: The model's file is missing or is not the declared one.
        """

    def send(self, requests: AsyncIterator[Request]) -> AsyncIterator[Outcome]:
        """Sends every request it pulls, and yields outcomes in the order in which they come."""

    def reserved_usd(self, request: Request) -> float:
        """Most that one call can cost, US dollars; reserved before it is sent."""


@runtime_checkable
class BulkModel(Model, Protocol):
    """A model that answers posts by the thousand: the engine claims, keeps and reads them a batch at a time."""

    @property
    def bulk_posts(self) -> int:
        """Most posts of a batch."""

    @property
    def patience_seconds(self) -> float:
        """How long a batch that is not full waits for one more post."""

    def send_batches(self, batches: AsyncIterator[Sequence[Request]]) -> AsyncIterator[Sequence[Outcome]]:
        """See `send`; each request of a batch has one outcome, not necessarily in a batch of the same posts."""
