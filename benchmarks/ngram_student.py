"""The plain baseline that a student must beat: runs of one to four characters and a linear model, nothing else.

It learns from the same posts, says what it says through the same thresholds, and knows of a stretch its own characters
and ten on either side. No words, no cues, no places in the line, no evidence.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression

from madang.distillation.curve_plot import Curve
from madang.distillation.deciding import HeadScores, ScoredStretch
from madang.distillation.heads import Head, StudentKind, class_of
from madang.distillation.labelled import LabelledPost
from madang.distillation.stretches import Stretch, stretches_of
from madang.evaluation.answers import Answer, MentionAnswer
from madang.schema.base import FieldKind

_NEAR_CHARS, _LEAST_POSTS, _STRENGTH = 10, 3, 10.0
_PLACES = 1 << 18
_NEVER = -9.0
_LEAST_SCORE = -5.0
_GRAMS = HashingVectorizer(analyzer="char", ngram_range=(1, 4), n_features=_PLACES, alternate_sign=False)

Model = LogisticRegression | float
Models = Sequence[Model]


class NgramStudent:
    """Scores heads by their models: of classes, of stretches, of the small flags of stretches."""

    def __init__(
        self,
        fields: Mapping[str, FieldKind],
        heads: Sequence[Head],
        models: Mapping[str, tuple[Models, Models, Models]],
    ) -> None:
        self._fields, self._heads, self._models = fields, heads, models

    def scores(self, turns: Sequence[str]) -> list[dict[str, HeadScores]]:
        """What every head thinks of every post."""
        whole = _GRAMS.transform(turns)
        found: list[dict[str, HeadScores]] = [{} for _ in turns]
        for head in self._heads:
            classes, stretch, flags = self._models[head.field]
            own = [stretches_of(turn, self._fields[head.field]) if stretch else [] for turn in turns]
            rows = _rows(turns, own)
            scores, flagged = _scored(stretch, rows), _scored(flags, rows)
            at = 0
            for turn, (one, post) in enumerate(zip(found, own, strict=True)):
                one[head.field] = HeadScores(
                    _scored(classes, whole[turn])[0],
                    tuple(
                        ScoredStretch(each, float(scores[at + place, 0]), tuple(map(float, flagged[at + place])))
                        for place, each in enumerate(post)
                        if scores[at + place, 0] > _LEAST_SCORE
                    ),
                )
                at += len(post)
        return found

    def save(self, folder: Path) -> None:
        """It is measured and thrown away."""
        raise NotImplementedError


class NgramTeaching:
    """Fits it on parts of a data set.

    Args:
        posts: All posts.
        weights: Of each.
        fields: The fields to answer.
        heads: Their heads.
    """

    def __init__(
        self, posts: Sequence[LabelledPost], weights: Sequence[float], fields: Mapping[str, FieldKind],
        heads: Sequence[Head],
    ) -> None:  # fmt: skip
        self._posts, self._weights, self._fields, self._heads = posts, np.array(weights), fields, heads
        self._whole = _GRAMS.transform([post.turn for post in posts])

    @property
    def kind(self) -> StudentKind:
        """It is never stored; linear is nearest."""
        return "linear"

    @property
    def curve(self) -> Curve:
        """None: nothing is trained in epochs."""
        return ()

    @property
    def settings(self) -> dict[str, object]:
        """What decides what is learnt besides the posts."""
        return {"kind": "n-grams", "strength": _STRENGTH}

    @property
    def folds_read(self) -> int:
        """Enough posts for its thresholds."""
        return 2

    def fit(self, learned: Sequence[int], name: str) -> NgramStudent:
        """Fits it on the posts of these indices."""
        return NgramStudent(self._fields, self._heads, {head.field: self._fit(head, learned) for head in self._heads})

    def forget(self) -> None:
        """Nothing was kept."""

    def _fit(self, head: Head, learned: Sequence[int]) -> tuple[Models, Models, Models]:
        own = [at for at in learned if head.field in self._posts[at].answers]
        answers = [self._posts[at].answers[head.field] for at in own]
        weights = self._weights[own]
        if head.shape in ("choice", "choices"):
            sets = [one if isinstance(one, frozenset) else {class_of(one)} for one in answers]
            return [_fitted(self._whole[own], [name in one for one in sets], weights) for name in head.classes], (), ()
        classes = [_fitted(self._whole[own], [one == name for one in answers], weights) for name in head.classes]
        turns = [self._posts[at].turn for at in own]
        found = [stretches_of(turn, self._fields[head.field]) for turn in turns]
        rows = _rows(turns, found)
        right = [_gold(one, answer) for post, answer in zip(found, answers, strict=True) for one in post]
        of_rows = np.repeat(weights, [len(post) for post in found])
        stretch = [_fitted(rows, [gold is not None for gold in right], of_rows)]
        said = [at for at, gold in enumerate(right) if gold is not None]
        flags = [
            _fitted(rows[said], [bool(getattr(right[at], name, False)) for at in said], of_rows[said])
            for name in head.flags
        ]
        return classes, stretch, flags


def _gold(stretch: Stretch, answer: Answer) -> Answer | MentionAnswer:
    """The answer of which a stretch is the value; None if it is of none."""
    if isinstance(answer, frozenset):
        return next((one for one in answer if isinstance(one, MentionAnswer) and one.text == stretch.value), None)
    return answer if stretch.value == answer else None


def _rows(turns: Sequence[str], found: Sequence[Sequence[Stretch]]) -> csr_matrix:
    texts = [
        f"{turn[max(one.start - _NEAR_CHARS, 0) : one.start]}\x02{turn[one.start : one.end]}\x03"
        f"{turn[one.end : one.end + _NEAR_CHARS]}"
        for turn, post in zip(turns, found, strict=True)
        for one in post
    ]
    return _GRAMS.transform(texts) if texts else csr_matrix((0, _PLACES))


def _fitted(rows: csr_matrix, right: Sequence[bool], weights: NDArray[np.float64]) -> Model:
    """A model, or the score of every row where there is nothing to learn."""
    if sum(right) < _LEAST_POSTS:
        return _NEVER
    if all(right):
        return -_NEVER
    return LogisticRegression(C=_STRENGTH, solver="liblinear", tol=1e-2).fit(rows, right, sample_weight=weights)


def _scored(models: Models, rows: csr_matrix) -> NDArray[np.float32]:
    """Scores of rows, shape `(n_rows, n_models)`."""
    scores = np.zeros((rows.shape[0], len(models)), np.float32)
    for at, model in enumerate(models if len(scores) else ()):
        scores[:, at] = model if isinstance(model, float) else model.decision_function(rows)
    return scores
