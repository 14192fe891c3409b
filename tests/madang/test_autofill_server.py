"""The form over HTTP, asked by a real client."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from scenario import make_project, write_task

from madang import autofill_server
from madang.autofill import MAX_CHARS, Autofill
from madang.autofill_server import application

TASK: dict[str, Any] = {
    "name": "homes",
    "entity": "home",
    "source": {"kind": "table", "table": "raw.posts", "where": "board = 'homes'", "text": ["title", "body"]},
    "fields": {"deposit": {"kind": "money", "bare_unit": "manwon", "read": "rentals.deposit"}},
}

Asked = tuple[int, dict[str, Any]]


@pytest.fixture
def form(tmp_path: Path) -> Autofill:
    made = make_project(tmp_path, ("meetups",))
    write_task(made.folder / "assets" / "homes", TASK)
    return Autofill(made.task("homes"), made.settings, asks_model=False)


def with_client(form: Autofill, ask: Callable[[TestClient], Awaitable[Asked]]) -> Asked:
    async def run() -> Asked:
        async with TestClient(TestServer(application(form))) as client:
            return await ask(client)

    return asyncio.run(run())


def post(form: Autofill, body: str | bytes, path: str = "/autofill") -> Asked:
    async def ask(client: TestClient) -> Asked:
        async with client.post(path, data=body) as response:
            return response.status, json.loads(await response.text())

    return with_client(form, ask)


def test_a_text_is_answered_with_its_form(form: Autofill) -> None:
    status, filled = post(form, json.dumps({"title": "원룸 500/40", "body": "바로 입주"}))

    assert (status, filled["task"]) == (200, "homes")
    assert filled["fields"]["deposit"]["evidence"] == [{"field": "title", "start": 3, "end": 6, "text": "500"}]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{", "the body is not JSON in UTF-8"), (b"\xff", "the body is not JSON in UTF-8"),
        ("[1]", "the body is not an object of strings; its keys are title, body"),
        ('{"body": 1}', "the body is not an object of strings; its keys are title, body"),
        ('{"text": "a"}', "text: 'homes' has no such text column (it has title, body). Correct the name"),
        (json.dumps({"body": "a" * (MAX_CHARS + 1)}),
         "the text: it has 100,001 characters, more than 100,000. Shorten it"),
    ],
)  # fmt: skip
def test_a_wrong_body_is_an_error_in_json(form: Autofill, body: str | bytes, message: str) -> None:
    assert post(form, body) == (400, {"error": message})


def test_a_body_without_end_is_cut_off(form: Autofill, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autofill_server, "MAX_BYTES", 1_000)

    assert post(form, "a" * 2_000)[0] == 413


def test_another_path_or_method_is_an_error_in_json(form: Autofill) -> None:
    async def get(client: TestClient) -> Asked:
        async with client.get("/autofill") as response:
            return response.status, json.loads(await response.text())

    assert post(form, "{}", "/other") == (404, {"error": "Not Found"})
    assert with_client(form, get) == (405, {"error": "Method Not Allowed"})
