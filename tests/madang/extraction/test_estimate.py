"""Estimates: what a plan comes to before any call, after some, and beside what the run then really took."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from scenario import ALL_DAYS, Project, make_project, post, posts

from madang.errors import DeclarationError
from madang.extraction import estimate as estimate_module
from madang.extraction.estimate import Estimate, estimate
from madang.extraction.plan import make_plan
from madang.extraction.spans import Span
from madang.extraction.tokens import LEAST, MOST, TURN_TOKENS, schema_tokens, text_tokens
from madang.models.catalogue import Catalogue
from madang.recipe import recipe_of
from madang.schema import asked_schema

GEMINI = """
[tool.madang.models.cloud]
lane = "online"
provider = "gemini"
model = "gemini-2.5-flash-lite"
project = "nobody"
concurrency = 2
input_usd_per_million = 1.0
output_usd_per_million = 4.0
"""
LIMITED = GEMINI + "requests_per_minute = 2\n"
GGUF = '[tool.madang.models.cloud]\nlane = "local"\nfile = "/nowhere/model.gguf"\nsha256 = "' + "0" * 64 + '"\n'
UNPRICED = GEMINI.replace("input_usd_per_million = 1.0\noutput_usd_per_million = 4.0\n", "").replace(
    "gemini-2.5-flash-lite", "gemini-of-tomorrow"
)


def estimated(project: Project) -> Estimate:
    catalogue, task = Catalogue(project.settings), project.task()
    plan = make_plan(project.warehouse, task, recipe_of(task, catalogue.identity), ALL_DAYS)
    return estimate(project.warehouse, task, catalogue, plan)


def spent(project: Project, run: str) -> tuple[float, ...]:
    """Calls, input tokens, output tokens and dollars of a run."""
    [row] = project.rows(
        "SELECT count(*), sum(coalesce(input_tokens, 0)), sum(coalesce(output_tokens, 0)), sum(usd) FROM ops.ledger "
        "WHERE run = ?", run,
    )  # fmt: skip
    return tuple(float(value) for value in row)


def holds(span: Span, value: float) -> bool:
    return span.low <= value <= span.high


@dataclass(frozen=True)
class Story:
    """30 posts are run, five of which are asked twice; then the prompt changes, and 10 longer posts come."""

    before: Estimate
    after: Estimate
    took: tuple[float, ...]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    options = {"usd": 0.002, "reserve": 0.005, "seconds": 0.01, "fault": "sloppy"}
    town = make_project(tmp_path_factory.mktemp("estimates") / "project", ("meetups",), **options)
    town.ingest(*posts(25), *(post(f"f{number}", f"fault {number}") for number in range(5)))
    before = estimated(town)
    town.run()
    (town.folder / "assets" / "meetups" / "prompt.md").write_text("Read the post with care.")
    town.ingest(*(post(f"q{number}", "hiking " * number) for number in range(1, 11)))
    after = estimated(town)
    yield Story(before, after, spent(town, town.run().run))
    town.close()


@pytest.fixture
def planned(tmp_path: Path) -> Iterator[Project]:
    """Three posts for a model of the test's own, `cloud`; its settings stand in the file once `settle` is called."""
    town = make_project(tmp_path / "project", ("meetups",))
    town.edit("meetups", lambda task: task.update(models=[{"use": "cloud", "max_tokens": 100}]))
    town.ingest(*posts(3))
    yield town
    town.close()


def settle(project: Project, model: str) -> None:
    file = project.folder / "madang.toml"
    file.write_text(file.read_text(encoding="utf-8") + model, encoding="utf-8")


def test_without_past_calls_tokens_are_counted_by_script(planned: Project) -> None:
    settle(planned, GEMINI)
    [lane] = estimated(planned).lanes
    texts = 3 * text_tokens("Read the post.") + sum(text_tokens(f"running 모집 {number}번") for number in (1, 2, 3))
    expected = texts + 3 * schema_tokens(asked_schema(planned.task().fields)) + 3 * 2 * TURN_TOKENS

    assert lane.input_tokens == Span(*(pytest.approx(end) for end in (texts * LEAST, expected, expected * MOST)))
    assert lane.output_tokens == Span(6.0, 150.0, 300.0)
    assert lane.basis["output_tokens"] == "half of max_tokens, too few past replies"


def test_dollars_are_the_models_own_prices_and_end_below_what_is_reserved(planned: Project) -> None:
    settle(planned, GEMINI)
    found = estimated(planned)
    [lane] = found.lanes
    asked, said = lane.input_tokens, lane.output_tokens

    assert found.usd.expected == pytest.approx((asked.expected * 1 + said.expected * 4) / 1e6)
    assert (found.usd.low, found.usd.high) == (
        pytest.approx((asked.low * 1 + said.low * 4) / 1e6), pytest.approx((asked.high * 1 + said.high * 4) / 1e6),
    )  # fmt: skip
    assert found.usd.high < found.reserved_usd


def test_minutes_keep_to_the_calls_in_flight_and_to_the_providers_limits(planned: Project) -> None:
    settle(planned, GEMINI)
    free = estimated(planned).minutes
    settle(planned, "requests_per_minute = 2\n")
    limited = estimated(planned).minutes

    assert free == Span(*(pytest.approx(3 * seconds / 2 / 60) for seconds in (0.5, 2, 10)))
    assert limited == Span(1.5, 1.5, 1.5)


def test_a_local_model_costs_nothing_and_its_file_need_not_be_there(planned: Project) -> None:
    settle(planned, GGUF)
    found = estimated(planned)

    assert (found.calls.by_model, found.usd, found.reserved_usd) == ({"cloud": 3}, Span(0, 0, 0), 0.0)
    assert found.minutes.expected == pytest.approx(3 * 8 / 2 / 60)


def test_a_model_without_a_known_price_is_refused_as_a_run_refuses_it(planned: Project) -> None:
    settle(planned, UNPRICED)

    with pytest.raises(DeclarationError, match="no price is known for 'gemini-of-tomorrow'"):
        estimated(planned)


def test_of_many_posts_some_are_rendered_and_the_counts_scaled(
    planned: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(planned, GEMINI)
    planned.ingest(*posts(40))
    whole = estimated(planned)
    monkeypatch.setattr(estimate_module, "_MOST_RENDERED", 10)
    some = estimated(planned)

    assert (whole.calls.total, whole.calls.rendered_share) == (40, 1.0)
    assert (some.calls.total, some.calls.rendered_share, some.lanes[0].amount.calls) == (40, 0.25, 40)
    assert some.lanes[0].input_tokens.expected == pytest.approx(whole.lanes[0].input_tokens.expected, rel=0.05)


def test_a_model_without_prices_is_forecast_at_what_it_reserves(story: Story) -> None:
    assert story.before.usd == Span(0.0, pytest.approx(0.15), pytest.approx(0.15))
    assert story.before.reserved_usd == pytest.approx(0.15)


def test_past_calls_replace_the_guess_and_those_in_vain_are_expected_again(story: Story) -> None:
    [lane] = story.after.lanes

    assert lane.basis["usd"] == "$0.002000 a call, in 35 past calls"
    assert lane.basis["minutes"] == "0.01 s a call, in 35 past calls"
    assert lane.usd.expected == pytest.approx(40 * 0.002 * 35 / 30)
    assert lane.usd.low == pytest.approx(40 * 0.002 * 0.9)


def test_a_run_ends_within_the_range_that_was_forecast(story: Story) -> None:
    calls, asked, said, usd = story.took
    [lane] = story.after.lanes

    assert (lane.amount.calls, calls) == (40, 45)
    assert holds(lane.input_tokens, asked)
    assert holds(lane.output_tokens, said)
    assert holds(lane.usd, usd)


def test_plain_form_has_everything(story: Story) -> None:
    plain = story.after.to_json()

    assert json.loads(json.dumps(plain)) == plain
    assert set(plain["lanes"][0]) == {
        "lane", "model", "identity", "calls", "input_tokens", "output_tokens", "usd", "reserved_usd", "minutes",
        "basis",
    }  # fmt: skip
