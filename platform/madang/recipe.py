"""A recipe: everything that decides what a post's row will say, and nothing else.

Gates, ttl and descriptions that the model does not see are not in it: changing them must not touch a row.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import JsonValue

from madang.extraction.knowledge import KNOWLEDGE_VERSION
from madang.extraction.requests import NEAREST_VERSION, PROMPT_VERSION, nearest_of, pool_digest, prefix_messages
from madang.posts.masking import MASKING_VERSION
from madang.schema import Fields, asked_schema
from madang.schema.base import FieldKind
from madang.schema.expressions import renamed
from madang.schema.mentions import MentionsField
from madang.task import Task

# Raise it when readers or grounding give other values for the same reply.
READING_VERSION = 3


@dataclass(frozen=True)
class Recipe:
    """One recipe of one task.

    Args:
        task: Name of the task.
        hash: SHA-256 of its content.
        content: What it is made of; kept whole in ops.recipes.
    """

    task: str
    hash: str
    content: dict[str, JsonValue]


def recipe_of(task: Task, identity: Callable[[str], str]) -> Recipe:
    """Builds the recipe that a task's folder declares now.

    Args:
        task: The task.
        identity: Identity of a model by its name in the settings.
    """
    content: dict[str, JsonValue] = {
        "request": {
            "version": PROMPT_VERSION,
            "masking": MASKING_VERSION,
            "messages": [[message.role, message.content] for message in prefix_messages(task)],
            "schema": asked_schema(task.fields),
            "text": list(task.text_columns),
            "turn": task.declaration.turn,
        },
        "routes": [
            {
                "when": route.when,
                "use": identity(route.use),
                "fallback": [identity(name) for name in route.fallback],
                "max_tokens": route.max_tokens,
            }
            for _, route in task.routes
        ],
        # By the names that fields had first: a recipe is what is asked and read, whatever the columns are called.
        "fields": {field.asked_as(name): _plain(field, task.fields) for name, field in task.fields.items()},
        "reading": READING_VERSION,
    }
    if images := task.most_images:
        content["request"] |= {"images": images}  # type: ignore[operator]  # the mapping above
    content["request"] |= _retrieved(task)  # type: ignore[operator]
    if task.readers:
        content["readers"] = {name: reader.version for name, reader in task.readers.items()}
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True)
    return Recipe(task.name, hashlib.sha256(canonical.encode()).hexdigest(), content)


def _retrieved(task: Task) -> dict[str, JsonValue]:
    """What is chosen for each post, and how: left out where nothing is, so that no recipe becomes new."""
    found: dict[str, JsonValue] = {}
    if (declared := nearest_of(task)) is not None:
        found["examples"] = {
            "pool": pool_digest(task), "size": len(task.examples), "nearest": declared.nearest, "by": declared.by,
            "version": NEAREST_VERSION,
        }  # fmt: skip
    if task.is_asking and task.knowledge:
        found["knowledge"] = {
            name: {"entries": knowledge.digest, "size": len(knowledge), "most": knowledge.most,
                   "version": KNOWLEDGE_VERSION}
            for name, knowledge in task.knowledge.items()
        }  # fmt: skip
    return found


def _plain(field: FieldKind, fields: Fields) -> JsonValue:
    """What a field says; an option that came later is left out where it is not used, so that no recipe becomes new."""
    unused = {option for option in ("read", "decide") if getattr(field, option) is None}
    # Links are rows of their own, which name their linker: no extraction changes with them.
    plain: dict[str, JsonValue] = field.model_dump(
        mode="json", exclude={"describe", "link", "renamed_from", *unused}
    )  # fmt: skip
    if field.derive is not None:
        plain["derive"] = renamed(field.derive, _first_names(fields))
    if isinstance(field, MentionsField):
        plain["of"] = {
            small.asked_as(name): small.model_dump(mode="json", exclude={"renamed_from"})
            for name, small in field.of.items()
        }
        if field.keep is not None:
            plain["keep"] = renamed(field.keep, _first_names(field.of))
    return plain


def _first_names(fields: Fields) -> dict[str, str]:
    return {name: field.asked_as(name) for name, field in fields.items()}
