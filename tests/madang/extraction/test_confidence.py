"""Confidence: probabilities of the answer's own tokens, renormalised over the labels that are allowed."""

import json
import math

import pytest
from pydantic import TypeAdapter

from madang.extraction.confidence import confidences, value_stretches
from madang.models.protocol import Token
from madang.schema import TaskField
from madang.schema.base import FieldKind


def field(kind: str, **options: object) -> FieldKind:
    return TypeAdapter(TaskField).validate_python({"kind": kind, **options})


def token(text: str, p: float = 1.0, **others: float) -> Token:
    """A token of probability `p`; `others` are its rivals, with theirs."""
    top = ((text, math.log(p)), *((name, math.log(rival)) for name, rival in others.items()))
    return Token(text, math.log(p), top)


def sure(fields: dict[str, FieldKind], *tokens: Token) -> dict[str, float]:
    found = confidences("".join(token.text for token in tokens), tokens, fields)
    return {name: round(value, 6) for name, value in found.items()}


GENDER = {"gender": field("label", of=["female", "male", "mixed"])}


def test_a_label_of_one_token_is_renormalised_over_the_allowed_ones() -> None:
    found = sure(GENDER, token('{"gender": "'), token("male", 0.3, female=0.1, boy=0.5), token('"}'))

    assert found == {"gender": 0.75}


def test_a_token_that_begins_several_labels_counts_for_all_of_them() -> None:
    # m: male or mixed 0.4, f: female 0.2, x: nothing; then ixed 0.6 against ale 0.2, and no other continues m.
    found = sure(
        GENDER,
        token('{"gender": "'), token("m", 0.4, f=0.2, x=0.4), token("ixed", 0.6, ale=0.2, ouse=0.2), token('"}'),
    )  # fmt: skip

    assert found == {"gender": round((0.4 / 0.6) * (0.6 / 0.8), 6)}


def test_a_label_is_not_less_sure_for_having_more_tokens_that_could_be_nothing_else() -> None:
    found = sure(
        GENDER,
        token('{"gender": "'),
        token("fe", 0.5, m=0.5),
        token("ma", 0.2, X=0.8),
        token("le", 0.9, Y=0.1),
        token('"}'),
    )

    assert found == {"gender": 0.5}


def test_a_token_may_hold_the_quotes_around_the_label() -> None:
    rivals = {' "female': 0.2, " female": 0.3}
    found = sure(GENDER, token('{"gender":'), token(' "male"', 0.3, **rivals), token("}"))

    assert found == {"gender": 0.6}


def test_a_token_that_ends_the_label_early_is_no_rival() -> None:
    found = sure(GENDER, token('{"gender": "mixed'), token('"', 0.5, **{'",': 0.4, "s": 0.1}), token("}"))

    assert list(found) == ["gender"]
    assert found["gender"] == 1.0


def test_a_probability_that_is_missing_among_the_likeliest_still_counts_itself() -> None:
    lone = Token("male", math.log(0.01), (("female", math.log(0.03)),))

    assert sure(GENDER, token('{"gender": "'), lone, token('"}')) == {"gender": round(0.01 / 0.03, 6)}


def test_a_flag_is_renormalised_over_true_and_false() -> None:
    found = sure({"open": field("flag")}, token('{"open": '), token("true", 0.2, false=0.3, null=0.5), token("}"))

    assert found == {"open": 0.4}


def test_a_flag_keeps_its_doubt_when_its_token_holds_the_comma() -> None:
    found = sure({"open": field("flag")}, token('{"open": '), token("true}", 0.2, **{"false}": 0.3, "null}": 0.5}))

    assert found == {"open": 0.4}


def test_a_set_is_as_sure_as_its_least_sure_member() -> None:
    fields = {"options": field("labels", of=["bed", "tv"])}
    found = sure(
        fields, token('{"options": ["'), token("bed", 0.9, tv=0.1), token('", "'), token("tv", 0.3, bed=0.1, sofa=0.6),
        token('"]}'),
    )  # fmt: skip

    assert found == {"options": 0.75}


def test_an_empty_set_tells_no_confidence() -> None:
    assert sure({"options": field("labels", of=["bed", "tv"])}, token('{"options": [', 0.5), token("]}", 0.4)) == {}


def test_an_open_answer_is_the_geometric_mean_of_its_tokens() -> None:
    found = sure({"note": field("text")}, token('{"note": "'), token("신림", 0.9), token("역", 0.4), token('"}'))

    assert found == {"note": 0.6}


def test_an_open_number_is_its_digits() -> None:
    found = sure(
        {"rooms": field("number", integer=True)}, token('{"rooms": '), token("1", 0.8), token("2", 0.2), token("}")
    )

    assert found == {"rooms": 0.4}


def test_each_field_has_its_own() -> None:
    fields = GENDER | {"open": field("flag"), "note": field("text")}
    found = sure(
        fields, token('{"gender": "'), token("male", 0.5, female=0.5), token('", "open": '),
        token("false", 0.9, true=0.1),
        token("}"),
    )  # fmt: skip

    assert found == {"gender": 0.5, "open": 0.9}


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ('{"gender": "male"}', ()),
        ('{"gender": "male"}', (token('{"gender": "female"}'),)),
        ('{"gender": "male"}', (token('{"gender": "male'),)),
        ("no JSON", (token("no JSON"),)),
    ],
)
def test_where_tokens_do_not_join_to_the_reply_nothing_is_known(text: str, tokens: tuple[Token, ...]) -> None:
    assert confidences(text, tokens, GENDER) == {}


def test_the_stretch_of_a_value_leaves_its_quotes_out() -> None:
    text = '{ "a" : "bc", "d":[ "e" , "f"], "g": -1.5, "h": true, "i": [], "j": {"k": 1}, "l": "say \\"x\\""}'
    stretches = {name: [text[start:end] for start, end in found] for name, found in value_stretches(text).items()}

    assert stretches == {
        "a": ["bc"], "d": ["e", "f"], "g": ["-1.5"], "h": ["true"], "i": [], "j": ['{"k": 1}'], "l": ['say \\"x\\"'],
    }  # fmt: skip
    assert list(stretches) == list(json.loads(text))


@pytest.mark.parametrize("cut", range(1, 26))
def test_of_a_reply_cut_anywhere_only_whole_values_are_taken(cut: int) -> None:
    text = '{"a": "b", "c": [1, 2]}'[:cut]
    stretches = value_stretches(text)

    assert set(stretches) == {name for name, end in (("a", 9), ("c", 22)) if cut >= end}
