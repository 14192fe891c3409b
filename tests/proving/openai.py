"""OpenAI's chat completions: what its requests ask, and how its answers look."""

import json
import time
from typing import Any

from proving.asked import Asked, Said, plain_schema, question, sent_image
from proving.tokens import probable


def read(body: dict[str, Any], request_id: str, chars: int) -> Asked:
    """Reads a request."""
    content, is_complaint = question([turn["content"] for turn in body["messages"] if turn["role"] == "user"])
    images: list[str] = []
    if isinstance(content, list):
        images = [_image(part["image_url"]["url"]) for part in content if part["type"] == "image_url"]
        content = "\n".join(part["text"] for part in content if part["type"] == "text")
    schema = body.get("response_format", {}).get("json_schema", {}).get("schema")
    return Asked(
        request_id, "openai", body["model"], content, plain_schema(schema) if schema else None,
        int(body.get("max_completion_tokens") or body.get("max_tokens") or 8192),
        int(body.get("top_logprobs", 0)) if body.get("logprobs") else None, chars, tuple(images),
        is_complaint,
    )  # fmt: skip


def _image(url: str) -> str:
    if not url.startswith("data:"):
        return url
    media_type, _, data = url.removeprefix("data:").partition(";base64,")
    return sent_image(media_type, data)


def write(asked: Asked, said: Said, cached: int) -> dict[str, Any]:
    """Writes an answer. A token that holds part of a code point only is written as OpenAI does: in bytes."""
    prompt = asked.chars // 3
    message: dict[str, Any] = {"role": "assistant", "content": said.text, "refusal": None}
    reason = "length" if said.finish == "length" else "stop"
    if said.finish == "blocked":
        message["content"], reason = None, "content_filter"
    if said.finish == "refusal":
        message |= {"content": None, "refusal": "I cannot help with that."}
    choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": reason, "logprobs": None}
    if asked.top_logprobs is not None and message["content"] is not None:
        tops = [probable(piece, at, max(asked.top_logprobs, 1)) for at, piece in enumerate(said.pieces)]
        choice["logprobs"] = {
            "content": [
                token
                for top in tops
                for token in _tokens(top[0][0], top[0][1], [_token(*one) for one in top[: asked.top_logprobs]])
            ],
            "refusal": None,
        }
    return {
        "id": f"chatcmpl-{asked.id[:24]}", "object": "chat.completion", "created": int(time.time()),
        "model": asked.model,
        "choices": [choice],
        "usage": {
            "prompt_tokens": prompt, "completion_tokens": len(said.pieces), "total_tokens": prompt + len(said.pieces),
            "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        },
    }  # fmt: skip


def error(status: int, message: str, code: str) -> bytes:
    """Writes an error."""
    kind = "invalid_request_error" if status < 429 else "server_error"
    return json.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}}).encode()


def _tokens(text: str, logprob: float, top: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A token; one that ends in a letter of three bytes becomes two, split inside of it."""
    data = text.encode()
    if len(data) == len(text) or text[-1] < "\u0800":
        return [_token(text, logprob) | {"top_logprobs": top}]
    head, tail = data[:-1], data[-1:]
    return [_piece(head, logprob) | {"top_logprobs": top}, _piece(tail, 0.0) | {"top_logprobs": []}]


def _token(text: str, logprob: float) -> dict[str, Any]:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode())}


def _piece(data: bytes, logprob: float) -> dict[str, Any]:
    return {"token": "".join(f"\\x{byte:02x}" for byte in data), "logprob": logprob, "bytes": list(data)}
