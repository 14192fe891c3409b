"""Which posts are scored: chosen by hash of their id, so that nobody chooses and everybody gets the same."""

import hashlib
from collections.abc import Sequence
from typing import Literal

from madang.evaluation.gold import GoldPost

Part = Literal["tune", "score", "all"]


def part_of(post_id: str) -> Literal["tune", "score"]:
    """The part of shared gold in which a post is: 60% `tune` and 40% `score`.

    Examples, calibration and students may read only `tune`; what is quoted comes from `score`.
    """
    return "tune" if int(hashlib.sha256(post_id.encode()).hexdigest(), 16) % 10 < 6 else "score"


def sampled(posts: Sequence[GoldPost], part: Part, sample: int | None, seed: int) -> list[GoldPost]:
    """The posts of a part, at most `sample` of them.

    Args:
        posts: Posts that have gold.
        part: `all`, or one of the two.
        sample: Most posts; None takes all.
        seed: Another seed gives another sample.

    Returns:
        Those whose hash of seed and post id is smallest, in its order.
    """
    own = [post for post in posts if part in ("all", part_of(post.key[1]))]
    return sorted(own, key=lambda post: (_place(seed, post.key[1]), post.key))[:sample]


def _place(seed: int, post_id: str) -> str:
    return hashlib.sha256(f"{seed}:{post_id}".encode()).hexdigest()
