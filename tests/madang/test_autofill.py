"""A form that one text fills in: the values of a run, with their places, and what stands in the way."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from scenario import Project, make_project, post, write_task

from madang.autofill import MAX_CHARS, Autofill
from madang.cli import main
from madang.errors import InputError

TASK: dict[str, Any] = {
    "name": "homes",
    "entity": "home",
    "source": {"kind": "table", "table": "raw.posts", "where": "board = 'homes'", "text": ["title", "body"]},
    "fields": {
        "deposit": {"kind": "money", "bare_unit": "manwon", "read": "rentals.deposit"},
        "floor": {"kind": "text", "read": "rentals.floor"},
        "options": {"kind": "labels", "of": ["bed", "desk"], "read": "rentals.options"},
        "walk_minutes": {"kind": "number", "integer": True, "read": "rentals.walk_minutes"},
        "is_near": {"kind": "flag", "derive": "walk_minutes <= 10"},
    },
}
MOOD = {"kind": "label", "of": ["running", "hiking"]}
TEXT = "🏠 반지하 원룸 500/40, 침대 있음, 강변역 도보 6분"


@pytest.fixture
def homes(tmp_path: Path) -> Project:
    made = make_project(tmp_path, ("meetups",))
    write_task(made.folder / "assets" / "homes", TASK)
    return made


def ask_for_mood(project: Project) -> None:
    project.edit("homes", lambda declared: declared["fields"].update(mood=MOOD))
    project.edit("homes", lambda declared: declared.update(models=[{"use": "local", "max_tokens": 96}]))


def fill(project: Project, text: str, *, asks_model: bool = False) -> dict[str, Any]:
    form = Autofill(project.task("homes"), project.settings, asks_model=asks_model)
    return form.fill({"body": text}).to_json()


def madang(project: Project, *arguments: str, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["autofill", *arguments], env=project.environment, input=given)


def test_a_form_has_values_with_their_places_in_the_text_as_it_was_given(homes: Project) -> None:
    filled = fill(homes, TEXT)

    assert filled["fields"]["deposit"] == {
        "value": 5_000_000, "currency": "KRW", "confidence": 0.95,
        "evidence": [{"field": "body", "start": 9, "end": 12, "text": "500"}],
    }  # fmt: skip
    assert {name: field["value"] for name, field in filled["fields"].items()} == {
        "deposit": 5_000_000, "floor": "반지하", "options": ["bed"], "walk_minutes": 6, "is_near": True
    }  # fmt: skip


def test_a_form_says_what_a_run_says(homes: Project) -> None:
    homes.ingest(post("p1", TEXT, board="homes"))
    homes.run("homes")

    filled = fill(homes, TEXT)["fields"]

    names = ", ".join(f"{name}, {name}__evidence" for name in ("deposit", "floor", "options", "walk_minutes"))
    (row,) = homes.warehouse.read(f"SELECT {names} FROM attributes.homes").to_dicts()
    assert {name: filled[name]["value"] for name in ("deposit", "floor", "options", "walk_minutes")} == {
        name: value for name, value in row.items() if "__" not in name
    }
    assert [filled["floor"]["evidence"][0][end] for end in ("start", "end")] == [
        row["floor__evidence"][0][end] for end in ("start", "end")
    ]


def test_what_the_text_does_not_say_is_null(homes: Project) -> None:
    filled = fill(homes, "안녕하세요")["fields"]

    assert filled["deposit"] == {"value": None, "currency": None, "confidence": None, "evidence": []}


def test_no_model_is_asked_unless_it_is_allowed(homes: Project) -> None:
    ask_for_mood(homes)

    filled = fill(homes, TEXT)

    assert (filled["lane"], filled["not_asked"], homes.sent()) == ("reader", ["mood"], [])


def test_an_allowed_model_answers_what_no_reader_finds(homes: Project) -> None:
    ask_for_mood(homes)

    filled = fill(homes, f"{TEXT} running", asks_model=True)

    assert (filled["fields"]["mood"]["value"], filled["not_asked"], len(homes.sent())) == ("running", [], 1)
    assert filled["fields"]["deposit"]["value"] == 5_000_000


def test_a_task_without_readers_wants_its_model(homes: Project) -> None:
    homes.edit("homes", lambda declared: declared.update(fields={"mood": MOOD}, models=[{"use": "local"}]))

    with pytest.raises(InputError, match=r"homes: no field names a reader\. Allow its model with --model"):
        Autofill(homes.task("homes"), homes.settings, asks_model=False)


def test_a_text_that_is_too_long_is_refused(homes: Project) -> None:
    with pytest.raises(InputError, match=r"the text: it has 100,001 characters, more than 100,000\. Shorten it"):
        fill(homes, "가" * (MAX_CHARS + 1))


def test_the_command_reads_standard_input(homes: Project) -> None:
    result = madang(homes, "homes", "--text", "-", "--title", "옥탑 원룸", given="300/35, 2층 아닙니다")

    fields = json.loads(result.stdout)["fields"]
    assert (fields["floor"]["value"], fields["floor"]["evidence"][0]["field"]) == ("옥탑", "title")
    assert fields["deposit"]["value"] == 3_000_000


def test_the_command_reads_a_file(homes: Project, tmp_path: Path) -> None:
    (tmp_path / "advert.txt").write_text(TEXT, encoding="utf-8")

    result = madang(homes, "homes", "--text", str(tmp_path / "advert.txt"))

    assert json.loads(result.stdout)["fields"]["walk_minutes"]["value"] == 6


@pytest.mark.parametrize(
    ("arguments", "given", "message"),
    [
        ([], None, "madang: --text: give a text or --serve, one of them. Write --text - to read standard input\n"),
        (["--text", "-"], b"\xff\xfe", "madang: -: byte 0 is not UTF-8. Convert the text to UTF-8\n"),
        (["--text", "nowhere.txt"], None,
         "madang: nowhere.txt: No such file or directory. Give a file that can be read, or -\n"),
    ],
)  # fmt: skip
def test_a_wrong_command_says_what_is_wrong(
    homes: Project, arguments: list[str], given: bytes | None, message: str
) -> None:
    result = madang(homes, "homes", *arguments, given=given)

    assert (result.exit_code, result.stderr) == (2, message)
