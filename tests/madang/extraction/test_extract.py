"""Extraction: a pure function of reply and post; what cannot be kept becomes null with its reason."""

import json
import math
from pathlib import Path

import pytest
from scenario import declaration, write_task

from madang.extraction.extract import Extraction, Extractor
from madang.extraction.grounding import PostText
from madang.models.protocol import Reply, Token
from madang.task import Task

POST = PostText({"title": "투룸 월세", "body": "500만원, 방 2개"})
DERIVED = {
    "half": {"kind": "number", "integer": True, "derive": "rooms / 2"},
    "many": {"kind": "number", "derive": "rooms * 10", "max": 15},
    "size": {"kind": "label", "of": ["big", "small"], "derive": "note"},
    "is_dear": {"kind": "flag", "derive": "rent > 1000000 and deal == 'monthly'"},
}


def extract(folder: Path, answers: object, tokens: tuple[Token, ...] = (), **fields: dict[str, object]) -> Extraction:
    attributes = declaration(fields=declaration()["fields"] | fields)
    text = answers if isinstance(answers, str) else json.dumps(answers, ensure_ascii=False)
    found = Extractor(Task.load(write_task(folder / "flats", attributes))).extract(
        POST, Reply("r", text, "stop", 1, 1, tokens=tokens)
    )
    assert found is not None
    return found


def test_every_column_of_every_field_is_there_stated_or_not(tmp_path: Path) -> None:
    found = extract(tmp_path, {"rent": "500만원"})

    assert found.values == {
        "deal": None, "deal__confidence": None, "deal__evidence": [],
        "options": [], "options__confidence": None, "options__evidence": [],
        "is_open": None, "is_open__confidence": None, "is_open__evidence": [],
        "rent": 5_000_000.0, "rent__currency": "KRW", "rent__confidence": None,
        "rent__evidence": [{"field": "body", "start": 0, "end": 5}],
        "rooms": None, "rooms__confidence": None, "rooms__evidence": [],
        "note": None, "note__confidence": None, "note__evidence": [],
    }  # fmt: skip
    assert (found.status, found.dropped) == ("ok", ())


def test_one_invalid_answer_costs_only_its_field(tmp_path: Path) -> None:
    found = extract(tmp_path, {"deal": "lease", "options": ["sofa"], "rooms": 2, "note": "없는 말", "rent": "9억"})

    assert found.values["rooms"] == 2
    assert found.status == "partial"
    assert sorted(found.dropped) == [
        ("deal", "invalid"), ("note", "not_in_text"), ("options", "invalid"), ("rent", "not_in_text"),
    ]  # fmt: skip


def test_a_dropped_answer_keeps_no_confidence(tmp_path: Path) -> None:
    text = '{"rooms": 9, "note": "투룸"}'
    tokens = (Token(text, math.log(0.5)),)
    found = extract(tmp_path, text, tokens)

    assert (found.values["rooms__confidence"], round(float(str(found.values["note__confidence"])), 6)) == (None, 0.5)


def test_derived_fields_are_computed_from_what_was_kept(tmp_path: Path) -> None:
    found = extract(tmp_path, {"deal": "monthly", "rent": "500만원", "rooms": 2}, **DERIVED)

    assert {name: found.values[name] for name in ("half", "is_dear", "size")} == {
        "half": 1,
        "is_dear": True,
        "size": None,
    }
    assert isinstance(found.values["half"], int)


@pytest.mark.parametrize(
    ("answers", "name", "reason"),
    [({"rooms": 2}, "many", "out_of_range"), ({"note": "투룸"}, "size", "invalid"), ({"rooms": 500}, "half", None)],
)
def test_a_derived_value_that_its_field_cannot_hold_is_null(
    tmp_path: Path, answers: dict[str, object], name: str, reason: str | None
) -> None:
    found = extract(tmp_path, answers, **DERIVED)

    assert found.values[name] is None
    assert dict(found.dropped).get(name) == reason


def test_a_fraction_in_a_whole_number_is_null_and_ends_no_run(tmp_path: Path) -> None:
    """Polars refused 1.5 in an integer column, and with it the whole chunk of posts."""
    found = extract(tmp_path, {"rooms": 2}, half={"kind": "number", "integer": True, "derive": "rooms / 4"})

    assert found.values["half"] is None
    assert found.dropped == (("half", "invalid"),)


def test_a_reply_without_an_object_is_no_extraction(tmp_path: Path) -> None:
    task = Task.load(write_task(tmp_path / "flats", declaration()))

    assert Extractor(task).extract(POST, Reply("r", "no", "stop", 1, 1)) is None


def test_the_same_reply_gives_the_same_extraction(tmp_path: Path) -> None:
    answers = {"deal": "sale", "rooms": 2, "note": "투룸"}

    assert extract(tmp_path, answers) == extract(tmp_path, answers)
