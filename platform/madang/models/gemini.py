"""Gemini on Vertex AI: what generateContent is sent, and what it answers. The batch lane writes the same bodies."""

import base64
import json
from collections.abc import Mapping
from typing import Literal

from pydantic import JsonValue, TypeAdapter
from typing_extensions import TypedDict

from madang.errors import CallFailed, Refused
from madang.models import google_token
from madang.models.google_token import GoogleToken
from madang.models.http_errors import failure_of
from madang.models.online import refused
from madang.models.online_specs import GeminiModel, VertexModel
from madang.models.prices import Prices
from madang.models.protocol import LEAST_LOGPROB, Image, Message, Reply, Request, StoredImage, Token

# Models that cannot do without thought get the least they take.
_LEAST_THOUGHT = {"gemini-2.5-pro": 128, "gemini-2.5-flash": 0}
_SCHEMA_KEYS = frozenset({"type", "enum", "minItems", "maxItems", "minLength", "maxLength", "required", "description",
                          "minimum", "maximum", "nullable"})  # fmt: skip
_Json = dict[str, JsonValue]


class _Part(TypedDict, total=False):
    text: str
    thought: bool


class _Content(TypedDict, total=False):
    parts: list[_Part]


class _Candidate(TypedDict, total=False):
    token: str
    logProbability: float


class _Candidates(TypedDict, total=False):
    candidates: list[_Candidate]


class _Logprobs(TypedDict, total=False):
    chosenCandidates: list[_Candidate]
    topCandidates: list[_Candidates]


class _Choice(TypedDict, total=False):
    content: _Content
    finishReason: str
    logprobsResult: _Logprobs


class _Usage(TypedDict, total=False):
    promptTokenCount: int
    candidatesTokenCount: int
    thoughtsTokenCount: int
    cachedContentTokenCount: int


class _Feedback(TypedDict, total=False):
    blockReason: str


class _Said(TypedDict, total=False):
    candidates: list[_Choice]
    promptFeedback: _Feedback


class _Answer(_Said):
    usageMetadata: _Usage


_ANSWER = TypeAdapter(_Answer)


class GeminiDialect:
    """How Gemini is asked."""

    def __init__(self, spec: GeminiModel) -> None:
        self._spec = spec
        self._token = GoogleToken(is_local=spec.credentials == "local")
        self._schemas = Schemas()
        self.place = f"{spec.model} on Vertex AI"
        path = f"projects/{spec.project}/locations/{spec.location}/publishers/google/models/{spec.model}"
        self.url = f"{spec.api_url}/{path}:generateContent"

    @property
    def thinking_tokens(self) -> int:
        """See `Dialect`."""
        return thinking_budget(self._spec) or 0

    async def headers(self) -> Mapping[str, str]:
        """See `Dialect`."""
        return {"Authorization": f"Bearer {await self._token.get()}"}

    def body(self, request: Request) -> bytes:
        """See `Dialect`."""
        return json.dumps(request_body(request, self._spec, self._schemas), ensure_ascii=False).encode()

    def read(self, request_hash: str, body: bytes, prices: Prices) -> Reply:
        """See `Dialect`."""
        return read_answer(self.place, request_hash, body, prices)

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> CallFailed:
        """See `Dialect`."""
        return failure_of(self.place, status, headers, body, google_token.REMEDY)


class Schemas:
    """Schemas as Vertex AI wants them; a task's requests share one, so it is made once."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[_Json, _Json]] = {}

    def of(self, schema: _Json) -> _Json:
        if id(schema) not in self._made:
            self._made[id(schema)] = (schema, vertex_schema(schema))  # held, so that its id stays its own
        return self._made[id(schema)][1]


def request_body(request: Request, spec: VertexModel, schemas: Schemas | None = None) -> _Json:
    """A generateContent request, as sent online and written in a batch job's rows.

    Args:
        request: The request.
        spec: The model's settings.
        schemas: Schemas made already.
    """
    system: list[JsonValue] = [{"text": turn.content} for turn in request.messages if turn.role == "system"]
    thought = thinking_budget(spec)
    config: _Json = {
        "temperature": 0,
        "maxOutputTokens": request.max_tokens + (thought or 0),
        "responseMimeType": "application/json",
        "responseSchema": (schemas or Schemas()).of(request.schema),
    }
    if thought is not None:
        config["thinkingConfig"] = {"thinkingBudget": thought}
    if spec.logprobs:
        config |= {"responseLogprobs": True, "logprobs": spec.logprobs}
    body: _Json = {"contents": [_turn(turn) for turn in request.messages if turn.role != "system"]}
    if system:
        body["systemInstruction"] = {"parts": system}
    return body | {"generationConfig": config}


def thinking_budget(spec: VertexModel) -> int | None:
    """Tokens of thought that a request asks for; None leaves them to the model."""
    if spec.thinking_tokens is not None:
        return spec.thinking_tokens
    return next((least for name, least in _LEAST_THOUGHT.items() if spec.model.startswith(name)), None)


def vertex_schema(schema: _Json) -> _Json:
    """A JSON Schema as Vertex AI's own kind, which alone can say in which order keys are answered."""
    made: _Json = {key: value for key, value in schema.items() if key in _SCHEMA_KEYS}
    made["type"] = str(schema["type"]).upper()
    if isinstance(properties := schema.get("properties"), dict):
        made["properties"] = {name: _nested(child) for name, child in properties.items()}
        made["propertyOrdering"] = list(properties)
    if "items" in schema:
        made["items"] = _nested(schema["items"])
    return made


def read_answer(place: str, request_hash: str, body: bytes | str, prices: Prices) -> Reply:
    """Reads a generateContent answer, as received online and found in a batch job's rows.

    Args:
        place: Which model, for messages.
        request_hash: Which request it answers.
        body: JSON.
        prices: What it costs.

    Raises:
        Refused: The answer was withheld.
        ValidationError: It is no answer.
    """
    answer = _ANSWER.validate_json(body)
    usage = answer["usageMetadata"]
    sent, cached = usage.get("promptTokenCount", 0), usage.get("cachedContentTokenCount", 0)
    received = usage.get("candidatesTokenCount", 0) + usage.get("thoughtsTokenCount", 0)
    usd = prices.usd(sent, received, cached)
    choice: _Choice = next(iter(answer.get("candidates", [])), _Choice())
    reason = choice.get("finishReason", "")
    parts = choice.get("content", {}).get("parts", [])
    text = "".join(part.get("text", "") for part in parts if not part.get("thought"))
    finish: Literal["stop", "length"] = "length" if reason == "MAX_TOKENS" else "stop"
    if finish == "stop" and (reason != "STOP" or not text):
        raise _withheld(place, answer, reason, usd)
    tokens = _tokens(choice.get("logprobsResult", {}))
    return Reply(request_hash, text, finish, sent, received, cached, usd=usd, tokens=tokens)


def _withheld(place: str, answer: _Answer, reason: str, usd: float) -> Refused:
    return refused(place, answer.get("promptFeedback", {}).get("blockReason") or reason or "no candidate", usd)


def _tokens(logprobs: _Logprobs) -> tuple[Token, ...]:
    chosen = logprobs.get("chosenCandidates", [])
    tops = logprobs.get("topCandidates", [])
    made = []
    for index, one in enumerate(chosen):
        others = tops[index].get("candidates", []) if index < len(tops) else []
        top = tuple([
            (other.get("token", ""), logprob)
            for other in others
            if (logprob := other.get("logProbability", 0.0)) > LEAST_LOGPROB
        ])  # fmt: skip
        made.append(Token(one.get("token", ""), one.get("logProbability", 0.0), top))
    return tuple(made)


def _nested(schema: JsonValue) -> _Json:
    assert isinstance(schema, dict)
    return vertex_schema(schema)


def _turn(turn: Message) -> _Json:
    parts: list[JsonValue] = [_image(image) for image in turn.images]
    return {"role": "model" if turn.role == "assistant" else "user", "parts": [*parts, {"text": turn.content}]}


def _image(image: Image | StoredImage) -> _Json:
    content = image.content
    if isinstance(content, str):
        return {"fileData": {"fileUri": content, "mimeType": image.media_type}}
    return {"inlineData": {"data": base64.b64encode(content).decode(), "mimeType": image.media_type}}
