"""Who decides a field: reader, model, or both; and what is counted where they differ."""

import json
from pathlib import Path

import pytest
from scenario import declaration, write_task

from madang.extraction.extract import Extraction, Extractor
from madang.extraction.grounding import PostText
from madang.extraction.requests import prefix_messages
from madang.models.protocol import Reply
from madang.readers.registry import ReaderFailed
from madang.schema import asked_schema
from madang.task import Task

SEATS: dict[str, object] = {"kind": "number", "integer": True, "max": 50, "read": "own.seats"}
FIELDS: dict[str, dict[str, object]] = {
    "is_recruiting": {"kind": "flag", "read": "own.is_recruiting", "default": False},
    "topics": {"kind": "labels", "of": ["running", "hiking", "cafe"], "max": 1, "read": "own.topics"},
    "gender": {"kind": "label", "of": ["female", "male"], "read": "own.gender"},
    "seats": SEATS,
    "fee": {"kind": "money", "max": 5000, "read": "own.fee"},
    "place": {"kind": "text", "max_chars": 6, "read": "own.place"},
    "is_full": {"kind": "flag", "derive": "seats > 3"},
}


def task_of(folder: Path, fields: dict[str, dict[str, object]]) -> Task:
    return Task.load(write_task(folder / "flats", declaration(fields=fields, readers={"own": "reader:read"})))


def read(folder: Path, body: str, **fields: dict[str, object]) -> Extraction:
    return Extractor(task_of(folder, fields or FIELDS)).unasked(PostText({"title": "", "body": body}))


def both_say(folder: Path, decide: str, body: str, answer: object) -> Extraction:
    task = task_of(folder, {"seats": SEATS | {"decide": decide}})
    reply = Reply("r", json.dumps({"seats": answer}), "stop", 1, 1)
    found = Extractor(task).extract(PostText({"title": "", "body": body}), reply)
    assert found is not None
    return found


def test_what_a_reader_finds_has_its_value_place_and_confidence(tmp_path: Path) -> None:
    found = read(tmp_path, "seats 4, at Hill")

    assert found.values["seats"] == 4
    assert isinstance(found.values["seats"], int)
    assert found.values["seats__confidence"] == 0.7
    assert found.values["seats__evidence"] == [{"field": "body", "start": 6, "end": 7}]
    assert found.values["place"] == "HILL"
    assert found.values["is_full"] is True
    assert (found.status, found.dropped) == ("ok", ())


def test_what_a_reader_does_not_find_is_null_or_the_default(tmp_path: Path) -> None:
    found = read(tmp_path, "hello")

    assert {name: found.values[name] for name in FIELDS} == {
        "is_recruiting": False, "topics": [], "gender": None, "seats": None, "fee": None, "place": None,
        "is_full": None,
    }  # fmt: skip
    assert found.values["fee__currency"] is None


def test_money_of_a_reader_has_its_currency(tmp_path: Path) -> None:
    found = read(tmp_path, "fee 3000")

    assert (found.values["fee"], found.values["fee__currency"]) == (3000.0, "KRW")


def test_of_a_readers_labels_the_surest_are_kept(tmp_path: Path) -> None:
    assert read(tmp_path, "running and hiking").values["topics"] == ["hiking"]


@pytest.mark.parametrize(
    ("body", "dropped"),
    [
        ("seats 51", ("seats", "out_of_range")), ("fee 9000", ("fee", "out_of_range")),
        ("chess", ("topics", "invalid")), ("at Hillsides", ("place", "invalid")),
    ],
)  # fmt: skip
def test_a_readers_value_passes_the_fields_own_checks(tmp_path: Path, body: str, dropped: tuple[str, str]) -> None:
    found = read(tmp_path, body)

    assert found.dropped == (dropped,)
    assert found.values[dropped[0]] in (None, [])
    assert found.status == "partial"


def test_a_blank_post_is_read_by_nobody(tmp_path: Path) -> None:
    found = read(tmp_path, "…")

    assert (found.status, found.values["is_recruiting"]) == ("empty", False)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("boom", "reader own raised ZeroDivisionError"), ("nowhere", "reader own raised IndexError"),
        ("many", "reader own gives no number for wrong (str is no number)"),
    ],
)  # fmt: skip
def test_a_reader_that_fails_is_named_and_the_post_is_not_quoted(tmp_path: Path, body: str, message: str) -> None:
    fields: dict[str, dict[str, object]] = {"seats": SEATS, "wrong": {"kind": "number", "read": "own.wrong"}}

    with pytest.raises(ReaderFailed) as error:
        read(tmp_path, body, **fields)

    assert str(error.value) == message


@pytest.mark.parametrize(("decide", "asked"), [("reader", []), ("model", ["seats"]), ("both", ["seats"])])
def test_what_a_reader_decides_is_not_asked(tmp_path: Path, decide: str, asked: list[str]) -> None:
    task = task_of(tmp_path, {"seats": SEATS | {"decide": decide}, "note": {"kind": "text"}})

    assert list(asked_schema(task.fields)["properties"]) == [*asked, "note"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("decide", "body", "answer", "value", "dropped"),
    [
        ("both", "seats 4, 7시", 4, 4, ()),
        ("both", "seats 4, 7시", 7, 4, (("seats", "reader_disagrees"),)),
        ("both", "seats 4", 9, 4, (("seats", "reader_disagrees"),)),
        ("both", "seats 4", "four", 4, (("seats", "reader_disagrees"),)),
        ("both", "seats 4", None, 4, ()),
        ("both", "7시", 7, 7, ()),
        ("both", "seats 99, 7시", 7, 7, ()),
        ("model", "seats 4, 7시", 7, 7, (("seats", "reader_disagrees"),)),
        ("model", "seats 4, 7시", 4, 4, ()),
        ("model", "seats 4", None, None, ()),
    ],
)
def test_where_both_answer_one_stands_and_the_disagreement_is_counted(
    tmp_path: Path, decide: str, body: str, answer: object, value: object, dropped: tuple[tuple[str, str], ...]
) -> None:
    found = both_say(tmp_path, decide, body, answer)

    assert (found.values["seats"], found.dropped, found.status) == (value, dropped, "ok")


def test_an_invalid_answer_is_not_asked_again_where_a_readers_value_stands(tmp_path: Path) -> None:
    assert both_say(tmp_path, "both", "seats 4", "four").problems == ()
    assert both_say(tmp_path, "both", "hello", "four").problems != ()


def test_an_example_may_answer_what_a_reader_decides_and_is_shown_without_it(tmp_path: Path) -> None:
    fields = {"seats": SEATS, "note": {"kind": "text"}}
    example = json.dumps({"title": "", "body": "seats 4", "answer": {"seats": 4, "note": "seats"}})
    attributes = declaration(fields=fields, readers={"own": "reader:read"}, examples="examples.jsonl")

    task = Task.load(write_task(tmp_path / "flats", attributes, examples=example))

    assert prefix_messages(task)[-1].content == '{"note": "seats"}'


def test_an_answer_that_is_not_in_the_text_is_given_up_whatever_a_reader_found(tmp_path: Path) -> None:
    found = both_say(tmp_path, "model", "seats 4", 9)

    assert (found.values["seats"], found.dropped, found.status) == (None, (("seats", "not_in_text"),), "partial")
