"""Vertex AI's generateContent: what its requests ask, and how its answers look."""

import json
import time
from typing import Any

from proving.asked import Asked, Said, plain_schema, question, sent_image
from proving.tokens import probable

STATUS = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE",
}  # fmt: skip


def read(body: dict[str, Any], model: str, request_id: str, chars: int) -> Asked:
    """Reads a request."""
    config = body.get("generationConfig", {})
    turns = [turn for turn in body["contents"] if turn.get("role", "user") == "user"]
    turn, is_complaint = question(turns)
    parts = turn["parts"]
    schema = config.get("responseJsonSchema") or config.get("responseSchema")
    images = [part["fileData"]["fileUri"] for part in parts if "fileData" in part]
    inline = [part["inlineData"] for part in parts if "inlineData" in part]
    images += [sent_image(one["mimeType"], one["data"]) for one in inline]
    return Asked(
        request_id, "gemini", model, "\n".join(part["text"] for part in parts if "text" in part),
        plain_schema(schema) if schema else None, int(config.get("maxOutputTokens", 8192)),
        int(config.get("logprobs", 0)) if config.get("responseLogprobs") else None, chars,
        tuple(images), is_complaint,
    )  # fmt: skip


def write(asked: Asked, said: Said, cached: int, thoughts: int) -> dict[str, Any]:
    """Writes an answer."""
    usage: dict[str, Any] = {"promptTokenCount": asked.chars // 3, "totalTokenCount": asked.chars // 3}
    if cached:
        usage["cachedContentTokenCount"] = cached
    if said.finish == "blocked":
        return _envelope(asked, usage) | {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
    if said.finish == "refusal":
        return _envelope(asked, usage) | {"candidates": [{"finishReason": "SAFETY", "index": 0}]}
    usage |= {"candidatesTokenCount": len(said.pieces)}
    if thoughts:
        usage["thoughtsTokenCount"] = thoughts
    usage["totalTokenCount"] += len(said.pieces) + thoughts
    candidate: dict[str, Any] = {
        "content": {"role": "model", "parts": [{"text": said.text}]},
        "finishReason": "MAX_TOKENS" if said.finish == "length" else "STOP",
    }
    if asked.top_logprobs is not None:
        tops = [probable(piece, at, max(asked.top_logprobs, 1)) for at, piece in enumerate(said.pieces)]
        candidate["avgLogprobs"] = sum(top[0][1] for top in tops) / max(len(tops), 1)
        candidate["logprobsResult"] = {
            "chosenCandidates": [_candidate(*top[0]) for top in tops],
            "topCandidates": [{"candidates": [_candidate(*one) for one in top]} for top in tops],
        }
    return _envelope(asked, usage) | {"candidates": [candidate]}


def error(status: int, message: str, code: str) -> bytes:
    """Writes an error; Google says no more than the class of it."""
    return json.dumps({"error": {"code": status, "message": message, "status": STATUS.get(status, code)}}).encode()


def _envelope(asked: Asked, usage: dict[str, Any]) -> dict[str, Any]:
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"usageMetadata": usage, "modelVersion": asked.model, "createTime": created, "responseId": asked.id[:22]}


def _candidate(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logProbability": logprob}
