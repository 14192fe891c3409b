"""OpenAI's chat completions, and the servers that speak them: vLLM, Ollama, llama-server."""

import base64
import json
import os
from collections.abc import Mapping

from pydantic import JsonValue, TypeAdapter
from typing_extensions import TypedDict

from madang.errors import CallFailed, InputError, PermanentFailure
from madang.models.http_errors import failure_of
from madang.models.online import refused
from madang.models.online_specs import OpenAIModel
from madang.models.prices import Prices
from madang.models.protocol import LEAST_LOGPROB, Image, Message, Reply, Request, StoredImage, Token

OPENAI_URL = "https://api.openai.com/v1"
# What strict mode does not take; the validator sees to them afterwards.
_UNKNOWN_TO_STRICT = frozenset({"minLength", "maxLength"})
_Json = dict[str, JsonValue]


class _Top(TypedDict, total=False):
    token: str
    logprob: float
    bytes: list[int] | None


class _Token(_Top, total=False):
    top_logprobs: list[_Top]


class _Logprobs(TypedDict, total=False):
    content: list[_Token] | None


class _Message(TypedDict, total=False):
    content: str | None
    refusal: str | None


class _Choice(TypedDict, total=False):
    message: _Message
    finish_reason: str | None
    logprobs: _Logprobs | None


class _Details(TypedDict, total=False):
    cached_tokens: int | None


class _Usage(TypedDict, total=False):
    prompt_tokens: int
    completion_tokens: int
    prompt_tokens_details: _Details | None


class _Choices(TypedDict):
    choices: list[_Choice]


class _Answer(_Choices, total=False):
    usage: _Usage | None


_ANSWER = TypeAdapter(_Answer)


class OpenAIDialect:
    """How OpenAI, or a server like it, is asked."""

    def __init__(self, spec: OpenAIModel) -> None:
        self._spec = spec
        self._variable = spec.key_variable or (None if spec.base_url else "OPENAI_API_KEY")
        self._formats: dict[int, tuple[_Json, _Json]] = {}
        self.place = f"{spec.model} at {spec.base_url or 'OpenAI'}"
        self.url = f"{(spec.base_url or OPENAI_URL).rstrip('/')}/chat/completions"
        self.thinking_tokens = spec.thinking_tokens

    async def headers(self) -> Mapping[str, str]:
        """See `Dialect`."""
        if self._variable is None:
            return {}
        key = os.environ.get(self._variable)
        if not key:
            raise InputError("environment", f"{self._variable} is not set", "Set it to the provider's key")
        return {"Authorization": f"Bearer {key}"}

    def body(self, request: Request) -> bytes:
        """See `Dialect`."""
        spec = self._spec
        plain: _Json = {
            "model": spec.model,
            "messages": [_turn(turn) for turn in request.messages],
            "response_format": self._format(request.schema),
        }
        # OpenAI has given up the one name, some servers do not know the other.
        limit = "max_completion_tokens" if spec.base_url is None else "max_tokens"
        plain[limit] = request.max_tokens + spec.thinking_tokens
        if spec.effort is not None:
            plain["reasoning_effort"] = spec.effort
        else:
            plain["temperature"] = 0
            if spec.logprobs:
                plain |= {"logprobs": True, "top_logprobs": spec.logprobs}
        return json.dumps(plain, ensure_ascii=False).encode()

    def read(self, request_hash: str, body: bytes, prices: Prices) -> Reply:
        """See `Dialect`."""
        answer = _ANSWER.validate_json(body)
        usage: _Usage = answer.get("usage") or {}
        sent, received = usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0)
        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        usd = prices.usd(sent, received, cached)
        choice: _Choice = next(iter(answer["choices"]), _Choice())
        message: _Message = choice.get("message", {})
        text, reason = message.get("content") or "", choice.get("finish_reason")
        if message.get("refusal") or reason == "content_filter" or (not text and reason != "length"):
            raise refused(self.place, "refusal" if message.get("refusal") else reason or "no text", usd)
        tokens = _tokens((choice.get("logprobs") or {}).get("content") or [])
        finish = "length" if reason == "length" else "stop"
        return Reply(request_hash, text, finish, sent, received, cached, usd=usd, tokens=tokens)  # type: ignore[arg-type]

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> CallFailed:
        """See `Dialect`."""
        key = f"Correct the environment variable {self._variable}" if self._variable else "Name the key in key_variable"
        return failure_of(self.place, status, headers, body, key)

    def _format(self, schema: _Json) -> _Json:
        if id(schema) not in self._formats:
            strict = self._spec.has_strict_schema
            made: _Json = {"name": "reply", "schema": strict_schema(schema) if strict else schema}
            if strict:
                made["strict"] = True
            self._formats[id(schema)] = (schema, {"type": "json_schema", "json_schema": made})
        return self._formats[id(schema)][1]


def strict_schema(schema: _Json) -> _Json:
    """A JSON Schema as OpenAI's strict mode wants it: every key required, null where it is not stated."""
    made: _Json = {key: value for key, value in schema.items() if key not in _UNKNOWN_TO_STRICT}
    if isinstance(properties := schema.get("properties"), dict):
        required = schema.get("required")
        stated = required if isinstance(required, list) else []
        made["properties"] = {
            name: _nested(child) if name in stated else _or_null(_nested(child)) for name, child in properties.items()
        }
        made["required"] = list(properties)
        made["additionalProperties"] = False
    if "items" in schema:
        made["items"] = _nested(schema["items"])
    return made


def _nested(schema: JsonValue) -> _Json:
    assert isinstance(schema, dict)
    return strict_schema(schema)


def _or_null(schema: _Json) -> _Json:
    made = schema | {"type": [schema["type"], "null"]}
    if isinstance(values := schema.get("enum"), list):
        made["enum"] = [*values, None]
    return made


def _tokens(raw: list[_Token]) -> tuple[Token, ...]:
    """Tokens; the pieces of a split code point are joined to the last one."""
    made = []
    pending = b""
    lost = 0.0
    for one in raw:
        piece, logprob = one.get("bytes"), one.get("logprob", 0.0)
        data = pending + (one.get("token", "").encode() if piece is None else bytes(piece))
        try:
            text = data.decode()
        except UnicodeDecodeError:
            pending, lost = data, lost + logprob
            continue
        # Alternatives to a piece are pieces: they say nothing of the joined text.
        tops = () if pending else one.get("top_logprobs", ())
        top = tuple([
            (other.get("token", ""), likelihood)
            for other in tops
            if (likelihood := other.get("logprob", 0.0)) > LEAST_LOGPROB
        ])  # fmt: skip
        made.append(Token(text, logprob + lost, top))
        pending, lost = b"", 0.0
    return tuple(made)


def _turn(turn: Message) -> _Json:
    if not turn.images:
        return {"role": turn.role, "content": turn.content}
    parts: list[JsonValue] = [{"type": "image_url", "image_url": {"url": _address(image)}} for image in turn.images]
    return {"role": turn.role, "content": [*parts, {"type": "text", "text": turn.content}]}


def _address(image: Image | StoredImage) -> str:
    content = image.content
    if isinstance(content, bytes):
        return f"data:{image.media_type};base64,{base64.b64encode(content).decode()}"
    if not content.startswith(("http://", "https://")):
        raise PermanentFailure("image", f"this provider reads no {content.partition(':')[0]}: address",
                               "Give its bytes, or an https address")  # fmt: skip
    return content
