"""Recipes: what decides the rows is in the hash, and nothing else is; what decides a request is in the request's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scenario import declaration, write_task

from madang.extraction.grounding import PostText
from madang.extraction.requests import RequestTemplate
from madang.models.protocol import Message
from madang.recipe import recipe_of
from madang.task import Task

Attributes = dict[str, Any]
PROMPT = "Read.{% for field in fields %} {{ field.name }}: {{ field.labels | join(',') }};{% endfor %}"
EXAMPLE = '{"title": "a", "body": "b", "answer": {"rooms": 2, "deal": "sale"}}\n'


def full() -> Attributes:
    fields = declaration()["fields"] | {"is_big": {"kind": "flag", "derive": "rooms > 3"}}
    routes = [{"when": "chars < 400", "use": "small", "fallback": ["large"]}, {"use": "large"}]
    return declaration(fields=fields, models=routes, examples="examples.jsonl")


def load(folder: Path, attributes: Attributes, prompt: str = PROMPT, examples: str = EXAMPLE) -> Task:
    return Task.load(write_task(folder / "flats", attributes, prompt, examples=examples))


def recipe_hash(task: Task, identity: Callable[[str], str] = lambda name: f"online:{name}") -> str:
    return recipe_of(task, identity).hash


def request_hash(task: Task) -> str:
    text = PostText({column: f"{column} 500/40" for column in task.text_columns})
    return RequestTemplate(task).request(text, "online:small", 64).hash


def field(name: str, **options: object) -> Callable[[Attributes], object]:
    return lambda task: task["fields"][name].update(options)


def key(name: str, value: object) -> Callable[[Attributes], object]:
    return lambda task: task.update({name: value})


OUTSIDE: dict[str, Callable[[Attributes], object]] = {
    "a description that the prompt does not show": field("deal", describe="another meaning"),
    "a gate": key("evaluation", {"gates": {"deal.accuracy": 0.9}}),
    "a ttl": key("features", {"ttl_days": 7}),
    "which posts are read": key("source", {"kind": "table", "where": "board = 'other'"}),
}
READING: dict[str, Callable[[Attributes], object]] = {
    "a derivation": field("is_big", derive="rooms > 4"),
    "a default": field("deal", default="sale"),
    "a range": field("rooms", max=5),
    "a bare unit": field("rent", bare_unit="USD"),
    "cues": field("deal", cues={"sale": ["매매"]}),
    "a route": lambda task: task["models"][0].update(when="chars < 300"),
    "a fallback": lambda task: task["models"][0].update(fallback=[]),
    "the room for a reply": lambda task: task["models"][0].update(max_tokens=99),
    "a new derived field": lambda task: task["fields"].update(is_small={"kind": "flag", "derive": "rooms < 2"}),
}
ASKING: dict[str, Callable[[Attributes], object]] = {
    "a label": field("deal", of=["monthly", "sale", "jeonse"]),
    "the order of labels": field("deal", of=["sale", "monthly"]),
    "a limit of labels": field("options", max=1),
    "a required answer": field("deal", required=True),
    "the order of fields": lambda task: task.update(fields=dict(reversed(task["fields"].items()))),
    "a field's name": lambda task: task["fields"].update(memo=task["fields"].pop("note")),
    "the text that is read": key("source", {"kind": "table", "where": "board = 'flats'", "text": ["body"]}),
    "no examples": key("examples", None),
    "how a post is rendered": key("turn", "{{ body }}"),
}


@pytest.mark.parametrize("change", OUTSIDE)
def test_what_decides_no_row_changes_neither_recipe_nor_request(tmp_path: Path, change: str) -> None:
    before = load(tmp_path, full())
    changed = full()
    OUTSIDE[change](changed)
    after = load(tmp_path, changed)

    assert recipe_hash(after) == recipe_hash(before)
    assert request_hash(after) == request_hash(before)


@pytest.mark.parametrize("change", READING)
def test_what_decides_only_how_replies_are_read_changes_the_recipe_and_no_request(tmp_path: Path, change: str) -> None:
    before = load(tmp_path, full())
    changed = full()
    READING[change](changed)
    after = load(tmp_path, changed)

    assert recipe_hash(after) != recipe_hash(before)
    assert request_hash(after) == request_hash(before)


@pytest.mark.parametrize("change", ASKING)
def test_what_is_asked_changes_both(tmp_path: Path, change: str) -> None:
    before = load(tmp_path, full())
    changed = full()
    ASKING[change](changed)
    after = load(tmp_path, changed)

    assert recipe_hash(after) != recipe_hash(before)
    assert request_hash(after) != request_hash(before)


@pytest.mark.parametrize(
    ("prompt", "examples"),
    [(PROMPT + " Be brief.", EXAMPLE), (PROMPT, EXAMPLE.replace("sale", "monthly")), (PROMPT, EXAMPLE * 2)],
    ids=["prompt", "example", "one more example"],
)
def test_prompt_and_examples_change_both(tmp_path: Path, prompt: str, examples: str) -> None:
    before = load(tmp_path, full())
    after = load(tmp_path, full(), prompt, examples)

    assert recipe_hash(after) != recipe_hash(before)
    assert request_hash(after) != request_hash(before)


NEAREST = {"file": "examples.jsonl", "nearest": 1}
POOL = EXAMPLE + '{"title": "500/40", "body": "b", "answer": {"rooms": 3}}\n'


@pytest.mark.parametrize(
    ("declared", "pool"),
    [
        ("examples.jsonl", POOL),
        (NEAREST | {"nearest": 2}, POOL),
        (NEAREST, POOL.replace('"rooms": 3', '"rooms": 4')),
        (NEAREST, POOL.replace("500/40", "600/40")),
        (NEAREST, POOL + EXAMPLE.replace('"a"', '"c"')),
    ],
    ids=["the same for all posts", "more of them", "another answer", "another text", "one more to choose from"],
)
def test_what_the_nearest_examples_are_chosen_from_and_how_is_in_the_recipe(
    tmp_path: Path, declared: object, pool: str
) -> None:
    before = load(tmp_path, full() | {"examples": NEAREST}, examples=POOL)
    after = load(tmp_path, full() | {"examples": declared}, examples=pool)

    assert recipe_hash(after) != recipe_hash(before)


def test_an_example_that_a_post_is_not_shown_with_changes_no_request_of_it(tmp_path: Path) -> None:
    before = load(tmp_path, full() | {"examples": NEAREST}, examples=POOL)
    far = load(tmp_path, full() | {"examples": NEAREST}, examples=POOL + EXAMPLE.replace('"a"', '"c"'))
    near = load(tmp_path, full() | {"examples": NEAREST}, examples=POOL.replace("500/40", "500/40 title"))

    assert request_hash(far) == request_hash(before)
    assert request_hash(near) != request_hash(before)


def test_knowledge_is_in_the_recipe_and_in_the_requests_that_call_it_up(tmp_path: Path) -> None:
    def known(text: str, key: str, most: int = 5) -> Task:
        attributes = full() | {
            "turn": "{{ title }}{{ body }}{% for text in knowledge.prices %}{{ text }}{% endfor %}",
            "knowledge": {"prices": {"file": "prices.jsonl", "most": most}},
        }
        entry = f'{{"text": "{text}", "keys": ["{key}"]}}\n'
        return Task.load(write_task(tmp_path / "flats", attributes, PROMPT, examples=EXAMPLE, prices=entry))

    called_up, other, unused, other_unused, fewer = (
        known("cheap", "500/40"), known("dear", "500/40"), known("cheap", "900/90"), known("dear", "900/90"),
        known("cheap", "500/40", most=1),
    )  # fmt: skip

    assert len({recipe_hash(task) for task in (called_up, other, unused, other_unused, fewer)}) == 5
    assert request_hash(called_up) != request_hash(other)
    assert request_hash(unused) == request_hash(other_unused)
    assert request_hash(fewer) == request_hash(called_up)


def test_a_description_that_the_prompt_shows_changes_both(tmp_path: Path) -> None:
    prompt = "{% for field in fields %}{{ field.describe }}{% endfor %}"
    before = load(tmp_path, full(), prompt)
    changed = full()
    field("deal", describe="another meaning")(changed)
    after = load(tmp_path, changed, prompt)

    assert recipe_hash(after) != recipe_hash(before)
    assert request_hash(after) != request_hash(before)


def test_another_model_behind_the_same_name_changes_the_recipe(tmp_path: Path) -> None:
    task = load(tmp_path, full())

    assert recipe_hash(task) == recipe_hash(task)
    assert recipe_hash(task, lambda name: f"online:{name}-2") != recipe_hash(task)


def test_an_example_is_rendered_exactly_as_a_post_and_its_reply(tmp_path: Path) -> None:
    task = load(tmp_path, full())
    request = RequestTemplate(task).request(
        PostText({"title": " 제목 ", "body": "본문\n둘째 줄\n"}), "online:small", 64
    )

    assert request.messages[1:] == (
        Message("user", "a\nb"),
        Message("assistant", '{"deal": "sale", "rooms": 2}'),
        Message("user", "제목\n본문\n둘째 줄"),
    )


def test_an_empty_title_is_not_sent(tmp_path: Path) -> None:
    task = load(tmp_path, full())
    request = RequestTemplate(task).request(PostText({"title": "", "body": "본문"}), "online:small", 64)

    assert request.messages[-1] == Message("user", "본문")


def test_a_request_s_hash_tells_model_and_room_apart(tmp_path: Path) -> None:
    template = RequestTemplate(load(tmp_path, full()))
    text = PostText({"title": "", "body": "본문"})
    hashes = {template.request(text, model, room).hash for model in ("a", "b") for room in (64, 128)}

    assert len(hashes) == 4
