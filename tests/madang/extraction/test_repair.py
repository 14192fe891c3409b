"""Replies: what is not quite JSON is repaired, and a wrong answer costs its field only."""

import pytest
from scenario import declaration

from madang.declaration import Declaration
from madang.extraction.repair import Answers, parse_reply
from madang.schema import reply_model

MODEL = reply_model("flats", Declaration.model_validate(declaration()).fields)

REPLIES = {
    "plain": ('{"deal": "sale", "rooms": 2}', Answers({"deal": "sale", "rooms": 2})),
    "nothing stated": ("{}", Answers({})),
    "null is not stated": ('{"deal": null}', Answers({})),
    "fenced": ('```json\n{"deal": "sale"}\n```', Answers({"deal": "sale"}, (), True)),
    "said around": ('Sure! Here it is: {"deal": "sale"} Good luck.', Answers({"deal": "sale"}, (), True)),
    "a trailing comma": ('{"deal": "sale", "rooms": 2,}', Answers({"deal": "sale", "rooms": 2}, (), True)),
    "single quotes": ("{'deal': 'sale'}", Answers({"deal": "sale"}, (), True)),
    "truncated": ('{"deal": "sale", "note": "넓', Answers({"deal": "sale", "note": "넓"}, (), True)),
    "unknown keys": ('{"deal": "sale", "colour": "red"}', Answers({"deal": "sale"})),
    "an unknown label": ('{"deal": "lease", "rooms": 2}', Answers({"rooms": 2}, ("deal",))),
    "an unknown label in a set": ('{"options": ["bed", "sofa"], "rooms": 2}', Answers({"rooms": 2}, ("options",))),
    "several wrong": ('{"deal": 1, "rooms": "x", "is_open": true}', Answers({"is_open": True}, ("deal", "rooms"))),
    "all wrong": ('{"deal": 1}', Answers({}, ("deal",))),
    "not a number": ('{"rooms": NaN, "deal": "sale"}', Answers({"deal": "sale"}, ("rooms",))),
}


@pytest.mark.parametrize("claim", REPLIES)
def test_a_reply_gives_these_answers(claim: str) -> None:
    text, answers = REPLIES[claim]

    assert parse_reply(text, MODEL) == answers


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "null", "[]", '"sale"', "3", "I am sorry, I cannot do that.", '["deal"]', "{{{", "```json\n```",
        '{"answer": {"deal": "sale"}}', "[" * 100_000, '{"deal": ' * 5_000, '{"rooms": ' + "9" * 5_000 + "}",
    ],
)  # fmt: skip
def test_what_holds_no_object_is_none_and_raises_nothing(text: str) -> None:
    """A reply of a hundred thousand brackets once ended the run with a RecursionError."""
    found = parse_reply(text, MODEL)

    assert found is None or found.values == {}


def test_an_object_without_a_key_of_the_schema_is_no_answer() -> None:
    """It once made a row of defaults: nothing said that the model had answered another question."""
    assert parse_reply('{"answer": {"deal": "sale"}}', MODEL) is None
    assert parse_reply("{}", MODEL) == Answers({})


@pytest.mark.parametrize(
    ("text", "breaks_off"),
    [
        ('{"deal": "sale", "note": "넓', True), ('{"deal": "sale", "options": ["bed"', True), ('{"deal": "sale"', True),
        ('{"deal": "sale",}', False), ('{"note": "a } b", }', False), ('{"note": "a \\" {", }', False),
        ('Sure: {"deal": "sale"} - "good luck', False), ("{'deal': 'sale'}", False),
        ('```json\n{"deal": "sale"}\n```', False),
    ],
)  # fmt: skip
def test_a_reply_that_breaks_off_is_a_problem_and_another_repair_is_none(text: str, breaks_off: bool) -> None:
    found = parse_reply(text, MODEL)

    assert found is not None
    assert (found.is_repaired, bool(found.problems)) == (True, breaks_off)
