"""A task's declaration: what is wrong is refused with file, field and remedy, and spoils no other task."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scenario import REPOSITORY, declaration, write_task

from madang.errors import DeclarationError
from madang.task import Task, find_tasks, load_task, load_tasks

Attributes = dict[str, Any]


def load(folder: Path, attributes: Attributes, **files: str) -> Task:
    return Task.load(write_task(folder / "assets" / str(attributes["name"]), attributes, **files))


def refused(folder: Path, attributes: Attributes, **files: str) -> str:
    """The message with which a declaration is refused, its folder left out."""
    place = write_task(folder / "assets" / "flats", attributes, **files)
    with pytest.raises(DeclarationError) as error:
        Task.load(place)
    assert str(error.value).startswith(f"{place}/")
    return str(error.value).removeprefix(f"{place}/")


def with_field(name: str, **options: object) -> Attributes:
    return declaration(fields=declaration()["fields"] | {name: options})


def with_reader(path: str, read: str) -> Attributes:
    return declaration(readers={"own": path}, fields={"seats": {"kind": "number", "read": read}})


def with_routes(*routes: dict[str, object]) -> Attributes:
    return declaration(models=list(routes))


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


BROKEN_FILES = {
    "type: [": "not valid YAML",
    "\tattributes:": "not valid YAML",
    "": "there is no `attributes` mapping. Write type: and attributes:",
    "[1, 2]": "there is no `attributes` mapping",
    "attributes: groups": "there is no `attributes` mapping",
    "attributes: {fields: {a: {kind: flag}, b: {kind: flag}, a: {kind: text}}}": "not valid YAML ('a' stands twice",
    "attributes: {name: a, name: b}": "not valid YAML ('name' stands twice",
    "attributes: {name: 2024-13-45}": "not valid YAML",
    "attributes: !!python/object/apply:os.system ['id']": "not valid YAML",
    "attributes: {name: \xff}": "not valid YAML",
    "attributes: {? [1, 2] : a}": "",
}


@pytest.mark.parametrize("text", BROKEN_FILES)
def test_a_broken_file_is_refused(tmp_path: Path, text: str) -> None:
    folder = write_task(tmp_path / "flats", declaration())
    (folder / "defs.yaml").write_bytes(text.encode("latin-1"))

    with pytest.raises(DeclarationError) as error:
        Task.load(folder)

    assert f"{folder}/defs.yaml: {BROKEN_FILES[text]}" in str(error.value)


def test_a_folder_without_a_declaration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match=r"there is no defs\.yaml\. Scaffold one: dg scaffold defs"):
        Task.load(tmp_path)


BROKEN_PROMPTS = {
    "{% for field in fields %}": "the template does not render (Unexpected end of template.",
    "{{ task": "the template does not render (unexpected end of template",
    "{{ field.name }}": "the template does not render ('field' is undefined). It may use `task` and `fields`",
    "{{ task.lenght }}": "the template does not render ('str object' has no attribute 'lenght')",
    "{{ ''.__class__.__mro__ }}": "the template does not render (access to attribute '__class__'",
    "{{ fields.append(1) or ''.__class__ }}": "the template does not render (access to attribute",
    "{{ '%s'.__init__.__globals__ }}": "the template does not render (access to attribute",
    "{% include '/etc/passwd' %}": "the template does not render",
    "{{ 1 / 0 }}": "the template does not render (division by zero)",
    "{{ range(999999999) }}": "the template does not render (Range too big",
    "{{ fields[9].name }}": "the template does not render",
    "{{ '{:>z}'.format(1) }}": "the template does not render",
}


@pytest.mark.parametrize("prompt", BROKEN_PROMPTS)
def test_a_prompt_that_does_not_render_or_reaches_into_python_is_refused(tmp_path: Path, prompt: str) -> None:
    folder = write_task(tmp_path / "flats", declaration(), prompt)

    with pytest.raises(DeclarationError) as error:
        Task.load(folder)

    assert f"{folder}/prompt.md: {BROKEN_PROMPTS[prompt]}" in str(error.value)


def test_a_prompt_knows_the_task_and_its_asked_fields(tmp_path: Path) -> None:
    field = "{{ f.name }}={{ f.kind }}/{{ f.describe }}/{{ f.labels | join('|') }}"
    prompt = "{{ task }}:{% for f in fields %} " + field + "{% endfor %}"
    attributes = with_field("is_big", kind="flag", derive="rooms > 3")
    task = Task.load(write_task(tmp_path / "flats", attributes, prompt))

    assert task.system_prompt == (
        "flats: deal=label/how it is offered/monthly|sale options=labels//bed|desk|tv is_open=flag//true|false "
        "rent=money// rooms=number// note=text//"
    )


BROKEN_TURNS = {
    "{{ subject }}": "turn: the template does not render ('subject' is undefined). It may use title, body",
    "{{ title": "turn: the template does not render",
    "{{ title[0] }}": "turn: the template does not render (str object has no element 0)",
    "{{ title.__class__ }}": "turn: the template does not render (access to attribute '__class__'",
    "{{ 1 / (title | length) }}": "turn: the template does not render (division by zero)",
}


@pytest.mark.parametrize("turn", BROKEN_TURNS)
def test_a_turn_that_does_not_render_for_every_post_is_refused(tmp_path: Path, turn: str) -> None:
    assert refused(tmp_path, declaration(turn=turn)).startswith(f"defs.yaml: {BROKEN_TURNS[turn]}")


def test_a_post_that_looks_like_a_template_is_only_text(tmp_path: Path) -> None:
    post = {"title": "{{ 7 * 7 }}", "body": "{% for x in y %}"}

    assert load(tmp_path, declaration()).render_turn(post) == "{{ 7 * 7 }}\n{% for x in y %}"
    assert load(tmp_path, declaration(turn="T {{ title }} B {{ body }}")).render_turn(post) == (
        "T {{ 7 * 7 }} B {% for x in y %}"
    )


EXAMPLES = {
    '{"body": "a", "answer": {"colour": "red"}}': "the answer has 'colour', which is not asked. Correct the key",
    '{"body": "a", "answer": {"deal": "lease"}}': "the answer is not valid (",
    '{"body": "a", "answer": {"options": ["bed", "bed", "tv"]}}': "the answer is not valid (",
    '{"body": "a"}': "not an example (",
    '{"text": "a", "answer": {}}': "not an example (",
    '{"body": "a", ': "not an example (",
    "[" * 100_000: "not an example (",
}


@pytest.mark.parametrize("line", EXAMPLES)
def test_a_wrong_example_is_refused_with_its_line(tmp_path: Path, line: str) -> None:
    good = '{"title": "a", "body": "b", "answer": {"deal": "sale"}}'

    message = refused(tmp_path, declaration(examples="examples.jsonl"), examples=f"{good}\n\n{line}\n")

    assert message.startswith(f"examples.jsonl:3: {EXAMPLES[line]}")


def test_examples_that_are_not_utf_8_are_refused(tmp_path: Path) -> None:
    folder = write_task(tmp_path / "flats", declaration(examples="examples.jsonl"))
    (folder / "examples.jsonl").write_bytes(b'{"body": "\xff", "answer": {}}')

    with pytest.raises(DeclarationError, match=r"examples\.jsonl: not UTF-8"):
        Task.load(folder)


def test_a_line_separator_inside_an_example_does_not_end_its_line(tmp_path: Path) -> None:
    line = json.dumps({"body": "a\u2028b\x85c", "answer": {"deal": "sale"}}, ensure_ascii=False)
    task = load(tmp_path, declaration(examples="examples.jsonl"), examples=line + "\n")

    assert [example.body for example in task.examples] == ["a\u2028b\x85c"]


def test_a_wrong_task_spoils_no_other(tmp_path: Path) -> None:
    load(tmp_path, declaration(name="good"))
    for name, attributes in {
        "bad1": declaration(source={"kind": "table", "where": "x = 1"}),
        "bad2": with_field("x"),
    }.items():
        write_task(tmp_path / "assets" / name, attributes | {"name": name})
    (write_task(tmp_path / "assets" / "bad3", declaration()) / "defs.yaml").write_text("a: 2024-13-45")
    write_task(tmp_path / "assets" / "bad4", declaration(name="bad4"), prompt="{{ 1 / 0 }}")

    tasks, errors = load_tasks(tmp_path)

    assert [task.name for task in tasks] == ["good"]
    assert [Path(error.place).parent.name for error in errors] == ["bad1", "bad2", "bad3", "bad4"]
    assert load_task(tmp_path, "good").name == "good"


def test_a_task_whose_name_is_not_its_folder_s_is_refused(tmp_path: Path) -> None:
    """Two folders could otherwise write one table."""
    folder = write_task(tmp_path / "assets" / "copy", declaration(name="flats"))

    with pytest.raises(DeclarationError, match=r"defs\.yaml: name: 'flats' is not the folder's name, 'copy'"):
        Task.load(folder)


def test_an_unknown_task_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    load(tmp_path, declaration(name="flats"))
    load(tmp_path, declaration(name="shops"))

    with pytest.raises(
        DeclarationError, match=r"there is no task 'flat' \(there are: flats, shops\)\. Correct the name"
    ):
        load_task(tmp_path, "flat")


def test_the_first_route_whose_condition_holds_is_taken(tmp_path: Path) -> None:
    task = load(
        tmp_path,
        with_routes(
            {"when": "chars < 400 and board == 'a'", "use": "small"},
            {"when": "board in ['b']", "use": "b"},
            {"use": "rest"},
        ),
    )
    routes = [(399, "a"), (400, "a"), (1, "b"), (1, None)]

    assert [task.route(chars, "town", board).use for chars, board in routes] == ["small", "rest", "b", "rest"]


def test_derived_fields_may_use_earlier_derived_ones(tmp_path: Path) -> None:
    fields = declaration()["fields"] | {
        "is_big": {"kind": "flag", "derive": "rooms > 3"},
        "is_cheap_and_big": {"kind": "flag", "derive": "is_big and rent < 500000"},
    }
    task = load(tmp_path, declaration(fields=fields))

    assert list(task.derivations) == ["is_big", "is_cheap_and_big"]


def test_our_own_tasks_load() -> None:
    tasks, errors = load_tasks(REPOSITORY)

    assert errors == []
    assert {task.name for task in tasks} >= {"groups", "rentals"}
    assert [folder.name for folder in find_tasks(REPOSITORY)] == [task.name for task in tasks]
