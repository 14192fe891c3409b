"""Rows of a batch job: what is written, and what an answered row says.

Vertex AI answers in an order of its own and returns each row's request with the answer. A row's id stands in the
request's labels (63 characters of a-z, 0-9, - and _) and holds half of the request hash and half of a hash of the
texts that are sent. Only a row whose returned texts hash to its id is an answer: a mistaken id makes a row strange,
never an answer to another post. Of the returned request only the texts are compared: columns are added to it as null,
and numbers come back in another form.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import JsonValue, ValidationError

from madang.errors import CallFailed, Misconfigured, Refused, TransientFailure
from madang.models.gemini import Schemas, read_answer, request_body
from madang.models.http_errors import failure_of
from madang.models.online_specs import VertexModel
from madang.models.prices import Prices
from madang.models.protocol import Failure, Outcome, Request

LABEL = "madang_row"
_HALF = 31
_CODE = re.compile(r'"code"\W{0,3}(\d{3})\b|^\W*([45]\d\d)\b')
# A status begins with what it is called; further on it may quote the row.
_HEAD_CHARS = 80
# google.rpc codes, and the words of a status, the first that is found; what is none of them is a bad request.
_HTTP_STATUS = {1: 503, 4: 504, 8: 429, 10: 503, 13: 500, 14: 503}
_WORDS = {
    "bad request": 400, "invalid": 400, "too many requests": 429, "resource_exhausted": 429,
    "resource exhausted": 429, "quota": 429, "unavailable": 503, "overloaded": 503, "deadline": 504, "internal": 500,
    "timeout": 504, "cancelled": 503, "aborted": 503,
}  # fmt: skip
Row = dict[str, Any]


class RowWriter:
    """Writes a lane's rows; what they share is made once.

    Args:
        spec: The model's settings.
    """

    def __init__(self, spec: VertexModel) -> None:
        self._spec, self._schemas = spec, Schemas()

    def row(self, request: Request) -> Row:
        """An input row, as Vertex AI takes it from either storage."""
        body = request_body(request, self._spec, self._schemas)
        return {"request": {**body, "labels": {LABEL: _id(request.hash, _texts_hash(body))}}}


def read_json(text: str | bytes) -> JsonValue:
    """Reads what Vertex AI wrote, without the nulls that it adds."""
    read: JsonValue = json.loads(text, object_pairs_hook=_stated)
    return read


def answered_request(row: Row, by_half: Mapping[str, str]) -> str | None:
    """Which request a row answers.

    Args:
        row: An answered row.
        by_half: Request hashes of the job by their half: see `halves`.

    Returns:
        None if its id is none of the job's, or not that of the texts it came back with.
    """
    request = row.get("request")
    body = read_json(request) if isinstance(request, str) else request
    if not isinstance(body, dict):
        return None
    labels = body.get("labels")
    row_id = labels.get(LABEL) if isinstance(labels, dict) else None
    request_hash = by_half.get(str(row_id)[:_HALF])
    if request_hash is None or row_id != _id(request_hash, _texts_hash(body)):
        return None
    return request_hash


def halves(request_hashes: tuple[str, ...]) -> dict[str, str]:
    """Request hashes by the half of them that stands in an id."""
    return {request_hash[:_HALF]: request_hash for request_hash in request_hashes}


def read_outcome(place: str, request_hash: str, row: Row, prices: Prices) -> Outcome:
    """What an answered row says.

    Args:
        place: Which model, for messages.
        request_hash: The request it answers.
        row: The row.
        prices: What a row costs.
    """
    if status := row.get("status"):
        return failed(request_hash, _failure(place, status))
    response = row.get("response")
    try:
        return read_answer(place, request_hash, response if isinstance(response, str) else json.dumps(response), prices)
    except Refused as error:
        return failed(request_hash, error)
    except ValidationError:
        culprit = "the row holds no answer"
        return failed(request_hash, TransientFailure(place, culprit, "Wait; it is asked again", usd=None))


def failed(request_hash: str, error: CallFailed) -> Failure:
    """The outcome of a row that brought no reply."""
    is_transient = isinstance(error, TransientFailure)
    return Failure(request_hash, error.failure, error.culprit, is_transient, error.usd)


def _failure(place: str, status: object) -> CallFailed:
    """The failure of a row's status: a text that begins with HTTP's words, or Google's code and message."""
    told = status if isinstance(status, dict) else {"message": status}
    words = str(told.get("message") or "")
    body = json.dumps({"error": {"message": words}}).encode()
    error = failure_of(place, _http_status(told.get("code"), words), {}, body, "")
    if isinstance(error, Misconfigured):
        # Of one row: a picture that may not be read, say. The job as a whole was let in.
        return CallFailed(place, error.culprit, "Look at what the post refers to")
    return error


def _http_status(code: object, words: str) -> int:
    if isinstance(code, int) and 400 <= code < 600:
        return code
    if isinstance(code, int) and code in _HTTP_STATUS:
        return _HTTP_STATUS[code]
    if found := _CODE.search(words):
        return int(found[1] or found[2])
    head = words[:_HEAD_CHARS].lower()
    return next((status for word, status in _WORDS.items() if word in head), 400)


def _id(request_hash: str, texts_hash: str) -> str:
    return f"{request_hash[:_HALF]}-{texts_hash[:_HALF]}"


def _texts_hash(body: Mapping[str, JsonValue]) -> str:
    """SHA-256 of all turns' roles and texts."""
    turns = [[role, *texts] for role, texts in _turns(body.get("contents"))]
    return hashlib.sha256(json.dumps(turns, ensure_ascii=False).encode()).hexdigest()


def _turns(contents: JsonValue) -> Iterator[tuple[str, list[str]]]:
    for turn in contents if isinstance(contents, list) else []:
        if not isinstance(turn, dict):
            continue
        parts = turn.get("parts")
        parts = parts if isinstance(parts, list) else [parts]
        yield (
            str(turn.get("role")),
            [str(text) for part in parts if isinstance(part, dict) and (text := part.get("text"))],
        )


def _stated(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    return {name: value for name, value in pairs if value is not None}
