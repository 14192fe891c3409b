"""Mentions: verbatim stretches with small fields; which of them are kept is the declaration's to say."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from madang.extraction.grounding import PostText, Span
from madang.models.gbnf import grammar_of
from madang.readers.found import Found, FoundMention
from madang.schema.base import Mention, Reading
from madang.schema.mentions import MentionsField

TEXT = PostText({"title": "Red Hall", "body": "red  hall 앞 Blue Bakery 3층, near Green Gate"})
SMALL: dict[str, Any] = {
    "is_review": {"kind": "flag", "default": False},
    "direction_only": {"kind": "flag"},
    "floor": {"kind": "number", "integer": True, "max": 9},
}


def field_of(**options: object) -> MentionsField:
    return MentionsField.model_validate({"kind": "mentions", "of": SMALL} | options)


def read(answers: list[dict[str, object]], **options: object) -> Reading:
    field = field_of(**options)
    return field.of_answer(TypeAdapter(field.answer_type()).validate_python(answers), TEXT)


def test_a_mention_is_asked_as_its_text_and_simple_questions() -> None:
    assert field_of(max=3).asked_schema() == {
        "type": "array", "maxItems": 3,
        "items": {
            "type": "object",
            "properties": {
                "text": {"type": "string", "minLength": 1, "maxLength": 80}, "is_review": {"type": "boolean"},
                "direction_only": {"type": "boolean"}, "floor": {"type": "integer"},
            },
            "required": ["text"], "additionalProperties": False,
        },
    }  # fmt: skip


def test_the_local_models_grammar_can_write_it() -> None:
    assert "root ::=" in grammar_of({"type": "object", "properties": {"spots": field_of().asked_schema()}})


def test_mentions_stand_in_the_order_of_the_text_as_it_writes_them() -> None:
    found = read([{"text": "green gate", "direction_only": True}, {"text": "Blue Bakery", "is_review": True}])

    assert found.mentions == (
        Mention("Blue Bakery", Span("body", 12, 23),
                {"is_review": True, "direction_only": None, "floor": None}, None, True),
        Mention("Green Gate", Span("body", 33, 43),
                {"is_review": False, "direction_only": True, "floor": None}, None, True),
    )  # fmt: skip
    assert found.values == {"": ["Blue Bakery", "Green Gate"]}


def test_what_is_not_in_the_text_is_no_mention_and_is_counted() -> None:
    found = read([{"text": "Black Bar"}, {"text": " "}, {"text": "Blue Bakery"}])

    assert (found.values, found.lost) == ({"": ["Blue Bakery"]}, ("not_in_text", "not_in_text"))


def test_one_name_written_twice_is_one_mention_with_what_either_says() -> None:
    found = read([{"text": "red hall", "direction_only": True}, {"text": "Red  Hall", "is_review": True}])

    assert [(one.text, one.span, one.values) for one in found.mentions] == [
        ("Red Hall", Span("title", 0, 8), {"is_review": True, "direction_only": True, "floor": None})
    ]


@pytest.mark.parametrize(
    ("keep", "kept"),
    [
        (None, ["Red Hall", "Blue Bakery", "Green Gate"]),
        ("is_review", ["Blue Bakery"]),
        ("is_review or not direction_only", ["Red Hall", "Blue Bakery"]),
        ("direction_only is None or not direction_only", ["Red Hall", "Blue Bakery"]),
    ],
)
def test_all_are_there_and_those_that_the_declaration_keeps_count(keep: str | None, kept: list[str]) -> None:
    answers: list[dict[str, object]] = [
        {"text": "Red Hall", "direction_only": False}, {"text": "Blue Bakery", "is_review": True},
        {"text": "Green Gate", "direction_only": True},
    ]  # fmt: skip

    found = read(answers, keep=keep)

    assert len(found.mentions) == 3
    assert found.values == {"": kept}
    assert [one.text for one in found.mentions if one.is_kept] == kept
    assert len(found.evidence) == len(kept)


def test_a_small_answer_that_cannot_be_kept_costs_only_itself() -> None:
    found = read([{"text": "Blue Bakery", "floor": 12}, {"text": "Red Hall", "floor": 3}])

    assert [one.values["floor"] for one in found.mentions] == [3, None]
    assert found.lost == ("not_in_text",)


def test_a_reader_gives_places_and_small_fields_by_the_same_rules() -> None:
    hall = FoundMention(Span("title", 0, 8), {"is_review": True, "floor": 12.0, "other": "x"}, 0.9)
    bakery = FoundMention(Span("body", 12, 23), {"floor": 3.0}, 0.7)

    found = field_of(keep="is_review").of_reader(Found((bakery, hall)), TEXT)

    assert [(one.text, one.values["floor"], one.confidence, one.is_kept) for one in found.mentions] == [
        ("Red Hall", None, 0.9, True), ("Blue Bakery", 3, 0.7, False),
    ]  # fmt: skip
    assert (found.values, found.confidence, found.lost) == ({"": ["Red Hall"]}, 0.9, ("out_of_range",))


def test_more_mentions_of_a_reader_than_a_post_may_have_are_cut() -> None:
    found = field_of(max=1).of_reader(
        Found((FoundMention(Span("body", 33, 43)), FoundMention(Span("title", 0, 8)))), TEXT
    )

    assert found.values == {"": ["Red Hall"]}


@pytest.mark.parametrize("value", ["Red Hall", ("Red Hall",)])
def test_a_reader_that_gives_no_mentions_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match=r"no (list of mentions|mention)"):
        field_of().of_reader(Found(value), TEXT)
