"""What a reader sees as one character: a base with what combines with it, or a syllable of decomposed Hangul.

Texts are normalised cluster by cluster, so that offsets into the stored text stay known.
"""

import unicodedata
from itertools import pairwise


def clusters(text: str) -> list[tuple[int, int]]:
    """First code point of each cluster, and one past its last."""
    if not text:
        return []
    return list(pairwise([0, *(at for at in range(1, len(text)) if not continues(text[at])), len(text)]))


def continues(char: str) -> bool:
    """Whether a character belongs to the cluster before it."""
    # U+1160 to U+11FF are the vowels and finals of decomposed Hangul, of combining class 0. None is below U+0300.
    return char > "\u02ff" and (unicodedata.combining(char) != 0 or "\u1160" <= char <= "\u11ff")
