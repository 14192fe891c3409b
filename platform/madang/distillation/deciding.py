"""From what a student's heads score to what it says: the same for every kind of student.

A score is a log-odds. A head's threshold is what its scores must pass to be said; it is chosen on posts that the
student had not read, by the metric that the field is measured by.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from madang.distillation.heads import Guess, Head, answer_of_class
from madang.distillation.stretches import Stretch, mention
from madang.evaluation.answers import Answer, MentionAnswer, answer_of
from madang.schema.base import FieldKind

_MOST_ODDS = 12.0
_GRID = tuple(step / 4 for step in range(-12, 9))


@dataclass(frozen=True)
class ScoredStretch:
    """A stretch with what a head thinks of it.

    Args:
        stretch: Where, and what a reply says that points at it.
        score: Log-odds that it is a value of the field.
        flags: Log-odds of each small flag.
    """

    stretch: Stretch
    score: float
    flags: tuple[float, ...] = ()


@dataclass(frozen=True)
class HeadScores:
    """What a head thinks of one post.

    Args:
        classes: Of a choice logits, of others log-odds, in the order of the head's classes.
        stretches: Likely ones, in the order of the text.
    """

    classes: NDArray[np.float32]
    stretches: tuple[ScoredStretch, ...] = ()


@dataclass(frozen=True)
class Threshold:
    """What scores must pass; a choice has none.

    Args:
        said: For a class or a stretch to be said.
        flags: For each small flag to be true.
    """

    said: float = 0.0
    flags: tuple[float, ...] = ()


def decide(head: Head, field: FieldKind, scores: HeadScores, threshold: Threshold) -> Guess:
    """What a head says of one post."""
    match head.shape:
        case "choice":
            return _choice(head, field, scores)
        case "choices":
            return _choices(head, scores, threshold)
        case "stretch":
            return _stretch(head, field, scores, threshold)
    return _stretches(head, scores, threshold)


def best_threshold(
    head: Head, field: FieldKind, scored: Sequence[HeadScores], answers: Sequence[Answer], weights: Sequence[float]
) -> Threshold:
    """The threshold of the greatest F1 over values, on posts that the head had not read.

    Args:
        head: The head.
        field: Its field.
        scored: What it thinks of each post.
        answers: Right answers.
        weights: Of the posts.
    """
    if head.shape == "choice":
        return Threshold()
    flags = tuple(_best_flag(at, name, scored, answers, weights) for at, name in enumerate(head.flags))
    ways = [Threshold(said, flags) for said in _GRID]
    # Of equals the one nearest to even odds: a head that never scores must not be told to say everything.
    return max(ways, key=lambda way: (value_f1(head, field, scored, answers, weights, way), -abs(way.said)))


def value_f1(
    head: Head, field: FieldKind, scored: Sequence[HeadScores], answers: Sequence[Answer], weights: Sequence[float],
    threshold: Threshold,
) -> float:  # fmt: skip
    """F1 over the values of all posts, 0 to 1; see `best_threshold`."""
    right = wrong = missed = 0.0
    for scores, answer, weight in zip(scored, answers, weights, strict=True):
        given, gold = _items(decide(head, field, scores, threshold).value), _items(answer)
        right += weight * len(given & gold)
        wrong += weight * len(given - gold)
        missed += weight * len(gold - given)
    return 2 * right / (2 * right + wrong + missed) if right else 0.0


def is_right(guess: Answer, answer: Answer) -> bool:
    """Whether a guess is wholly right, the small flags of mentions too."""
    if isinstance(guess, frozenset) and isinstance(answer, frozenset):
        return _told(guess) == _told(answer)
    return guess == answer


def sigmoid(odds: float) -> float:
    """Log-odds as a probability."""
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, odds))))


def _choice(head: Head, field: FieldKind, scores: HeadScores) -> Guess:
    shares = np.exp(scores.classes - scores.classes.max())
    shares /= shares.sum()
    best = int(shares.argmax())
    answer = answer_of_class(field, head.classes[best])
    value = answer_of("flag" if isinstance(answer, bool) else "label", answer)
    return Guess(answer, value, _odds(math.log(float(shares[best]))))


def _choices(head: Head, scores: HeadScores, threshold: Threshold) -> Guess:
    order = np.argsort(-scores.classes, kind="stable")[: head.most]
    said = [head.classes[at] for at in sorted(order) if scores.classes[at] > threshold.said]
    sure = sum(_log_sure(float(score) - threshold.said) for score in scores.classes)
    return Guess(list(said) or None, frozenset(said), _odds(sure))


def _stretch(head: Head, field: FieldKind, scores: HeadScores, threshold: Threshold) -> Guess:
    ways: list[tuple[float, object, Answer]] = [
        (one.score, one.stretch.answer, one.stretch.value) for one in scores.stretches
    ]
    ways += [
        (float(score), name, answer_of("text", name)) for name, score in zip(head.classes, scores.classes, strict=True)
    ]
    best = max(ways, key=lambda way: way[0], default=None)
    if best is None or best[0] <= threshold.said:
        return Guess(None, None, (threshold.said - best[0]) if best else _MOST_ODDS)
    # Another stretch of the same value does not make it less sure.
    rival = max((score for score, _, value in ways if value != best[2]), default=-_MOST_ODDS)
    return Guess(best[1], best[2], min(best[0] - threshold.said, best[0] - rival))  # type: ignore[arg-type]  # JSON


def _stretches(head: Head, scores: HeadScores, threshold: Threshold) -> Guess:
    above = [one for one in scores.stretches if one.score > threshold.said]
    chosen: dict[str, ScoredStretch] = {}
    for one in _best_apart(above, threshold.said):
        chosen.setdefault(str(one.stretch.value), one)
    fullest = [
        one for name, one in chosen.items() if not any(name != other and name in other for other in chosen)
    ][: head.most]  # fmt: skip
    items, values = [], []
    sure = 0.0
    for one in fullest:
        flags = {name: score > least for name, score, least in zip(head.flags, one.flags, threshold.flags, strict=True)}
        items.append({"text": one.stretch.answer, **flags})
        values.append(mention(str(one.stretch.answer), flags))
        sure += _log_sure(one.score - threshold.said)
        sure += sum(_log_sure(score - least) for score, least in zip(one.flags, threshold.flags, strict=True))
    for one in scores.stretches:
        if one.score <= threshold.said and not any(_share(one.stretch, other.stretch) for other in fullest):
            sure += _log_sure(threshold.said - one.score)
    return Guess(items or None, frozenset(values), _odds(sure))  # type: ignore[arg-type]  # a list of JSON objects


def _best_apart(scored: Sequence[ScoredStretch], least: float) -> list[ScoredStretch]:
    """Stretches that do not overlap with the greatest sum of what they score above the least, in order."""
    ordered = sorted(scored, key=lambda one: (one.stretch.end, one.stretch.start))
    best: list[tuple[float, list[ScoredStretch]]] = [(0.0, [])]
    for at, one in enumerate(ordered):
        before = sum(other.stretch.end <= one.stretch.start for other in ordered[:at])
        taken = (best[before][0] + one.score - least, [*best[before][1], one])
        best.append(max(best[-1], taken, key=lambda way: way[0]))
    return best[-1][1]


def _best_flag(
    at: int, name: str, scored: Sequence[HeadScores], answers: Sequence[Answer], weights: Sequence[float]
) -> float:
    pairs: list[tuple[float, bool, float]] = []
    for scores, answer, weight in zip(scored, answers, weights, strict=True):
        right = {one.text: one for one in answer if isinstance(one, MentionAnswer)} if isinstance(
            answer, frozenset
        ) else {}  # fmt: skip
        first: dict[str, float] = {}
        for one in scores.stretches:
            first.setdefault(str(one.stretch.value), one.flags[at])
        pairs += [
            (first[text], bool(getattr(gold, name, False)), weight) for text, gold in right.items() if text in first
        ]

    def f1(least: float) -> float:
        said = sum(weight for score, _, weight in pairs if score > least)
        true = sum(weight for _, is_true, weight in pairs if is_true)
        both = sum(weight for score, is_true, weight in pairs if is_true and score > least)
        return 2 * both / (said + true) if both else 0.0

    return max(_GRID, key=lambda least: (f1(least), -abs(least)))


def _items(answer: Answer) -> frozenset[object]:
    if isinstance(answer, frozenset):
        return frozenset(one.text if isinstance(one, MentionAnswer) else one for one in answer)
    return frozenset() if answer is None else frozenset([answer])


def _told(answer: frozenset[str] | frozenset[MentionAnswer]) -> set[object]:
    return {
        (one.text, bool(one.is_review), bool(one.direction_only)) if isinstance(one, MentionAnswer) else one
        for one in answer
    }


def _share(one: Stretch, other: Stretch) -> bool:
    return one.start < other.end and other.start < one.end


def _log_sure(odds: float) -> float:
    """Logarithm of the probability of the likelier side."""
    return -math.log1p(math.exp(-min(abs(odds), 30.0)))


def _odds(log_probability: float) -> float:
    """Log-odds of a probability given by its logarithm."""
    return max(-_MOST_ODDS, min(_MOST_ODDS, log_probability - math.log(max(-math.expm1(log_probability), 1e-9))))
