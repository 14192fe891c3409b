"""Madang's own lanes asked directly, without an engine: what a lane makes of a request."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from pydantic import JsonValue, TypeAdapter

from madang.models.online_lanes import online_lane
from madang.models.protocol import Image, Message, Model, Outcome, Request, StoredImage
from madang.models.specs import ModelSpec
from proving.client import Proving

_SPEC: TypeAdapter[Any] = TypeAdapter(ModelSpec)
SCHEMA: dict[str, JsonValue] = {
    "type": "object",
    "properties": {
        "topics": {"type": "array", "items": {"type": "string", "enum": ["running", "hiking"]}, "maxItems": 2},
        "is_open": {"type": "boolean"},
        "word": {"type": "string", "minLength": 1, "maxLength": 20},
    },
    "required": ["topics"],
    "additionalProperties": False,
}


def request(post: str = "주말 running 모집", max_tokens: int = 100, *images: Image | StoredImage) -> Request:
    """A request with a prompt, an example and a post."""
    turns = (Message("system", "Read the post."), Message("user", "hiking"), Message("assistant", '{"topics": []}'))
    return Request((*turns, Message("user", post, images)), SCHEMA, "asked", max_tokens)


def gemini(server: Proving, **settings: Any) -> Model:
    """The lane to Gemini."""
    return made("gemini", model="gemini-2.5-flash", project="p", base_url=server.url, credentials="local", **settings)


def openai(server: Proving, **settings: Any) -> Model:
    """The lane to an OpenAI-compatible server."""
    return made("openai", model="gpt-4o-mini", base_url=f"{server.url}/v1", **settings)


def anthropic(server: Proving, **settings: Any) -> Model:
    """The lane to Anthropic through pydantic-ai; its environment must name the server."""
    return made("pydantic-ai", model="anthropic:claude-haiku-4-5", **settings)


def made(provider: str, **settings: Any) -> Model:
    """A lane out of settings, as the catalogue makes it."""
    return online_lane(_SPEC.validate_python({"lane": "online", "provider": provider, **settings}))


def ask(lane: Model, *requests: Request) -> list[Outcome]:
    """Sends requests, and waits for all outcomes."""

    async def pulled() -> AsyncIterator[Request]:
        for one in requests:
            yield one

    async def sent() -> list[Outcome]:
        async with lane.open():
            return [outcome async for outcome in lane.send(pulled())]

    return asyncio.run(sent())
