"""What is sent for a post. The prefix (system turn and examples) is the same for every post of a task, to the byte,
so that a model keeps it in its cache; the post comes last, in a turn of its own: data, never instruction.
"""

import json

from pydantic import JsonValue

from madang.extraction.grounding import PostText
from madang.models.protocol import Image, Message, Request, StoredImage
from madang.schema import asked, asked_schema
from madang.task import Example, Task

# Raise it when the way in which a post is rendered changes.
PROMPT_VERSION = 1

_COMPLAINT = "That answer is not valid. Answer again, in the same JSON, with this corrected:"


def prefix_messages(task: Task) -> tuple[Message, ...]:
    """System turn and example turns of a task; none where nothing is asked."""
    if not task.is_asking:
        return ()
    turns = [Message("system", task.system_prompt)]
    for example in task.examples:
        parts = {"title": example.title, "body": example.body}
        turns.append(Message("user", task.render_turn({column: parts[column] for column in task.text_columns})))
        turns.append(Message("assistant", render_answer(task, example)))
    return tuple(turns)


def render_answer(task: Task, example: Example) -> str:
    """An example's answer exactly as a reply should look: keys in declaration order."""
    ordered: dict[str, JsonValue] = {
        name: example.answer[name] for name in asked(task.fields) if name in example.answer
    }
    return json.dumps(ordered, ensure_ascii=False)


class RequestTemplate:
    """Renders the requests of one task; everything that posts share is made once."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._prefix = prefix_messages(task)
        self._schema = asked_schema(task.fields)

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
        turns = [*self._prefix, Message("user", self._task.render_turn(text.parts), images)]
        if complaint is not None:
            reply, problems = complaint
            turns += [Message("assistant", reply), Message("user", f"{_COMPLAINT} {problems}")]
        return Request(tuple(turns), self._schema, model, max_tokens)
