"""What a linear student knows of classes besides their posts: cues, words that state a class.

A class out of forty-six has a handful of posts, too few to find its words among thousands of runs of characters. So how
much a cue says is learnt once for all classes: in the title or below, alone or beside cues of other classes. Cues are
those that a field declares, and those at which rows of the released recipe point as evidence. A cue counts by the share
of labelled posts with it that have the class, the post itself left out. Kept are hashes, never words.
"""

import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from madang.distillation.heads import NOT_STATED, Head
from madang.distillation.turn_features import BITS, MAX_CHARS, place_of
from madang.readers.places import lowered
from madang.schema.base import FieldKind
from madang.schema.flag import FlagField
from madang.schema.label import LabelField
from madang.schema.labels import LabelsField

if TYPE_CHECKING:
    from madang.distillation.linear import Table

# Runs of characters that stand in a cue weigh more: the rest of a post is a thousand runs that state nothing.
CUE_SCALE = 10.0
# A declared cue is as good as so many posts that agree with it, until posts say otherwise.
_DECLARED_POSTS = 2.0
_PREFIX_CHARS, _MOST_CUE_CHARS = 2, 12
_INNER_FOLDS = 3
# What titles say of a group weighs more than what is listed in the body.
_TITLE_WEIGHT = 3.0
# A cue of which fewer posts have the class points at it no more than at others.
_POINTING_SHARE, _LEAST_RANKED = 0.4, 0.2
# How much more a rare class counts. At a half it was found more often, and said too often where nothing states it.
_RARITY = 0.25
_BASE_RANGE, _BASE_KNEE = (-6.0, 4.0), -1.5


@dataclass(frozen=True)
class CueTable:
    """Cues of a head's classes, and what they say together with what the words of the whole post say.

    Args:
        hashes: Of the cues, ascending.
        prefixes: Hashes of their first characters, ascending.
        shares: Shape `(n_cues, n_classes)`: of the posts with the cue, those that have the class, 0 to 1.
        priors: Shape `(n_classes,)`: logarithm of the share of posts that have the class.
        silent: Shape `(n_classes,)`: whether a class is what is said where nothing points.
        weights: Of what is seen of a class, the bias last.
    """

    hashes: NDArray[np.int64]
    prefixes: NDArray[np.int64]
    shares: NDArray[np.float32]
    priors: NDArray[np.float32]
    silent: NDArray[np.bool_]
    weights: NDArray[np.float32]

    def scores(self, turns: Sequence[str], base: NDArray[np.float32]) -> NDArray[np.float32]:
        """Log-odds of classes, shape `(n_turns, n_classes)`.

        Args:
            turns: What a model is shown of each post.
            base: What the words of the whole posts say, same shape.
        """
        known = {int(one): at for at, one in enumerate(self.hashes)}
        finder = _Finder(known, set(map(int, self.prefixes)))
        found = np.empty(base.shape, np.float32)
        for at, turn in enumerate(turns):
            hits = finder.hits(turn)
            seen = _seen(hits, self.shares[[cue for cue, _, _ in hits]], base[at], self.priors, self.silent)
            found[at] = seen @ self.weights[:-1] + self.weights[-1]
        return found

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Its parts, by name."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @classmethod
    def of_arrays(cls, stored: Mapping[str, NDArray[Any]], name: str) -> "CueTable | None":
        """The table whose parts are stored with a name before theirs; None if there is none."""
        parts = [one.name for one in fields(cls)]
        return cls(*(stored[name + part] for part in parts)) if name + parts[0] in stored else None


def declared_cues(field: FieldKind) -> dict[str, tuple[str, ...]]:
    """The cues that a field declares, by class."""
    match field:
        case LabelField() | LabelsField():
            return {name: words for name, words in field.cues.items() if words}
        case FlagField() if field.cues:
            return {"true": field.cues}
    return {}


def fit_cues(
    head: Head, field: FieldKind, turns: Sequence[str], said: Sequence[frozenset[str]],
    pointers: Sequence[frozenset[str]], rows: csr_matrix, weights: NDArray[np.float64],
    fit: Callable[[csr_matrix, NDArray[np.int64]], "Table"],
) -> "tuple[Table, CueTable] | None":  # fmt: skip
    """Fits the classes of a head.

    Args:
        head: A head of classes.
        field: Its field.
        turns: What a model is shown of each post.
        said: Right classes of each post.
        pointers: What evidence points at in each post.
        rows: Features of the whole posts.
        weights: Of the posts.
        fit: Fits each class by itself on rows, and the indices of the posts that they are.

    Returns:
        Tables of the words and of the cues; None where nothing is declared and nothing points.
    """
    declared = [(cue, name) for name, words in declared_cues(field).items() for cue in map(_plain, words) if cue]
    pointed = {cue for post in pointers for cue in map(_plain, post) if cue}
    cues = sorted({*(cue for cue, _ in declared), *pointed})
    if not cues:
        return None
    # Classes of a set are stated by words of their own; which one of a choice is meant hangs on the words around too.
    scale = np.full(1 << BITS, 0.0 if head.shape == "choices" else 1.0, np.float32)
    scale[[place_of(name) for cue in cues for name in _features_of(cue)]] = CUE_SCALE
    scaled = csr_matrix(rows @ diags(scale))
    scaled.eliminate_zeros()
    table = fit(scaled, np.arange(len(turns)))
    base = _held_out(turns, scaled, fit, table)
    answers = np.array([[name in one for name in head.classes] for one in said], np.float64)
    hashes, prefixes = (sorted({_hashed(cue[:chars]) for cue in cues}) for chars in (None, _PREFIX_CHARS))
    finder = _Finder({one: at for at, one in enumerate(hashes)}, set(prefixes))
    hits = [finder.hits(turn) for turn in turns]
    together = np.zeros((len(hashes), len(head.classes)))
    for word, name in declared:
        together[hashes.index(_hashed(word)), head.classes.index(name)] = _DECLARED_POSTS
    alone = together.sum(axis=1)
    for own, answer in zip(hits, answers, strict=True):
        for cue, _, _ in own:
            together[cue] += answer
            alone[cue] += 1
    priors = np.log((answers.sum(axis=0) + 0.5) / len(turns)).astype(np.float32)
    silent = _silent(head, {name for _, name in declared}, said, pointers)
    seen, blind = [], []
    for at, own in enumerate(hits):
        places = [cue for cue, _, _ in own]
        others = (together[places] - answers[at]) / (alone[places] - 0.5)[:, None]
        seen.append(_seen(own, others, base[at], priors, silent))
        blind.append(_seen(own, others, priors, priors, silent))
    found = CueTable(
        np.array(hashes, np.int64), np.array(prefixes, np.int64),
        (together / (alone + 0.5)[:, None]).astype(np.float32), priors, silent,
        _fit_weights(seen, blind, answers, weights * _balance(answers) if head.shape == "choice" else weights),
    )  # fmt: skip
    return replace(table, weights=table.weights * scale[table.places]), found


class _Finder:
    """Finds cues in posts.

    Args:
        known: Index of each cue, by its hash.
        prefixes: Hashes of how they begin.
    """

    def __init__(self, known: Mapping[int, int], prefixes: set[int]) -> None:
        self._known, self._prefixes = known, prefixes
        self._lengths = sorted({one >> 32 for one in known}, reverse=True)

    def hits(self, turn: str) -> list[tuple[int, bool, bool]]:
        """Cues of a post in the order of their indices: which, whether in its title, whether below.

        Of those that begin at one place the longest counts: who writes that she is one does not look for women.
        """
        small = lowered(turn[:MAX_CHARS])
        ends = small.find("\n")
        title_end = len(small) if ends < 0 else ends
        found: dict[int, list[bool]] = {}
        for start in range(len(small) - _PREFIX_CHARS + 1):
            if _hashed(small[start : start + _PREFIX_CHARS]) not in self._prefixes:
                continue
            for length in self._lengths:
                cue = self._known.get(_hashed(small[start : start + length]))
                if cue is not None:
                    found.setdefault(cue, [False, False])[start >= title_end] = True
                    break
        return [(cue, *found[cue]) for cue in sorted(found)]  # type: ignore[misc]  # two of them


def _seen(
    hits: Sequence[tuple[int, bool, bool]], shares: NDArray[np.floating], base: NDArray[np.float32],
    priors: NDArray[np.float32], silent: NDArray[np.bool_],
) -> NDArray[np.float32]:  # fmt: skip
    """What is seen of every class in one post, shape `(n_classes, n_features)`."""
    speaks = (~silent).astype(np.float32)
    strongest, counts = [], []
    for is_there in ([title for _, title, _ in hits], [body for _, _, body in hits]):
        own = shares[is_there] if hits else np.zeros((0, len(base)))
        strongest.append(own.max(axis=0, initial=0.0) * speaks)
        counts.append(np.minimum((own * (own > _POINTING_SHARE)).sum(axis=0), 3.0) * speaks)
    title, body = strongest
    weight = _TITLE_WEIGHT * title + body
    heaviest = float(weight.max(initial=0.0))
    share = weight / heaviest if heaviest > _LEAST_RANKED else np.zeros(len(base))
    sure, is_first = min(heaviest, 4.0) / 4, (share == 1.0).astype(np.float32)
    has_rivals = float((share > 0.3).sum() > 1)
    mute = silent.astype(np.float32)
    clipped = np.clip(base, *_BASE_RANGE)
    return np.stack([
        title, body, *counts, share, share**3, is_first, speaks * sure, speaks * title.max(initial=0.0), mute,
        mute * (heaviest < _LEAST_RANKED), mute * (heaviest < 1), mute * sure, mute * title.max(initial=0.0), priors,
        has_rivals * (weight > 0.3) * (share < 1), clipped, np.maximum(clipped, _BASE_KNEE),
    ], axis=1).astype(np.float32)  # fmt: skip


def _held_out(
    turns: Sequence[str], rows: csr_matrix, fit: Callable[[csr_matrix, NDArray[np.int64]], "Table"], whole: "Table"
) -> NDArray[np.float32]:
    """What tables of words say of posts that they have not read; the same post twice is in one fold."""
    base = whole.scores(rows)
    folds = np.array([_hashed(turn) % _INNER_FOLDS for turn in turns])
    for fold in range(_INNER_FOLDS):
        learned, held = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        if len(learned) and len(held):
            base[held] = fit(rows[learned], learned).scores(rows[held])
    return base


def _silent(
    head: Head, declared: Collection[str], said: Sequence[frozenset[str]], pointers: Sequence[frozenset[str]]
) -> NDArray[np.bool_]:
    """The classes at which nothing points: without declared cues, and seldom with evidence where they stand alone."""
    alone = dict.fromkeys(head.classes, (0, 0))
    for classes, own in zip(said, pointers, strict=True):
        if len(classes) == 1 and (name := next(iter(classes))) in alone:
            count, with_evidence = alone[name]
            alone[name] = count + 1, with_evidence + bool(own)
    is_pointed = any(pointers)
    return np.array([
        name == NOT_STATED or (name not in declared and (2 * with_evidence < count or not is_pointed))
        for name, (count, with_evidence) in alone.items()
    ])  # fmt: skip


def _balance(answers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each post of a choice: more for a rare class; one on average."""
    rare = np.maximum(answers.mean(axis=0), 1 / len(answers)) ** -_RARITY
    own = (answers * rare).sum(axis=1)
    balanced: NDArray[np.float64] = own / own.mean()
    return balanced


def _fit_weights(
    seen: Sequence[NDArray[np.float32]], blind: Sequence[NDArray[np.float32]], answers: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> NDArray[np.float32]:  # fmt: skip
    """Every post counts twice, once as if nothing were known of its other words: where these alone decide the labelled
    posts, cues would be left without weight, and say nothing in a post of unknown words.
    """
    from sklearn.linear_model import LogisticRegression

    right = np.tile(answers.ravel() > 0, 2)
    if right.all() or not right.any():
        return np.array([*np.zeros(seen[0].shape[1]), 9.0 if right.all() else -9.0], np.float32)
    own = np.tile(np.repeat(weights, answers.shape[1]) / 2, 2)
    model = LogisticRegression(max_iter=300).fit(np.concatenate([*seen, *blind]), right, sample_weight=own)
    return np.append(model.coef_[0], model.intercept_[0]).astype(np.float32)


def _features_of(cue: str) -> Iterator[str]:
    """The names that a cue's runs of characters have among those of a whole post."""
    yield from (f"w {cue}", f"title {cue}", f"body {cue}")
    for length in (2, 3, 4):
        yield from (f"g {cue[at : at + length]}" for at in range(len(cue) - length + 1))
    yield from (f"r {cue[at : at + 5]}" for at in range(len(cue) - 4))


def _plain(cue: str) -> str:
    """A cue as it stands in a post in lower case; empty if it is too short or too long to be one."""
    small = lowered(cue).strip()
    return small if _PREFIX_CHARS <= len(small) <= _MOST_CUE_CHARS and "\n" not in small else ""


def _hashed(text: str) -> int:
    return len(text) << 32 | zlib.crc32(text.encode("utf-8", "surrogatepass"))
