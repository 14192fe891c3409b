"""What a declaration may not say: refused with file, field and remedy."""

from collections.abc import Callable
from pathlib import Path

import pytest
from declaring import Attributes, refused, with_field, with_routes
from scenario import declaration


def with_reader(path: str, read: str) -> Attributes:
    return declaration(readers={"own": path}, fields={"seats": {"kind": "number", "read": read}})


def without(key: str) -> Attributes:
    return {name: value for name, value in declaration().items() if name != key}


REFUSED: dict[str, tuple[Callable[[], Attributes], str]] = {
    "an unknown kind": (
        lambda: with_field("size", kind="colour"),
        "defs.yaml: fields.size: Input tag 'colour' found using 'kind' does not match any of the expected tags: "
        "'label', 'labels', 'flag', 'number', 'money', 'text', 'mentions'. Use one of the expected kinds",
    ),
    "no kind": (
        lambda: with_field("size", of=["a", "b"]),
        "defs.yaml: fields.size: Unable to extract tag using discriminator 'kind'. Say its `kind`",
    ),
    "a label twice": (
        lambda: with_field("deal", kind="label", of=["rent", "sale", "rent"]),
        "defs.yaml: fields.deal.label: label 'rent' stands twice in `of`; remove one. Correct it there",
    ),
    "a label that YAML reads as a flag": (
        lambda: with_field("deal", kind="label", of=[True, "no"]),
        "defs.yaml: fields.deal.label.of.0: Input should be a valid string. Correct it there",
    ),
    "an unknown option": (
        lambda: with_field("deal", kind="flag", unti="m2"),
        "defs.yaml: fields.deal.flag.unti: Extra inputs are not permitted. Remove it, or correct its name",
    ),
    "an unknown attribute": (
        lambda: declaration(promt="prompt.md"),
        "defs.yaml: promt: Extra inputs are not permitted. Remove it, or correct its name",
    ),
    "no models": (lambda: without("models"), "defs.yaml: models: no model is named to answer deal, options,"),
    "no fields": (lambda: declaration(fields={}), "defs.yaml: fields: Dictionary should have at least 1 item"),
    "a gate on a missing field": (
        lambda: declaration(evaluation={"gates": {"dael.f1": 0.8}}),
        "defs.yaml: evaluation.gates: 'dael.f1' names no field and metric; fields are deal, options, is_open, rent, "
        "rooms, note. Correct it there",
    ),
    "a gate without a metric": (
        lambda: declaration(evaluation={"gates": {"deal": 0.8}}), "evaluation.gates: 'deal' names no field and metric",
    ),
    "a missing prompt": (
        lambda: declaration(prompt="promt.md"),
        "defs.yaml: prompt: there is no file 'promt.md' beside it. Create it, or correct the name",
    ),
    "missing examples": (
        lambda: declaration(examples="examples.jsonl"),
        "defs.yaml: examples: there is no file 'examples.jsonl' beside it. Create it, or correct the name",
    ),
    "missing gold": (
        lambda: declaration(evaluation={"gold": "gold.jsonl"}),
        "defs.yaml: evaluation.gold: there is no file 'gold.jsonl' beside it. Create it, or correct the name",
    ),
    "a prompt outside the folder": (
        lambda: declaration(prompt="../../../etc/passwd"), "defs.yaml: prompt: there is no file",
    ),
    "an unknown column in where": (
        lambda: declaration(source={"kind": "table", "where": "categorie = 'a'"}),
        "defs.yaml: source.where: `categorie = 'a'`: unknown column 'categorie' (there are: source, post_id,",
    ),
    "a subquery in where": (
        lambda: declaration(source={"kind": "table", "where": "board in (select 1)"}),
        "defs.yaml: source.where: `board in (select 1)`: '(SELECT 1)' may not stand in a condition on one post",
    ),
    "an unknown text column": (
        lambda: declaration(source={"kind": "table", "text": ["subject"]}),
        "defs.yaml: source.text.0: Input should be 'title' or 'body'",
    ),
    "a text column twice": (
        lambda: declaration(source={"kind": "table", "text": ["body", "body"]}),
        "defs.yaml: source.text: 'body' stands twice; remove one",
    ),
    "an unknown source": (
        lambda: declaration(source={"kind": "kafka"}), "defs.yaml: source.kind: Input should be 'table'",
    ),
    "an unknown name in when": (
        lambda: with_routes({"when": "lenght < 9", "use": "a"}, {"use": "b"}),
        "defs.yaml: models.0.when: `lenght < 9`: unknown name 'lenght' (there are: board, chars, source). "
        "Correct it there",
    ),
    "a when that is no condition": (
        lambda: with_routes({"when": "chars + 9", "use": "a"}, {"use": "b"}),
        "defs.yaml: models.0.when: `chars + 9` is not a condition (true or false). Correct it there",
    ),
    "a route after the one for all": (
        lambda: with_routes({"use": "a"}, {"use": "b"}),
        "defs.yaml: models: route 1 has no `when`, so the later ones are never used. Correct it there",
    ),
    "no route for all": (
        lambda: with_routes({"when": "chars < 9", "use": "a"}),
        "defs.yaml: models: the last route has a `when`, so some posts have no model; add one "
        "without. Correct it there",
    ),
    "an unknown name in derive": (
        lambda: with_field("is_big", kind="flag", derive="room > 3"),
        "defs.yaml: fields.is_big.derive: `room > 3`: unknown name 'room' (there are: deal, "
        "is_open, note, options, rent, rooms)",
    ),
    "a derive that uses itself": (
        lambda: with_field("is_big", kind="flag", derive="not is_big"),
        "defs.yaml: fields.is_big.derive: `not is_big`: unknown name 'is_big'",
    ),
    "a derive of another type": (
        lambda: with_field("is_big", kind="flag", derive="rooms + 3"),
        "defs.yaml: fields.is_big.derive: `rooms + 3` is number, and the field is flag. Correct it there",
    ),
    "a derive that runs Python": (
        lambda: with_field("is_big", kind="flag", derive="__import__('os').system('id') == 0"),
        "is not part of the language",
    ),
    "a derived amount": (
        lambda: with_field("year", kind="money", derive="rent * 12"),
        "defs.yaml: fields.year.derive: a derived amount has no currency; make the field a number",
    ),
    "nothing to derive from": (
        lambda: declaration(fields={"is_big": {"kind": "flag", "derive": "True"}}),
        "defs.yaml: fields: every field is derived, so there is nothing to derive them from",
    ),
    "a reader that is not there": (
        lambda: with_field("size", kind="number", read="lanes.rooms"),
        "defs.yaml: fields.size.read: module 'madang.readers.lanes' does not import (ModuleNotFoundError: No module "
        "named 'madang.readers.lanes'). Correct it, or declare the reader under `readers`",
    ),
    "a reader without its function": (
        lambda: with_reader("reader:look", read="own.seats"),
        "defs.yaml: fields.seats.read: module 'reader' has no function 'look'. Correct it,",
    ),
    "a module that is no reader": (
        lambda: with_reader("scenario:posts", read="own.seats"),
        "defs.yaml: fields.seats.read: module 'scenario' lacks VERSION (a number) or KEYS (kind of field by key).",
    ),
    "a module of a reader that does not import": (
        lambda: with_reader("reader_broken:read", read="own.seats"),
        "defs.yaml: fields.seats.read: module 'reader_broken' does not import (",
    ),
    "a key that the reader does not have": (
        lambda: with_reader("reader:read", read="own.chairs"),
        "defs.yaml: fields.seats.read: reader 'own' finds no number called 'chairs' (of this kind: seats, wrong). "
        "Correct the key, or the field's kind",
    ),
    "a key of another kind": (
        lambda: with_reader("reader:read", read="own.is_recruiting"),
        "defs.yaml: fields.seats.read: reader 'own' finds no number called 'is_recruiting' (of this kind: seats,",
    ),
    "a key without its reader": (
        lambda: with_field("size", kind="number", read="rooms"),
        "defs.yaml: fields.size.number.read: String should match pattern",
    ),
    "a decision of a reader that is not named": (
        lambda: with_field("size", kind="number", decide="both"),
        "defs.yaml: fields.size.number: decide: both needs a reader; add `read: <reader>.<key>`. Correct it there",
    ),
    "mentions kept by what is not asked": (
        lambda: with_field("spots", kind="mentions", of={"is_review": {"kind": "flag"}}, keep="is_good"),
        "defs.yaml: fields.spots.mentions: keep: `is_good`: unknown name 'is_good' (there are: is_review)",
    ),
    "mentions kept by what is no condition": (
        lambda: with_field("spots", kind="mentions", of={"stars": {"kind": "number"}}, keep="stars + 1"),
        "defs.yaml: fields.spots.mentions: keep: `stars + 1` is not a condition (true or false). Correct it there",
    ),
    "a small field called like a column": (
        lambda: with_field("spots", kind="mentions", of={"kept": {"kind": "flag"}}),
        "defs.yaml: fields.spots.mentions: of.kept: the name is taken or is no field name; rename it",
    ),
    "a small field that is derived": (
        lambda: with_field("spots", kind="mentions", of={"is_big": {"kind": "flag", "derive": "True"}}),
        "defs.yaml: fields.spots.mentions: of.is_big: a small field is neither derived nor read by itself; remove",
    ),
    "mentions called like the live view": (
        lambda: with_field("live", kind="mentions"), "defs.yaml: fields: 'live' is the name of the task's view; rename",
    ),
    "a derived field that is read": (
        lambda: with_field("size", kind="number", derive="rooms", read="own.seats"),
        "defs.yaml: fields.size.number: `derive` computes the field, so nobody reads or decides it; remove one of",
    ),
    "a column that every task has": (
        lambda: with_field("event_at", kind="flag"),
        "defs.yaml: fields: 'event_at' is a column that every task has; rename the field. Correct it there",
    ),
    "the column of the entity": (
        lambda: with_field("flat_id", kind="text"),
        "defs.yaml: fields: 'flat_id' is the entity's join key; rename the field",
    ),
    "a method of pydantic's": (
        lambda: with_field("model_config", kind="flag"),
        "defs.yaml: fields: 'model_config' is a name of the library that checks replies; rename the field",
    ),
    "a field name with capitals": (
        lambda: with_field("Deal", kind="flag"),
        "defs.yaml: fields: 'Deal' is not a field name (lower-case letters, digits, single _, at most 48)",
    ),
    "a field name with two underscores": (lambda: with_field("deal__x", kind="flag"), "'deal__x' is not a field name"),
    "a task name with a quote": (
        lambda: declaration(name='fl"ats'),
        "defs.yaml: name: 'fl\"ats' is not a name (lower-case letters, digits, single _, at most 40)",
    ),
    "a task name that ends a line": (lambda: declaration(name="flats\n"), "defs.yaml: name: 'flats\\n' is not a name"),
    "a task whose view another task's table is": (
        lambda: declaration(name="flats__live"), "defs.yaml: name: 'flats__live' is not a name",
    ),
    "no room for a reply": (
        lambda: with_routes({"use": "a", "max_tokens": 1}),
        "defs.yaml: models.0.max_tokens: Input should be greater than or equal to 8",
    ),
}  # fmt: skip


@pytest.mark.parametrize("claim", REFUSED)
def test_a_wrong_declaration_is_refused_with_file_field_and_remedy(tmp_path: Path, claim: str) -> None:
    make, message = REFUSED[claim]

    assert message in refused(tmp_path, make())
