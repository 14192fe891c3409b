"""Which texts of a pool are most like another: cosine of their character n-grams, weighted by TF-IDF.

Written here because scikit-learn's vectoriser takes four seconds to import and the standard weighting few lines. The
cosines are rounded before they are compared, so that the last bits of another machine's arithmetic choose nothing.

Source: Salton & Buckley (1988), "Term-weighting approaches in automatic text retrieval": logarithmic term frequency,
smoothed inverse document frequency, cosine normalisation.
"""

import math
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Two or three characters are a Korean stem with and without its particle, and the roots of English words.
_GRAM_CHARS = (2, 3)
# Of 3,200 neighbourhood posts 2.1% are more than this like another: the same post again, edited. Of the others fewer
# than one in a hundred comes above 0.5.
_SAME_TEXT = 0.75
# Beyond this a text is no more like its subject, only longer to compare.
_MOST_CHARS = 2000
_DIGITS = 6


class NearestTexts:
    """A pool of texts that is asked for those most like another.

    Args:
        texts: The pool.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        counts = [_grams(text) for text in texts]
        holders = Counter(gram for grams in counts for gram in grams)
        self._size = len(texts)
        self._idf = {gram: self._rarity(count) for gram, count in holders.items()}
        places: defaultdict[str, list[int]] = defaultdict(list)
        weights: defaultdict[str, list[float]] = defaultdict(list)
        for index, grams in enumerate(counts):
            for gram, weight in self._weights(grams).items():
                places[gram].append(index)
                weights[gram].append(weight)
        self._posting: dict[str, tuple[NDArray[np.intp], NDArray[np.float64]]] = {
            gram: (np.array(indexes, dtype=np.intp), np.array(weights[gram])) for gram, indexes in places.items()
        }

    def of(self, text: str, count: int) -> list[int]:
        """Places in the pool of the texts most like one, the nearest first; of equally near ones the first.

        Args:
            text: The text. What is this text again, or nearly, is left out.
            count: Most places. Texts that have nothing in common with it count too: they still show the form.
        """
        rounded = self._likeness(text).round(_DIGITS)
        nearest = np.argsort(-rounded, kind="stable")
        return [int(index) for index in nearest if rounded[index] < _SAME_TEXT][:count]

    def _likeness(self, text: str) -> NDArray[np.float64]:
        """Cosine with each text of the pool, shape `(n_texts,)`, 0 to 1."""
        shared = [(weight, *self._posting[gram]) for gram, weight in self._weights(_grams(text)).items()
                  if gram in self._posting]  # fmt: skip
        if not shared:
            return np.zeros(self._size)
        weights, indexes, pool_weights = zip(*shared, strict=True)
        products = np.repeat(weights, [len(one) for one in indexes]) * np.concatenate(pool_weights)
        return np.bincount(np.concatenate(indexes), products, minlength=self._size).astype(np.float64)

    def _weights(self, grams: Counter[str]) -> dict[str, float]:
        """Weights of a text's n-grams, of length 1; one that the pool does not have counts towards the length."""
        unknown = self._rarity(0)
        weights = {gram: (1 + math.log(count)) * self._idf.get(gram, unknown) for gram, count in grams.items()}
        length = math.sqrt(math.fsum(weight * weight for weight in weights.values()))
        return {gram: weight / length for gram, weight in weights.items()}

    def _rarity(self, holders: int) -> float:
        return math.log((1 + self._size) / (1 + holders)) + 1


def _grams(text: str) -> Counter[str]:
    """N-grams within words, the space before and after each included."""
    folded = unicodedata.normalize("NFKC", text[:_MOST_CHARS]).casefold()
    return Counter(
        padded[start : start + chars]
        for word in folded.split()
        for padded in (f" {word} ",)
        for chars in _GRAM_CHARS
        for start in range(len(padded) - chars + 1)
    )
