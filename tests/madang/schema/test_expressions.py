"""The small language of `when` and `derive`: typed when definitions load, null-propagating, never Python itself."""

import pytest

from madang.schema.expressions import Expression, ExpressionError, Type

NAMES: dict[str, Type] = {
    "chars": "number", "price": "number", "board": "text", "topics": "texts", "is_open": "flag", "is_new": "flag",
}  # fmt: skip

EVALUATED = [
    ("chars < 400", {"chars": 399}, True),
    ("chars < 400", {"chars": 400}, False),
    ("1 < chars <= 3", {"chars": 3}, True),
    ("1 < chars <= 3", {"chars": 1}, False),
    ("board == 'groups'", {"board": "groups"}, True),
    ("board != 'groups'", {"board": "groups"}, False),
    ("board in ['a', 'b']", {"board": "b"}, True),
    ("board not in ('a', 'b')", {"board": "b"}, False),
    ("'run' in board", {"board": "running"}, True),
    ("'running' in topics", {"topics": ["hiking", "running"]}, True),
    ("len(topics) == 0", {"topics": []}, True),
    ("len(board)", {"board": "동네"}, 2),
    ("price / chars", {"price": 10, "chars": 4}, 2.5),
    ("-price + 2 * chars - 1", {"price": 1.5, "chars": 3}, 3.5),
    ("min(price, chars, 7)", {"price": 9, "chars": 8}, 7),
    ("max(price, chars)", {"price": 9, "chars": 8}, 9),
    ("not is_open", {"is_open": False}, True),
    ("price is None", {"price": None}, True),
    ("price is not None", {"price": None}, False),
    ("True", {}, True),
    ("board < 'b'", {"board": "a"}, True),
]

NULL = [
    "price + 1", "-price", "price < 3", "3 < price", "price == 3", "price != 3", "board == 'a'", "board in ['a']",
    "len(topics)", "min(price, 1)", "max(1, price)", "not is_open", "price == None", "'x' in topics", "price / chars",
]  # fmt: skip


@pytest.mark.parametrize(("source", "values", "value"), EVALUATED)
def test_an_expression_has_this_value(source: str, values: dict[str, object], value: object) -> None:
    found = Expression(source, NAMES)(values)

    assert (found, type(found) is bool) == (value, type(value) is bool)


@pytest.mark.parametrize("source", NULL)
def test_null_propagates(source: str) -> None:
    assert Expression(source, NAMES)({}) is None


def test_a_division_by_zero_is_null() -> None:
    assert Expression("price / chars", NAMES)({"price": 1, "chars": 0}) is None


@pytest.mark.parametrize(
    ("one", "other", "both", "either"),
    [
        (True, True, True, True), (True, False, False, True), (True, None, None, True), (False, False, False, False),
        (False, None, False, None), (None, None, None, None), (None, True, None, True), (None, False, False, None),
    ],
)  # fmt: skip
def test_and_or_follow_the_three_values_of_sql(
    one: bool | None, other: bool | None, both: bool | None, either: bool | None
) -> None:
    values = {"is_open": one, "is_new": other}

    assert Expression("is_open and is_new", NAMES)(values) is both
    assert Expression("is_open or is_new", NAMES)(values) is either


def test_a_chain_with_a_null_is_false_where_its_other_half_is() -> None:
    """SQL's `null < 1 and 1 < 0` is false; the chain gave null as soon as it met one."""
    chain = Expression("price < 1 < chars", NAMES)

    assert chain({"price": None, "chars": 0}) is False
    assert chain({"price": None, "chars": 2}) is None


TYPED = [
    ("chars + 1", "number"), ("chars < 1", "flag"), ("board", "text"), ("topics", "texts"), ("['a', 'b']", "texts"),
    ("None", "null"), ("is_open and None", "flag"), ("len(board)", "number"), ("'a'", "text"), ("1.5", "number"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "type_"), TYPED)
def test_an_expression_has_this_type(source: str, type_: str) -> None:
    assert Expression(source, NAMES).type == type_


REFUSED = {
    "chars <": "`chars <` does not parse (invalid syntax)",
    "": "`` does not parse (invalid syntax)",
    "x = 1": "`x = 1` does not parse (invalid syntax)",
    "chars; board": "`chars; board` does not parse (invalid syntax)",
    "lenght < 3": "`lenght < 3`: unknown name 'lenght' (there are: board, chars, is_new, is_open, price, topics)",
    "len": "`len`: unknown name 'len'",
    "board.upper() == 'A'": "`board.upper() == 'A'`: 'board.upper()' is not part of the language",
    "board.__class__": "'board.__class__' is not part of the language",
    "__import__('os').system('id')": "is not part of the language",
    "__import__('os')": "\"__import__('os')\" is not part of the language",
    "open('/etc/passwd')": "is not part of the language",
    "len(topics, board)": "is not part of the language",
    "len(obj=topics)": "is not part of the language",
    "min()": "'min()' is not part of the language",
    "max(*topics)": "is not part of the language",
    "topics[0]": "'topics[0]' is not part of the language",
    "chars ** 9": "'chars ** 9' is not part of the language",
    "chars % 2": "'chars % 2' is not part of the language",
    "+chars": "'+chars' is not part of the language",
    "chars if is_open else price": "is not part of the language",
    "lambda: 1": "is not part of the language",
    "[x for x in topics]": "is not part of the language",
    "{'a': 1}": "is not part of the language",
    "f'{board}'": "is not part of the language",
    "(x := 1)": "is not part of the language",
    "b'a' == board": "the constant b'a' has no type here",
    "... == chars": "the constant Ellipsis has no type here",
    "1j == chars": "the constant 1j has no type here",
    "chars == 'a'": "'chars' is number and \"'a'\" is text; they cannot be compared",
    "is_open == 1": "'is_open' is flag and '1' is number; they cannot be compared",
    "is_open < True": "flag has no order",
    "topics < ['a']": "texts has no order",
    "chars in board": "`in` wants a text on the left and a list or text on the right, not number in text",
    "3 in chars": "not number in number",
    "topics in topics": "not texts in texts",
    "chars is 3": "`is` is only for None; use ==",
    "board + 'a'": "'board' is text, where number is wanted",
    "-board": "'board' is text, where number is wanted",
    "not chars": "'chars' is number, where flag is wanted",
    "chars and is_open": "'chars' is number, where flag is wanted",
    "len(chars)": "'chars' is number, where text is wanted",
    "min(board, chars)": "'board' is text, where number is wanted",
    "board in [is_open]": "a list may hold only texts or numbers",
}


@pytest.mark.parametrize("source", REFUSED)
def test_what_is_not_of_the_language_is_refused_when_it_loads(source: str) -> None:
    with pytest.raises(ExpressionError) as error:
        Expression(source, NAMES)

    assert REFUSED[source] in str(error.value)


@pytest.mark.parametrize("source", ["(" * 1000 + "1" + ")" * 1000, "not " * 5000 + "True", "1" + "+1" * 5000])
def test_an_expression_too_deep_to_parse_is_refused(source: str) -> None:
    with pytest.raises(ExpressionError, match="does not parse"):
        Expression(source, NAMES)
