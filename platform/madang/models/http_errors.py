"""What an HTTP status means for a call. Only statuses and codes are passed on: a provider's message may quote the post
or the key.
"""

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from madang.errors import CallFailed, Misconfigured, PermanentFailure, TooLong, TransientFailure

LIMIT_REMEDY = "Route longer posts to a model with a larger context"
_OVERLOADED = frozenset({429, 503, 529})
_TRANSIENT = _OVERLOADED | {408, 409, 425, 500, 502, 504}
# What the providers and servers say when prompt and post do not fit; none has a status of its own for it.
_TOO_LONG = ("context_length_exceeded", "exceed_context_size", "maximum context length", "input token count",
             "prompt is too long", "context window")  # fmt: skip
# A 429 that waiting does not cure.
_SPENT = ("insufficient_quota", "billing")


class _Detail(TypedDict, total=False):
    retryDelay: str


class _Error(TypedDict, total=False):
    code: int | str | None
    type: str | None
    status: str | None
    message: str | None
    param: str | None
    details: list[_Detail]


class _Body(TypedDict, total=False):
    error: _Error | str


_BODY = TypeAdapter(_Body)


def failure_of(place: str, status: int, headers: Mapping[str, str], body: bytes, key_remedy: str) -> CallFailed:
    """The failure that a status other than 200 stands for.

    Args:
        place: Which model.
        status: HTTP status.
        headers: Of the answer.
        body: Of the answer.
        key_remedy: What to do when the key is wrong; it names where the key comes from.
    """
    error = _error(body)
    says = str(error.get("message") or "").lower()
    codes = " ".join(str(code) for name in ("status", "type", "code", "param") if (code := error.get(name)))
    culprit = f"HTTP {status}{f' ({codes})' if codes else ''}"
    if status == 429 and any(word in codes for word in _SPENT):
        return Misconfigured(place, culprit, "Pay the provider's bill, or raise the quota")
    if status in _TRANSIENT:
        return TransientFailure(
            place, culprit, "Wait; it is tried again", retry_after_seconds=_retry_after(headers, error),
            is_overload=status in _OVERLOADED,
        )  # fmt: skip
    if status == 413 or (status in (400, 422) and any(word in f"{codes} {says}".lower() for word in _TOO_LONG)):
        return TooLong(place, culprit, LIMIT_REMEDY)
    if status in (401, 403):
        return Misconfigured(place, culprit, key_remedy)
    if status in (404, 405):
        return Misconfigured(place, culprit, "Correct the model's name, location or base_url in the settings")
    return PermanentFailure(place, culprit, "Report it with the task's schema: the request is wrong")


def _error(body: bytes) -> _Error:
    try:
        error = _BODY.validate_json(body).get("error", "")
    except ValidationError:
        return _Error()
    return _Error() if isinstance(error, str) else error


def _retry_after(headers: Mapping[str, str], error: _Error) -> float | None:
    """Seconds that the server asks to wait: a number, a date, OpenAI's milliseconds, or Google's RetryInfo."""
    if (text := headers.get("retry-after-ms")) is not None:
        return _seconds(text, 0.001)
    if (text := headers.get("retry-after")) is not None:
        try:
            return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
        except ValueError:
            return _seconds(text)
    delays = [detail["retryDelay"] for detail in error.get("details", []) if "retryDelay" in detail]
    return _seconds(delays[0].removesuffix("s")) if delays else None


def _seconds(text: str, unit: float = 1.0) -> float | None:
    try:
        return max(float(text) * unit, 0.0)
    except ValueError:
        return None
