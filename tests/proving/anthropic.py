"""Anthropic's messages: the one dialect that proves the lane to any other provider."""

import json
from typing import Any

from proving.asked import Asked, Said, plain_schema, question

KINDS = {
    400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
    429: "rate_limit_error", 500: "api_error", 503: "overloaded_error",
}  # fmt: skip


def read(body: dict[str, Any], request_id: str, chars: int) -> Asked:
    """Reads a request."""
    content, is_complaint = question([turn["content"] for turn in body["messages"] if turn["role"] == "user"])
    images: list[str] = []
    if isinstance(content, list):
        images = [str(part["source"].get("url") or part["source"].get("media_type")) for part in content
                  if part["type"] == "image"]  # fmt: skip
        content = "\n".join(part["text"] for part in content if part["type"] == "text")
    schema = (body.get("output_config") or body).get("format", {}).get("schema")
    return Asked(request_id, "anthropic", body["model"], content, plain_schema(schema) if schema else None,
                 int(body["max_tokens"]), None, chars, tuple(images), is_complaint)  # fmt: skip


def write(asked: Asked, said: Said, cached: int) -> dict[str, Any]:
    """Writes an answer. Its input_tokens leave the cached ones out."""
    is_refused = said.finish in ("refusal", "blocked")
    return {
        "id": f"msg_{asked.id[:24]}", "type": "message", "role": "assistant", "model": asked.model,
        "content": [] if is_refused else [{"type": "text", "text": said.text}],
        "stop_reason": "refusal" if is_refused else {"length": "max_tokens"}.get(said.finish, "end_turn"),
        "stop_sequence": None,
        "usage": {
            "input_tokens": asked.chars // 3 - cached, "cache_read_input_tokens": cached,
            "cache_creation_input_tokens": 0, "output_tokens": len(said.pieces),
        },
    }  # fmt: skip


def error(status: int, message: str, code: str) -> bytes:
    """Writes an error."""
    return json.dumps({"type": "error", "error": {"type": KINDS.get(status, code), "message": message}}).encode()
