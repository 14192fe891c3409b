"""What a plan would send, how long it takes and what it costs: renders the pending posts' requests, sends nothing.

Calls are counted; tokens, dollars and minutes are forecast, each with a low and a high end. What a run pays beyond
the high end has a reason that no plan can know: an outage, a fallback, posts that a model refuses.
"""

from collections import Counter
from dataclasses import dataclass, field

from pydantic import JsonValue

from madang.extraction.forecast import Asked, Forecast, forecast
from madang.extraction.past import past_of
from madang.extraction.plan import Plan
from madang.extraction.prepared import Preparation, stored_replies
from madang.extraction.spans import NOTHING, Span
from madang.models.catalogue import Catalogue
from madang.ops import REPLIES
from madang.task import Task
from madang.warehouse.protocol import Warehouse

_CHUNK_POSTS = 2000
# Rendering takes 0.1 ms a post, and 0.4 ms where masking finds digits: at most 20 s. The rest is taken to be like them.
_MOST_RENDERED = 50_000
_SEED = 7


@dataclass(frozen=True)
class Calls:
    """What a plan would send.

    Args:
        by_model: Calls by the model's name.
        reused: Posts whose reply is there already, or is asked for by another post of the plan.
        blank: Posts about which nothing is asked: blank ones, or all where readers find every field.
        chars: Code points that would be sent, prompts included.
        shared: Those of `reused` that are asked for by another post of the plan.
        rendered_share: Share of the posts that was rendered; the counts are scaled up if it is below 1.
    """

    by_model: dict[str, int]
    reused: int
    blank: int
    chars: int
    shared: int = 0
    rendered_share: float = 1.0

    @property
    def total(self) -> int:
        """Calls of all models."""
        return sum(self.by_model.values())


@dataclass(frozen=True)
class Estimate:
    """What a plan comes to.

    Args:
        calls: What it would send.
        lanes: What that comes to, a model each, the most calls first.
    """

    calls: Calls
    lanes: tuple[Forecast, ...] = field(default=())

    @property
    def usd(self) -> Span:
        """Dollars of all lanes."""
        return sum((lane.usd for lane in self.lanes), NOTHING)

    @property
    def reserved_usd(self) -> float:
        """The most that the calls can cost if each is sent once: what caps count while they are in flight."""
        return sum(lane.reserved_usd for lane in self.lanes)

    @property
    def minutes(self) -> Span:
        """Time until the slowest lane is through: lanes work side by side."""
        spans = [lane.minutes for lane in self.lanes] or [NOTHING]
        return Span(*(max(getattr(span, end) for span in spans) for end in ("low", "expected", "high")))

    def to_json(self) -> dict[str, JsonValue]:
        """Plain form."""
        return {
            "calls": self.calls.total, "calls_by_model": dict(self.calls.by_model), "reused": self.calls.reused,
            "shared": self.calls.shared, "blank": self.calls.blank, "chars": self.calls.chars,
            "rendered_share": self.calls.rendered_share, "lanes": [lane.to_json() for lane in self.lanes],
            "usd": {**self.usd.to_json(6)}, "reserved_usd": round(self.reserved_usd, 6),
            "minutes": {**self.minutes.to_json(2)},
        }  # fmt: skip


def estimate(warehouse: Warehouse, task: Task, catalogue: Catalogue, plan: Plan) -> Estimate:
    """Estimates a plan; sends and writes nothing, and loads no model.

    Args:
        warehouse: Where texts and replies are.
        task: The task.
        catalogue: Models by name.
        plan: Its plan.

    Raises:
        DeclarationError: Nobody knows what a model costs.
    """
    preparation = Preparation(warehouse, task, catalogue)
    share = min(1.0, _MOST_RENDERED / max(plan.posts.height, 1))
    posts = plan.posts if share == 1.0 else plan.posts.sample(_MOST_RENDERED, seed=_SEED)
    asked: dict[str, Asked] = {}
    seen: set[str] = set()
    counts: Counter[str] = Counter()
    for chunk in posts.iter_slices(_CHUNK_POSTS):
        prepared = preparation.prepare(chunk)
        hashes = {post.request.hash for post in prepared if post.request}
        there = stored_replies(warehouse, hashes).keys() if warehouse.has(REPLIES.name) else set()
        for post in prepared:
            if post.request is None:
                counts["blank"] += 1
            elif post.request.hash in there:
                counts["stored"] += 1
            elif post.request.hash in seen:
                counts["shared"] += 1
            else:
                seen.add(post.request.hash)
                name = post.attempt.model
                if name not in asked:
                    asked[name] = Asked(catalogue.model(name), post.request.model)
                asked[name].add(post.request)
    lanes = tuple(
        forecast(
            name,
            catalogue.spec(name),
            requests.times(1 / share),
            past_of(warehouse, task, requests.identity, requests.lane),
        )
        for name, requests in sorted(asked.items(), key=lambda item: -item[1].calls)
    )
    blank, stored, shared = (round(counts[what] / share) for what in ("blank", "stored", "shared"))
    by_model = {name: round(requests.calls / share) for name, requests in asked.items()}
    chars = round(sum(requests.chars for requests in asked.values()) / share)
    return Estimate(Calls(by_model, stored + shared, blank, chars, shared, share), lanes)
