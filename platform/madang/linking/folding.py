"""Text by which names are compared, with the way back to the stored text.

A name and a text are folded alike (NFKC, case, spaces and marks inside words dropped), so that a look-up is one
comparison of hashes. What ends a phrase (a line's end, a comma, an emoji) stays as a barrier that no name holds.
"""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from madang.posts.clusters import clusters

BARRIER = "\n"
_ENDS_A_PHRASE = frozenset('\n\r\t#/|,;!?"“”…')
_COMPOSED = range(0xAC00, 0xD7A4)


@dataclass(frozen=True)
class FoldedText:
    """A text folded, character by character.

    Args:
        text: Folded characters; a barrier where a phrase ends.
        starts: Code point in the original at which each folded character begins.
        ends: One past its last code point there.
        opens: Whether a word begins with the character.
    """

    text: str
    starts: list[int]
    ends: list[int]
    opens: list[bool]

    def rest_of_word(self, at: int, most: int) -> str:
        """What follows in the word that holds the character before `at`, of at most so many characters."""
        end = at
        while end < min(at + most, len(self.text)) and not self.opens[end] and self.text[end] != BARRIER:
            end += 1
        return self.text[at:end]


def fold_name(name: str) -> str:
    """A name without case, spaces, punctuation and forms of Unicode: "Café  드롭탑 " becomes "café드롭탑"."""
    return "".join(char for char in _folded(name) if char.isalnum())


def fold_text(text: str) -> FoldedText:
    """Folds a text; offsets are those of the text as given."""
    chars: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    opens: list[bool] = []
    is_open = True
    for start, end in clusters(text):
        told = _folded_cluster(text[start:end])
        if told and all(char.isalnum() for char in told):
            for index, char in enumerate(told):
                chars.append(char)
                starts.append(start)
                ends.append(end)
                opens.append(is_open and index == 0)
            is_open = False
            continue
        is_open = True
        if _is_barrier(text, start, end) and chars and chars[-1] != BARRIER:
            chars.append(BARRIER)
            starts.append(start)
            ends.append(end)
            opens.append(True)
    return FoldedText("".join(chars), starts, ends, opens)


def _is_barrier(text: str, start: int, end: int) -> bool:
    char = text[start]
    if char in _ENDS_A_PHRASE:
        return True
    if char.isspace() or unicodedata.category(char) in ("Ps", "Pe", "Pd", "Pc", "Cf", "Mn"):
        return False
    if char in ".:":  # A.B and 3:30 are one word; a full stop ends a phrase.
        return end >= len(text) or not text[end].isalnum()
    return not (char in "&'’·~+" and end < len(text))


@lru_cache(maxsize=8192)
def _folded_cluster(cluster: str) -> str:
    return cluster if ord(cluster[0]) in _COMPOSED and len(cluster) == 1 else _folded(cluster)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
