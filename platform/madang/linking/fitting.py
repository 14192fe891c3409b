"""Fits the weights of the main place's model on the `tune` part of posts that have map cards, and prints them.

Run: python -m madang.linking.fitting --directory D --posts P, and copy what it prints into main_place.py. Posts of one
place stay in one fold and weigh as one post, so that what is quoted is about places the model has not seen. How sure
it may be is fitted to the same posts and to themselves without the right place, as if the directory lacked it.
"""

import zlib
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from madang.commands.options import guarded
from madang.errors import InputError
from madang.evaluation.sampling import part_of
from madang.linking.gold_cards import cards_of, right_ids
from madang.linking.index import PlaceIndex
from madang.linking.main_place import FEATURES, LONGEST_LEAD, main_candidates, words_of
from madang.linking.opening import index_of_file
from madang.posts.reading import read_posts
from madang.settings import Settings

Numbers = NDArray[np.float64]

_FOLDS = 8
# Inverse strength of the ridge; from 0.1 to 3 nothing changed by more than one post.
_STRENGTH = 0.3
_WEAK_RIDGE = 10.0
# One post in five is taken to be about a place that the directory lacks.
_ABSENT_WEIGHT = 0.25
_THRESHOLDS = (0.5, 0.7, 0.8, 0.9, 0.95)


@dataclass(frozen=True)
class Examples:
    """Candidates of all posts.

    Args:
        values: (n_candidates, n_features).
        is_right: (n_candidates,).
        post: Number of each candidate's post, (n_candidates,).
        fold: Fold of each post, (n_posts,).
        weight: One over the posts that are about its place, (n_posts,).
    """

    values: Numbers
    is_right: NDArray[np.bool_]
    post: NDArray[np.int64]
    fold: NDArray[np.int64]
    weight: Numbers


@dataclass(frozen=True)
class Fitted:
    """A logistic model.

    Args:
        weights: (n_features,), of the features as they are.
        bias: Log odds where all are 0.
    """

    weights: Numbers
    bias: float

    def scores(self, values: Numbers) -> Numbers:
        """Log odds of rows (n, n_features)."""
        found: Numbers = values @ self.weights + self.bias
        return found

    def probabilities(self, values: Numbers) -> Numbers:
        """The same as probabilities."""
        found: Numbers = 1 / (1 + np.exp(-self.scores(values)))
        return found


def examples_of(index: PlaceIndex, posts: Path) -> Examples:
    """Candidates of the posts of the `tune` part whose cards the directory holds.

    Raises:
        InputError: There is none.
    """
    values: list[tuple[float, ...]] = []
    is_right: list[bool] = []
    post: list[int] = []
    names: list[str] = []
    for row in read_posts(posts).iter_rows(named=True):
        cards = cards_of(row)
        right = right_ids(index, cards)
        if part_of(str(row["post_id"])) != "tune" or not right:
            continue
        for candidate in main_candidates(index, words_of(row)):
            values.append(candidate.features)
            is_right.append(any(one.place.place_id in right for one in candidate.real.rows))
            post.append(len(names))
        names.append(str(cards[0]["name"]))
    if not values:
        raise InputError(posts, "no post of the part `tune` has a card that the directory holds", "Give other posts")
    fold = np.array([zlib.crc32(name.encode()) % _FOLDS for name in names])
    weight = np.array([1 / names.count(name) for name in names])
    return Examples(np.array(values), np.array(is_right), np.array(post), fold, weight)


def fit(examples: Examples) -> Fitted:
    """Weights of the features as they are, and the bias."""
    return _logistic(examples.values, examples.is_right, examples.weight[examples.post])


def held_out(examples: Examples) -> Numbers:
    """Score of each candidate by the model of the other folds, (n_candidates,)."""
    found = np.zeros(len(examples.values))
    weights = examples.weight[examples.post]
    for fold in range(_FOLDS):
        is_out = examples.fold[examples.post] == fold
        if is_out.any():
            fitted = _logistic(examples.values[~is_out], examples.is_right[~is_out], weights[~is_out])
            found[is_out] = fitted.scores(examples.values[is_out])
    return found


def leads(examples: Examples, scores: Numbers) -> tuple[Numbers, NDArray[np.bool_]]:
    """Score and lead of each post's best candidate, (n_posts, 2), and whether it is right, (n_posts,)."""
    found = np.zeros((len(examples.fold), 2))
    is_right = np.zeros(len(examples.fold), dtype=np.bool_)
    for post in range(len(examples.fold)):
        rows = np.flatnonzero(examples.post == post)
        best = rows[np.argsort(-scores[rows])][:2]
        if len(best):
            lead = scores[best[0]] - scores[best[1]] if len(best) > 1 else LONGEST_LEAD
            found[post] = scores[best[0]], min(lead, LONGEST_LEAD)
            is_right[post] = examples.is_right[best[0]]
    return found, is_right


def without_right(examples: Examples, scores: Numbers) -> Numbers:
    """Score and lead of each post's best candidate where the directory lacks the right place, (n_posts, 2)."""
    return leads(examples, np.where(examples.is_right, -np.inf, scores))[0]


def _logistic(values: Numbers, is_right: NDArray[np.bool_], weights: Numbers, strength: float = _STRENGTH) -> Fitted:
    from sklearn.linear_model import LogisticRegression

    middle, spread = values.mean(axis=0), values.std(axis=0) + 1e-9
    model = LogisticRegression(C=strength, max_iter=5_000)
    model.fit((values - middle) / spread, is_right, sample_weight=weights)
    scaled = model.coef_[0] / spread
    return Fitted(scaled, float(model.intercept_[0] - (scaled * middle).sum()))


@click.command()
@click.option("--directory", required=True, type=click.Path(path_type=Path), help="File of places.")
@click.option("--posts", required=True, type=click.Path(path_type=Path), help="File of posts with map cards.")
@guarded
def main(directory: Path, posts: Path) -> None:
    """Print weights, and what they are worth on places that they were not fitted to."""
    examples = examples_of(index_of_file(Settings.load(), directory), posts)
    fitted = fit(examples)
    for name, weight in zip(FEATURES, fitted.weights, strict=True):
        click.echo(f"{weight:8.3f},  # {name}")
    click.echo(f"bias {fitted.bias:.3f}")
    scores = held_out(examples)
    present, is_right = leads(examples, scores)
    absent = without_right(examples, scores)
    sure = _logistic(
        np.vstack([present, absent]), np.concatenate([is_right, np.zeros_like(is_right)]),
        np.concatenate([examples.weight, _ABSENT_WEIGHT * examples.weight]), _WEAK_RIDGE,
    )  # fmt: skip
    click.echo(f"score {sure.weights[0]:.3f}, lead {sure.weights[1]:.3f}, one {sure.bias:.3f}")
    share = examples.weight / examples.weight.sum()
    click.echo(f"held out: recall@1 {(share * is_right).sum():.3f} of {len(is_right)} posts, a place counting once")
    for threshold in _THRESHOLDS:
        is_told = sure.probabilities(present) >= threshold
        click.echo(
            f"from {threshold}: {(share * is_told).sum():.2f} answered, "
            f"{(share * is_told * is_right).sum() / max((share * is_told).sum(), 1e-9):.3f} of them right; "
            f"{(share * (sure.probabilities(absent) >= threshold)).sum():.2f} answered where the place is absent"
        )


if __name__ == "__main__":
    main()
