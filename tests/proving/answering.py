"""From a request to its answer: written down, perhaps somebody killed, perhaps a fault, then time, then the truth."""

import asyncio
import json
import os
import re
import signal
from dataclasses import replace
from typing import Any

from fakes import answer as truth_of

from proving import anthropic, gemini, openai
from proving.asked import Asked, Said, id_of
from proving.connection import Answer, Incoming
from proving.journal import Journal
from proving.script import Kill, Rule, Script, uniform
from proving.tokens import split

_VERTEX = re.compile(r"^/v1(?:beta1)?/projects/[^/]+/locations/[^/]+/publishers/google/models/([^/:]+):generateContent")
# Faults that are an HTTP status: the status, what it is called, what it says. What it says quotes the request, so that
# a client that passes messages on is found out.
STATUSES = {
    "rate_limited": (429, "rate_limit_exceeded", "Slow down"),
    "quota": (429, "insufficient_quota", "You exceeded your current quota"),
    "unavailable": (503, "unavailable", "The model is overloaded"),
    "server_error": (500, "server_error", "Internal error"),
    "too_long": (400, "context_length_exceeded", "The input token count (9000) exceeds the maximum"),
    "bad_request": (400, "invalid_value", "Invalid value"),
    "unauthorized": (401, "invalid_api_key", "Incorrect API key"),
    "forbidden": (403, "permission_denied", "Permission denied"),
    "not_found": (404, "model_not_found", "No such model"),
}  # fmt: skip


class Models:
    """All dialects of the server."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.script = Script()
        self._counts: dict[str, int] = {}

    def set_script(self, script: Script) -> None:
        """Takes a new script; kills count from now."""
        self.script, self._counts = script, {}

    def kill(self, kind: str) -> Kill | None:
        """Counts a request; the kill that is due with it. One that is due before the answer is done."""
        kill = self.script.kill
        if kill is None or kill.on not in ("any", kind):
            return None
        self._counts[kill.on] = self._counts.get(kill.on, 0) + 1
        if self._counts[kill.on] != kill.at:
            return None
        if kill.moment == "before":
            os.kill(kill.pid, signal.SIGKILL)
            return None
        return kill

    def read(self, incoming: Incoming) -> Asked | None:
        """What a request asks; None if it is no question to a model."""
        vertex = _VERTEX.match(incoming.path)
        if not vertex and not incoming.path.endswith(("/chat/completions", "/messages")):
            return None
        body: dict[str, Any] = json.loads(incoming.body)
        request_id, chars = id_of(incoming), len(incoming.body)
        if vertex:
            return gemini.read(body, vertex[1], request_id, chars)
        read = openai.read if incoming.path.endswith("/chat/completions") else anthropic.read
        return read(body, request_id, chars)

    async def answer(self, asked: Asked, incoming: Incoming) -> Answer:
        """Answers a question."""
        journal, script = self.journal, self.script
        journal.seen[asked.id] += 1
        attempt = journal.seen[asked.id]
        elapsed = journal.elapsed()
        rule = self._rule(asked, journal.by_kind["model"] + 1, attempt, elapsed)
        fault = rule.fault if rule else ""
        if script.key and incoming.headers.get("authorization") != f"Bearer {script.key}":
            fault = "unauthorized"
        seconds = script.latency.draw(uniform(script.seed, "latency", asked.id, attempt))
        if fault in STATUSES and fault != "server_error":
            seconds = 0.0  # who refuses, refuses at once
        seconds += rule.seconds if rule and fault == "slow" else 0.0
        journal.enter("model", asked.id, asked.model, fault, seconds, asked.images)
        kill = self.kill("model")
        journal.arrive()
        try:
            if seconds:
                await asyncio.sleep(seconds)
            found = self._answer(asked, fault, rule, incoming)
        finally:
            journal.leave()
        return found if kill is None else replace(found, then=lambda: os.kill(kill.pid, signal.SIGKILL))

    def reply(self, asked: Asked, fault: str) -> dict[str, Any]:
        """The body of a good answer, or of one whose fault is in what it says."""
        said = say(asked, fault)
        cached = int(asked.chars // 3 * self.script.cached_share)
        if asked.dialect == "gemini":
            return gemini.write(asked, said, cached, self.script.thought_tokens)
        return (openai.write if asked.dialect == "openai" else anthropic.write)(asked, said, cached)

    def _answer(self, asked: Asked, fault: str, rule: Rule | None, incoming: Incoming) -> Answer:
        if fault in STATUSES:
            status, code, message = STATUSES[fault]
            write = {"gemini": gemini.error, "openai": openai.error, "anthropic": anthropic.error}[asked.dialect]
            quoted = f"{message}: {incoming.headers.get('authorization', '')} {asked.post}"
            after = (rule.retry_after or (f"{rule.seconds:g}" if rule.seconds else "")) if rule else ""
            return Answer(write(status, quoted, code), status, {"retry-after": after} if after else {})
        body = json.dumps(self.reply(asked, fault), ensure_ascii=False).encode()
        match fault:
            case "reset" | "drop":
                return Answer(b"", manner=fault)
            case "cut_body":
                return Answer(body, manner="cut")
            case "drip":
                assert rule is not None
                return Answer(body, manner="drip", seconds=rule.seconds)
            case _:
                return Answer(body)

    def _rule(self, asked: Asked, number: int, attempt: int, elapsed: float) -> Rule | None:
        return next((rule for rule in self.script.rules if self._strikes(rule, asked, number, attempt, elapsed)), None)

    def _strikes(self, rule: Rule, asked: Asked, number: int, attempt: int, elapsed: float) -> bool:
        window = rule.window
        return (
            rule.holds in asked.post
            and rule.model in ("", asked.model)
            and rule.first <= number <= rule.last
            and number % rule.every == 0
            and attempt <= rule.times
            and asked.max_tokens < rule.max_tokens_below
            and (rule.complaints is None or rule.complaints == asked.is_complaint)
            and (rule.share == 1 or uniform(self.script.seed, rule.fault, asked.id) < rule.share)
            and (window is None or elapsed % window.period_seconds >= window.period_seconds - window.open_seconds)
        )


def answer_and_kill(body: bytes, kill: Kill | None) -> Answer:
    """A plain answer, after which a kill is due."""
    return Answer(body, then=None if kill is None else lambda: os.kill(kill.pid, signal.SIGKILL))


def say(asked: Asked, fault: str) -> Said:
    """What the model says: the truth about the post, unless a fault spoils it."""
    if fault in ("refusal", "blocked"):
        return Said("", fault, ())
    if fault == "prose" or asked.schema is None:
        text = "I am sorry, I cannot do that."
    elif fault == "wrong_schema":
        text = json.dumps({"answer": {"confidence": "high"}})
    else:
        text = json.dumps(truth_of(asked.post, asked.schema), ensure_ascii=False)
    if fault == "truncated_json":
        text = text[: len(text) // 2]
    pieces = split(text)
    most = min(asked.max_tokens, 3) if fault == "length" else asked.max_tokens
    if len(pieces) > most:
        return Said("".join(pieces[:most]), "length", tuple(pieces[:most]))
    return Said(text, "stop", tuple(pieces))
