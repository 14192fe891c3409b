"""The linear student: hashed features and a linear model a head. No text in it, no network, a millisecond a post.

It is the baseline that every other student must beat, and on a processor often the best buy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from madang.distillation.curve_plot import Curve
from madang.distillation.deciding import HeadScores, ScoredStretch
from madang.distillation.declared_features import CueTable, fit_cues
from madang.distillation.fitting import FOLDS
from madang.distillation.goods_features import goods_features, names_goods
from madang.distillation.heads import Head, StudentKind, class_of
from madang.distillation.labelled import LabelledPost
from madang.distillation.stretch_rows import StretchRows, names_places
from madang.distillation.turn_features import BITS, matrix, turn_features
from madang.evaluation.answers import Answer, MentionAnswer
from madang.schema.base import FieldKind

KIND: StudentKind = "linear"
# Strength of the weights, in scikit-learn's sense; rows have length one, so it is larger than for counts.
CLASS_STRENGTH, STRETCH_STRENGTH, PLACE_STRENGTH = 30.0, 20.0, 40.0
# A value is one stretch among two hundred: unweighted, a head would learn to say nothing.
VALUE_WEIGHT = 3.0
# A class that so few posts have cannot be told from their other words.
LEAST_POSTS = 3
_NEVER = -9.0
# Less likely stretches change no decision and would be nine tenths of them.
LEAST_SCORE = -5.0


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
class LinearRows:
    """Posts as linear heads see them.

    Args:
        turns: What a model is shown of each.
        whole: The whole posts, shape `(n_posts, 2 ** BITS)`.
        named: The same by field, where more is known of what a class is.
        stretches: Their stretches, by field; a field without any is absent.
    """

    turns: Sequence[str]
    whole: csr_matrix
    named: Mapping[str, csr_matrix]
    stretches: Mapping[str, StretchRows]

    @classmethod
    def make(cls, turns: Sequence[str], fields: Mapping[str, FieldKind], heads: Sequence[Head]) -> "LinearRows":
        """Makes the features of posts."""
        pointing = [head.field for head in heads if head.shape in ("stretch", "stretches")]
        stretches = {name: StretchRows.make(fields[name], turns) for name in pointing}
        whole = matrix([turn_features(turn) for turn in turns])
        goods = [head.field for head in heads if names_goods(fields[head.field])]
        named = dict.fromkeys(goods, whole + matrix([goods_features(turn) for turn in turns]) if goods else whole)
        return cls(turns, whole, named, stretches)

    def of_field(self, name: str) -> csr_matrix:
        """The whole posts as the head of a field sees them."""
        return self.named.get(name, self.whole)

    def of(self, posts: Sequence[int]) -> "LinearRows":
        """The same of the posts of these indices."""
        stretches = {name: rows.of(posts) for name, rows in self.stretches.items()}
        named = {name: rows[np.array(posts, np.int64)] for name, rows in self.named.items()}
        return LinearRows([self.turns[at] for at in posts], self.whole[np.array(posts, np.int64)], named, stretches)


@dataclass(frozen=True)
class LinearHead:
    """One head: its classes over the whole post, its stretches, the small flags of those, cues of its classes; each
    only where it has it.
    """

    classes: Table | None
    stretches: Table | None = None
    flags: Table | None = None
    cues: CueTable | None = None


class LinearStudent:
    """A student of linear heads.

    Args:
        fields: The fields that it answers.
        heads: Their heads.
        fitted: Weights by field.
        least_score: Stretches that score less are not told.
    """

    def __init__(
        self, fields: Mapping[str, FieldKind], heads: Sequence[Head], fitted: Mapping[str, LinearHead],
        least_score: float = LEAST_SCORE,
    ) -> None:  # fmt: skip
        self._fields, self._heads, self._fitted, self._least_score = fields, heads, fitted, least_score

    def scores(self, turns: Sequence[str]) -> list[dict[str, HeadScores]]:
        """What every head thinks of every post."""
        return self.scores_of(LinearRows.make(turns, self._fields, self._heads))

    def scores_of(self, posts: LinearRows) -> list[dict[str, HeadScores]]:
        """The same of posts whose features are made."""
        found: list[dict[str, HeadScores]] = [{} for _ in posts.turns]
        for head in self._heads:
            fitted = self._fitted[head.field]
            nothing = np.zeros((len(posts.turns), 0), np.float32)
            classes = nothing if fitted.classes is None else fitted.classes.scores(posts.of_field(head.field))
            if fitted.cues is not None:
                classes = fitted.cues.scores(posts.turns, classes)
            stretches = self._stretches(head, fitted, posts)
            for at, one in enumerate(found):
                one[head.field] = HeadScores(classes[at], stretches[at])
        return found

    def _stretches(self, head: Head, fitted: LinearHead, posts: LinearRows) -> list[tuple[ScoredStretch, ...]]:
        if fitted.stretches is None:
            return [()] * len(posts.turns)
        rows = posts.stretches[head.field]
        scores = fitted.stretches.scores(rows.values)[:, 0]
        flags = np.zeros((len(scores), len(head.flags)), np.float32)
        likely = np.flatnonzero(scores > self._least_score)
        if fitted.flags is not None and len(likely):
            flags[likely] = fitted.flags.scores(rows.flags(likely))
        scored, at = [], 0
        for own in rows.found:
            scored.append(tuple(
                ScoredStretch(one, float(scores[at + number]), tuple(map(float, flags[at + number])))
                for number, one in enumerate(own)
                if scores[at + number] > self._least_score
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
            if head.cues is not None:
                arrays |= {f"{name}.cues.{part}": array for part, array in head.cues.arrays().items()}
        np.savez_compressed(folder / "weights.npz", **arrays)  # type: ignore[arg-type]  # names are not its options

    @classmethod
    def load(
        cls, folder: Path, fields: Mapping[str, FieldKind], heads: Sequence[Head], least_score: float = LEAST_SCORE
    ) -> "LinearStudent":
        """Reads what `save` wrote."""
        with np.load(folder / "weights.npz") as stored:

            def table(name: str) -> Table | None:
                if f"{name}.bias" not in stored:
                    return None
                weights = stored[f"{name}.weights"].astype(np.float32)
                return Table(stored[f"{name}.places"], weights, stored[f"{name}.bias"])

            fitted = {
                head.field: LinearHead(
                    table(f"{head.field}.classes"),
                    table(f"{head.field}.stretches"),
                    table(f"{head.field}.flags"),
                    CueTable.of_arrays(stored, f"{head.field}.cues."),
                )
                for head in heads
            }
        return cls(fields, heads, fitted, least_score)


class LinearTeaching:
    """Fits linear students on parts of one dataset: its features are made once.

    Args:
        posts: All posts.
        weights: Of each.
        fields: The fields to answer.
        heads: Their heads.
        least_score: Stretches that score less are not told by the students.
    """

    def __init__(
        self, posts: Sequence[LabelledPost], weights: Sequence[float], fields: Mapping[str, FieldKind],
        heads: Sequence[Head], least_score: float = LEAST_SCORE,
    ) -> None:  # fmt: skip
        self._posts, self._fields, self._heads, self._least_score = posts, fields, heads, least_score
        self._weights = np.array(weights)
        self._rows = LinearRows.make([post.turn for post in posts], fields, heads)

    @property
    def kind(self) -> StudentKind:
        """Linear."""
        return KIND

    @property
    def curve(self) -> Curve:
        """None: a fit has no epochs."""
        return ()

    @property
    def settings(self) -> dict[str, object]:
        """Everything that decides what is learnt besides the posts. There is no chance in it, hence no seed."""
        return {"kind": KIND, "bits": BITS, "class_strength": CLASS_STRENGTH, "stretch_strength": STRETCH_STRENGTH,
                "place_strength": PLACE_STRENGTH, "value_weight": VALUE_WEIGHT, "least_posts": LEAST_POSTS}  # fmt: skip

    @property
    def folds_read(self) -> int:
        """All: a fit takes seconds."""
        return FOLDS

    def fit(self, learned: Sequence[int], name: str) -> LinearStudent:
        """Fits a student on the posts of these indices."""
        fitted = {head.field: self._fit_head(head, learned) for head in self._heads}
        return LinearStudent(self._fields, self._heads, fitted, self._least_score)

    def forget(self) -> None:
        """Nothing is kept."""

    def scores(self, student: LinearStudent, posts: Sequence[int]) -> list[dict[str, HeadScores]]:
        """What a student thinks of the posts of these indices."""
        return student.scores_of(self._rows.of(posts))

    def _fit_head(self, head: Head, learned: Sequence[int]) -> LinearHead:
        own = np.array([at for at in learned if head.field in self._posts[at].answers], np.int64)
        answers = [self._posts[at].answers[head.field] for at in own]
        rows, weights = self._rows.of_field(head.field)[own], self._weights[own]
        match head.shape:
            case "choice":
                names = [class_of(answer) for answer in answers]
                with_cues = self._fit_cues(head, own, [frozenset([name]) for name in names])
                return with_cues or LinearHead(_fit_choice(rows, names, weights, head.classes))
            case "choices":
                sets = [answer if isinstance(answer, frozenset) else frozenset() for answer in answers]
                with_cues = self._fit_cues(head, own, [frozenset(map(str, one)) for one in sets])
                if with_cues is not None:
                    return with_cues
                return LinearHead(_fit_each(rows, [[name in one for one in sets] for name in head.classes], weights))
        also = None
        if head.classes:
            also = _fit_each(rows, [[answer == name for answer in answers] for name in head.classes], weights)
        return self._fit_stretches(head, own, answers, also)

    def _fit_cues(self, head: Head, own: NDArray[np.int64], said: Sequence[frozenset[str]]) -> LinearHead | None:
        turns = [self._rows.turns[at] for at in own]
        pointers = [self._posts[at].pointers.get(head.field, frozenset()) for at in own]
        weights = self._weights[own]

        def fit(rows: csr_matrix, posts: NDArray[np.int64]) -> Table:
            return _fit_each(rows, [[name in said[at] for at in posts] for name in head.classes], weights[posts])

        found = fit_cues(
            head, self._fields[head.field], turns, said, pointers, self._rows.of_field(head.field)[own], weights, fit
        )
        return None if found is None else LinearHead(found[0], cues=found[1])

    def _fit_stretches(
        self, head: Head, own: NDArray[np.int64], answers: Sequence[Answer], also: Table | None
    ) -> LinearHead:
        rows = self._rows.stretches[head.field]
        starts = rows.starts
        places = np.concatenate([np.arange(starts[at], starts[at + 1]) for at in own])
        right, flagged, weights = [], [], []
        for at, answer in zip(own, answers, strict=True):
            mentions = {one.text: one for one in answer if isinstance(one, MentionAnswer)} if isinstance(
                answer, frozenset
            ) else None  # fmt: skip
            for stretch in rows.found[at]:
                is_value = stretch.value in mentions if mentions is not None else stretch.value == answer
                right.append(is_value)
                weights.append(self._weights[at] * (VALUE_WEIGHT if is_value else 1.0))
                gold = mentions.get(str(stretch.value)) if mentions else None
                flagged.append([bool(getattr(gold, name, False)) for name in head.flags])
        strength = PLACE_STRENGTH if names_places(self._fields[head.field]) else STRETCH_STRENGTH
        spans = _fit_each(rows.values[places], [right], np.array(weights), strength)
        flags = None
        chosen = np.flatnonzero(right)
        if head.flags and len(chosen):
            columns = np.array(flagged)[chosen].T.tolist()
            flags = _fit_each(rows.flags(places[chosen]), columns, np.array(weights)[chosen], strength)
        return LinearHead(also, spans, flags)


def _fit_choice(rows: csr_matrix, names: Sequence[str], weights: NDArray[np.float64], classes: Sequence[str]) -> Table:
    from sklearn.linear_model import LogisticRegression

    places, small = _pruned(rows)
    full = np.zeros((len(classes), len(places)), np.float32)
    bias = np.full(len(classes), _NEVER, np.float32)
    known = sorted(set(names))
    if len(known) == 1:
        bias[list(classes).index(known[0])] = 0.0
        return Table(places[:0], full[:, :0], bias)
    # At a tolerance of 1e-2 it stops anywhere: accuracy of a held-out fold moved by six points.
    model = LogisticRegression(C=CLASS_STRENGTH, max_iter=300, tol=1e-3)
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
