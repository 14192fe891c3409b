"""Knowledge: a post's words call up entries of a file, and its own turn shows them, as data."""

import json
from pathlib import Path

import pytest
from scenario import declaration, write_task

from madang.errors import DeclarationError
from madang.extraction.grounding import PostText
from madang.extraction.knowledge import Entry, Knowledge
from madang.extraction.requests import RequestTemplate
from madang.task import Task

TURN = "{{ title }}\n{{ body }}\n{% for text in knowledge.stations %}[{{ text }}]{% endfor %}"
STATIONS = {"stations": {"file": "stations.jsonl"}}


def entry(text: str, *keys: str) -> str:
    return json.dumps({"text": text, "keys": keys}, ensure_ascii=False)


LINES = "\n".join([entry("신림역 is on line 2", "신림역", "Sillim"), entry("용산역 is on line 1", "용산역")])


def load(
    folder: Path, turn: str | None = TURN, knowledge: object = STATIONS, stations: str = LINES, prompt: str = "Read."
) -> Task:
    attributes = declaration(turn=turn, knowledge=knowledge, examples="examples.jsonl")
    example = json.dumps({"title": "Sillim studio", "body": "", "answer": {"deal": "monthly"}})
    return Task.load(write_task(folder / "flats", attributes, prompt, stations=stations, examples=example))


def refused(folder: Path, **options: object) -> str:
    with pytest.raises(DeclarationError) as error:
        load(folder, **options)  # type: ignore[arg-type]
    return str(error.value).removeprefix(f"{folder}/flats/")


def called_up(text: str, *entries: tuple[str, ...], most: int = 5) -> list[str]:
    """First keys of the entries that a text calls up."""
    return list(Knowledge([Entry(text=keys[0], keys=keys) for keys in entries], most).of([text]))


def test_a_post_s_turn_shows_what_it_calls_up(tmp_path: Path) -> None:
    text = PostText({"title": "원룸", "body": "신림역에서 5분"})
    request = RequestTemplate(load(tmp_path)).request(text, "local:1", 64)

    assert request.messages[-1].content == "원룸\n신림역에서 5분\n[신림역 is on line 2]"


def test_an_example_is_rendered_as_a_post_is(tmp_path: Path) -> None:
    request = RequestTemplate(load(tmp_path)).request(PostText({"title": "", "body": "원룸"}), "local:1", 64)

    assert request.messages[1].content == "Sillim studio\n\n[신림역 is on line 2]"
    assert request.messages[-1].content == "원룸"


def test_neither_an_entry_nor_a_post_is_a_template(tmp_path: Path) -> None:
    task = load(tmp_path, stations=entry("{{ 7 * 7 }}", "신림역"))

    assert task.render_turn({"title": "{{ knowledge }}", "body": "신림역"}) == "{{ knowledge }}\n신림역\n[{{ 7 * 7 }}]"


def test_the_system_turn_knows_no_entry(tmp_path: Path) -> None:
    assert refused(tmp_path, prompt="{{ knowledge }}").startswith(
        "prompt.md: the template does not render ('knowledge' is undefined)"
    )


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("갤럭시 S23 팝니다", "galaxy s23"), ("Galaxy  S23 for sale", "galaxys23"), ("GALAXYS23", "Galaxy S23"),
        ("LG의 냉장고", "lg"), ("스타벅스강남점", "스타벅스 강남"), ("ｇａｌａｘｙ s23입니다", "Galaxy S23"),
        ("아이폰13을 팝니다", "아이폰 13"),
    ],
)  # fmt: skip
def test_case_width_spaces_and_particles_do_not_matter(text: str, key: str) -> None:
    assert called_up(text, ("entry", key, "갤럭시 s23")) == ["entry"]


@pytest.mark.parametrize(
    ("text", "key"),
    [("an algorithm", "lg"), ("LGs", "LG"), ("아이폰 130", "아이폰 13"), ("213호", "13"), ("cafés", "café")],
)
def test_a_key_is_cut_out_of_no_latin_word_and_no_number(text: str, key: str) -> None:
    assert called_up(text, ("entry", key)) == []


def test_the_longest_keys_come_first_and_then_the_file_s_order() -> None:
    entries = [("역",) * 2 + ("용산",), ("신림",), ("신림역",), ("관악",)]

    assert called_up("관악구 신림역", *[(keys[-1],) for keys in entries]) == ["신림역", "신림", "관악"]
    assert called_up("관악구 신림역", *[(keys[-1],) for keys in entries], most=2) == ["신림역", "신림"]


def test_an_entry_is_called_up_once() -> None:
    assert called_up("신림 신림역 신림", ("신림", "신림역")) == ["신림"]


def test_columns_are_looked_at_one_by_one() -> None:
    knowledge = Knowledge([Entry(text="entry", keys=("신림역",))], 5)

    assert knowledge.of(["신림", "역"]) == ()


REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "no turn": ({"turn": None}, "defs.yaml: knowledge: no turn shows it. Write a `turn` that does: {% for text in "
                                "knowledge.stations %}"),
    "a turn that does not show it": ({"turn": "{{ body }}"}, "defs.yaml: knowledge: no turn shows it."),
    "a name that is not declared": (
        {"turn": TURN.replace("stations", "lines")},
        "defs.yaml: turn: the template does not render ('dict object' has no attribute 'lines'). "
        "It may use title, body, knowledge.stations",
    ),
    "a turn that needs an entry": (
        {"turn": "{{ knowledge.stations[0] }}"}, "defs.yaml: turn: the template does not render (tuple object has no"
    ),
    "a name of dict": ({"knowledge": {"items": {"file": "stations.jsonl"}}},
                       "defs.yaml: knowledge: 'items' is not a name that a template can use; rename it"),
    "no file": ({"knowledge": {"stations": {"file": "lines.jsonl"}}},
                "defs.yaml: knowledge.stations.file: there is no file 'lines.jsonl' beside it"),
    "a short key": ({"stations": f"{LINES}\n" + entry("a", "역 ")},
                    "stations.jsonl:3: not an entry (1 validation error for Entry keys Value error, key '역 ' "),
    "no keys": ({"stations": entry("a")}, "stations.jsonl:1: not an entry ("),
    "no JSON": ({"stations": "{"}, "stations.jsonl:1: not an entry ("),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_wrong_knowledge_is_refused(case: str, tmp_path: Path) -> None:
    options, message = REFUSED[case]

    assert refused(tmp_path, **options).startswith(message)


def test_a_turn_cannot_use_knowledge_that_is_not_declared(tmp_path: Path) -> None:
    assert refused(tmp_path, knowledge={}).startswith(
        "defs.yaml: turn: the template does not render ('knowledge' is undefined). It may use title, body"
    )
