"""A task's folder: a wrong one is refused with file and remedy, and spoils no other task."""

import json
from pathlib import Path

import pytest
from declaring import load, refused, with_field, with_routes
from scenario import REPOSITORY, declaration, write_task

from madang.errors import DeclarationError
from madang.task import Task, find_tasks, load_task, load_tasks

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
