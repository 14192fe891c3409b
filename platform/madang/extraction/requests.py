"""What is sent for a post. The prefix (system turn and examples) is the same for every post of a task, to the byte,
so that a model keeps it in its cache; the post comes last, in a turn of its own: data, never instruction.

Where each post has the examples nearest to it, they stand between the system turn, alone the same for all, and the
post, the nearest last. That costs the cache: a provider reads examples anew in every call, and the local model, which
keeps only a prefix that is the same up to the post's turn, computes the system turn anew as well. Which examples are
chosen depends on nothing but the post's text, so that two posts of one text are one request.
"""

import hashlib
import json
from collections.abc import Mapping

from pydantic import JsonValue

from madang.declaration import NearestExamples
from madang.extraction.examples import Example
from madang.extraction.grounding import PostText
from madang.models.protocol import Image, Message, Request, StoredImage
from madang.schema import asked, asked_schema
from madang.task import Task

# Raise it when the way in which a post is rendered changes.
PROMPT_VERSION = 1
# Raise it when other examples come out as the nearest.
NEAREST_VERSION = 1

_COMPLAINT = "That answer is not valid. Answer again, in the same JSON, with this corrected:"


def prefix_messages(task: Task) -> tuple[Message, ...]:
    """System turn and example turns that all posts of a task share; none where nothing is asked."""
    if not task.is_asking:
        return ()
    system = Message("system", task.system_prompt)
    if nearest_of(task) is not None:
        return (system,)
    return (system, *(turn for example in task.examples for turn in example_turns(task, example)))


def nearest_of(task: Task) -> NearestExamples | None:
    """How each post's own examples are chosen; None where all posts share theirs, or nothing is asked."""
    declared = task.declaration.examples
    return declared if isinstance(declared, NearestExamples) and task.is_asking else None


def example_turns(task: Task, example: Example) -> tuple[Message, Message]:
    """An example as a post and its reply."""
    return Message("user", task.render_turn(_parts(task, example))), Message("assistant", render_answer(task, example))


def pool_digest(task: Task) -> str:
    """SHA-256 of the examples among which a post's nearest are chosen: how they are shown, and what is compared."""
    pool = [
        [*_parts(task, example).values(), *(turn.content for turn in example_turns(task, example))]
        for example in task.examples
    ]
    return hashlib.sha256(json.dumps(pool, ensure_ascii=False).encode()).hexdigest()


def render_answer(task: Task, example: Example) -> str:
    """An example's answer exactly as a reply should look: keys in declaration order."""
    ordered: dict[str, JsonValue] = {
        field.asked_as(name): field.as_asked(example.answer[name])
        for name, field in asked(task.fields).items()
        if name in example.answer
    }
    return json.dumps(ordered, ensure_ascii=False)


def _parts(task: Task, example: Example) -> dict[str, str]:
    parts = {"title": example.title, "body": example.body}
    return {column: parts[column] for column in task.text_columns}


def _compared(parts: Mapping[str, str]) -> str:
    return "\n".join(parts.values())


class _OwnExamples:
    """Chooses each post's own examples."""

    def __init__(self, task: Task, declared: NearestExamples) -> None:
        from madang.extraction.nearest import NearestTexts  # numpy: most tasks do without

        self._count = declared.nearest
        self._turns = [example_turns(task, example) for example in task.examples]
        self._pool = NearestTexts([_compared(_parts(task, example)) for example in task.examples])

    def turns(self, text: PostText) -> tuple[Message, ...]:
        """Turns of the examples nearest to a post, the nearest last; never those of the post itself."""
        nearest = self._pool.of(_compared(text.parts), self._count)
        return tuple(turn for index in reversed(nearest) for turn in self._turns[index])


class RequestTemplate:
    """Renders the requests of one task; everything that posts share is made once."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._prefix = prefix_messages(task)
        self._schema = asked_schema(task.fields)
        declared = nearest_of(task)
        self._own_examples = None if declared is None else _OwnExamples(task, declared)

    def request(
        self,
        text: PostText,
        model: str,
        max_tokens: int,
        complaint: tuple[str, str] | None = None,
        images: tuple[Image | StoredImage, ...] = (),
    ) -> Request:
        """The request for one post.

        Args:
            text: Its text columns, masked.
            model: Identity of the model.
            max_tokens: Most tokens of the reply.
            complaint: An invalid reply and what is wrong with it.
            images: The post's images, of which the model sees all.
        """
        turns = [*self._prefix]
        if self._own_examples is not None:
            turns += self._own_examples.turns(text)
        turns.append(Message("user", self._task.render_turn(text.parts), images))
        if complaint is not None:
            reply, problems = complaint
            turns += [Message("assistant", reply), Message("user", f"{_COMPLAINT} {problems}")]
        return Request(tuple(turns), self._schema, model, max_tokens)
