"""A JSON Schema as a GBNF grammar: keys in declared order, one space after `:` and `,`, no other space.

Ours, because both roads of the library fail. A schema given with a request moves required keys to the front and
allows code fences and free white space. LLGuidance's grammar decodes without any, silently, where it meets a keyword
it does not know, and its one tokenizer is shared by all engines of a process, which made them wait for each other.
"""

import json
from typing import Any

from pydantic import JsonValue

_KEYWORDS = frozenset({
    "type", "properties", "required", "items", "enum", "minItems", "maxItems", "minLength", "maxLength",
    "additionalProperties", "description",
})  # fmt: skip


def grammar_of(schema: dict[str, JsonValue]) -> str:
    """Writes the grammar of a schema.

    Args:
        schema: Of objects, arrays (minItems, maxItems), strings (minLength, maxLength), numbers, booleans, enums.

    Raises:
        ValueError: A keyword or type that constrains and is not known here.
    """
    grammar = _Grammar()
    grammar.visit(schema, "root")
    return "\n".join(f"{name} ::= {body}" for name, body in grammar.rules.items())


class _Grammar:
    def __init__(self) -> None:
        self.rules = {
            "char": r'[^"\\\x7F\x00-\x1F] | "\\" ["\\/nt]',
            "boolean": '"true" | "false"',
            "integer": '"-"? ("0" | [1-9] [0-9]{0,9})',
            "number": 'integer ("." [0-9]{1,6})?',
        }

    def visit(self, node: dict[str, Any], name: str) -> str:
        """Adds the rules of a node; returns the name by which others refer to it."""
        if unknown := sorted(set(node) - _KEYWORDS):
            raise ValueError(f"{name}: the grammar of the local model does not know {unknown[0]!r}")
        if "enum" in node:
            return self._rule(name, " | ".join(_literal(value) for value in node["enum"]))
        match node["type"]:
            case "object":
                return self._object(node, name)
            case "array":
                item = self.visit(node["items"], f"{name}-item")
                least, most = node.get("minItems", 0), node.get("maxItems")
                more = f'(", " {item}){{{max(least - 1, 0)},{"" if most is None else most - 1}}}'
                return self._rule(name, f'"[" {item} {more} "]"' if least else f'"[" ({item} {more})? "]"')
            case "string":
                length = f"{node.get('minLength', 0)},{node.get('maxLength', '')}"
                return self._rule(name, f'"\\"" char{{{length}}} "\\""')
            case "integer" | "number" | "boolean" as kind:
                return str(kind)
            case other:
                raise ValueError(f"{name}: the grammar of the local model does not know type {other!r}")

    def _object(self, node: dict[str, Any], name: str) -> str:
        """Keys in order, each optional one left out or not: a rule for what may follow each key."""
        pairs = [
            (f'{_literal(key)} ": " {self.visit(child, f"{name}-{index}")}', key in node.get("required", ()))
            for index, (key, child) in enumerate(node["properties"].items())
        ]
        after, can_be_empty = "", True
        starts: list[str] = []
        for index, (pair, is_required) in reversed(list(enumerate(pairs))):
            starts = [f"{pair} {after}", *([] if is_required else starts)]
            can_be_empty = can_be_empty and not is_required
            tail = f'", " {pair}' if is_required else f'(", " {pair})?'
            after = self._rule(f"{name}-after-{index}", f"{tail} {after}")
        return self._rule(name, f'"{{" ({" | ".join(starts)}){"?" if can_be_empty else ""} "}}"')

    def _rule(self, name: str, body: str) -> str:
        self.rules[name] = body
        return name


def _literal(value: object) -> str:
    return json.dumps(json.dumps(value, ensure_ascii=False), ensure_ascii=False)
