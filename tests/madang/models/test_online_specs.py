"""Online models in the settings: what is sent of them, what their identity says, and what is refused before sending."""

import json
from pathlib import Path
from typing import Any

import pytest
from proving import Proving, Rule, Script
from proving.asking import SCHEMA, ask, gemini, made, openai, request

from madang.errors import DeclarationError, InputError
from madang.models.catalogue import Catalogue
from madang.models.gemini import GeminiDialect, vertex_schema
from madang.models.online_specs import GeminiModel, OpenAIModel
from madang.models.openai_compatible import OpenAIDialect, strict_schema
from madang.models.prices import listed
from madang.models.protocol import Failure, Image, Reply
from madang.settings import Settings


def gemini_body(**settings: Any) -> dict[str, Any]:
    spec = GeminiModel(lane="online", provider="gemini", project="p", **{"model": "gemini-2.5-flash", **settings})
    return json.loads(GeminiDialect(spec).body(request(max_tokens=50)))


def openai_body(**settings: Any) -> dict[str, Any]:
    spec = OpenAIModel(lane="online", provider="openai", **{"model": "gpt-4o-mini", **settings})
    return json.loads(OpenAIDialect(spec).body(request(max_tokens=50)))


def test_gemini_is_sent_turns_schema_and_greedy_decoding() -> None:
    body = gemini_body()

    assert body["systemInstruction"] == {"parts": [{"text": "Read the post."}]}
    assert [turn["role"] for turn in body["contents"]] == ["user", "model", "user"]
    assert body["generationConfig"] == {
        "temperature": 0, "maxOutputTokens": 50, "responseMimeType": "application/json",
        "responseSchema": vertex_schema(SCHEMA), "thinkingConfig": {"thinkingBudget": 0}, "responseLogprobs": True,
        "logprobs": 5,
    }  # fmt: skip


def test_vertex_is_told_the_order_of_keys() -> None:
    made = vertex_schema(SCHEMA)

    assert (made["type"], made["propertyOrdering"]) == ("OBJECT", ["topics", "is_open", "word"])
    assert made["properties"]["word"] == {"type": "STRING", "minLength": 1, "maxLength": 20}
    assert "additionalProperties" not in made


@pytest.mark.parametrize(
    ("settings", "thinking", "limit"),
    [
        ({"model": "gemini-2.5-flash-lite"}, {"thinkingBudget": 0}, 50),
        ({"model": "gemini-2.5-pro"}, {"thinkingBudget": 128}, 178),
        ({"model": "gemini-2.5-flash", "thinking_tokens": 200}, {"thinkingBudget": 200}, 250),
        ({"model": "gemini-3-flash-preview"}, None, 50),
    ],
)
def test_thought_does_not_eat_the_reply(settings: dict[str, Any], thinking: dict[str, int] | None, limit: int) -> None:
    """Vertex counts thoughts towards maxOutputTokens."""
    config = gemini_body(**settings)["generationConfig"]

    assert (config.get("thinkingConfig"), config["maxOutputTokens"]) == (thinking, limit)


def test_thoughts_are_paid_as_output(server: Proving) -> None:
    server.tell(Script(thought_tokens=1000))

    (reply,) = ask(gemini(server), request())

    assert isinstance(reply, Reply)
    assert reply.output_tokens > 1000
    assert reply.usd > 1000 * 2.5 / 1e6


@pytest.mark.parametrize(
    ("location", "host"),
    [("global", "aiplatform.googleapis.com"), ("asia-northeast3", "asia-northeast3-aiplatform.googleapis.com")],
)
def test_a_region_has_its_own_host(location: str, host: str) -> None:
    spec = GeminiModel(lane="online", provider="gemini", model="gemini-2.5-flash", project="p", location=location)

    assert GeminiDialect(spec).url == (
        f"https://{host}/v1/projects/p/locations/{location}/publishers/google/models/gemini-2.5-flash:generateContent"
    )


def test_openai_is_sent_a_strict_schema_and_other_servers_the_schema_itself() -> None:
    ours = openai_body(base_url="http://localhost:8000/v1")
    theirs = openai_body()

    assert ours["response_format"]["json_schema"] == {"name": "reply", "schema": SCHEMA}
    assert theirs["response_format"]["json_schema"] == {
        "name": "reply", "schema": strict_schema(SCHEMA), "strict": True
    }  # fmt: skip
    assert (ours["max_tokens"], theirs["max_completion_tokens"]) == (50, 50)


def test_a_strict_schema_asks_for_every_key_and_allows_null() -> None:
    made = strict_schema(SCHEMA)

    assert made["required"] == ["topics", "is_open", "word"]
    assert made["properties"] == {
        "topics": SCHEMA["properties"]["topics"],
        "is_open": {"type": ["boolean", "null"]},
        "word": {"type": ["string", "null"]},
    }


def test_a_reasoning_model_is_sent_no_temperature() -> None:
    body = openai_body(effort="low", thinking_tokens=500)

    assert {"temperature", "logprobs", "top_logprobs"}.isdisjoint(body)
    assert (body["reasoning_effort"], body["max_completion_tokens"]) == ("low", 550)


def test_a_key_goes_to_its_own_provider_only(server: Proving, monkeypatch: pytest.MonkeyPatch) -> None:
    """With OPENAI_API_KEY set, a server under another address is not told it unasked."""
    monkeypatch.setenv("OPENAI_API_KEY", "openai-key")
    monkeypatch.setenv("OWN_KEY", "own-key")
    server.tell(Script(key="own-key"))

    (unasked,) = ask(openai(server), request())
    (asked,) = ask(openai(server, key_variable="OWN_KEY"), request())

    assert isinstance(unasked, Failure)
    assert unasked.failure == "misconfigured"
    assert isinstance(asked, Reply)


def test_a_missing_key_is_named_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    with pytest.raises(InputError, match="environment: OPENAI_API_KEY is not set"):
        ask(made("openai", model="gpt-4o-mini"), request())


def test_missing_google_credentials_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    lane = made("gemini", model="gemini-2.5-flash", project="p")

    with pytest.raises(InputError, match="no application default credentials were found"):
        ask(lane, request())


def test_a_provider_that_pydantic_ai_does_not_know_is_refused() -> None:
    lane = made("pydantic-ai", model="nobody:x", input_usd_per_million=0, output_usd_per_million=0)

    with pytest.raises(InputError, match="nobody:x: pydantic-ai cannot reach it"):
        ask(lane, request())


def test_a_model_without_a_price_is_refused_unless_the_server_is_ones_own() -> None:
    with pytest.raises(DeclarationError, match="no price is known for 'gpt-nonesuch'"):
        made("openai", model="gpt-nonesuch")
    own = made("openai", model="gemma-3-270m", base_url="http://localhost:8000/v1")

    assert own.reserved_usd(request()) == 0


def test_an_image_that_a_provider_cannot_reach_is_a_permanent_failure(server: Proving) -> None:
    image = Image("gs://bucket/cat.jpg", "image/jpeg")

    (refused,) = ask(openai(server), request("running", 100, image))
    (answered,) = ask(gemini(server), request("running", 100, image))

    assert isinstance(refused, Failure)
    assert (refused.failure, refused.usd) == ("permanent", 0.0)
    assert isinstance(answered, Reply)


def test_a_spent_quota_is_not_waited_for(server: Proving) -> None:
    """OpenAI says 429 for it as well, and waiting does not cure it."""
    server.tell(None, Rule(fault="quota"))

    (found,) = ask(openai(server), request())

    assert isinstance(found, Failure)
    assert found.failure == "misconfigured"


@pytest.mark.parametrize(
    ("settings", "identity"),
    [
        ('provider = "gemini"\nmodel = "gemini-2.5-flash"\nproject = "p"', "gemini:gemini-2.5-flash"),
        ('provider = "gemini"\nmodel = "m"\nproject = "p"\nlocation = "asia-northeast3"\nlogprobs = 0', "gemini:m"),
        ('provider = "gemini"\nmodel = "m"\nproject = "p"\nthinking_tokens = 9', "gemini:m+think9"),
        ('provider = "openai"\nmodel = "gpt-4o-mini"', "openai:gpt-4o-mini"),
        ('provider = "openai"\nmodel = "gpt-5"\neffort = "low"', "openai:gpt-5+low"),
        ('provider = "openai"\nmodel = "m"\nbase_url = "http://h/v1"\nidentity = "vllm:m@1"', "vllm:m@1"),
        ('provider = "pydantic-ai"\nmodel = "anthropic:claude-haiku-4-5"', "anthropic:claude-haiku-4-5"),
        ('factory = "fakes:ScriptedModel"\nidentity = "scripted-1"', "online:scripted-1"),
    ],
)
def test_an_identity_says_what_changes_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str, identity: str
) -> None:
    catalogue = Catalogue(loaded(tmp_path, monkeypatch, settings))

    assert (catalogue.identity("m"), catalogue.lane("m")) == (identity, "online")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ('provider = "gemini"\nmodel = "m"', "project: Field required"),
        ('provider = "gpt"\nmodel = "m"', "models.m: Input tag 'online gpt'"),
        ('provider = "openai"\nmodel = "m"\ninput_usd_per_million = 1.0', "give input_usd_per_million and output_usd"),
        ('provider = "pydantic-ai"\nmodel = "claude"', "model: String should match"),
    ],
)
def test_a_wrong_online_model_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str, message: str
) -> None:
    with pytest.raises(InputError) as error:
        loaded(tmp_path, monkeypatch, settings)

    assert message in str(error.value)


def test_prices_rise_with_the_size_of_a_request() -> None:
    prices = listed("google", "gemini-2.5-pro")

    assert prices is not None
    assert prices.usd(200_000, 1000) == pytest.approx(0.2 * 1.25 + 0.001 * 10)
    assert prices.usd(200_001, 1000) == pytest.approx(0.200001 * 2.5 + 0.001 * 15)
    assert prices.times(0.5).usd(100_000, 0, 100_000) == pytest.approx(0.1 * 0.125 / 2)


def loaded(folder: Path, monkeypatch: pytest.MonkeyPatch, settings: str) -> Settings:
    (folder / "madang.toml").write_text(f'[tool.madang.models.m]\nlane = "online"\n{settings}\n')
    monkeypatch.setenv("MADANG_PROJECT", str(folder))
    monkeypatch.setenv("MADANG_CONFIG", str(folder / "madang.toml"))
    monkeypatch.delenv("MADANG_LOCAL_MODEL", raising=False)
    return Settings.load()
