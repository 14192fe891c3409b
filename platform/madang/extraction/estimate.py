"""How many calls a plan needs, by model: renders the pending posts' requests and looks for their replies."""

from collections import Counter
from dataclasses import dataclass

from pydantic import JsonValue

from madang.extraction.plan import Plan
from madang.extraction.prepared import Preparation, stored_replies
from madang.models.catalogue import Catalogue
from madang.ops import REPLIES
from madang.task import Task
from madang.warehouse.protocol import Warehouse

_CHUNK_POSTS = 2000


@dataclass(frozen=True)
class Calls:
    """What a plan would send.

    Args:
        by_model: Calls by the model's name.
        reused: Posts whose reply is there already, or is asked for by another post of the plan.
        blank: Posts without anything to ask about.
        chars: Code points that would be sent, prompts included.
    """

    by_model: dict[str, int]
    reused: int
    blank: int
    chars: int

    @property
    def total(self) -> int:
        """Calls of all models."""
        return sum(self.by_model.values())

    def to_json(self) -> dict[str, JsonValue]:
        """Plain form."""
        return {
            "calls": self.total, "calls_by_model": dict(self.by_model), "reused": self.reused, "blank": self.blank,
            "chars": self.chars,
        }  # fmt: skip

    def to_text(self) -> str:
        """For people."""
        models = ", ".join(f"{count} to {name}" for name, count in self.by_model.items()) or "none"
        calls = f"  calls: {self.total} ({models}), {self.chars} characters"
        return f"{calls}; {self.reused} replies reused, {self.blank} blank"


def estimate(warehouse: Warehouse, task: Task, catalogue: Catalogue, plan: Plan) -> Calls:
    """Counts the calls of a plan; sends and writes nothing.

    Args:
        warehouse: Where texts and replies are.
        task: The task.
        catalogue: Models by name.
        plan: Its plan.
    """
    preparation = Preparation(warehouse, task, catalogue)
    by_model: Counter[str] = Counter()
    seen: set[str] = set()
    reused = blank = chars = 0
    for chunk in plan.posts.iter_slices(_CHUNK_POSTS):
        posts = preparation.prepare(chunk)
        hashes = {post.request.hash for post in posts if post.request}
        there = stored_replies(warehouse, hashes).keys() if warehouse.has(REPLIES.name) else set()
        for post in posts:
            if post.request is None:
                blank += 1
            elif post.request.hash in there or post.request.hash in seen:
                reused += 1
            else:
                seen.add(post.request.hash)
                by_model[post.attempt.model] += 1
                chars += sum(len(message.content) for message in post.request.messages)
    return Calls(dict(by_model), reused, blank, chars)
