"""The hybrid student: the linear student's scores, corrected by what a frozen encoder reads.

An encoder knows words that no labelled post has; runs of characters say better where a name ends and which phrase
decides. A choice weighs both in one linear model; stretches take the mean of such a model and of a few small networks.
Small flags, sets of classes and words beside stretches stay the linear student's: with their few examples an encoder's
many axes only add noise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import fields as dataclass_fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from madang.distillation.deciding import HeadScores, ScoredStretch
from madang.distillation.frozen_encoder import FrozenEncoder, ReadPost
from madang.distillation.heads import Head, StudentKind
from madang.distillation.linear import LinearStudent
from madang.distillation.small_networks import SmallNetworks
from madang.schema.base import FieldKind

KIND: StudentKind = "hybrid"
# The linear student's score is only half of what decides, so that its less likely stretches count too.
LEAST_LINEAR_SCORE = -6.5
_LEAST_CLASS_SCORE = -6.0
_FILE = "hybrid.npz"


@dataclass(frozen=True)
class LinearCorrection:
    """A linear model over what an encoder reads and what the linear student scores.

    Args:
        mean: Of what is read, shape `(n_axes,)`.
        scale: By which it is divided, same shape.
        weights: Shape `(n_outputs, n_axes + n_scores)`.
        bias: Shape `(n_outputs,)`.
    """

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def scores(self, read: NDArray[np.float32], scored: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores of rows, shape `(n_rows, n_outputs)`; rows of NaN, which were not reached, are the mean."""
        found: NDArray[np.float32] = np.hstack([self.plain(read), scored]) @ self.weights.T + self.bias
        return found

    def plain(self, read: NDArray[np.float32]) -> NDArray[np.float32]:
        """What is read as the model weighs it."""
        plain: NDArray[np.float32] = np.nan_to_num((read - self.mean) / self.scale)
        return plain


Correction = LinearCorrection | SmallNetworks
_KINDS: Mapping[type[Correction], str] = {LinearCorrection: "linear", SmallNetworks: "networks"}


class HybridStudent:
    """A student of a linear student and a frozen encoder.

    Args:
        linear: Tells stretches of `LEAST_LINEAR_SCORE` and more.
        encoder: The encoder.
        heads: The heads.
        corrections: By field, the mean of which counts; a head without any is the linear student's.
    """

    def __init__(
        self, linear: LinearStudent, encoder: FrozenEncoder, heads: Sequence[Head],
        corrections: Mapping[str, Sequence[Correction]],
    ) -> None:  # fmt: skip
        self._linear, self._encoder, self._heads, self._corrections = linear, encoder, heads, corrections

    def scores(self, turns: Sequence[str]) -> list[dict[str, HeadScores]]:
        """What every head thinks of every post."""
        scored = self._linear.scores(turns)
        if not self._corrections:
            return scored
        for turn, post, own in zip(turns, self._encoder.read(turns), scored, strict=True):
            for head in self._heads:
                if head.field in self._corrections:
                    own[head.field] = corrected(self._corrections[head.field], head, turn, post, own[head.field])
        return scored

    def save(self, folder: Path) -> None:
        """Writes both and the corrections into a folder."""
        self._linear.save(folder)
        self._encoder.save(folder)
        arrays = {
            f"{name}.{_KINDS[type(one)]}.{part}": array
            for name, own in self._corrections.items()
            for one in own
            for part, array in vars(one).items()
        }
        np.savez_compressed(folder / _FILE, **arrays)

    @classmethod
    def load(cls, folder: Path, fields: Mapping[str, FieldKind], heads: Sequence[Head]) -> "HybridStudent":
        """Reads what `save` wrote."""
        with np.load(folder / _FILE) as stored:
            found = {
                head.field: [
                    made(*(stored[f"{head.field}.{kind}.{one.name}"] for one in dataclass_fields(made)))
                    for made, kind in _KINDS.items()
                    if f"{head.field}.{kind}.mean" in stored
                ]
                for head in heads
            }
        corrections = {name: own for name, own in found.items() if own}
        linear = LinearStudent.load(folder, fields, heads, LEAST_LINEAR_SCORE)
        return cls(linear, FrozenEncoder.load(folder), heads, corrections)


def corrected(
    corrections: Sequence[Correction], head: Head, turn: str, post: ReadPost, scores: HeadScores
) -> HeadScores:
    """What a head thinks of a post once the encoder has been heard."""
    if head.shape == "choice":
        read, linear = post.whole(title_chars(turn))[None], class_scores(scores)[None]
        return replace(scores, classes=_mean(corrections, read, linear)[0])
    if not scores.stretches:
        return scores
    read = stretches_read(post, scores.stretches)
    linear = np.array([[one.score] for one in scores.stretches], np.float32)
    own = _mean(corrections, read, linear)[:, 0]
    stretches = tuple(replace(one, score=float(score)) for one, score in zip(scores.stretches, own, strict=True))
    return replace(scores, stretches=stretches)


def title_chars(turn: str) -> int:
    """Code points of a turn's first line."""
    end = turn.find("\n")
    return len(turn) if end < 0 else end


def class_scores(scores: HeadScores) -> NDArray[np.float32]:
    """Logarithms of what the linear student gives each class, shape `(n_classes,)`."""
    logits = scores.classes - scores.classes.max()
    found: NDArray[np.float32] = np.maximum(logits - np.log(np.exp(logits).sum()), _LEAST_CLASS_SCORE)
    return found


def stretches_read(post: ReadPost, stretches: Sequence[ScoredStretch]) -> NDArray[np.float32]:
    """What the encoder reads at stretches, shape `(n_stretches, 5 * n_axes)`; NaN where it did not reach."""
    read = [post.stretch(one.stretch) for one in stretches]
    unreached = np.full(5 * post.tokens.shape[1], np.nan, np.float32)
    return np.stack([unreached if one is None else one for one in read])


def _mean(
    corrections: Sequence[Correction], read: NDArray[np.float32], scored: NDArray[np.float32]
) -> NDArray[np.float32]:
    found: NDArray[np.float32] = np.mean([one.scores(read, scored) for one in corrections], axis=0)
    return found
