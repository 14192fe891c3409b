"""The one scripted model: answers from the text itself, writes down every request it is sent, and can die on demand."""

import asyncio
import json
import os
import re
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from madang.errors import Misconfigured, PermanentFailure, TransientFailure
from madang.models.calling import send_with
from madang.models.control import Rates
from madang.models.protocol import Outcome, Reply, Request, Token
from madang.models.specs import Lane


class ScriptedModel:
    """A model behind the real Protocol, in the process under test.

    Args:
        identity: As in the settings.
        concurrency: Calls in flight.
        log: File to which every request's hash is appended before it is answered.
        kill_at: Kills this process with -9 when it has received so many requests, before it answers.
        seconds: Time a call takes.
        fault: For posts that hold the word `fault`: `garbage`, `truncated`, `transient`, `permanent`, `misconfigured`,
            `flaky` (transient at first) or `sloppy` (garbage until it is told so).
        reserve: Most that a call may cost, if that is more than what it does.
        logprob: Logarithm of the probability of every reply, given as one token; none by default.
        gate: File that must be there before it answers; it does not wait by default.
    """

    lane: Lane = "online"

    def __init__(
        self, identity: str, concurrency: int, log: str, kill_at: int = 0, seconds: float = 0.0, fault: str = "",
        usd: float = 0.0, reserve: float = 0.0, logprob: float | None = None, gate: str = "",
    ) -> None:  # fmt: skip
        self._concurrency, self._log, self._kill_at, self._seconds = concurrency, Path(log), kill_at, seconds
        self._fault, self._usd, self._logprob, self._gate = fault, usd, logprob, Path(gate)
        self._received, self._reserve = 0, reserve
        self._times: Counter[str] = Counter()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        yield

    def reserved_usd(self, request: Request) -> float:
        return max(self._usd, self._reserve)

    def send(self, requests: AsyncIterator[Request]) -> AsyncIterator[Outcome]:
        return send_with(self._answer, requests, Rates(self._concurrency))

    async def _answer(self, request: Request) -> Reply:
        self._received += 1
        self._times[request.hash] += 1
        with self._log.open("a") as file:
            file.write(request.hash + "\n")
        if self._received == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        await asyncio.sleep(self._seconds)
        while not self._gate.exists():  # Path("") is the working folder, and is there
            await asyncio.sleep(0.02)
        post = post_of(request)
        text = json.dumps(answer(post, request.schema), ensure_ascii=False)
        if "fault" in post:
            match self._fault:
                case "transient":
                    raise TransientFailure("scripted", "503", "Try again")
                case "permanent":
                    raise PermanentFailure("scripted", "refused", "Give up")
                case "flaky" if self._times[request.hash] == 1:
                    raise TransientFailure("scripted", "429", "Try again", retry_after_seconds=0.01, is_overload=True)
                case "misconfigured":
                    raise Misconfigured("scripted", "the key was refused", "Correct it")
                case "garbage":
                    text = "I am sorry, I cannot do that."
                case "sloppy" if post_of(request) == request.messages[-1].content:
                    text = "I am sorry, I cannot do that."
                case "truncated" if request.max_tokens < 512:
                    return Reply(request.hash, text[:7], "length", len(post), 3)
        tokens = () if self._logprob is None else (Token(text, self._logprob),)
        return Reply(
            request.hash, text, "stop", len(post), len(text), seconds=self._seconds, usd=self._usd, tokens=tokens
        )


def post_of(request: Request) -> str:
    """The post that is asked about; a complaint stands two turns behind it."""
    is_complaint = request.messages[-1].content.startswith("That answer is not valid")
    return request.messages[-3 if is_complaint else -1].content


def answer(post: str, schema: dict) -> dict:
    """Reads a post by its schema: labels that stand in it, its first number, its first word."""
    found = {}
    for name, field in schema["properties"].items():
        match field:
            case {"type": "boolean"}:
                found[name] = "모집" in post
            case {"type": "string", "enum": labels}:
                found[name] = next((label for label in labels if label in post), labels[-1])
            case {"type": "array", "items": {"type": "object", "properties": {"text": _, **small}}}:
                words = [word for word in post.split() if word.startswith("#")]
                found[name] = [{"text": word, **answer(post, {"properties": small})} for word in words]
            case {"type": "array"}:
                found[name] = [label for label in field["items"]["enum"] if label in post][: field["maxItems"]]
            case {"type": "string"}:
                if words := post.split():
                    found[name] = words[0][: field["maxLength"]]
            case _:
                if numbers := re.findall(r"\d+", post):
                    found[name] = int(numbers[0])
    return found
