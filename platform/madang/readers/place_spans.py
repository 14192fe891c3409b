"""Which candidates are names: a classifier scores each, and the best set that does not overlap is taken."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from madang.extraction.grounding import Span
from madang.readers import place_features_en as english
from madang.readers.hashed_linear import HashedLinear
from madang.readers.place_candidates import Candidate, Word, candidates_of, words_of
from madang.readers.place_features import PlaceFeatures


@dataclass(frozen=True)
class Column:
    """A text column with its candidates.

    Args:
        name: Of the column.
        text: As its features see it: lower case in Korean.
        words: Its words.
        features: Of its candidates.
        candidates: Where names may stand.
    """

    name: str
    text: str
    words: list[Word]
    features: PlaceFeatures | english.EnglishPlaceFeatures
    candidates: list[Candidate]


@dataclass(frozen=True)
class PlaceSpan:
    """A name.

    Args:
        column: In which it stands.
        candidate: Where.
        score: Log-odds of its being one, above the threshold.
    """

    column: Column
    candidate: Candidate
    score: float

    @property
    def text(self) -> str:
        """As it stands."""
        return self.column.text[self.candidate.start : self.candidate.end]

    @property
    def span(self) -> Span:
        """Where it stands."""
        return Span(self.column.name, self.candidate.start, self.candidate.end)


def korean_column(name: str, text: str, is_title: bool) -> Column:
    """A column of a Korean post, in lower case."""
    words = words_of(text)
    return Column(name, text, words, PlaceFeatures(words, text, is_title), list(candidates_of(words)))


def english_column(name: str, text: str) -> Column:
    """A column of an English post."""
    words = english.words_of(text)
    features = english.EnglishPlaceFeatures(words, text)
    return Column(name, text, words, features, list(english.candidates_of(words)))


def spans_of(columns: Sequence[Column], model: HashedLinear) -> list[PlaceSpan]:
    """Names of a post, one for each distinct string, at its first occurrence, in the order of the text.

    A name that is part of a fuller one of the same post is left out.
    """
    found: dict[str, PlaceSpan] = {}
    for column in columns:
        scored = [(candidate, model.score(column.features.of(candidate))) for candidate in column.candidates]
        for candidate, score in best_apart([one for one in scored if one[1] > 0]):
            one = PlaceSpan(column, candidate, score)
            found.setdefault(_joined(one.text), one)
    return [one for name, one in found.items() if not any(name != other and name in other for other in found)]


def best_apart(scored: Sequence[tuple[Candidate, float]]) -> list[tuple[Candidate, float]]:
    """The candidates that do not overlap with the greatest sum of scores, in order."""
    ordered = sorted(scored, key=lambda one: (one[0].end, one[0].start))
    ends = [candidate.end for candidate, _ in ordered]
    best = [0.0]
    taken: list[int | None] = []
    for at, (candidate, score) in enumerate(ordered):
        before = bisect_right(ends, candidate.start, 0, at)
        is_better = best[before] + score > best[at]
        taken.append(before if is_better else None)
        best.append(max(best[at], best[before] + score))
    chosen = []
    at = len(ordered)
    while at:
        before_taken = taken[at - 1]
        if before_taken is None:
            at -= 1
        else:
            chosen.append(ordered[at - 1])
            at = before_taken
    return chosen[::-1]


def _joined(name: str) -> str:
    return "".join(name.lower().split())
