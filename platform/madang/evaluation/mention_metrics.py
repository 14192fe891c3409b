"""The metrics of mentions. Gold that says where they stand is compared by place, other gold by distinct strings.

F1s are micro: every mention of every post is an item, and posts are resampled. `kept_f1` and `review_f1` count the
mentions that gold's own questions pick out, whatever the task keeps; gold that does not ask them has no such metric.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from madang.evaluation.answers import Answer, MentionAnswer, folded
from madang.evaluation.intervals import Counts, Statistic, bootstrap, f1_interval, value_of, wilson
from madang.evaluation.metrics import Judged, f1_of, ratio
from madang.evaluation.score import Score

Mentions = frozenset[MentionAnswer]
_Pair = tuple[Mentions, Mentions]
_Place = tuple[str, int, int]
_Key = _Place | str


def mention_scores(judged: Sequence[Judged]) -> dict[str, Score]:
    """Every metric of one field of mentions; the baseline is the empty answer.

    Args:
        judged: The posts that have gold for it, each brought together by `side_by_side`.
    """
    pairs = [(_mentions(one.gold), _mentions(one.predicted)) for one in judged]
    gold = [mention for right, _ in pairs for mention in right]
    spans = _sets(pairs, lambda _: True)
    found = {
        "span_f1": _score(spans, f1_of, f1_interval),
        "overlap_f1": _score(np.array([_overlaps(*pair) for pair in pairs], np.float64), f1_of, f1_interval),
        "precision": _score(spans, _precision, bootstrap),
        "recall_stated": _score(spans, _recall, bootstrap),
        "abstention": _abstention(pairs),
    }
    if any(mention.direction_only is not None for mention in gold):
        found["kept_f1"] = _score(_sets(pairs, lambda one: not one.direction_only), f1_of, f1_interval)
    if any(mention.is_review is not None for mention in gold):
        found["review_f1"] = _score(_sets(pairs, lambda one: bool(one.is_review)), f1_of, f1_interval)
    return found


def side_by_side(gold: Answer, predicted: Answer, texts: Mapping[str, str]) -> _Pair:
    """Gold and prediction of a post in the same terms: both with places where gold has them, else neither.

    Args:
        gold: Offsets without a column are the body's, or the title's where only that holds the mention; those beside
            which the mention stands are moved to where it does.
        predicted: Always with places.
        texts: The post's text columns.
    """
    right = frozenset(
        one if one.place is None else replace(one, place=_place(one, one.place, texts)) for one in _mentions(gold)
    )
    given = _mentions(predicted)
    if right and not any(one.place for one in right):
        given = frozenset(replace(one, place=None) for one in given)
    return right, given


def _place(mention: MentionAnswer, given: _Place, texts: Mapping[str, str]) -> _Place:
    column, start, end = given
    columns = [column] if column else sorted(texts)  # body before title
    for name in columns:
        if folded(texts.get(name, "")[start:end]) == mention.text:
            return name, start, end
    found = [
        (abs(match.start() - start), (name, *match.span()))
        for name in columns
        for match in re.finditer(re.escape(mention.quote), texts.get(name, ""), re.IGNORECASE)
    ]
    return min(found)[1] if found else (columns[0], start, end)


def _mentions(answer: Answer) -> Mentions:
    assert isinstance(answer, frozenset)
    return frozenset(one for one in answer if isinstance(one, MentionAnswer))


def _sets(pairs: Sequence[_Pair], picks: Callable[[MentionAnswer], bool]) -> Counts:
    """Right, wrong and missed mentions of each post, (n_posts, 3)."""
    rows = []
    for gold, predicted in pairs:
        right, given = ({_key(one) for one in side if picks(one)} for side in (gold, predicted))
        rows.append((len(right & given), len(given - right), len(right - given)))
    return np.array(rows, dtype=np.float64)


def _key(mention: MentionAnswer) -> _Key:
    return mention.place or mention.text


def _overlaps(gold: Mentions, predicted: Mentions) -> tuple[int, int, int]:
    """Right, wrong and missed mentions of a post, where one that shares a part with one of gold is right.

    One to one, what is equal first: a mention that swallows three of gold has found one of them.
    """
    left, given = (sorted({_key(one) for one in side}, key=str) for side in (gold, predicted))
    right = 0
    for is_match in (operator.eq, _share):
        for one in list(given):
            other = next((other for other in left if is_match(one, other)), None)
            if other is not None:
                left.remove(other)
                given.remove(one)
                right += 1
    return right, len(given), len(left)


def _share(one: _Key, other: _Key) -> bool:
    """Whether two places have a code point in common, or one text holds the other."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return one[0] == other[0] and one[1] < other[2] and other[1] < one[2]
    return isinstance(one, str) and isinstance(other, str) and (one in other or other in one)


def _precision(sums: Counts) -> Counts:
    return ratio(sums[..., 0], sums[..., 0] + sums[..., 1])


def _recall(sums: Counts) -> Counts:
    return ratio(sums[..., 0], sums[..., 0] + sums[..., 2])


def _score(
    counts: Counts, statistic: Statistic, interval: Callable[[Counts, Statistic], tuple[float, float] | None]
) -> Score:
    low, high = interval(counts, statistic) or (None, None)
    empty = np.zeros_like(counts)
    empty[:, 2] = counts[:, 0] + counts[:, 2]
    return Score(value_of(counts, statistic), low, high, len(counts), value_of(empty, statistic))


def _abstention(pairs: Sequence[_Pair]) -> Score:
    """Share of the posts without a mention of which none is given."""
    silent = [not predicted for gold, predicted in pairs if not gold]
    if not silent:
        return Score(None, None, None, 0, None)
    low, high = wilson(sum(silent), len(silent))
    return Score(sum(silent) / len(silent), low, high, len(silent), 1.0)
