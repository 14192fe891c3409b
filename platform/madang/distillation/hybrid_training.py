"""Fits hybrid students: the encoder reads every post once, whatever is fitted on it afterwards.

A correction learns from scores of linear students that had not read the post, one of each fold; those are shared among
fits. A head is corrected only where that was better on folds that the correction had not read.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from madang.distillation.curve_plot import Curve
from madang.distillation.dataset import Dataset
from madang.distillation.deciding import HeadScores, best_threshold, value_f1
from madang.distillation.encoder import EncoderStudent, load_backbone
from madang.distillation.encoder_network import StudentNetwork
from madang.distillation.encoder_settings import EncoderSettings
from madang.distillation.fitting import FOLDS
from madang.distillation.frozen_encoder import FrozenEncoder, Projection, digest_of, kept_states
from madang.distillation.heads import Head, StudentKind, class_of
from madang.distillation.hybrid import (
    KIND,
    LEAST_LINEAR_SCORE,
    Correction,
    HybridStudent,
    LinearCorrection,
    class_scores,
    corrected,
    stretches_read,
    title_chars,
)
from madang.distillation.linear import LinearStudent, LinearTeaching
from madang.distillation.small_networks import EPOCHS, HIDDEN, NETWORKS, fit_networks
from madang.evaluation.answers import Answer, MentionAnswer
from madang.schema.base import FieldKind

AXES = 128
# In scikit-learn's sense; chosen on held-out posts of places and goods, flat within a factor of five.
CLASS_STRENGTH, STRETCH_STRENGTH = 0.1, 0.05
VALUE_WEIGHT = 2.0
# By which axes are divided: many together weigh no more than a score.
_SPREAD = 5.0
_LEAST_VALUES = 30


class HybridTeaching:
    """Fits hybrid students on parts of one dataset.

    Args:
        dataset: The labelled posts.
        fields: The fields to answer.
        heads: Their heads.
        settings: The encoder's; of a training only the encoder, its layers and its tokens count.
        home: The state's folder; what the encoder reads is kept in it until `forget` is called.
        on_batch: Called with the posts that the encoder has read, and all.
    """

    def __init__(
        self, dataset: Dataset, fields: Mapping[str, FieldKind], heads: Sequence[Head], settings: EncoderSettings,
        home: Path, on_batch: Callable[[int, int], None] = lambda _done, _all: None,
    ) -> None:  # fmt: skip
        self._dataset, self._fields, self._heads, self._settings = dataset, fields, tuple(heads), settings
        self._weights = np.array(dataset.weights)
        self._linear = LinearTeaching(dataset.posts, dataset.weights, fields, heads, LEAST_LINEAR_SCORE)
        self._folds = np.array(dataset.folds(FOLDS))
        self._students: dict[tuple[int, ...], LinearStudent] = {}
        turns = [post.turn for post in dataset.posts]
        backbone = load_backbone(settings.encoder, settings.layers, turns, home)
        network = StudentNetwork(backbone.model, backbone.width, (), dropout=0.0)
        encoder = EncoderStudent({}, (), backbone, network, settings.most_tokens)
        parts = {"encoder": settings.encoder, "layers": settings.layers, "most_tokens": settings.most_tokens}
        self._kept = home / "students" / dataset.task / "states" / digest_of(parts, turns)
        states = kept_states(backbone, turns, settings.most_tokens, self._kept, on_batch)
        self._encoder = FrozenEncoder(encoder, settings.most_tokens, Projection.fit(states, AXES))
        self._read = self._encoder.placed(turns, states)

    @property
    def kind(self) -> StudentKind:
        """Hybrid."""
        return KIND

    @property
    def curve(self) -> Curve:
        """None: a fit has no epochs."""
        return ()

    @property
    def settings(self) -> dict[str, object]:
        """Everything that decides what is learnt besides the posts."""
        own = self._settings
        linear = {f"linear_{name}": value for name, value in self._linear.settings.items() if name != "kind"}
        return {"kind": KIND, "encoder": own.encoder, "layers": own.layers, "most_tokens": own.most_tokens,
                "axes": AXES, "class_strength": CLASS_STRENGTH, "stretch_strength": STRETCH_STRENGTH,
                "networks": NETWORKS, "hidden": HIDDEN, "epochs": EPOCHS, "seed": own.seed,
                "value_weight": VALUE_WEIGHT, "least_linear_score": LEAST_LINEAR_SCORE, **linear}  # fmt: skip

    @property
    def folds_read(self) -> int:
        """All: what is slow is done once."""
        return FOLDS

    def forget(self) -> None:
        """Removes what is kept: it would outlive a post that is erased."""
        shutil.rmtree(self._kept, ignore_errors=True)

    def fit(self, learned: Sequence[int], name: str) -> HybridStudent:
        """Fits a student on the posts of these indices."""
        held_out = self._held_out(learned)
        corrections = {}
        for head in self._heads:
            own = [at for at in learned if head.field in self._dataset.posts[at].answers]
            found = self._corrections(head, own, held_out)
            if found and self._is_better(head, own, held_out):
                corrections[head.field] = found
        return HybridStudent(self._linear_student(learned), self._encoder, self._heads, corrections)

    def _linear_student(self, learned: Sequence[int]) -> LinearStudent:
        key = tuple(learned)
        if key not in self._students:
            self._students[key] = self._linear.fit(learned, "")
        return self._students[key]

    def _held_out(self, learned: Sequence[int]) -> dict[int, dict[str, HeadScores]]:
        """What linear students think of posts that they have not read."""
        found: dict[int, dict[str, HeadScores]] = {}
        for fold in sorted({int(self._folds[at]) for at in learned}):
            held = [at for at in learned if self._folds[at] == fold]
            student = self._linear_student([at for at in learned if self._folds[at] != fold])
            found |= zip(held, self._linear.scores(student, held), strict=True)
        return found

    def _is_better(self, head: Head, own: Sequence[int], held_out: Mapping[int, Mapping[str, HeadScores]]) -> bool:
        """Whether the correction of each half helps on the other half."""
        halves = [[at for at in own if self._folds[at] % 2 == half] for half in (0, 1)]
        before, after = dict[int, HeadScores](), dict[int, HeadScores]()
        for learned, judged in (halves, halves[::-1]):
            found = self._corrections(head, learned, held_out)
            if not found:
                return False
            for at in judged:
                before[at] = held_out[at][head.field]
                after[at] = corrected(found, head, self._turn(at), self._read[at], before[at])
        return self._figure(head, own, after) > self._figure(head, own, before)

    def _figure(self, head: Head, own: Sequence[int], scores: Mapping[int, HeadScores]) -> float:
        answers = [self._dataset.posts[at].answers[head.field] for at in own]
        weights = self._weights[list(own)].tolist()
        given, field = [scores[at] for at in own], self._fields[head.field]
        return value_f1(
            head, field, given, answers, weights, best_threshold(head, field, given, answers, weights)
        )  # fmt: skip

    def _corrections(
        self, head: Head, own: Sequence[int], held_out: Mapping[int, Mapping[str, HeadScores]]
    ) -> list[Correction]:
        scores = {at: held_out[at][head.field] for at in own}
        if head.shape == "choice":
            return self._of_choice(head, scores)
        return self._of_stretches(scores, head.field) if head.shape != "choices" else []

    def _of_choice(self, head: Head, scores: Mapping[int, HeadScores]) -> list[Correction]:
        names = [class_of(self._dataset.posts[at].answers[head.field]) for at in scores]
        known = sorted(set(names))
        if len(known) < 2 or len(names) < _LEAST_VALUES:
            return []
        read = np.stack([self._read[at].whole(title_chars(self._turn(at))) for at in scores])
        linear = np.stack([class_scores(one) for one in scores.values()])
        fitted = _fit(read, linear, np.array(names), self._weights[list(scores)], CLASS_STRENGTH)
        weights, offsets = fitted.weights, fitted.bias
        if len(known) == 2:  # one row says how much likelier the second is
            weights = (np.vstack([-weights, weights]) / 2).astype(np.float32)
            offsets = (np.concatenate([-offsets, offsets]) / 2).astype(np.float32)
        full = np.zeros((len(head.classes), fitted.weights.shape[1]), np.float32)
        bias = np.full(len(head.classes), -30.0, np.float32)
        for row, name in enumerate(known):
            full[head.classes.index(name)], bias[head.classes.index(name)] = weights[row], offsets[row]
        return [LinearCorrection(fitted.mean, fitted.scale, full, bias)]

    def _of_stretches(self, scores: Mapping[int, HeadScores], field: str) -> list[Correction]:
        pointing = {at: one for at, one in scores.items() if one.stretches}
        right = [
            _is_value(stretch.stretch.value, self._dataset.posts[at].answers[field])
            for at, one in pointing.items()
            for stretch in one.stretches
        ]
        if sum(right) < _LEAST_VALUES or all(right):
            return []
        read = np.concatenate([stretches_read(self._read[at], one.stretches) for at, one in pointing.items()])
        linear = np.array([[one.score] for own in pointing.values() for one in own.stretches], np.float32)
        posts = np.repeat(self._weights[list(pointing)], [len(one.stretches) for one in pointing.values()])
        weights = posts * np.where(right, VALUE_WEIGHT, 1.0)
        answers = np.array(right)
        return [
            _fit(read, linear, answers, weights, STRETCH_STRENGTH),
            fit_networks(read, linear, answers, weights, self._settings.seed),
        ]

    def _turn(self, at: int) -> str:
        return self._dataset.posts[at].turn


def _is_value(value: Answer, answer: Answer) -> bool:
    if isinstance(answer, frozenset):
        return any(isinstance(one, MentionAnswer) and one.text == value for one in answer)
    return value == answer


def _fit(
    read: NDArray[np.float32], linear: NDArray[np.float32], answers: NDArray[np.generic],
    weights: NDArray[np.float64], strength: float,
) -> LinearCorrection:  # fmt: skip
    from sklearn.linear_model import LogisticRegression

    mean, scale = np.nanmean(read, 0), np.nanstd(read, 0) * _SPREAD
    scale[scale == 0] = 1.0
    empty = LinearCorrection(mean, scale, np.zeros((0, 0), np.float32), np.zeros(0, np.float32))
    model = LogisticRegression(C=strength, max_iter=300, tol=1e-3)
    model.fit(np.hstack([empty.plain(read), linear]), answers, sample_weight=weights)
    return LinearCorrection(mean, scale, model.coef_.astype(np.float32), model.intercept_.astype(np.float32))
