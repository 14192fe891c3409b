"""A post with the answers a student learns from, and where they come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from madang.evaluation.answers import Answer
from madang.evaluation.gold import PostKey
from madang.extraction.grounding import PostText

Origin = Literal["correction", "gold", "teacher", "extraction"]


@dataclass(frozen=True)
class LabelledPost:
    """One post to learn from.

    Args:
        row: The post, as `read_posts` gives it.
        text: Its text columns, masked.
        turn: What a model is shown of it.
        answers: By field: None, or the empty set, where the post does not say; a field without a label is absent.
        origin: Who labelled it.
        pointers: By field: what the evidence of its answer points at, as it stands in the text; absent where unknown.
    """

    row: Mapping[str, object] = field(repr=False)
    text: PostText = field(repr=False)
    turn: str = field(repr=False)
    answers: Mapping[str, Answer] = field(repr=False)
    origin: Origin
    pointers: Mapping[str, frozenset[str]] = field(default_factory=dict, repr=False)

    @property
    def key(self) -> PostKey:
        """Source and post id."""
        return str(self.row["source"]), str(self.row["post_id"])

    @property
    def event_at(self) -> datetime | None:
        """When it happened, UTC; None if the source does not say."""
        at = self.row["event_at"]
        return at if isinstance(at, datetime) else None
