"""Why a recipe is another one: each part by name, and which recipe it is compared with."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scenario import MEETUPS, write_task

from madang.ops import OPS_TABLES
from madang.recipe import Recipe, recipe_of
from madang.recipe_changes import PartChange, part_changes, recipe_change
from madang.releases import register, release
from madang.task import Task
from madang.warehouse.ducklake import DuckLakeWarehouse

EXAMPLE = json.dumps({"title": "hello", "body": "there", "answer": {"seats": 4}})
ROUTES = [{"when": "chars < 400", "use": "small"}, {"use": "local", "max_tokens": 96}]


def content(folder: Path, prompt: str = "Read.\nAnswer.", examples: str = EXAMPLE, **changes: object) -> dict[str, Any]:
    """Content of the recipe of `meetups` with some keys of its declaration replaced."""
    attributes = json.loads(json.dumps(MEETUPS | {"examples": "examples.jsonl"} | changes))
    task = Task.load(write_task(folder / "meetups", attributes, prompt, examples=examples))
    return dict(recipe_of(task, lambda name: f"id-{name}").content)


def fields(name: str, **changes: object) -> dict[str, Any]:
    return {**MEETUPS["fields"], name: MEETUPS["fields"][name] | changes}


CHANGES: dict[str, tuple[dict[str, Any], list[PartChange]]] = {
    "prompt": ({"prompt": "Read.\nBe brief.\nAnswer now."}, [PartChange("prompt", "2 lines added, 1 removed")]),
    "an example more": ({"examples": f"{EXAMPLE}\n{EXAMPLE.replace('4', '5')}"},
                        [PartChange("examples", "1 added, 0 removed")]),
    "an example less": ({"examples": ""}, [PartChange("examples", "0 added, 1 removed")]),
    "a label": ({"fields": fields("gender", of=["female", "male"], default=None)},
                [PartChange("schema", "gender changed (default, of)")]),
    "a field more": ({"fields": MEETUPS["fields"] | {"is_free": {"kind": "flag"}}},
                     [PartChange("schema", "is_free asked now")]),
    "turn": ({"turn": "{{ title }}: {{ body }}"},
             [PartChange("examples", "1 added, 1 removed"), PartChange("turn", "the template of a post's turn")]),
    "text": ({"source": MEETUPS["source"] | {"text": ["body"]}},
             [PartChange("examples", "1 added, 1 removed"), PartChange("text", "title, body → body")]),
    "route": ({"models": ROUTES}, [PartChange("route", "always → chars < 400, always")]),
    "model": ({"models": [{"use": "larger", "max_tokens": 96}]}, [PartChange("model", "id-local → id-larger")]),
    "fallback": ({"models": [{"use": "local", "max_tokens": 96, "fallback": ["larger"]}]},
                 [PartChange("fallback", "none → id-larger")]),
    "max_tokens": ({"models": [{"use": "local", "max_tokens": 128}]}, [PartChange("max_tokens", "96 → 128")]),
    "a bound": ({"fields": fields("is_recruiting", cues=["모여"])}, [PartChange("field", "is_recruiting: cues")]),
    "derivation": (
        {"fields": fields("is_open_to_all", derive="gender == 'mixed'")},
        [PartChange("derivation", "is_open_to_all: gender in ['mixed', 'unspecified'] → gender == 'mixed'")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CHANGES)
def test_a_change_of_the_declaration_is_named(case: str, tmp_path: Path) -> None:
    changes, named = CHANGES[case]
    before, after = content(tmp_path / "before"), content(tmp_path / "after", **changes)

    assert list(part_changes(before, after)) == named


@pytest.mark.parametrize(
    ("change", "named"),
    {
        "masking": (lambda one: one["request"].update(masking=99), PartChange("masking", "1 → 99")),
        "rendering": (lambda one: one["request"].update(version=99), PartChange("rendering", "1 → 99")),
        "reading": (lambda one: one.update(reading=99), PartChange("reading", "1 → 99")),
        "a part of later": (lambda one: one.update(links={"places": 2}), PartChange("links", 'none → {"places": 2}')),
    }.values(),
)
def test_a_change_of_ours_is_named(
    change: Callable[[dict[str, Any]], object], named: PartChange, tmp_path: Path
) -> None:
    before = content(tmp_path)
    before["request"]["masking"] = before["request"]["version"] = before["reading"] = 1
    after = json.loads(json.dumps(before))
    change(after)

    assert part_changes(before, after) == (named,)


NEAREST = {"file": "examples.jsonl", "nearest": 1}
OTHER = EXAMPLE.replace("hello", "good bye")
KNOWN = '{"text": "a", "keys": ["hello"]}'


def retrieving(folder: Path, examples: object, pool: str, most: int = 5, known: str = "") -> dict[str, Any]:
    attributes = MEETUPS | {"examples": examples, "turn": "{{ title }}{{ body }}"}
    if known:
        attributes |= {
            "knowledge": {"words": {"file": "words.jsonl", "most": most}},
            "turn": "{{ title }}{{ body }}{% if knowledge %}{% endif %}",
        }
    task = Task.load(write_task(folder / "meetups", attributes, examples=pool, words=known))
    return dict(recipe_of(task, lambda name: f"id-{name}").content)


RETRIEVED: dict[str, tuple[dict[str, Any], dict[str, Any], list[PartChange]]] = {
    "to the nearest": (
        {"examples": "examples.jsonl", "pool": EXAMPLE}, {"examples": NEAREST, "pool": f"{EXAMPLE}\n{OTHER}"},
        [PartChange("examples", "the same 1 for every post → the 1 nearest of 2")],
    ),
    "from the nearest": (
        {"examples": NEAREST, "pool": f"{EXAMPLE}\n{OTHER}"}, {"examples": None, "pool": ""},
        [PartChange("examples", "the 1 nearest of 2 → none")],
    ),
    "another pool": (
        {"examples": NEAREST, "pool": EXAMPLE}, {"examples": NEAREST | {"nearest": 2}, "pool": f"{EXAMPLE}\n{OTHER}"},
        [PartChange("examples", "others to choose from (1 → 2), nearest 1 → 2")],
    ),
    "other knowledge": (
        {"examples": None, "pool": "", "known": KNOWN},
        {"examples": None, "pool": "", "known": KNOWN.replace("hello", "bye"), "most": 4},
        [PartChange("knowledge", "words: others to choose from (1 → 1), most 5 → 4")],
    ),
    "knowledge": (
        {"examples": None, "pool": ""}, {"examples": None, "pool": "", "known": KNOWN},
        [PartChange("knowledge", "words: 1 to choose from"), PartChange("turn", "the template of a post's turn")],
    ),
    "no knowledge": (
        {"examples": None, "pool": "", "known": KNOWN}, {"examples": None, "pool": ""},
        [PartChange("knowledge", "words: gone"), PartChange("turn", "the template of a post's turn")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", RETRIEVED)
def test_a_change_of_what_is_looked_up_for_a_post_is_named(case: str, tmp_path: Path) -> None:
    old, new, named = RETRIEVED[case]
    changes = part_changes(retrieving(tmp_path / "before", **old), retrieving(tmp_path / "after", **new))

    assert list(changes) == named
    assert all(change.is_asked_again for change in changes)


def test_only_what_no_request_holds_is_free(tmp_path: Path) -> None:
    derived = content(tmp_path / "derived", **CHANGES["derivation"][0])
    asked = content(tmp_path / "asked", **CHANGES["model"][0])
    before = content(tmp_path / "before")

    assert [part.is_asked_again for part in part_changes(before, derived)] == [False]
    assert [part.is_asked_again for part in part_changes(before, asked)] == [True]
    assert part_changes(before, before) == ()


def test_a_recipe_is_compared_with_the_live_one_and_else_with_the_last(
    warehouse: DuckLakeWarehouse, tmp_path: Path
) -> None:
    recipes = {
        room: Recipe("meetups", f"hash {room}", content(tmp_path, models=[{"use": "local", "max_tokens": room}]))
        for room in (96, 97, 98)
    }

    def change(room: int) -> tuple[str, list[str]] | None:
        found = recipe_change(warehouse, recipes[room])
        return found and (found.before, [part.detail for part in found.parts])

    never = change(96)
    warehouse.ensure(OPS_TABLES)
    release(warehouse, register(warehouse, recipes[96]))
    first = change(96)
    register(warehouse, recipes[97])
    against_live = change(98)
    release(warehouse, "meetups@2")
    against_released, declared_is_live = change(98), change(97)

    assert (never, first) == (None, None)
    assert against_live == ("meetups@1", ["96 → 98"])
    assert against_released == ("meetups@2", ["97 → 98"])
    assert declared_is_live == ("meetups@1", ["96 → 97"])
