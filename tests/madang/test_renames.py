"""A field declared `renamed_from`: another name for its columns, the same for the model and the recipe; or refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from declaring import load, refused
from scenario import declaration

from madang.evaluation.gold_map import GoldMap
from madang.extraction.extract import Extractor
from madang.extraction.grounding import PostText
from madang.extraction.requests import RequestTemplate
from madang.models.protocol import Reply
from madang.recipe import recipe_of
from madang.schema.expressions import renamed
from madang.task import Task

Attributes = dict[str, Any]
EXAMPLE = '{"title": "a", "body": "#b", "answer": {"rooms": 2, "spots": [{"text": "#b", "is_review": true}]}}\n'
SPOTS = {
    "kind": "mentions", "of": {"is_review": {"kind": "flag"}, "side": {"kind": "label", "of": ["n", "s"]}},
    "keep": "is_review and side == 'n'",
}  # fmt: skip
TEXT = PostText({"title": "", "body": "#hall 방 3"})
REPLY = Reply("r", '{"rooms": 3, "spots": [{"text": "#hall", "is_review": true, "side": "n"}]}', "stop", 1, 1)


def attributes(**renames: str) -> Attributes:
    """A task with fields `rooms`, `spots` and `is_big`, and small fields `is_review` and `side`, each by a new name."""
    now = {name: renames.get(name, name) for name in ("rooms", "spots", "is_big", "is_review", "side")}

    def said(name: str, options: Attributes) -> Attributes:
        return options | ({"renamed_from": name} if now[name] != name else {})

    small = {now[name]: said(name, options) for name, options in SPOTS["of"].items()}  # type: ignore[attr-defined]
    fields = {
        now["rooms"]: said("rooms", {"kind": "number", "integer": True}),
        now["spots"]: said("spots", SPOTS | {"of": small, "keep": f"{now['is_review']} and {now['side']} == 'n'"}),
        now["is_big"]: said("is_big", {"kind": "flag", "derive": f"len({now['spots']}) > 1 or {now['rooms']} > 2"}),
    }
    return declaration(fields=fields, examples="examples.jsonl")


def task(folder: Path, **renames: str) -> Task:
    return load(folder, attributes(**renames), examples=EXAMPLE)


def recipe_hash(found: Task) -> str:
    return recipe_of(found, lambda name: f"online:{name}").hash


def with_renames(*names: str | list[str]) -> Attributes:
    """Fields a, b, c …, each renamed from what is given; from nothing where that is empty."""
    flags = {
        chr(ord("a") + number): {"kind": "flag"} | ({"renamed_from": before} if before else {})
        for number, before in enumerate(names)
    }
    return declaration(fields=flags)


@pytest.mark.parametrize(
    "renames",
    [
        {"rooms": "bedrooms"}, {"spots": "places"}, {"is_big": "is_large"}, {"is_review": "is_judged"},
        {"side": "bank"}, {"rooms": "bedrooms", "spots": "places", "is_review": "is_judged", "is_big": "is_large"},
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_rename_leaves_recipe_and_requests_as_they_are(tmp_path: Path, renames: dict[str, str]) -> None:
    before, now = task(tmp_path / "before"), task(tmp_path / "now", **renames)

    assert recipe_hash(now) == recipe_hash(before)
    assert RequestTemplate(now).request(TEXT, "m", 64) == RequestTemplate(before).request(TEXT, "m", 64)


def test_a_reply_by_the_old_names_gives_values_by_the_new(tmp_path: Path) -> None:
    names = {"rooms": "bedrooms", "spots": "places", "is_big": "is_large", "is_review": "is_judged", "side": "bank"}
    found = Extractor(task(tmp_path, **names)).extract(TEXT, REPLY)
    assert found is not None

    assert (found.values["bedrooms"], found.values["places"], found.values["is_large"]) == (3, ["#hall"], True)
    assert [one.row["is_judged"] for one in found.mentions["places"]] == [True]
    assert [one.row["bank"] for one in found.mentions["places"]] == ["n"]


def test_an_invalid_answer_is_counted_under_the_new_name(tmp_path: Path) -> None:
    reply = Reply("r", '{"rooms": "many"}', "stop", 1, 1)
    found = Extractor(task(tmp_path, rooms="bedrooms")).extract(TEXT, reply)
    assert found is not None

    assert found.dropped == (("bedrooms", "invalid"),)


def test_examples_may_bear_either_name(tmp_path: Path) -> None:
    names = {"rooms": "bedrooms", "spots": "places", "is_review": "is_judged"}
    new = EXAMPLE.replace("rooms", "bedrooms").replace("spots", "places").replace("is_review", "is_judged")
    by_old = load(tmp_path / "old", attributes(**names), examples=EXAMPLE)
    by_new = load(tmp_path / "new", attributes(**names), examples=new)

    assert recipe_hash(by_new) == recipe_hash(by_old) == recipe_hash(task(tmp_path / "before"))


def test_gold_from_before_a_rename_answers_the_field(tmp_path: Path) -> None:
    found = GoldMap(task(tmp_path, rooms="bedrooms"), {}, is_open=True).key("rooms")
    assert found is not None

    assert (found.name, found.spec.field) == ("bedrooms", "bedrooms")


def test_an_expression_is_renamed_and_else_stays_as_it_is_written() -> None:
    names = {"a": "first", "가": "나", "len": "size"}

    assert renamed("len(a)  >1 and 'a' != 가 or ab == a", names) == "len(first)  >1 and 'a' != 나 or ab == first"


WRONG: dict[str, tuple[Callable[[], Attributes], str]] = {
    "two fields that swap names": (
        lambda: with_renames("b", "a"),
        "fields: a.renamed_from: 'b' is the name of a field that is declared, too: two fields cannot swap names",
    ),
    "a name that moves up": (
        lambda: with_renames("b", "z"), "fields: a.renamed_from: 'b' is the name of a field that is declared, too",
    ),
    "two fields of one": (
        lambda: with_renames("z", "z"), "fields: b.renamed_from: 'z' is where 'a' comes from; a column becomes one",
    ),
    "an earlier name said twice": (
        lambda: with_renames(["y", "z", "y"]), "fields: a.renamed_from: 'y': list each earlier name once, the oldest",
    ),
    "a field renamed from itself": (lambda: with_renames("a"), "fields: a.renamed_from: 'a': list each earlier name"),
    "a column that every task has": (
        lambda: with_renames("recipe"), "fields: 'recipe' is a column that every task has; rename the field",
    ),
    "an earlier name that is none": (lambda: with_renames("Z-1"), "fields: 'Z-1' is not a field name (lower-case"),
    "a small field from a column of mentions": (
        lambda: declaration(fields={"spots": {"kind": "mentions", "of": {
            "b": {"kind": "flag", "renamed_from": "text"}}}}),
        "fields.spots.mentions: of.b.renamed_from: 'text': the name is taken or is no field name; rename it",
    ),
    "small fields that swap names": (
        lambda: declaration(fields={"spots": {"kind": "mentions", "of": {
            "a": {"kind": "flag", "renamed_from": "b"}, "b": {"kind": "flag", "renamed_from": "a"}}}}),
        "fields: spots.of.a.renamed_from: 'b' is the name of a field that is declared, too",
    ),
}  # fmt: skip


@pytest.mark.parametrize("claim", WRONG)
def test_a_rename_that_tables_could_not_tell_is_refused(tmp_path: Path, claim: str) -> None:
    made, message = WRONG[claim]

    assert refused(tmp_path, made()).startswith(f"defs.yaml: {message}")


def test_the_column_of_a_renamed_field_says_what_it_was_called(tmp_path: Path) -> None:
    found = task(tmp_path, rooms="bedrooms", side="bank")
    (rooms,) = (column for column in found.table.columns if column.name == "bedrooms")
    (bank,) = (column for column in found.mention_tables["spots"].columns if column.name == "bank")

    assert (rooms.describe, rooms.renamed_from) == ("formerly rooms", ("rooms",))
    assert (bank.describe, bank.renamed_from) == ("n, s (formerly side)", ("side",))
