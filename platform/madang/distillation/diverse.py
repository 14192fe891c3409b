"""The posts that tell a student most: it doubts each of them, and they are unlike each other.

The most doubtful alone would be one template fifty times over. So of near-duplicates one counts; ten times as many as
are wanted are taken by doubt; and of those k-means++ draws: the farther a post lies from what is drawn already, and the
greater its doubt, the likelier.

Source: Zhdanov 2019, Diverse mini-batch active learning; Arthur, Vassilvitskii 2007.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from madang.distillation.clusters import near_duplicates
from madang.distillation.turn_features import matrix, turn_features

# Hashed words lie at right angles to each other whatever they mean: in so many directions posts of one theme meet.
_DIRECTIONS = 64
_POOL_FACTOR = 10
_SEED = 20_241_127


@dataclass(frozen=True)
class Telling:
    """A post that was drawn.

    Args:
        at: Its index.
        stands_for: Posts of the pool that are more like it than like any other drawn one, itself included.
    """

    at: int
    stands_for: int


def most_telling(turns: Sequence[str], doubts: Sequence[float] | None, most: int) -> list[Telling]:
    """Draws posts; the same for the same posts.

    Args:
        turns: What a model is shown of each.
        doubts: Share of such posts that the student gets wrong, of each; None draws for unlikeness alone.
        most: Most posts; of one cluster of near-duplicates no more than one is drawn.

    Returns:
        The drawn ones, the first drawn first.
    """
    if not turns:
        return []
    weights = np.ones(len(turns)) if doubts is None else np.maximum(np.array(doubts, np.float64), 1e-6)
    clusters, first = near_duplicates(turns), dict[int, int]()
    for at in np.argsort(-weights, kind="stable"):
        first.setdefault(clusters[at], int(at))
    pool = np.array(list(first.values()))
    if doubts is not None:
        pool = pool[: _POOL_FACTOR * most]
    places = _places([turns[at] for at in pool])
    drawn = _drawn(places, weights[pool], most)
    nearest = np.argmax(places @ places[drawn].T, axis=1)
    counts = np.bincount(nearest, minlength=len(drawn))
    return [Telling(int(pool[one]), int(count)) for one, count in zip(drawn, counts, strict=True)]


def _drawn(places: NDArray[np.float32], weights: NDArray[np.float64], most: int) -> list[int]:
    from sklearn.cluster import kmeans_plusplus

    if len(places) <= most:
        return list(range(len(places)))
    _, drawn = kmeans_plusplus(places, most, sample_weight=weights, random_state=_SEED)
    # Where fewer differ than are wanted it draws one twice; the most doubtful of the others take the place.
    found = dict.fromkeys(map(int, drawn))
    return [*found, *(at for at in range(len(places)) if at not in found)][:most]


def _places(turns: Sequence[str]) -> NDArray[np.float32]:
    """Where posts lie, each at distance one from the origin, shape `(n_posts, n_directions)`."""
    from sklearn.decomposition import TruncatedSVD

    rows = matrix([turn_features(turn) for turn in turns])
    seen = np.flatnonzero(np.bincount(rows.indices, minlength=rows.shape[1]) >= 2)
    if len(seen) <= _DIRECTIONS or len(turns) <= _DIRECTIONS:
        found = rows[:, seen].toarray()
    else:
        found = TruncatedSVD(_DIRECTIONS, random_state=_SEED).fit_transform(rows[:, seen])
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    placed: NDArray[np.float32] = (found / np.maximum(lengths, 1e-9)).astype(np.float32)
    return placed
