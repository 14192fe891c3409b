"""What a linear student sees of a whole post: words, pairs of words and runs of characters, and how it begins and ends.

Features are hashed to places in a table. The table holds no text, so a student that travels carries none.
"""

import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from madang.readers.places import lowered

BITS = 18
MAX_CHARS = 4_000
_WORD = re.compile(r"[가-힣ㄱ-ㅎㅏ-ㅣ]+|[^\W\d_가-힣]+|\d+|[?!~^ㅠㅎㅋ]+")


def place_of(feature: str) -> int:
    """Where a feature stands in the table."""
    return zlib.crc32(feature.encode("utf-8", "surrogatepass")) & ((1 << BITS) - 1)


def turn_features(turn: str) -> Iterator[str]:
    """What is seen of a post.

    Args:
        turn: What a model is shown of it; its first line is the title.
    """
    small = lowered(turn[:MAX_CHARS])
    title, _, body = small.partition("\n")
    for column, part in (("title", title), ("body", body)):
        words = _WORD.findall(part)
        for word in words:
            yield f"w {word}"
            yield f"{column} {word}"
            padded = f" {word} "
            for length in (2, 3, 4):
                for at in range(len(padded) - length + 1):
                    yield f"g {padded[at : at + length]}"
        for first, second in pairwise(words):
            yield f"p {first} {second}"
        for run in re.findall(r"[가-힣]+(?: [가-힣]+)*", part):
            for at in range(len(run) - 4):
                yield f"r {run[at : at + 5]}"
        if words:
            yield f"{column} begins {words[0]}"
            yield f"{column} ends {words[-1]}"
            yield f"{column} closes {part.rstrip()[-3:]}"
        yield f"{column} length {min(len(part) // 30, 8)}"
    yield f"link {'http' in small}"


def matrix(rows: Sequence[Iterable[str]]) -> csr_matrix:
    """Rows of features as a matrix, each row of length one, shape `(n_rows, 2 ** BITS)`; a feature counts once."""
    return matrix_of_places([map(place_of, row) for row in rows])


def matrix_of_places(rows: Sequence[Iterable[int]]) -> csr_matrix:
    """The same of features that are places in the table already."""
    places = [np.unique(np.fromiter(row, np.int32)) for row in rows]
    ends = np.cumsum([0, *map(len, places)])
    lengths = np.repeat([1 / np.sqrt(max(len(row), 1)) for row in places], [len(row) for row in places])
    joined: NDArray[np.int32] = np.concatenate(places) if places else np.zeros(0, np.int32)
    return csr_matrix((lengths.astype(np.float32), joined, ends), shape=(len(rows), 1 << BITS))
