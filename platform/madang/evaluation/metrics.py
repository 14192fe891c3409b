"""The metrics of the scoring contract for labels, sets, flags and stated values.

Every F-type metric is a function of counts that add up over posts, so that one matrix product resamples it.
A field's metrics follow from its kind and from whether its answer may be null, never from the answers given.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from madang.evaluation.answers import Answer, AnswerKind
from madang.evaluation.intervals import Counts, Statistic, bootstrap, f1_interval, value_of, wilson
from madang.evaluation.score import Score

ECE_BINS = 10


@dataclass(frozen=True)
class Judged:
    """One post's gold beside its prediction, for one field.

    Args:
        gold: The right answer; None where nothing is to be said.
        is_stated: Whether the text states it. Annotated gold says nothing that is not stated; a form does.
        predicted: The answer given; None where none was.
        confidence: 0 to 1; None where there is none.
    """

    gold: Answer
    is_stated: bool
    predicted: Answer
    confidence: float | None = None

    @property
    def expected(self) -> Answer:
        """What a reader of the text alone should answer."""
        return self.gold if self.is_stated else None

    @property
    def is_answer_right(self) -> bool:
        """Whether an answer was given and is the right one."""
        return self.predicted is not None and self.predicted == self.gold

    @property
    def is_right(self) -> bool:
        """Whether the answer, or its absence, is right."""
        return self.is_answer_right or (self.predicted is None and not self.is_stated)


Judgements = Sequence[Judged]
_Proportion = Callable[[Judgements], tuple[int, int]]
_Countable = Callable[[Judgements], tuple[Counts, Statistic]]


def scores(kind: AnswerKind, judged: Judgements, *, is_nullable: bool, is_form: bool) -> dict[str, Score]:
    """Every metric of one field.

    Args:
        kind: How its answers are compared.
        judged: The posts that have gold for it.
        is_nullable: Whether null is an answer of its own.
        is_form: Whether gold is what somebody typed beside the text: labels and flags then also get precision,
            recall where stated, and abstention.
    """
    constant = _always(_majority(judged), judged, confidence=None)
    found: dict[str, Score] = {}
    for metric in _metrics(kind, is_nullable=is_nullable, is_form=is_form):
        if metric in _PROPORTIONS:
            found[metric] = _proportion(_PROPORTIONS[metric], judged, constant)
        else:
            found[metric] = _counted(_COUNTED[kind, metric], judged, constant)
    sure = [one for one in judged if one.confidence is not None and one.predicted is not None]
    if sure:
        # The majority answer has no confidence of its own; it is taken to be quite sure.
        found["ece"] = _counted(_calibration, sure, _always(_majority(sure), sure, confidence=1.0))
    return found


def _metrics(kind: AnswerKind, *, is_nullable: bool, is_form: bool) -> list[str]:
    stated = ["precision", "recall_stated", "abstention"]
    match kind:
        case "labels":
            return ["f1", "exact"]
        case "number" | "text":
            return ["accuracy", "value_f1", *stated]
        case "flag":
            own = ["accuracy", "f1"]
        case _:
            own = ["accuracy", "macro_f1"]
    return own + (["value_f1"] if is_nullable or is_form else []) + (stated if is_form else [])


def _majority(judged: Judgements) -> Answer:
    """The most frequent right answer, null and the empty set included; the first by name of those that are equal."""
    counts = Counter(one.expected for one in judged)
    return min(counts, key=lambda answer: (-counts[answer], _name(answer)))


def _always(answer: Answer, judged: Judgements, *, confidence: float | None) -> Judgements:
    """The posts, had each been given this answer."""
    return [replace(one, predicted=answer, confidence=confidence) for one in judged]


def _name(answer: Answer) -> str:
    return ",".join(sorted(map(str, answer))) if isinstance(answer, frozenset) else str(answer)


def _proportion(metric: _Proportion, judged: Judgements, constant: Judgements) -> Score:
    right, n = metric(judged)
    right_of_constant, n_of_constant = metric(constant)
    baseline = right_of_constant / n_of_constant if n_of_constant else None
    if not n:
        return Score(None, None, None, 0, baseline)
    low, high = wilson(right, n)
    return Score(right / n, low, high, n, baseline)


def _accuracy(judged: Judgements) -> tuple[int, int]:
    return sum(one.is_right for one in judged), len(judged)


def _precision(judged: Judgements) -> tuple[int, int]:
    answered = [one for one in judged if one.predicted is not None]
    return sum(one.is_answer_right for one in answered), len(answered)


def _recall_stated(judged: Judgements) -> tuple[int, int]:
    stated = [one for one in judged if one.is_stated]
    return sum(one.is_answer_right for one in stated), len(stated)


def _abstention(judged: Judgements) -> tuple[int, int]:
    unstated = [one for one in judged if not one.is_stated]
    return sum(one.predicted is None for one in unstated), len(unstated)


def _counted(metric: _Countable, judged: Judgements, constant: Judgements) -> Score:
    counts, statistic = metric(judged)
    baseline = value_of(*metric(constant))
    ends = f1_interval(counts, statistic) if statistic is f1_of else bootstrap(counts, statistic)
    value, (low, high) = value_of(counts, statistic), ends or (None, None)
    return Score(value, low, high, len(judged), baseline)


def f1_of(sums: Counts) -> Counts:
    """F1 of true positives, false positives and misses, (…, 3); NaN where there are none of them."""
    right, wrong, missed = sums[..., 0], sums[..., 1], sums[..., 2]
    return ratio(2 * right, 2 * right + wrong + missed)


def ratio(over: Counts, under: Counts) -> Counts:
    return np.divide(over, under, out=np.full_like(over, np.nan), where=under > 0)


def _set_f1(judged: Judgements) -> tuple[Counts, Statistic]:
    """Micro F1 of sets: every label of every post is an item."""
    rows = []
    for one in judged:
        assert isinstance(one.gold, frozenset)
        assert isinstance(one.predicted, frozenset)
        rows.append((len(one.gold & one.predicted), len(one.predicted - one.gold), len(one.gold - one.predicted)))
    return np.array(rows, dtype=np.float64), f1_of


def _flag_f1(judged: Judgements) -> tuple[Counts, Statistic]:
    """F1 of the answer `true`."""
    rows = [
        (
            one.predicted is True and one.gold is True,
            one.predicted is True and one.gold is not True,
            one.predicted is not True and one.expected is True,
        )
        for one in judged
    ]
    return np.array(rows, dtype=np.float64), f1_of


def _value_f1(judged: Judgements) -> tuple[Counts, Statistic]:
    """F1 of stated values: a wrong one is a false positive and, where the text states one, also a miss."""
    rows = [
        (
            one.is_answer_right,
            one.predicted is not None and not one.is_answer_right,
            one.is_stated and not one.is_answer_right,
        )
        for one in judged
    ]
    return np.array(rows, dtype=np.float64), f1_of


def _macro_f1(judged: Judgements) -> tuple[Counts, Statistic]:
    """Mean F1 over the classes that stand in gold or in the predictions; null is a class, as it is in accuracy."""
    answers = [(one.predicted if one.is_answer_right else one.expected, one.predicted) for one in judged]
    classes = sorted({answer for pair in answers for answer in pair}, key=_name)
    number = {answer: index for index, answer in enumerate(classes)}
    counts = np.zeros((len(judged), len(classes), 3))
    for row, (expected, predicted) in enumerate(answers):
        if expected == predicted:
            counts[row, number[predicted], 0] = 1
        else:
            counts[row, number[predicted], 1] = 1
            counts[row, number[expected], 2] = 1

    def mean_f1(sums: Counts) -> Counts:
        of_classes = f1_of(sums.reshape(len(sums), len(classes), 3))
        return np.asarray(np.nanmean(of_classes, axis=1), dtype=np.float64)

    return counts.reshape(len(judged), -1), mean_f1


def _calibration(judged: Judgements) -> tuple[Counts, Statistic]:
    """Expected calibration error: mean distance of confidence and accuracy over ten equal bins of confidence.

    Source: Naeini, Cooper, Hauskrecht 2015.
    """
    sure = np.array([one.confidence for one in judged], dtype=np.float64)
    right = np.array([one.is_answer_right for one in judged], dtype=np.float64)
    bins = np.minimum((sure * ECE_BINS).astype(int), ECE_BINS - 1)
    member = np.eye(ECE_BINS)[bins]

    def error(sums: Counts) -> Counts:
        in_bin, sure_in_bin, right_in_bin = np.split(sums, 3, axis=1)
        return np.asarray(np.abs(sure_in_bin - right_in_bin).sum(axis=1) / in_bin.sum(axis=1), dtype=np.float64)

    return np.hstack([member, member * sure[:, None], member * right[:, None]]), error


_PROPORTIONS: dict[str, _Proportion] = {
    "accuracy": _accuracy,
    "exact": _accuracy,
    "precision": _precision,
    "recall_stated": _recall_stated,
    "abstention": _abstention,
}
_COUNTED: dict[tuple[AnswerKind, str], _Countable] = {
    ("labels", "f1"): _set_f1,
    ("flag", "f1"): _flag_f1,
    ("label", "macro_f1"): _macro_f1,
    ("label", "value_f1"): _value_f1,
    ("flag", "value_f1"): _value_f1,
    ("number", "value_f1"): _value_f1,
    ("text", "value_f1"): _value_f1,
}
