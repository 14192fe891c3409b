"""What a request asks, whatever the dialect: the last user turn, a schema, a limit."""

import hashlib
import json
import re
from base64 import b64decode
from dataclasses import dataclass
from typing import Any, TypeVar

from proving.connection import Incoming

# How madang begins to complain.
COMPLAINT = "That answer is not valid"
T = TypeVar("T")
_KEYS = re.compile(r"_([a-z])")


@dataclass(frozen=True)
class Asked:
    """One question to a model.

    Args:
        id: The client's own id of the request, else the hash of its body.
        dialect: gemini, openai or anthropic.
        model: Name of the model.
        post: Text of the last user turn that asks.
        schema: JSON Schema of the answer; None if none was given.
        max_tokens: Most tokens of the answer.
        top_logprobs: Alternatives asked for; None if no probabilities were.
        chars: Length of the request.
        images: Where its images lie, or type and SHA-256 of those that came with it.
        is_complaint: Whether it says what is wrong with an answer and asks again.
    """

    id: str
    dialect: str
    model: str
    post: str
    schema: dict[str, Any] | None
    max_tokens: int
    top_logprobs: int | None
    chars: int
    images: tuple[str, ...] = ()
    is_complaint: bool = False


@dataclass(frozen=True)
class Said:
    """What a model says.

    Args:
        text: The reply's text.
        finish: stop, length, refusal or blocked (before it was read).
        pieces: Its tokens.
    """

    text: str
    finish: str
    pieces: tuple[str, ...]


def question(turns: list[T]) -> tuple[T, bool]:
    """The user turn that asks, and whether one behind it complains about the answer to it."""
    is_complaint = COMPLAINT in json.dumps(turns[-1])
    return turns[-2 if is_complaint else -1], is_complaint


def id_of(incoming: Incoming) -> str:
    """The id by which a request is logged."""
    return incoming.headers.get("x-client-request-id") or hashlib.sha256(incoming.body).hexdigest()


def sent_image(media_type: str, base64: str) -> str:
    """What is logged of an image that came with a request."""
    return f"{media_type} {hashlib.sha256(b64decode(base64)).hexdigest()}"


def plain_schema(node: Any) -> Any:
    """A JSON Schema out of what a dialect made of it: names, capitals, unions with null, dropped limits."""
    if not isinstance(node, dict):
        return node
    named = {_KEYS.sub(lambda match: match[1].upper(), key): value for key, value in node.items()}
    kind = named.get("type", "string" if "enum" in named else "object")
    if isinstance(kind, list):
        kind = next(one for one in kind if one != "null")
    plain: dict[str, Any] = named | {"type": kind.lower()}
    if "enum" in plain:
        plain["enum"] = [value for value in plain["enum"] if value is not None]
    if "properties" in plain:
        plain["properties"] = {name: plain_schema(child) for name, child in plain["properties"].items()}
    if plain["type"] == "array":
        plain["items"] = plain_schema(plain["items"])
        plain["maxItems"] = int(plain.get("maxItems", 1 << 30))
    if plain["type"] == "string" and "enum" not in plain:
        plain["maxLength"] = int(plain.get("maxLength", 1 << 30))
    return plain
