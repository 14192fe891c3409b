"""Trains the small classifiers of the places reader and says how good they are on posts that they did not learn from.

    python benchmarks/train_places.py --posts posts.jsonl --teacher places.teacher.jsonl --gold places.gold.jsonl \
        --english places_en/posts.jsonl

Of gold only the part `tune` is read. Figures are of four-fold cross-validation; what is stored is trained on all of it.
Needs scikit-learn. The weights are those of hashed features (madang/readers/hashed_linear.py): they hold no text.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from madang.evaluation.sampling import part_of
from madang.extraction.grounding import PostText
from madang.readers import post_kind
from madang.readers.folded import FoldedPost
from madang.readers.hashed_linear import BITS, HashedLinear, pack
from madang.readers.place_senses import sense_features
from madang.readers.place_spans import Column, PlaceSpan, best_apart, english_column, korean_column
from madang.readers.places import lowered

DATA = Path(__file__).parents[1] / "platform" / "madang" / "readers" / "data"
FOLDS = 4
# Gold is worth more than what a teacher read once.
GOLD_WEIGHT = 3.0


@dataclass(frozen=True)
class Labelled:
    """A post with its labels.

    Args:
        columns: Its columns with candidates.
        mentions: Labelled mentions by their text, folded.
        kind: Kind of post, where labelled.
        weight: Of the post.
        parts: Its columns, in lower case.
    """

    columns: list[Column]
    mentions: dict[str, dict[str, bool]]
    kind: str | None
    weight: float
    parts: dict[str, str]


def main() -> None:
    """Trains, measures, stores."""
    arguments = argparse.ArgumentParser(description=__doc__)
    for name in ("posts", "teacher", "gold", "english"):
        arguments.add_argument(f"--{name}", type=Path, required=True)
    given = arguments.parse_args()
    posts = {post["post_id"]: post for post in _lines(given.posts)}
    gold = {line["post_id"]: line for line in _lines(given.gold)}
    teacher = [line for line in _lines(given.teacher) if line["post_id"] not in gold]
    korean = [_korean(posts[line["post_id"]], line, 1.0) for line in teacher]
    korean += [_korean(posts[name], line, GOLD_WEIGHT) for name, line in gold.items() if part_of(name) == "tune"]
    english = [_english(post) for post in _lines(given.english) if part_of(post["post_id"]) == "tune"]
    # Thresholds lie where F1 is flat, on tune gold as on held-out teacher posts: the teacher named fewer places.
    _store("places_ko", _spans(korean, positive_weight=4.0, threshold=-1.5))
    _store("places_en", _spans(english, positive_weight=1.5, threshold=-1.0))
    _store("place_reviews", _senses(korean, "is_review", threshold=-0.9))
    _store("place_directions", _senses(korean, "direction_only", threshold=0.0))
    _store("post_kind", _kinds(korean))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _lines(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]


def _korean(post: dict, line: dict, weight: float) -> Labelled:
    folded = FoldedPost(PostText({"title": post["title"] or "", "body": post["body"] or ""})).text.parts
    parts = {name: lowered(part) for name, part in folded.items()}
    columns = [korean_column(name, part, name == "title") for name, part in parts.items()]
    mentions = {_fold(one["text"]): one for one in line["mentions"]}
    return Labelled(columns, mentions, line["post_kind"], weight, parts)


def _english(post: dict) -> Labelled:
    parts = {name: post[name] or "" for name in ("title", "body")}
    columns = [english_column(name, part) for name, part in parts.items()]
    return Labelled(columns, {_fold(one["text"]): one for one in post["mentions"]}, None, 1.0, parts)


def _fold(text: str) -> str:
    return "".join(FoldedPost(PostText({"t": text})).text.parts["t"].lower().split())


def _name(span: PlaceSpan) -> str:
    return "".join(span.text.lower().split())


def _spans(posts: Sequence[Labelled], positive_weight: float, threshold: float) -> HashedLinear:
    rows, answers, weights, owner = [], [], [], []
    for number, post in enumerate(posts):
        for column in post.columns:
            for candidate in column.candidates:
                is_name = "".join(column.text[candidate.start : candidate.end].lower().split()) in post.mentions
                rows.append(column.features.of(candidate))
                answers.append(is_name)
                weights.append(post.weight * (positive_weight if is_name else 1.0))
                owner.append(number)
    features, labels, fold = _matrix(rows), np.array(answers), np.array(owner) % FOLDS
    scores = np.zeros(len(labels))
    for held in range(FOLDS):
        learned = fold != held
        model = _fit(features[learned], labels[learned], np.array(weights)[learned])
        scores[~learned] = _scores(model, features[~learned])[:, 0] - threshold
    found = missed = wrong = at = 0
    right: list[tuple[float, bool]] = []
    for post in posts:
        chosen = {}
        for column in post.columns:
            scored = list(zip(column.candidates, scores[at : at + len(column.candidates)].tolist(), strict=True))
            at += len(scored)
            for candidate, score in best_apart([one for one in scored if one[1] > 0]):
                chosen.setdefault(_name(PlaceSpan(column, candidate, score)), score)
        found += len(chosen.keys() & post.mentions.keys())
        wrong += len(chosen.keys() - post.mentions.keys())
        missed += len(post.mentions.keys() - chosen.keys())
        right += [(score, name in post.mentions) for name, score in chosen.items()]
    _say(f"spans: F1 {2 * found / (2 * found + wrong + missed):.3f}, precision {found / (found + wrong):.3f}, "
          f"recall {found / (found + missed):.3f}, {found + missed} mentions of {len(posts)} posts")  # fmt: skip
    return _calibrated(_fit(features, labels, np.array(weights)), right, threshold)


def _senses(posts: Sequence[Labelled], sense: str, threshold: float) -> HashedLinear:
    rows, answers, weights, owner = [], [], [], []
    for number, post in enumerate(posts):
        done: set[str] = set()
        whole = "\n".join(post.parts.values())
        for column in post.columns:
            for candidate in column.candidates:
                name = "".join(column.text[candidate.start : candidate.end].split())
                if name in post.mentions and name not in done:
                    done.add(name)
                    rows.append(sense_features(PlaceSpan(column, candidate, 0.0), whole, len(post.mentions) - 1))
                    answers.append(bool(post.mentions[name][sense]))
                    weights.append(post.weight * (2.0 if answers[-1] and sense == "is_review" else 1.0))
                    owner.append(number)
    features, labels, fold = _matrix(rows), np.array(answers), np.array(owner) % FOLDS
    scores = np.zeros(len(labels))
    for held in range(FOLDS):
        learned = fold != held
        model = _fit(features[learned], labels[learned], np.array(weights)[learned], strength=0.3)
        scores[~learned] = _scores(model, features[~learned])[:, 0] - threshold
    said = scores > 0
    found = int((said & labels).sum())
    _say(f"{sense}: F1 {2 * found / (said.sum() + labels.sum()):.3f} of {labels.sum()} in {len(labels)} mentions")
    right = list(zip(scores.tolist(), labels.tolist(), strict=True))
    return _calibrated(_fit(features, labels, np.array(weights), strength=0.3), right, threshold)


def _kinds(posts: Sequence[Labelled]) -> HashedLinear:
    features = _matrix([post_kind.kind_features(post.parts) for post in posts])
    labels = np.array([post_kind.LABELS.index(post.kind) for post in posts if post.kind])
    weights = np.array([post.weight for post in posts])
    fold = np.arange(len(posts)) % FOLDS
    said = np.zeros(len(posts), int)
    for held in range(FOLDS):
        learned = fold != held
        said[~learned] = _scores(
            _fit(features[learned], labels[learned], weights[learned], 0.3), features[~learned]
        ).argmax(1)
    _say(f"post_kind: accuracy {(said == labels).mean():.3f} of {len(posts)}, gold alone "
          f"{(said == labels)[weights > 1].mean():.3f}")  # fmt: skip
    return _fit(features, labels, weights, 0.3)


def _matrix(rows: Sequence[Sequence[int]]) -> csr_matrix:
    once = [sorted(set(row)) for row in rows]
    ends = np.cumsum([0, *map(len, once)])
    places = np.fromiter((place for row in once for place in row), np.int32)
    return csr_matrix((np.ones(len(places), np.float32), places, ends), shape=(len(rows), 1 << BITS))


def _fit(features: csr_matrix, labels: NDArray, weights: NDArray, strength: float = 1.0) -> HashedLinear:
    many = len(set(labels.tolist())) > 2
    fitted = LogisticRegression(C=strength, solver="lbfgs" if many else "liblinear", tol=1e-3, max_iter=300)
    fitted.fit(features, labels, sample_weight=weights)
    return HashedLinear(fitted.coef_.astype(np.float32), fitted.intercept_.astype(np.float32))


def _scores(model: HashedLinear, features: csr_matrix) -> NDArray:
    return features @ model.weights.T + model.bias


def _calibrated(model: HashedLinear, right: Sequence[tuple[float, bool]], threshold: float) -> HashedLinear:
    """With the log-odds of being right as a line over the score, from posts held out."""
    scores, answers = np.array([[score] for score, _ in right]), [answer for _, answer in right]
    line = LogisticRegression().fit(scores, answers)
    return replace(model, threshold=threshold, slope=float(line.coef_[0, 0]), offset=float(line.intercept_[0]))


def _store(name: str, model: HashedLinear) -> None:
    file = DATA / f"{name}.npz"
    np.savez_compressed(file, **pack(model))
    _say(f"{file.name}: {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
