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
        The answers, or None if no object could be read out of it.
    """
    plain, is_repaired = _decode(text)
    if not isinstance(plain, dict) or (is_repaired and not plain):
        return None
    invalid: list[str] = []
    problems: list[str] = []
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
