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
        "[" * 100_000, '{"deal": ' * 5_000, '{"rooms": ' + "9" * 5_000 + "}",
    ],
)  # fmt: skip
def test_what_holds_no_object_is_none_and_raises_nothing(text: str) -> None:
    """A reply of a hundred thousand brackets once ended the run with a RecursionError."""
    found = parse_reply(text, MODEL)

    assert found is None or found.values == {}
