"""The contenders that are not madang: each asks the requests of a file and writes its replies' texts to another.

Run by engine.py in an interpreter of the contender's own: python engine_peers.py NAME REQUESTS URL IN_FLIGHT. A request
is a line {"id", "messages"}; the first line is {"model", "max_tokens", "schema"}. `BEGIN` is printed once everything is
imported and read, so that start-up can be told apart; nothing of madang may be imported here.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OPENAI_RETRIES = 20


@dataclass(frozen=True)
class Work:
    """What a contender is given.

    Args:
        url: Address up to and with /v1.
        in_flight: Most calls at a time.
        shared: Model, schema and limit of every request.
        requests: Each {"id", "messages"}.
    """

    url: str
    in_flight: int
    shared: dict[str, Any]
    requests: list[dict[str, Any]]

    @property
    def parameters(self) -> dict[str, Any]:
        """Everything of a request's body but its messages."""
        schema = {"name": "reply", "schema": self.shared["schema"]}
        return {
            "model": self.shared["model"], "max_tokens": self.shared["max_tokens"], "temperature": 0,
            "response_format": {"type": "json_schema", "json_schema": schema},
        }  # fmt: skip


def begin() -> None:
    """Says that start-up is over."""
    sys.stdout.write("BEGIN\n")
    sys.stdout.flush()


def bare_aiohttp(work: Work) -> list[str]:
    """Bodies sent by aiohttp, answers parsed; as many workers as calls may be in flight."""
    import aiohttp

    async def all_of_them() -> list[str]:
        texts: list[str] = []
        left = iter(work.requests)
        parameters, url = work.parameters, f"{work.url}/chat/completions"
        connector = aiohttp.TCPConnector(limit=work.in_flight)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(120)) as session:

            async def worker() -> None:
                for request in left:
                    body = json.dumps({**parameters, "messages": request["messages"]}, ensure_ascii=False).encode()
                    headers = {"Content-Type": "application/json", "X-Client-Request-Id": request["id"]}
                    async with session.post(url, data=body, headers=headers) as answer:
                        texts.append(json.loads(await answer.read())["choices"][0]["message"]["content"])

            await asyncio.gather(*(worker() for _ in range(work.in_flight)))
        return texts

    begin()
    return asyncio.run(all_of_them())


def openai_client(work: Work) -> list[str]:
    """The client `openai` with a semaphore; its own retries, so many that a burst does not end it."""
    import openai

    async def all_of_them() -> list[str]:
        client = openai.AsyncOpenAI(api_key="local", base_url=work.url, max_retries=OPENAI_RETRIES)
        places, parameters = asyncio.Semaphore(work.in_flight), work.parameters

        async def one(request: dict[str, Any]) -> str:
            async with places:
                answer = await client.chat.completions.create(
                    messages=request["messages"], extra_headers={"X-Client-Request-Id": request["id"]}, **parameters
                )
                return answer.choices[0].message.content or ""

        async with client:
            return list(await asyncio.gather(*map(one, work.requests)))

    begin()
    return asyncio.run(all_of_them())


def curator(work: Work) -> list[str]:
    """bespokelabs-curator's LLM over its OpenAI backend, without its cache, viewer and probing request.

    The probing request asks an empty list of messages for rate-limit headers that only OpenAI sends.
    """
    import litellm

    # Its encoding comes from the network otherwise; litellm carries the same file.
    os.environ["TIKTOKEN_CACHE_DIR"] = str(Path(litellm.__file__).parent / "litellm_core_utils" / "tokenizers")
    from bespokelabs import curator as library
    from bespokelabs.curator.request_processor.online import openai_online_request_processor as processor

    processor.OpenAIOnlineRequestProcessor.get_header_based_rate_limits = lambda self: (0, 0)

    class Asked(library.LLM):
        def prompt(self, row: dict[str, Any]) -> list[dict[str, str]]:
            return list(row["messages"])

        def parse(self, row: dict[str, Any], response: Any) -> dict[str, str]:
            return {"text": response if isinstance(response, str) else json.dumps(response)}

    parameters = work.parameters
    model = parameters.pop("model")
    asked = Asked(
        model_name=model, backend="openai", generation_params=parameters,
        backend_params={
            "base_url": work.url, "api_key": "local", "max_concurrent_requests": work.in_flight,
            "max_requests_per_minute": 10_000_000, "max_tokens_per_minute": 1_000_000_000_000, "max_retries": 20,
            "invalid_finish_reasons": [],
        },
    )  # fmt: skip
    begin()
    answered = asked([{"messages": request["messages"]} for request in work.requests])
    return [row["text"] for row in answered.dataset]


def daft_prompt(work: Work) -> list[str]:
    """daft's prompt function; it takes no turns, so the examples go into its system message."""
    import daft
    from daft.ai.openai.provider import OpenAIProvider
    from daft.functions import prompt

    parameters = work.parameters
    model = parameters.pop("model")
    first = work.requests[0]["messages"]
    system = "\n".join(turn["content"] for turn in first[:-1])
    provider = OpenAIProvider(name="bench", base_url=work.url, api_key="local")
    posts = daft.from_pydict({"post": [request["messages"][-1]["content"] for request in work.requests]})
    asked = prompt(daft.col("post"), system_message=system, provider=provider, model=model, use_chat_completions=True,
                   max_retries=20, **parameters)  # fmt: skip
    begin()
    return [str(text) for text in posts.select(asked.alias("text")).to_pydict()["text"] if text]


def ray_http(work: Work) -> list[str]:
    """Ray Data's HttpRequestProcessor with batches of one, as many as calls may be in flight.

    2.60 awaits the requests of a batch one after the other, and works at four batches at a time by default; with a
    batch for every call allowed, and blocks of a hundred, it had one call in flight.
    """
    os.environ |= {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_DATA_DEFAULT_ASYNC_BATCH_UDF_MAX_CONCURRENCY": str(work.in_flight),
    }
    import ray
    from ray.data.llm import HttpRequestProcessorConfig, build_processor

    ray.init(num_cpus=3, include_dashboard=False, log_to_driver=False, object_store_memory=1 << 30)
    config = HttpRequestProcessorConfig(
        url=f"{work.url}/chat/completions", headers={"Content-Type": "application/json"}, concurrency=1, batch_size=1,
        max_retries=20,
    )  # fmt: skip
    parameters = json.dumps(work.parameters)
    processor = build_processor(
        config,
        preprocess=lambda row: {"payload": {**json.loads(parameters), "messages": json.loads(row["messages"])}},
        postprocess=lambda row: {"text": row["http_response"]["choices"][0]["message"]["content"]},
    )
    rows = [{"messages": json.dumps(request["messages"])} for request in work.requests]
    begin()
    return [row["text"] for row in processor(ray.data.from_items(rows, override_num_blocks=1)).take_all()]


CONTENDERS: dict[str, Callable[[Work], list[str]]] = {
    "aiohttp": bare_aiohttp, "openai": openai_client, "curator": curator, "daft": daft_prompt, "ray": ray_http,
}  # fmt: skip


def main() -> None:
    """Runs one contender, and writes how many replies it gave back."""
    name, file, url, in_flight = sys.argv[1:]
    lines = [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines()]
    texts = CONTENDERS[name](Work(url, int(in_flight), lines[0], lines[1:]))
    sys.stdout.write(f"END {len([text for text in texts if text])}\n")


if __name__ == "__main__":
    main()
