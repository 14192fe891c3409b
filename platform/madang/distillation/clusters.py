"""Which posts are nearly one: reposts and templates, which must not stand on both sides of a split.

MinHash over runs of five characters: an estimate of Jaccard's index with a standard error of 0.06 at 64 permutations,
and no pairs are compared that share no band. Posts that differ in a number or a date are nearly one as well.
"""

import zlib
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from madang.evaluation.answers import folded

LEAST_SIMILARITY = 0.7
_PERMUTATIONS, _BAND_ROWS, _SHINGLE_CHARS = 64, 4, 5
_PRIME = (1 << 31) - 1


def near_duplicates(texts: Sequence[str]) -> list[int]:
    """The cluster of each text: the index of the first text of it.

    Args:
        texts: Posts, one text each.
    """
    signatures = np.stack([_signature(text) for text in texts]) if texts else np.zeros((0, _PERMUTATIONS), np.int64)
    parents = list(range(len(texts)))

    def root(index: int) -> int:
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index

    for start in range(0, _PERMUTATIONS, _BAND_ROWS):
        buckets: dict[bytes, list[int]] = defaultdict(list)
        for index, signature in enumerate(signatures):
            buckets[signature[start : start + _BAND_ROWS].tobytes()].append(index)
        for bucket in buckets.values():
            for index in bucket[1:]:
                one, other = sorted((root(bucket[0]), root(index)))
                if one != other and _similarity(signatures[bucket[0]], signatures[index]) >= LEAST_SIMILARITY:
                    parents[other] = one
    return [root(index) for index in range(len(texts))]


def _similarity(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    return float((one == other).mean())


def _signature(text: str) -> NDArray[np.int64]:
    plain = folded(text)
    small = "".join("0" if char.isdigit() else char for char in plain if char.isalnum()) or plain
    runs = {small[at : at + _SHINGLE_CHARS] for at in range(max(1, len(small) - _SHINGLE_CHARS + 1))}
    hashes = np.array([zlib.crc32(run.encode("utf-8", "surrogatepass")) % _PRIME for run in runs], np.int64)
    lowest: NDArray[np.int64] = ((hashes[:, None] * _FACTORS + _OFFSETS) % _PRIME).min(axis=0)
    return lowest


_GENERATOR = np.random.default_rng(20_241_127)
_FACTORS = _GENERATOR.integers(1, _PRIME, _PERMUTATIONS, dtype=np.int64)
_OFFSETS = _GENERATOR.integers(0, _PRIME, _PERMUTATIONS, dtype=np.int64)
