"""Field kinds: what each asks of a model, and what an answer means in the light of the post."""

import pytest
from pydantic import TypeAdapter, ValidationError

from madang.extraction.grounding import PostText, Span
from madang.schema import TaskField
from madang.schema.base import FieldKind, Reading

TEXT = PostText({"title": "원룸 월세", "body": "보증금 500만원 월 40, 7평 3층. 방 2개, 반려동물 가능"})


def field(kind: str, **options: object) -> FieldKind:
    return TypeAdapter(TaskField).validate_python({"kind": kind, **options})


def body(start: int, end: int) -> Span:
    return Span("body", start, end)


ASKED = {
    "label": (field("label", of=["a", "b"]), {"type": "string", "enum": ["a", "b"]}),
    "labels": (
        field("labels", of=["a", "b"], max=1),
        {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}, "maxItems": 1},
    ),
    "labels without max": (
        field("labels", of=["a", "b", "c"]),
        {"type": "array", "items": {"type": "string", "enum": ["a", "b", "c"]}, "maxItems": 3},
    ),
    "flag": (field("flag"), {"type": "boolean"}),
    "number": (field("number"), {"type": "number"}),
    "integer": (field("number", integer=True), {"type": "integer"}),
    "area": (field("number", unit="m2"), {"type": "string", "minLength": 1, "maxLength": 40}),
    "money": (field("money"), {"type": "string", "minLength": 1, "maxLength": 40}),
    "text": (field("text", max_chars=20), {"type": "string", "minLength": 1, "maxLength": 20}),
}


@pytest.mark.parametrize("name", ASKED)
def test_each_kind_asks_by_its_own_json_schema(name: str) -> None:
    kind, schema = ASKED[name]

    assert kind.asked_schema() == schema


READINGS = {
    "a label without cues is its own evidence": (
        field("label", of=["월세", "전세"]), "월세", Reading({"": "월세"}, (Span("title", 3, 5),)),
    ),
    "a label's evidence is its first cue that stands in the post": (
        field("label", of=["monthly", "sale"], cues={"monthly": ["렌트", "월 40"]}),
        "monthly", Reading({"": "monthly"}, (body(10, 14),)),
    ),
    "a label may be implied without evidence": (
        field("label", of=["female", "mixed"]), "mixed", Reading({"": "mixed"}),
    ),
    "labels are stored in declared order, each once": (
        field("labels", of=["원룸", "월세", "전세"]), ["월세", "원룸", "월세"],
        Reading({"": ["원룸", "월세"]}, (Span("title", 0, 2), Span("title", 3, 5))),
    ),
    "no labels are the empty list": (field("labels", of=["a", "b"]), [], Reading({"": []})),
    "a flag is true": (
        field("flag", cues=["애완동물", "반려동물"]), True, Reading({"": True}, (body(29, 33),)),
    ),
    "a flag is false": (field("flag"), False, Reading({"": False})),
    "a number stands in the text": (
        field("number", integer=True), 2, Reading({"": 2}, (body(25, 26),)),
    ),
    "a number that does not stand in the text is null": (
        field("number", integer=True), 9, Reading({"": None}, dropped="not_in_text"),
    ),
    "a number may stand as a word": (
        field("number", integer=True, words={"원룸": 1}), 1, Reading({"": 1}, (Span("title", 0, 2),)),
    ),
    "a number out of its range is null": (
        field("number", max=100), 500, Reading({"": None}, dropped="out_of_range"),
    ),
    "both ends of a range belong to it": (
        field("number", min=500, max=500), 500, Reading({"": 500.0}, (body(4, 7),)),
    ),
    "an area is quoted and converted": (
        field("number", unit="m2"), "7평", Reading({"": 23.1}, (body(16, 18),)),
    ),
    "an area without a unit is unreadable": (
        field("number", unit="m2"), "7", Reading({"": None}, dropped="unreadable"),
    ),
    "an invented area is null": (
        field("number", unit="m2"), "84m2", Reading({"": None}, dropped="not_in_text"),
    ),
    "an area out of its range is null": (
        field("number", unit="m2", min=30), "7평", Reading({"": None}, dropped="out_of_range"),
    ),
    "money is quoted and converted": (
        field("money", bare_unit="manwon"), "500만원",
        Reading({"": 5_000_000.0, "__currency": "KRW"}, (body(4, 9),)),
    ),
    "a bare amount takes the declared unit": (
        field("money", bare_unit="manwon"), "월 40",
        Reading({"": 400_000.0, "__currency": "KRW"}, (body(10, 14),)),
    ),
    "invented money is null, with its currency": (
        field("money"), "600만원", Reading({"": None, "__currency": None}, dropped="not_in_text"),
    ),
    "money without a number is unreadable": (
        field("money"), "보증금", Reading({"": None, "__currency": None}, dropped="unreadable"),
    ),
    "money out of its range is null": (
        field("money", max=1_000_000), "500만원", Reading({"": None, "__currency": None}, dropped="out_of_range"),
    ),
    "a text is stored as it stands in the post": (
        field("text"), " 반려동물가능 ", Reading({"": "반려동물 가능"}, (body(29, 36),)),
    ),
    "an invented text is null": (field("text"), "주차 가능", Reading({"": None}, dropped="not_in_text")),
    "an answer of `also` need not stand in the post": (
        field("text", also=["immediate"], cues={"immediate": ["즉시", "가능"]}), "immediate",
        Reading({"": "immediate"}, (body(34, 36),)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("claim", READINGS)
def test_an_answer_is_read_in_the_light_of_the_post(claim: str) -> None:
    kind, answer, reading = READINGS[claim]

    assert kind.of_answer(answer, TEXT) == reading


def test_the_first_cue_decides_not_the_first_place() -> None:
    kind = field("label", of=["monthly", "sale"], cues={"monthly": ["40", "월세"]})

    assert kind.of_answer("monthly", TEXT).evidence == (body(12, 14),)


REFUSED = {
    "one label is no choice": ({"kind": "label", "of": ["a"]}, "at least 2"),
    "a label stands twice": ({"kind": "label", "of": ["a", "b", "a"]}, "label 'a' stands twice in `of`; remove one"),
    "a label of labels stands twice": ({"kind": "labels", "of": ["a", "a"]}, "label 'a' stands twice in `of`"),
    "cues of an unknown label": (
        {"kind": "label", "of": ["a", "b"], "cues": {"c": ["x"]}}, "cues name 'c', which is not a label",
    ),
    "a default that is no label": (
        {"kind": "label", "of": ["a", "b"], "default": "c"}, "default 'c' is not one of its labels",
    ),
    "a range upside down": ({"kind": "number", "min": 5, "max": 1}, "min 5.0 is above max 1.0; swap them"),
    "an unknown option": ({"kind": "flag", "unit": "m2"}, "Extra inputs are not permitted"),
    "no kind": ({"of": ["a", "b"]}, "Unable to extract tag"),
}  # fmt: skip


@pytest.mark.parametrize("claim", REFUSED)
def test_a_wrong_field_is_refused_with_its_culprit(claim: str) -> None:
    options, message = REFUSED[claim]

    with pytest.raises(ValidationError, match="1 validation error") as error:
        TypeAdapter(TaskField).validate_python(options)

    assert message in str(error.value)
