"""From the text of a reply to validated answers. One wrong answer costs its field, not the post."""

import json
from dataclasses import dataclass, field

import json_repair
from pydantic import BaseModel, ValidationError


@dataclass(frozen=True)
class Answers:
    """What could be used of a reply.

    Args:
        values: Answer by field; a field that is not stated is absent.
        invalid: Fields whose answer did not validate.
        is_repaired: Whether the text was not JSON as it came.
        problems: What the validator says of the invalid ones; quotes nothing of the reply.
    """

    values: dict[str, object]
    invalid: tuple[str, ...] = field(default=())
    is_repaired: bool = False
    problems: tuple[str, ...] = field(default=(), compare=False)


def parse_reply(text: str, model: type[BaseModel]) -> Answers | None:
    """Parses and validates a reply.

    Args:
        text: The reply as received.
        model: Pydantic model of the task's reply.

    Returns:
        The answers, or None if no object could be read out of it, or one that answers something else: taken for a post
        that states nothing, such a reply made a row of defaults that nobody missed.
    """
    plain, is_repaired = _decode(text)
    if not isinstance(plain, dict) or (is_repaired and not plain):
        return None
    if plain and not plain.keys() & model.model_fields.keys():
        return None
    invalid: list[str] = []
    problems = ["it breaks off before its end"] if is_repaired and _breaks_off(text) else []
    while True:
        try:
            answers = model.model_validate(plain)
        except ValidationError as error:
            wrong = {str(item["loc"][0]) for item in error.errors()}
            problems += [f"{item['loc'][0]}: {item['msg']}" for item in error.errors(include_input=False)]
            invalid += sorted(wrong)
            plain = {name: value for name, value in plain.items() if name not in wrong}
        else:
            values = {name: value for name in model.model_fields if (value := getattr(answers, name)) is not None}
            return Answers(values, tuple(invalid), is_repaired, tuple(problems))


def _breaks_off(text: str) -> bool:
    """Whether the first object of a text is never closed: the answers behind its end are missing."""
    depth, is_string, is_escaped = 0, False, False
    for char in text[text.find("{") :]:
        if is_string:
            is_string = is_escaped or char != '"'
            is_escaped = not is_escaped and char == "\\"
        elif char == '"':
            is_string = True
        elif char in "{}":
            depth += 1 if char == "{" else -1
            if depth == 0:
                return False
    return True


def _decode(text: str) -> tuple[object, bool]:
    """The value of a text, and whether it had to be repaired; None if it is too deep, or a number in it too long."""
    try:
        return json.loads(text), False
    except (ValueError, RecursionError):
        pass
    try:
        return json_repair.loads(text), True
    except (ValueError, RecursionError):
        return None, True
