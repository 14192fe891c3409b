import pytest

from madang.evaluation.answers import UnreadableError, answer_of


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("text", "노원 역", "노원역"),
        ("text", "ＬＧ  Gram", "lg gram"),
        ("text", "\u1112\u1161\u11ab강", "한강"),
        ("text", 3, "3"),
        ("number", 5_000_000, 500 * 10_000.0),
        ("number", "1,200", 1200),
        ("flag", "True", True),
        ("labels", ["bed", "tv"], ["tv", "bed"]),
        ("labels", None, []),
    ],
)
def test_answers_that_say_the_same_are_equal(kind, one, other):
    assert answer_of(kind, one) == answer_of(kind, other)


@pytest.mark.parametrize("kind", ["label", "flag", "number", "text"])
def test_nothing_stated_is_none(kind):
    assert answer_of(kind, None) is None


@pytest.mark.parametrize(
    ("kind", "value"),
    [("number", True), ("number", "two"), ("flag", "maybe"), ("flag", 1), ("labels", "bed"), ("label", 3)],
)
def test_a_value_of_another_type_is_refused(kind, value):
    with pytest.raises(UnreadableError):
        answer_of(kind, value)
