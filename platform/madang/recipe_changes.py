"""Why a recipe is another one: which parts of its content differ, in words that an operator can act on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from pydantic import JsonValue

from madang.ops import RECIPES
from madang.recipe import Recipe
from madang.releases import live
from madang.warehouse.protocol import Warehouse

Json = Mapping[str, JsonValue]

# Parts that only change how a stored reply is read: the same request has the same answer, which is there.
_READ_ONLY = ("field", "derivation", "reading", "reader")
_PARTS_OF_REQUEST = {"turn": "turn", "text": "text", "masking": "masking", "version": "rendering"}
_SHORT_CHARS = 40


@dataclass(frozen=True)
class PartChange:
    """One difference between two recipes.

    Args:
        part: prompt, examples, knowledge, schema, turn, text, masking, rendering, route, model, fallback, max_tokens,
            field, derivation, reading, reader, or the name of a part that a newer madang added.
        detail: What differs; holds no post text.
    """

    part: str
    detail: str

    @property
    def is_asked_again(self) -> bool:
        """Whether it changes a request; else stored replies are read anew, at no cost."""
        return self.part not in _READ_ONLY


@dataclass(frozen=True)
class RecipeChange:
    """How the declared recipe differs from the one that made the rows.

    Args:
        before: Its name, such as groups@1.
        parts: What differs.
        content: What that recipe is made of.
    """

    before: str
    parts: tuple[PartChange, ...]
    content: Json = field(default_factory=dict, repr=False, compare=False)

    def to_json(self) -> dict[str, JsonValue]:
        """Plain form."""
        return {
            "from": self.before,
            "reasons": [
                {"part": part.part, "detail": part.detail, "asked_again": part.is_asked_again} for part in self.parts
            ],
        }


def recipe_change(warehouse: Warehouse, recipe: Recipe) -> RecipeChange | None:
    """Compares a declared recipe with the live one, or with the last used where the declared one is live.

    Returns:
        None if no other recipe was ever used.
    """
    if not warehouse.has(RECIPES.name):
        return None
    found = warehouse.read(
        "SELECT recipe, content FROM ops.recipes WHERE task = ? AND recipe_hash <> ? ORDER BY recipe = ? DESC, "
        "number DESC LIMIT 1",
        [recipe.task, recipe.hash, live(warehouse, recipe.task) or ""],
    )
    if not found.height:
        return None
    content = json.loads(found["content"][0])
    return RecipeChange(str(found["recipe"][0]), part_changes(content, recipe.content), content)


def part_changes(before: Json, after: Json) -> tuple[PartChange, ...]:
    """Differences between two recipes' contents, in the order in which they act on a post."""
    old, now = _mapping(before.get("request")), _mapping(after.get("request"))
    old_fields, fields = _mapping(before.get("fields")), _mapping(after.get("fields"))
    old_asked, asked = _properties(old), _properties(now)
    changes = _request_changes(old, now, old_fields, fields)
    changes += _route_changes(_routes(before), _routes(after))
    # Those that the model sees stand under `schema`.
    changes += _field_changes(
        *({name: plain for name, plain in one.items() if old_asked.get(name) == asked.get(name)}
          for one in (old_fields, fields))
    )  # fmt: skip
    changes += _reader_changes(_mapping(before.get("readers")), _mapping(after.get("readers")))
    known = ("request", "routes", "fields", "readers")
    for part in sorted({*before, *after} - {*known}):
        if before.get(part) != after.get(part):
            changes.append(PartChange(part, _turned(before.get(part), after.get(part))))
    return tuple(changes)


def _request_changes(before: Json, after: Json, old_fields: Json, fields: Json) -> list[PartChange]:
    changes = []
    (old_prompt, old_examples), (prompt, examples) = _turns(before), _turns(after)
    if old_prompt != prompt:
        changes.append(PartChange("prompt", _lines(old_prompt, prompt)))
    old_pool, pool = _mapping(before.get("examples")), _mapping(after.get("examples"))
    if old_pool != pool:
        changes.append(PartChange("examples", _pool(old_pool, pool, len(old_examples), len(examples))))
    elif old_examples != examples:
        changes.append(PartChange("examples", _examples(old_examples, examples)))
    known, knowledge = _mapping(before.get("knowledge")), _mapping(after.get("knowledge"))
    changes += [
        PartChange("knowledge", f"{name}: {_retrieved(_mapping(known.get(name)), _mapping(knowledge.get(name)))}")
        for name in sorted({*known, *knowledge})
        if known.get(name) != knowledge.get(name)
    ]
    if before.get("schema") != after.get("schema"):
        changes.append(PartChange("schema", _schema(_properties(before), _properties(after), old_fields, fields)))
    for key in sorted({*before, *after} - {"messages", "schema", "examples", "knowledge"}):
        if before.get(key) != after.get(key):
            part = _PARTS_OF_REQUEST.get(key, key)
            changed = "the template of a post's turn" if part == "turn" else _turned(before.get(key), after.get(key))
            changes.append(PartChange(part, changed))
    return changes


def _route_changes(before: list[Json], after: list[Json]) -> list[PartChange]:
    if [route.get("when") for route in before] != [route.get("when") for route in after]:
        return [PartChange("route", f"{_conditions(before)} → {_conditions(after)}")]
    changes: list[PartChange] = []
    names = {"use": "model", "fallback": "fallback"}
    for index, (old, now) in enumerate(zip(before, after, strict=True)):
        place = f"route {index + 1}: " if len(after) > 1 else ""
        changes += [
            PartChange(names.get(key, key), place + _turned(old.get(key), now.get(key)))
            for key in sorted({*old, *now}, reverse=True)
            if old.get(key) != now.get(key)
        ]
    return changes


def _field_changes(before: Json, after: Json) -> list[PartChange]:
    changes = [PartChange("field", f"{name} is gone") for name in before if name not in after]
    for name, plain in after.items():
        if name not in before:
            changes.append(PartChange("field", f"{name} is there now"))
            continue
        old, now = _mapping(before[name]), _mapping(plain)
        if old.get("derive") != now.get("derive"):
            changes.append(PartChange("derivation", f"{name}: {_turned(old.get('derive'), now.get('derive'))}"))
        keys = [key for key in _other_keys(old, now) if key != "derive"]
        if keys:
            changes.append(PartChange("field", f"{name}: {', '.join(keys)}"))
    return changes


def _reader_changes(before: Json, after: Json) -> list[PartChange]:
    return [
        PartChange("reader", f"{name}: {_turned(before.get(name), after.get(name))}")
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]


def _turns(request: Json) -> tuple[str, list[tuple[str, str]]]:
    """The system turn, and examples as pairs of post and answer."""
    messages = request.get("messages")
    turns = [str(message[1]) for message in messages if isinstance(message, list)] if isinstance(messages, list) else []
    return (turns[0] if turns else ""), list(zip(turns[1::2], turns[2::2], strict=False))


def _lines(before: str, after: str) -> str:
    matcher = SequenceMatcher(None, before.splitlines(), after.splitlines(), autojunk=False)
    steps = [step for step in matcher.get_opcodes() if step[0] != "equal"]
    removed, added = sum(step[2] - step[1] for step in steps), sum(step[4] - step[3] for step in steps)
    return f"{added} lines added, {removed} removed"


def _examples(before: list[tuple[str, str]], after: list[tuple[str, str]]) -> str:
    added = sum(example not in before for example in after)
    removed = sum(example not in after for example in before)
    return f"{added} added, {removed} removed" if added or removed else "in another order"


def _pool(before: Json, after: Json, shared_before: int, shared: int) -> str:
    """How the choice of each post's own examples changed; without one, all posts share theirs."""
    if before and after:
        return _retrieved(before, after)
    return f"{_choice(before, shared_before)} → {_choice(after, shared)}"


def _choice(pool: Json, shared: int) -> str:
    if pool:
        return f"the {pool['nearest']} nearest of {pool['size']}"
    return f"the same {shared} for every post" if shared else "none"


def _retrieved(before: Json, after: Json) -> str:
    if not before or not after:
        return f"{after['size']} to choose from" if after else "gone"
    words = []
    if any(before.get(digest) != after.get(digest) for digest in ("pool", "entries")):
        words.append(f"others to choose from ({before['size']} → {after['size']})")
    words += [
        f"{key} {_turned(before.get(key), after.get(key))}"
        for key in _other_keys(before, after)
        if key not in ("pool", "entries", "size")
    ]
    return ", ".join(words)


def _schema(before: Json, after: Json, old_fields: Json, fields: Json) -> str:
    words = _each([name for name in after if name not in before], "asked now")
    words += _each([name for name in before if name not in after], "not asked any more")
    for name in after:
        if name in before and before[name] != after[name]:
            keys = _other_keys(_mapping(old_fields.get(name)), _mapping(fields.get(name)))
            words.append(f"{name} changed ({', '.join(keys) or 'description'})")
    return "; ".join(words) or "keys in another order, or other rules"


def _other_keys(before: Json, after: Json) -> list[str]:
    return sorted(key for key in {*before, *after} if before.get(key) != after.get(key))


def _properties(request: Json) -> Json:
    return _mapping(_mapping(request.get("schema")).get("properties"))


def _each(names: list[str], what: str) -> list[str]:
    return [f"{', '.join(names)} {what}"] if names else []


def _conditions(routes: list[Json]) -> str:
    return ", ".join(str(route.get("when") or "always") for route in routes) or "none"


def _turned(before: JsonValue, after: JsonValue) -> str:
    return f"{_short(before)} → {_short(after)}"


def _short(value: JsonValue) -> str:
    """A value in at most 40 characters: a model's identity ends in a hash of 64 digits."""
    if value is None or value == []:
        return "none"
    values = value if isinstance(value, list) else [value]
    text = ", ".join(one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in values)
    return text if len(text) <= _SHORT_CHARS else f"{text[: _SHORT_CHARS - 1]}…"


def _mapping(value: JsonValue) -> Json:
    return value if isinstance(value, dict) else {}


def _routes(content: Json) -> list[Json]:
    routes = content.get("routes")
    return [_mapping(route) for route in routes] if isinstance(routes, list) else []
