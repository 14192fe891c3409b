"""CPU of one call, each way of asking: `python -m proving.clients` from tests/; 2,000 calls, 100 in flight."""

import asyncio
import gc
import json
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import click
from pydantic import TypeAdapter

from madang.extraction.requests import prefix_messages
from madang.models.gemini import GeminiDialect
from madang.models.online_lanes import online_lane
from madang.models.online_specs import GeminiModel
from madang.models.protocol import Message, Request
from madang.models.specs import ModelSpec
from madang.schema import asked_schema
from madang.task import load_task
from proving.client import Proving, proving
from proving.script import Latency, Script

CALLS, IN_FLIGHT, SECONDS = 2000, 100, 0.2
Way = Callable[[Proving, list[Request]], Awaitable[int]]


def requests() -> list[Request]:
    """Requests of the task `groups`, each with a post of its own."""
    task = load_task(Path(__file__).resolve().parents[2], "groups")
    prefix, schema = prefix_messages(task), asked_schema(task.fields)
    body = "주말마다 한강에서 같이 뛰실 20대 30대 구해요. running 모집, 초보 환영, 참가비 없음. "
    return [
        Request((*prefix, Message("user", f"{body * 3}{number}번")), schema, "measured", 96) for number in range(CALLS)
    ]


async def lane(server: Proving, asked: list[Request], **settings: Any) -> int:
    """One of madang's own lanes."""
    plain = {"lane": "online", "concurrency": IN_FLIGHT, **settings}
    made = online_lane(TypeAdapter(ModelSpec).validate_python(plain))

    async def pulled() -> Any:
        for request in asked:
            yield request

    async with made.open():
        return sum([1 async for outcome in made.send(pulled()) if getattr(outcome, "text", "")])


async def gemini_lane(server: Proving, asked: list[Request], logprobs: int = 5) -> int:
    """Our lane to Gemini."""
    return await lane(server, asked, provider="gemini", model="gemini-2.5-flash", project="p", base_url=server.url,
                      credentials="local", logprobs=logprobs)  # fmt: skip


async def openai_lane(server: Proving, asked: list[Request], logprobs: int = 5) -> int:
    """Our lane to OpenAI."""
    return await lane(server, asked, provider="openai", model="gpt-4o-mini", base_url=f"{server.url}/v1",
                      logprobs=logprobs)  # fmt: skip


async def any_lane(server: Proving, asked: list[Request]) -> int:
    """Our lane over pydantic-ai's direct API."""
    os.environ |= {"ANTHROPIC_API_KEY": "local", "ANTHROPIC_BASE_URL": server.url}
    return await lane(server, asked, provider="pydantic-ai", model="anthropic:claude-haiku-4-5")


async def bare_aiohttp(server: Proving, asked: list[Request], logprobs: int = 5) -> int:
    """The least that can be done: bodies sent by aiohttp, answers parsed."""
    spec = GeminiModel(lane="online", provider="gemini", model="gemini-2.5-flash", project="p", base_url=server.url,
                       credentials="local", logprobs=logprobs)  # fmt: skip
    dialect = GeminiDialect(spec)
    headers = {**await dialect.headers(), "Content-Type": "application/json"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=IN_FLIGHT)) as session:

        async def one(request: Request) -> int:
            async with session.post(dialect.url, data=dialect.body(request), headers=headers) as answer:
                return len(json.loads(await answer.read())["candidates"])

        return await _all(one, asked)


async def google_genai(server: Proving, asked: list[Request], logprobs: int = 5, client: str = "aiohttp") -> int:
    """The client google-genai, over aiohttp or httpx."""
    from google import genai
    from google.genai import types
    from google.oauth2.credentials import Credentials

    options = types.HttpOptions(base_url=server.url, api_version="v1")
    if client == "httpx":
        import httpx

        options.httpx_async_client = httpx.AsyncClient(limits=httpx.Limits(max_connections=IN_FLIGHT), timeout=60)
    made = genai.Client(vertexai=True, project="p", location="global", credentials=Credentials(token="local"),
                        http_options=options)  # type: ignore[no-untyped-call]  # fmt: skip

    async def one(request: Request) -> int:
        contents = [types.Content(role="model" if turn.role == "assistant" else "user",
                                  parts=[types.Part(text=turn.content)])
                    for turn in request.messages if turn.role != "system"]  # fmt: skip
        config = types.GenerateContentConfig(
            system_instruction=request.messages[0].content, temperature=0, max_output_tokens=request.max_tokens,
            response_mime_type="application/json", response_json_schema=request.schema,
            response_logprobs=logprobs > 0, logprobs=logprobs or None,
            thinking_config=types.ThinkingConfig(thinking_budget=0),
        )  # fmt: skip
        answer = await made.aio.models.generate_content(model="gemini-2.5-flash", contents=contents, config=config)
        return 1 if answer.text else 0

    return await _all(one, asked)


async def openai_client(server: Proving, asked: list[Request], logprobs: int = 5) -> int:
    """The client openai."""
    import openai

    made = openai.AsyncOpenAI(api_key="local", base_url=f"{server.url}/v1", max_retries=0)
    try:
        return await _all(_completion(made, logprobs), asked)
    finally:
        await made.close()


def _completion(made: Any, logprobs: int) -> Callable[[Request], Awaitable[int]]:
    async def one(request: Request) -> int:
        answer = await made.chat.completions.create(
            model="gpt-4o-mini", temperature=0, max_tokens=request.max_tokens,
            messages=[{"role": turn.role, "content": turn.content} for turn in request.messages],
            response_format={"type": "json_schema", "json_schema": {"name": "reply", "schema": request.schema}},
            **({"logprobs": True, "top_logprobs": logprobs} if logprobs else {}),
        )  # fmt: skip
        return 1 if answer.choices[0].message.content else 0

    return one


async def _all(one: Callable[[Request], Awaitable[int]], asked: list[Request]) -> int:
    places = asyncio.Semaphore(IN_FLIGHT)

    async def held(request: Request) -> int:
        async with places:
            return await one(request)

    return sum(await asyncio.gather(*map(held, asked)))


WAYS: dict[str, Way] = {
    "bare aiohttp": bare_aiohttp,
    "bare aiohttp, no logprobs": lambda server, asked: bare_aiohttp(server, asked, 0),
    "gemini lane": gemini_lane,
    "gemini lane, no logprobs": lambda server, asked: gemini_lane(server, asked, 0),
    "google-genai over aiohttp": google_genai,
    "google-genai over aiohttp, no logprobs": lambda server, asked: google_genai(server, asked, 0),
    "google-genai over httpx, no logprobs": lambda server, asked: google_genai(server, asked, 0, "httpx"),
    "openai lane": openai_lane,
    "openai lane, no logprobs": lambda server, asked: openai_lane(server, asked, 0),
    "openai client": openai_client,
    "openai client, no logprobs": lambda server, asked: openai_client(server, asked, 0),
    "pydantic-ai lane (no logprobs)": any_lane,
}


def main() -> None:
    """Measures every way whose name holds the argument; all by default."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    asked = requests()
    script = Script(latency=Latency(seconds=SECONDS))
    with tempfile.TemporaryDirectory() as folder, proving(Path(folder), script) as server:
        for name, way in WAYS.items():
            if wanted not in name:
                continue
            asyncio.run(way(server, asked[:50]))  # imports, connections, caches
            gc.collect()
            served = server.counters()["cpu_seconds"]
            cpu, wall = time.process_time(), time.perf_counter()
            answered = asyncio.run(way(server, asked))
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            served = server.counters()["cpu_seconds"] - served
            ideal = CALLS / IN_FLIGHT * SECONDS
            click.echo(f"{name:42} {cpu / CALLS * 1000:5.2f} ms CPU a call, {ideal / wall:4.0%} of the ideal, "
                       f"{answered} answered, server {served / CALLS * 1000:.2f} ms")  # fmt: skip


if __name__ == "__main__":
    main()
