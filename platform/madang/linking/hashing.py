"""64-bit hashes of words and of every stretch of a text, in one sweep of numpy.

A polynomial over mixed code points modulo 2^64, whose base has an inverse there: so that the hash of a stretch is a
difference of two sums, whatever the number of stretches. With 5 M names one in 10^8 scanned posts meets a collision.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

_BASE = 0x9E3779B97F4A7C15
_INVERSE = pow(_BASE, -1, 2**64)
_START_CHARS = 4_096


def hashes_of(words: Sequence[str]) -> Hashes:
    """Hashes of words, (n_words,); that of the empty word is 0."""
    lengths = np.fromiter((len(word) for word in words), dtype=np.int64, count=len(words))
    ends = np.cumsum(lengths)
    sums = TextHashes("".join(words))
    return sums.between(ends - lengths, ends)


class TextHashes:
    """Hashes of the stretches of one text."""

    def __init__(self, text: str) -> None:
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        powers, self._inverses = _powers(len(points))
        self._sums = np.zeros(len(points) + 1, dtype=np.uint64)
        np.cumsum(_mixed(points.astype(np.uint64)) * powers[: len(points)], out=self._sums[1:])

    def between(self, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Hashes:
        """Hashes of the stretches from `starts` to `ends`, exclusive; of one shape."""
        found: Hashes = (self._sums[ends] - self._sums[starts]) * self._inverses[starts]
        return found


def _mixed(points: Hashes) -> Hashes:
    """Spreads code points over 64 bits (splitmix64): neighbours of the alphabet must not be neighbours here."""
    points = (points + np.uint64(1)) * np.uint64(0xBF58476D1CE4E5B9)
    points ^= points >> np.uint64(30)
    points *= np.uint64(0x94D049BB133111EB)
    mixed: Hashes = points ^ (points >> np.uint64(31))
    return mixed


_known = (np.ones(1, dtype=np.uint64), np.ones(1, dtype=np.uint64))


def _powers(count: int) -> tuple[Hashes, Hashes]:
    """Powers of the base and of its inverse, from 0 to at least `count`."""
    global _known  # noqa: PLW0603 - a table that only grows
    if len(_known[0]) <= count:
        size = max(_START_CHARS, 2 * count)
        base, inverse = (np.full(size, number, dtype=np.uint64) for number in (_BASE, _INVERSE))
        base[0] = inverse[0] = 1
        _known = np.cumprod(base, dtype=np.uint64), np.cumprod(inverse, dtype=np.uint64)
    return _known
