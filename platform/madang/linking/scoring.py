"""Scores links against map cards: the scoring contract's figures, with intervals and baselines.

The baseline is what a look-up would give: the place whose whole name stands in the text, the longest where there are
several, the first where two are as long; none where that name is several places'.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from madang.errors import InputError
from madang.evaluation.gold import GoldPost, PostKey
from madang.evaluation.intervals import Counts, Statistic, bootstrap, value_of, wilson
from madang.evaluation.result import EvaluationReport
from madang.evaluation.sampling import Part, sampled
from madang.evaluation.score import Score
from madang.linking.forms import Form
from madang.linking.gazetteer import scan
from madang.linking.gold_cards import cards_of, right_ids
from madang.linking.index import PlaceIndex
from madang.linking.main_place import PostWords, link_main_place, words_of
from madang.posts.reading import read_posts

_RECIPE = "main-place@1"
_BINS = 10


@dataclass(frozen=True)
class JudgedLink:
    """A link beside the right answer.

    Args:
        ranks: Whether each candidate is right, best first.
        is_linked: Whether the linker answered.
        probability: Of the best candidate; 0 where there is none.
        baseline: Whether the look-up is right; None where it does not answer.
    """

    ranks: tuple[bool, ...]
    is_linked: bool
    probability: float
    baseline: bool | None

    def is_within(self, most: int) -> bool:
        """Whether one of the first so many candidates is right."""
        return any(self.ranks[:most])


def score_links(
    index: PlaceIndex, posts: Path, directory: str, *, sample: int | None, seed: int, part: Part
) -> EvaluationReport:
    """Links the main place of posts that have map cards, and scores the links.

    Args:
        index: The directory.
        posts: File of posts, with cards under `places`.
        directory: How the directory is called, for the report.
        sample: Most posts, by hash of their id; None takes all.
        seed: Another seed gives another sample.
        part: Part of shared gold.

    Raises:
        InputError: No post has a card of the directory.
    """
    right: dict[PostKey, frozenset[str]] = {}
    gold: dict[PostKey, GoldPost] = {}
    for row in read_posts(posts).iter_rows(named=True):
        post = GoldPost(row, {})
        found = frozenset() if row["deleted"] else right_ids(index, cards_of(row))
        if found:
            right[post.key], gold[post.key] = found, post
    chosen = sampled(list(gold.values()), part, sample, seed)
    if not chosen:
        raise InputError(posts, f"no post has a card under 'places' that {directory} holds",
                         "Give posts that have one, and the directory that they are about")  # fmt: skip
    judged = [_judged(index, words_of(post.row), right[post.key]) for post in chosen]
    return EvaluationReport("link", _RECIPE, "reader", "places", len(judged),
                            {"places": link_scores(judged)})  # fmt: skip


def link_scores(judged: Sequence[JudgedLink]) -> dict[str, Score]:
    """Every metric of links.

    recall@k: one of the first k candidates is right, whether the linker answers or not. accuracy: it answers, and
    rightly. precision: right of those that it answers. coverage: those that it answers. ece: of the best candidate's
    probability.
    """
    answered = [one for one in judged if one.is_linked]
    looked_up = [one for one in judged if one.baseline is not None]
    found = sum(one.baseline is True for one in judged) / len(judged)
    right = [one.is_within(1) for one in answered]
    return {
        "recall@1": _share([one.is_within(1) for one in judged], found),
        "recall@5": _share([one.is_within(5) for one in judged], found),
        "accuracy": _share([one.is_linked and one.is_within(1) for one in judged], found),
        "precision": _share(right, found * len(judged) / len(looked_up) if looked_up else None),
        "coverage": _share([one.is_linked for one in judged], len(looked_up) / len(judged)),
        "ece": _calibration(judged),
    }


def _judged(index: PlaceIndex, words: PostWords, right: frozenset[str]) -> JudgedLink:
    link = link_main_place(index, words)
    ranks = tuple(not right.isdisjoint(candidate.place_ids) for candidate in link.candidates)
    guess = _looked_up(index, words)
    return JudgedLink(ranks, link.linked is not None, link.best.probability if link.best else 0.0,
                      None if guess is None else guess in right)  # fmt: skip


def _looked_up(index: PlaceIndex, words: PostWords) -> str | None:
    """The place whose whole name is the longest in the text; None if there is none, or several have that name."""
    whole = [
        (match, [int(row) for row, form in zip(match.rows, match.forms, strict=True) if form == Form.WHOLE])
        for match in scan(index, words.whole)
        if match.is_clean and match.forms.min() == Form.WHOLE
    ]
    if not whole:
        return None
    _, rows = max(whole, key=lambda found: (found[0].chars, -found[0].start))
    return index.places(rows)[0].place_id if len(rows) == 1 else None


def _share(hits: Sequence[bool], baseline: float | None) -> Score:
    if not hits:
        return Score(None, None, None, 0, baseline)
    counts = np.array([[hit, 1.0] for hit in hits])
    if all(hits) or not any(hits):
        # Resampling has nothing to draw from, and would call three right posts certain.
        low, high = wilson(sum(hits), len(hits))
    else:
        low, high = bootstrap(counts, _ratio) or (0.0, 1.0)
    return Score(sum(hits) / len(hits), low, high, len(hits), baseline)


def _ratio(sums: Counts) -> Counts:
    ratio: Counts = sums[..., 0] / sums[..., 1]
    return ratio


def _calibration(judged: Sequence[JudgedLink]) -> Score:
    sure = np.array([one.probability for one in judged])
    right = np.array([float(one.is_within(1)) for one in judged])
    member = np.eye(_BINS)[np.minimum((sure * _BINS).astype(int), _BINS - 1)]
    counts = np.hstack([member, member * sure[:, None], member * right[:, None]])
    statistic: Statistic = _calibration_error
    low, high = bootstrap(counts, statistic) or (None, None)
    return Score(value_of(counts, statistic), low, high, len(judged), float(abs(1.0 - right.mean())))


def _calibration_error(sums: Counts) -> Counts:
    in_bin, sure, right = np.split(sums, 3, axis=1)
    return np.asarray(np.abs(sure - right).sum(axis=1) / in_bin.sum(axis=1), dtype=np.float64)
