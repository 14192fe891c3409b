"""Rows of batch jobs: ids that no other post can have, and what a row's status means."""

import json
import re
from typing import Any

import pytest
from proving.asking import request
from pydantic import TypeAdapter

from madang.models.batch_rows import LABEL, RowWriter, answered_request, halves, read_json, read_outcome
from madang.models.batch_spec import BatchModel
from madang.models.online_lanes import prices_of
from madang.models.online_specs import GeminiModel
from madang.models.prices import given
from madang.models.protocol import Failure, Reply
from madang.models.specs import ModelSpec

SPEC = BatchModel(lane="batch", provider="gemini", model="gemini-2.5-flash", project="p", storage="gs://rows/madang")
FREE = given(0.0, 0.0, None)
ASKED = request("주말 running 모집")
OTHER = request("hiking")
ANSWER = {
    "candidates": [{"content": {"parts": [{"text": "{}", "thought": None}]}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 1, "thoughtsTokenCount": None},
}


def row(asked: Any = ASKED) -> dict[str, Any]:
    return RowWriter(SPEC).row(asked)


def answered(one: dict[str, Any]) -> str | None:
    return answered_request(one, halves((ASKED.hash, OTHER.hash)))


def outcome(**columns: Any) -> Any:
    return read_outcome("place", ASKED.hash, read_json(json.dumps({"status": "", "response": {}} | columns)), FREE)  # type: ignore[arg-type]


def test_an_id_is_a_label_that_google_takes() -> None:
    assert re.fullmatch(r"[a-z0-9_-]{1,63}", row()["request"]["labels"][LABEL])
    assert re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", LABEL)


def test_a_row_is_known_by_its_id_and_its_texts() -> None:
    swapped = row()
    swapped["request"]["contents"] = row(OTHER)["request"]["contents"]

    assert (answered(row()), answered(row(OTHER))) == (ASKED.hash, OTHER.hash)
    assert answered(swapped) is None
    assert answered(row(request("nobody asked this"))) is None
    assert [answered(one) for one in ({}, {"request": None}, {"request": {"contents": []}})] == [None, None, None]


def test_an_id_is_the_same_whatever_google_makes_of_the_rest() -> None:
    """Columns are added as null, numbers come back as floats, and BigQuery gives the request as text."""
    returned = row()
    for turn in returned["request"]["contents"]:
        turn["parts"] = [part | {"fileData": None} for part in turn["parts"]] + [{"text": None}]
    returned["request"]["generationConfig"] = {"temperature": 0.0, "maxOutputTokens": 100.0}

    assert answered(read_json(json.dumps(returned))) == ASKED.hash  # type: ignore[arg-type]
    assert answered({"request": json.dumps(returned["request"])}) == ASKED.hash


def test_a_request_that_differs_only_in_its_room_has_an_id_of_its_own() -> None:
    wider = request("주말 running 모집", 200)

    assert answered(row(wider)) is None
    assert answered_request(row(wider), halves((wider.hash,))) == wider.hash


@pytest.mark.parametrize("form", [lambda answer: answer, json.dumps], ids=["read", "text"])
def test_an_answer_is_read_from_either_storage(form: Any) -> None:
    assert outcome(response=form(read_json(json.dumps(ANSWER)))) == Reply(ASKED.hash, "{}", "stop", 7, 1)


@pytest.mark.parametrize(
    ("status", "failure", "is_transient"),
    [
        ("Bad Request: {\"error\": {\"code\": 400, \"message\": \"Invalid value\"}}", "permanent", False),
        ("Bad Request: the input token count (9000) exceeds the maximum", "too_long", False),
        ("The row could not be read", "permanent", False),
        ("Forbidden: {\"error\": {\"code\": 403}}", "permanent", False),
        ("Bad Request: the post says 503, quota and internal", "permanent", False),
        ("429 Too Many Requests", "transient", True),
        ("Too Many Requests", "transient", True),
        ("Resource exhausted. Please try again later.", "transient", True),
        ("{\"error\": {\"code\": 503, \"status\": \"UNAVAILABLE\"}}", "transient", True),
        ("Internal error encountered.", "transient", True),
        ({"code": 8, "message": "quota"}, "transient", True),
        ({"code": 3, "message": "no"}, "permanent", False),
        ({"code": 500, "message": "no"}, "transient", True),
    ],
)  # fmt: skip
def test_a_status_is_a_failure_of_its_class(status: Any, failure: str, is_transient: bool) -> None:
    found = outcome(status=status)

    assert (found.failure, found.is_transient, found.usd) == (failure, is_transient, 0.0)


def test_a_status_s_words_are_not_passed_on() -> None:
    assert "running" not in outcome(status="Bad Request: running 모집").message


def test_a_row_without_an_answer_may_have_been_paid_for() -> None:
    assert outcome() == Failure(ASKED.hash, "transient", "the row holds no answer", True, None)


def test_a_batch_model_shares_the_identity_of_the_online_one() -> None:
    for settings in ({}, {"thinking_tokens": 128}, {"identity": "flash"}):
        plain = {"provider": "gemini", "model": "gemini-2.5-flash", "project": "p", **settings}
        online = GeminiModel.model_validate({"lane": "online", **plain})
        batch = BatchModel.model_validate({"lane": "batch", "storage": "gs://rows", **plain})

        assert batch.identity == online.identity


def test_a_batch_model_costs_half_of_the_table_s_price_or_what_the_settings_say() -> None:
    online = GeminiModel(lane="online", provider="gemini", model="gemini-2.5-flash", project="p")
    told = SPEC.model_copy(update={"input_usd_per_million": 1.0, "output_usd_per_million": 2.0})

    assert prices_of(SPEC).usd(1000, 100) == pytest.approx(prices_of(online).usd(1000, 100) / 2)
    assert prices_of(told).usd(1_000_000, 0) == 1.0


@pytest.mark.parametrize("storage", ["gs://rows", "gs://my-bucket/a/b", "bq://p.d", "bq://my-project.rows_1"])
def test_storage_is_a_folder_or_a_dataset(storage: str) -> None:
    spec = TypeAdapter(ModelSpec).validate_python({**settings_of_nobody(), "storage": storage})

    assert spec.storage == storage


@pytest.mark.parametrize("storage", ["b", "s3://b", "gs://", "bq://p", "bq://p.d.t", "gs://rows/a b"])
def test_other_storage_is_refused(storage: str) -> None:
    with pytest.raises(ValueError, match="storage"):
        TypeAdapter(ModelSpec).validate_python({**settings_of_nobody(), "storage": storage})


def settings_of_nobody() -> dict[str, Any]:
    return {"lane": "batch", "provider": "gemini", "model": "gemini-2.5-flash", "project": "p"}
