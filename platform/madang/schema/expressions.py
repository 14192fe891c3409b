"""The small language of `when`, `keep` and `derive`: parsed with `ast`, typed when definitions load, never `eval`.

Names, constants, comparison, and/or/not, arithmetic, in, min, max, len. Null propagates: an operation on null is
null, as in SQL; `and`/`or` follow SQL's three values. A division by zero is null.
"""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from madang.schema.base import Value

Type = Literal["flag", "number", "text", "texts", "null"]
TYPE_OF_COLUMN: dict[str, Type] = {
    "BOOLEAN": "flag",
    "DOUBLE": "number",
    "BIGINT": "number",
    "VARCHAR": "text",
    "VARCHAR[]": "texts",
}

_FUNCTIONS = frozenset({"min", "max", "len"})
_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_ORDER: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


class ExpressionError(ValueError):
    """An expression does not parse, names what is not there, or mixes types."""


class Expression:
    """One parsed and typed expression.

    Args:
        source: The text of the declaration.
        names: Type of every name that may be used.

    Raises:
        ExpressionError: It does not parse, a name is unknown, or types do not fit.
    """

    def __init__(self, source: str, names: Mapping[str, Type]) -> None:
        self.source = source
        try:
            self._tree = ast.parse(source, mode="eval").body
        except SyntaxError as error:
            raise ExpressionError(f"`{source}` does not parse ({error.msg})") from error
        except RecursionError as error:
            raise ExpressionError("the expression does not parse (nested too deep)") from error
        self.names = frozenset(node.id for node in ast.walk(self._tree) if isinstance(node, ast.Name)) - _FUNCTIONS
        self.type = self._type_of(self._tree, names)

    def __call__(self, values: Mapping[str, Value]) -> Value:
        """Value for these values of the names; null where null propagates."""
        return _evaluate(self._tree, values)

    def _fail(self, why: str) -> ExpressionError:
        return ExpressionError(f"`{self.source}`: {why}")

    def _type_of(self, node: ast.expr, names: Mapping[str, Type]) -> Type:
        match node:
            case ast.Name(id=name):
                if name not in names:
                    raise self._fail(f"unknown name {name!r} (there are: {', '.join(sorted(names))})")
                return names[name]
            case ast.Constant(value=value):
                return self._type_of_constant(value)
            case ast.List(elts=items) | ast.Tuple(elts=items):
                if any(self._type_of(item, names) not in ("text", "number") for item in items):
                    raise self._fail("a list may hold only texts or numbers")
                return "texts"
            case ast.BoolOp(values=parts):
                for part in parts:
                    self._expect(part, ("flag", "null"), names)
                return "flag"
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                self._expect(operand, ("flag", "null"), names)
                return "flag"
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                self._expect(operand, ("number", "null"), names)
                return "number"
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                self._expect(left, ("number", "null"), names)
                self._expect(right, ("number", "null"), names)
                return "number"
            case ast.Compare():
                return self._type_of_comparison(node, names)
            case ast.Call(func=ast.Name(id="len"), args=[argument], keywords=[]):
                self._expect(argument, ("text", "texts", "null"), names)
                return "number"
            case ast.Call(func=ast.Name(id="min" | "max"), args=arguments, keywords=[]) if arguments:
                for argument in arguments:
                    self._expect(argument, ("number", "null"), names)
                return "number"
        raise self._fail(f"{ast.unparse(node)!r} is not part of the language (names, constants, comparison, "
                         "and/or/not, + - * /, in, min, max, len)")  # fmt: skip

    def _type_of_constant(self, value: object) -> Type:
        match value:
            case None:
                return "null"
            case bool():
                return "flag"
            case int() | float():
                return "number"
            case str():
                return "text"
        raise self._fail(f"the constant {value!r} has no type here")

    def _type_of_comparison(self, node: ast.Compare, names: Mapping[str, Type]) -> Type:
        sides = [node.left, *node.comparators]
        for op, left, right in zip(node.ops, sides, sides[1:], strict=False):
            left_type, right_type = self._type_of(left, names), self._type_of(right, names)
            if isinstance(op, ast.In | ast.NotIn):
                is_number_in_text = (left_type, right_type) == ("number", "text")
                if (right_type not in ("texts", "text", "null") or left_type not in ("text", "number", "null")
                        or is_number_in_text):  # fmt: skip
                    raise self._fail(f"`in` wants a text on the left and a list or text on the right, "
                                     f"not {left_type} in {right_type}")  # fmt: skip
            elif "null" not in (left_type, right_type) and left_type != right_type:
                raise self._fail(f"{ast.unparse(left)!r} is {left_type} and {ast.unparse(right)!r} is {right_type}; "
                                 "they cannot be compared")  # fmt: skip
            elif type(op) in _ORDER and left_type not in ("number", "text", "null"):
                raise self._fail(f"{left_type} has no order")
            elif type(op) not in _ORDER and not isinstance(op, ast.Eq | ast.NotEq | ast.Is | ast.IsNot):
                raise self._fail(f"the comparison {type(op).__name__} is not part of the language")
            if isinstance(op, ast.Is | ast.IsNot) and right_type != "null":
                raise self._fail("`is` is only for None; use ==")
        return "flag"

    def _expect(self, node: ast.expr, allowed: tuple[Type, ...], names: Mapping[str, Type]) -> None:
        found = self._type_of(node, names)
        if found not in allowed:
            raise self._fail(f"{ast.unparse(node)!r} is {found}, where {allowed[0]} is wanted")


def renamed(source: str, names: Mapping[str, str]) -> str:
    """An expression that parses, with other names in it and otherwise as it is written."""
    found = [
        node for node in ast.walk(ast.parse(source, mode="eval"))
        if isinstance(node, ast.Name) and node.id not in _FUNCTIONS
    ]  # fmt: skip
    lines = [line.encode() for line in source.splitlines(keepends=True)]  # columns of `ast` count bytes
    for node in sorted(found, key=lambda one: (one.lineno, one.col_offset), reverse=True):
        line, name = lines[node.lineno - 1], names.get(node.id, node.id)
        lines[node.lineno - 1] = line[: node.col_offset] + name.encode() + line[node.end_col_offset :]
    return b"".join(lines).decode()


def _evaluate(node: ast.expr, values: Mapping[str, Value]) -> Value:
    match node:
        case ast.Name(id=name):
            return values.get(name)
        case ast.Constant(value=value):
            return value  # type: ignore[return-value]  # narrowed by _type_of_constant
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_evaluate(item, values) for item in items]  # type: ignore[misc]
        case ast.BoolOp(op=op, values=parts):
            return _three_valued(isinstance(op, ast.And), [_evaluate(part, values) for part in parts])
        case ast.UnaryOp(op=op, operand=operand):
            inner = _evaluate(operand, values)
            if inner is None:
                return None
            return not inner if isinstance(op, ast.Not) else -float(inner)  # type: ignore[arg-type]
        case ast.BinOp(left=left, op=op, right=right):
            one, other = _evaluate(left, values), _evaluate(right, values)
            if one is None or other is None or (isinstance(op, ast.Div) and other == 0):
                return None
            return _ARITHMETIC[type(op)](one, other)  # type: ignore[arg-type]
        case ast.Compare():
            return _compare(node, values)
        case ast.Call(func=ast.Name(id=function), args=arguments):
            results = [_evaluate(argument, values) for argument in arguments]
            if any(result is None for result in results):
                return None
            if function == "len":
                return len(results[0])  # type: ignore[arg-type]
            return (min if function == "min" else max)(results)  # type: ignore[type-var]
    raise AssertionError(f"typed but not evaluable: {ast.dump(node)}")


def _three_valued(is_and: bool, parts: Sequence[Value]) -> bool | None:
    decisive = not is_and
    if any(part is not None and bool(part) is decisive for part in parts):
        return decisive
    return None if None in parts else is_and


def _compare(node: ast.Compare, values: Mapping[str, Value]) -> bool | None:
    """A chain is its links joined by `and`: null < 1 < 0 is false, as in SQL."""
    sides = [_evaluate(side, values) for side in (node.left, *node.comparators)]
    links = [_link(op, one, other) for op, one, other in zip(node.ops, sides, sides[1:], strict=False)]
    return _three_valued(True, links)


def _link(op: ast.cmpop, one: Value, other: Value) -> bool | None:
    if isinstance(op, ast.Is | ast.IsNot):
        return (one is None) == isinstance(op, ast.Is)
    if one is None or other is None:
        return None
    if isinstance(op, ast.In | ast.NotIn):
        return (one in other) == isinstance(op, ast.In)  # type: ignore[operator]
    if isinstance(op, ast.Eq | ast.NotEq):
        return (one == other) == isinstance(op, ast.Eq)
    return _ORDER[type(op)](one, other)  # type: ignore[arg-type]
