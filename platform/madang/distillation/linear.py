"""The linear student: hashed features and a linear model a head. No text in it, no network, a millisecond a post.

It is the baseline that every other student must beat, and on a processor often the best buy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from madang.distillation.deciding import HeadScores, ScoredStretch
from madang.distillation.fitting import FOLDS
from madang.distillation.heads import Head, class_of
from madang.distillation.labelled import LabelledPost
from madang.distillation.stretches import Stretch, stretch_features, stretches_of
from madang.distillation.turn_features import BITS, matrix, turn_features
from madang.evaluation.answers import Answer, MentionAnswer
from madang.schema.base import FieldKind

KIND = "linear"
# Strength of the weights, in scikit-learn's sense; rows have length one, so it is larger than for counts.
CLASS_STRENGTH, STRETCH_STRENGTH = 30.0, 20.0
# A value is one stretch among two hundred: unweighted, a head would learn to say nothing.
VALUE_WEIGHT = 3.0
# A class that so few posts have cannot be told from their other words.
LEAST_POSTS = 3
_NEVER = -9.0
# Less likely stretches change no decision and would be nine tenths of them.
_LEAST_SCORE = -5.0


@dataclass(frozen=True)
class Table:
    """Weights of a linear model.

    Args:
        places: Features that have weights, ascending.
        weights: Shape `(n_outputs, n_places)`.
        bias: Shape `(n_outputs,)`.
    """

    places: NDArray[np.int32]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def scores(self, rows: csr_matrix) -> NDArray[np.float32]:
        """Scores of rows, shape `(n_rows, n_outputs)`."""
        full = np.zeros((1 << BITS, len(self.bias)), np.float32)
        full[self.places] = self.weights.T
        scored: NDArray[np.float32] = rows @ full + self.bias
        return scored


@dataclass(frozen=True)
class LinearHead:
    """One head: its classes over the whole post, its stretches, the small flags of those; each only where it has it."""

    classes: Table | None
    stretches: Table | None = None
    flags: Table | None = None


class LinearStudent:
    """A student of linear heads.

    Args:
        fields: The fields that it answers.
        heads: Their heads.
        fitted: Weights by field.
    """

    def __init__(
        self, fields: Mapping[str, FieldKind], heads: Sequence[Head], fitted: Mapping[str, LinearHead]
    ) -> None:
        self._fields, self._heads, self._fitted = fields, heads, fitted

    def scores(self, turns: Sequence[str]) -> list[dict[str, HeadScores]]:
        """What every head thinks of every post."""
        whole = matrix([turn_features(turn) for turn in turns])
        found: list[dict[str, HeadScores]] = [{} for _ in turns]
        for head in self._heads:
            fitted = self._fitted[head.field]
            nothing = np.zeros((len(turns), 0), np.float32)
            classes = nothing if fitted.classes is None else fitted.classes.scores(whole)
            stretches = self._stretches(head, fitted, turns)
            for at, one in enumerate(found):
                one[head.field] = HeadScores(classes[at], stretches[at])
        return found

    def _stretches(self, head: Head, fitted: LinearHead, turns: Sequence[str]) -> list[tuple[ScoredStretch, ...]]:
        if fitted.stretches is None:
            return [()] * len(turns)
        found = [stretches_of(turn, self._fields[head.field]) for turn in turns]
        rows = _stretch_rows(turns, found)
        scores = fitted.stretches.scores(rows)[:, 0]
        flags = np.zeros((len(scores), len(head.flags)), np.float32)
        likely = np.flatnonzero(scores > _LEAST_SCORE)
        if fitted.flags is not None and len(likely):
            flags[likely] = fitted.flags.scores(rows[likely])
        scored, at = [], 0
        for own in found:
            scored.append(tuple(
                ScoredStretch(one, float(scores[at + number]), tuple(map(float, flags[at + number])))
                for number, one in enumerate(own)
                if scores[at + number] > _LEAST_SCORE
            ))  # fmt: skip
            at += len(own)
        return scored

    def save(self, folder: Path) -> None:
        """Writes `weights.npz` into a folder."""
        arrays: dict[str, NDArray[np.generic]] = {}
        for name, head in self._fitted.items():
            for part in ("classes", "stretches", "flags"):
                table: Table | None = getattr(head, part)
                if table is not None:
                    arrays |= {
                        f"{name}.{part}.places": table.places,
                        f"{name}.{part}.weights": table.weights.astype(np.float16),
                        f"{name}.{part}.bias": table.bias,
                    }
        np.savez_compressed(folder / "weights.npz", **arrays)  # type: ignore[arg-type]  # names are not its options

    @classmethod
    def load(cls, folder: Path, fields: Mapping[str, FieldKind], heads: Sequence[Head]) -> "LinearStudent":
        """Reads what `save` wrote."""
        with np.load(folder / "weights.npz") as stored:

            def table(name: str) -> Table | None:
                if f"{name}.bias" not in stored:
                    return None
                weights = stored[f"{name}.weights"].astype(np.float32)
                return Table(stored[f"{name}.places"], weights, stored[f"{name}.bias"])

            fitted = {
                head.field: LinearHead(*(table(f"{head.field}.{part}") for part in ("classes", "stretches", "flags")))
                for head in heads
            }
        return cls(fields, heads, fitted)


class LinearTeaching:
    """Fits linear students on parts of one dataset: its features are made once.

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
        self._posts, self._fields, self._heads = posts, fields, heads
        self._weights = np.array(weights)
        self._turns = [post.turn for post in posts]
        self._whole = matrix([turn_features(turn) for turn in self._turns])
        self._rows: dict[str, tuple[list[list[Stretch]], csr_matrix]] = {}

    @property
    def settings(self) -> dict[str, object]:
        """Everything that decides what is learnt besides the posts. There is no chance in it, hence no seed."""
        return {"kind": KIND, "bits": BITS, "class_strength": CLASS_STRENGTH, "stretch_strength": STRETCH_STRENGTH,
                "value_weight": VALUE_WEIGHT, "least_posts": LEAST_POSTS}  # fmt: skip

    @property
    def folds_read(self) -> int:
        """All: a fit takes seconds."""
        return FOLDS

    def fit(self, learned: Sequence[int], name: str) -> LinearStudent:
        """Fits a student on the posts of these indices."""
        return LinearStudent(
            self._fields, self._heads, {head.field: self._fit_head(head, learned) for head in self._heads}
        )

    def _fit_head(self, head: Head, learned: Sequence[int]) -> LinearHead:
        own = np.array([at for at in learned if head.field in self._posts[at].answers], np.int64)
        answers = [self._posts[at].answers[head.field] for at in own]
        rows, weights = self._whole[own], self._weights[own]
        match head.shape:
            case "choice":
                return LinearHead(_fit_choice(rows, [class_of(answer) for answer in answers], weights, head.classes))
            case "choices":
                sets = [answer if isinstance(answer, frozenset) else frozenset() for answer in answers]
                return LinearHead(_fit_each(rows, [[name in one for one in sets] for name in head.classes], weights))
        also = None
        if head.classes:
            also = _fit_each(rows, [[answer == name for answer in answers] for name in head.classes], weights)
        return self._fit_stretches(head, own, answers, also)

    def _fit_stretches(
        self, head: Head, own: NDArray[np.int64], answers: Sequence[Answer], also: Table | None
    ) -> LinearHead:
        found, rows = self._candidates(head.field)
        starts = np.cumsum([0, *map(len, found)])
        places = np.concatenate([np.arange(starts[at], starts[at + 1]) for at in own])
        right, flagged, weights = [], [], []
        for at, answer in zip(own, answers, strict=True):
            mentions = {one.text: one for one in answer if isinstance(one, MentionAnswer)} if isinstance(
                answer, frozenset
            ) else None  # fmt: skip
            for stretch in found[at]:
                is_value = stretch.value in mentions if mentions is not None else stretch.value == answer
                right.append(is_value)
                weights.append(self._weights[at] * (VALUE_WEIGHT if is_value else 1.0))
                gold = mentions.get(str(stretch.value)) if mentions else None
                flagged.append([bool(getattr(gold, name, False)) for name in head.flags])
        spans = _fit_each(rows[places], [right], np.array(weights), STRETCH_STRENGTH)
        flags = None
        chosen = np.flatnonzero(right)
        if head.flags and len(chosen):
            columns = np.array(flagged)[chosen].T.tolist()
            flags = _fit_each(rows[places[chosen]], columns, np.array(weights)[chosen], STRETCH_STRENGTH)
        return LinearHead(also, spans, flags)

    def _candidates(self, name: str) -> tuple[list[list[Stretch]], csr_matrix]:
        if name not in self._rows:
            found = [stretches_of(turn, self._fields[name]) for turn in self._turns]
            self._rows[name] = found, _stretch_rows(self._turns, found)
        return self._rows[name]


def _stretch_rows(turns: Sequence[str], found: Sequence[Sequence[Stretch]]) -> csr_matrix:
    blocks = [
        matrix([stretch_features(turn, one.start, one.end, order) for order, one in enumerate(own)])
        for turn, own in zip(turns, found, strict=True)
    ]
    return csr_matrix(vstack(blocks)) if blocks else matrix([])


def _fit_choice(rows: csr_matrix, names: Sequence[str], weights: NDArray[np.float64], classes: Sequence[str]) -> Table:
    from sklearn.linear_model import LogisticRegression

    places, small = _pruned(rows)
    full = np.zeros((len(classes), len(places)), np.float32)
    bias = np.full(len(classes), _NEVER, np.float32)
    known = sorted(set(names))
    if len(known) == 1:
        bias[list(classes).index(known[0])] = 0.0
        return Table(places[:0], full[:, :0], bias)
    model = LogisticRegression(C=CLASS_STRENGTH, max_iter=80, tol=1e-2)
    model.fit(small, names, sample_weight=weights)
    coefficients, intercepts = model.coef_, model.intercept_
    if len(known) == 2:  # one row says how much likelier the second is
        coefficients, intercepts = np.vstack([-coefficients, coefficients]) / 2, np.array([-1, 1]) * intercepts / 2
    for row, name in enumerate(model.classes_):
        full[list(classes).index(name)] = coefficients[row]
        bias[list(classes).index(name)] = intercepts[row]
    return Table(places, full, bias)


def _fit_each(
    rows: csr_matrix, columns: Sequence[Sequence[bool]], weights: NDArray[np.float64], strength: float = CLASS_STRENGTH
) -> Table:
    """A classifier for each column of answers; of one that hardly stands, or never fails, the answer it has."""
    from sklearn.linear_model import LogisticRegression

    places, small = _pruned(rows)
    full = np.zeros((len(columns), len(places)), np.float32)
    bias = np.full(len(columns), _NEVER, np.float32)
    for at, column in enumerate(columns):
        if sum(column) < LEAST_POSTS:
            continue
        if all(column):
            bias[at] = -_NEVER
            continue
        model = LogisticRegression(C=strength, solver="liblinear", tol=1e-2)
        model.fit(small, np.array(column), sample_weight=weights)
        full[at], bias[at] = model.coef_[0], model.intercept_[0]
    return Table(places, full, bias)


def _pruned(rows: csr_matrix) -> tuple[NDArray[np.int32], csr_matrix]:
    """The features that stand in two rows or more, and the rows with only those."""
    counts = np.bincount(rows.indices, minlength=1 << BITS)
    places = np.flatnonzero(counts >= 2).astype(np.int32)
    return places, rows[:, places]
