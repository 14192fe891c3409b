"""Finds names of the directory in a text: the directory itself is the list of names.

Every stretch of a text that begins at a word is looked up, in one sweep of numpy; in a hashtag, which is written
without spaces, every stretch.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from madang.linking.folding import BARRIER, FoldedText, fold_text
from madang.linking.forms import Form, is_kind, is_particle
from madang.linking.hashing import TextHashes
from madang.linking.index import PlaceIndex, Rows
from madang.linking.regions import stem

_COMMON_WORDS = frozenset(
    word
    for line in Path(__file__).with_name("common_words.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
    for word in line.split()
)
_LONGEST_CHARS = 24
# Longer than any kind of place with its particles; a word may have 100,000 characters.
_LONGEST_REST_CHARS = 16
# A name that goes on as no particle and no kind of place does must be this long to be one: 우도 is not in 우도로.
_LONG_CHARS = 3


@dataclass(frozen=True)
class NameMatch:
    """A stretch of a text that is a form of some places' names.

    Args:
        start: First code point in the text.
        end: One past the last.
        chars: Length of the form, folded.
        is_clean: Whether a word begins with it and nothing but particles, or the kind of place, follows in its word.
        is_common: Whether it is a common word too, and the whole name of a place: one that is only a part of a name is
            left out, and so is an area that is only a part of one.
        rows: Rows of the places, (n_rows,).
        forms: How much of each one's name the stretch is, (n_rows,): values of `Form`.
    """

    start: int
    end: int
    chars: int
    is_clean: bool
    is_common: bool
    rows: Rows
    forms: NDArray[np.uint8]


def scan(index: PlaceIndex, text: str, *, is_tag: bool = False) -> list[NameMatch]:
    """Names in a text, by where they begin; a name inside a longer one that says as much is left out.

    Args:
        index: The directory.
        text: As stored; offsets are into it.
        is_tag: Whether it is a hashtag.
    """
    folded = fold_text(text)
    if len(folded.text) < 2 or not len(index):
        return []
    begins = np.array(
        [at for at, (char, opens) in enumerate(zip(folded.text, folded.opens, strict=True))
         if char != BARRIER and (opens or is_tag)],
        dtype=np.int64,
    )  # fmt: skip
    if not len(begins):
        return []
    starts, ends, firsts, lasts = _known_stretches(index, folded.text, begins)
    matches = []
    for start, end, first, last in zip(starts.tolist(), ends.tolist(), firsts.tolist(), lasts.tolist(), strict=True):
        is_clean = _is_clean(folded, start, end)
        if not is_clean and end - start < _LONG_CHARS:
            continue
        rows, forms = index.at(first, last)
        form = folded.text[start:end]
        is_common = form in _COMMON_WORDS
        if forms.min() != Form.WHOLE and (is_common or stem(form) in index.areas):
            continue
        matches.append(
            (
                start,
                end,
                NameMatch(folded.starts[start], folded.ends[end - 1], len(form), is_clean, is_common, rows, forms),
            )
        )
    return _outermost(matches)


def _known_stretches(
    index: PlaceIndex, text: str, begins: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Stretches that are keys, as (start, end, first key, last key)."""
    starts = np.repeat(begins, _LONGEST_CHARS)
    ends = starts + np.tile(np.arange(1, _LONGEST_CHARS + 1, dtype=np.int64), len(begins))
    starts, ends = starts[ends <= len(text)], ends[ends <= len(text)]
    # One character alone is the name of some places, and never tells which.
    starts, ends = starts[ends - starts > 1], ends[ends - starts > 1]
    first, last = index.find(TextHashes(text).between(starts, ends))
    there = first < last
    return starts[there], ends[there], first[there], last[there]


def _is_clean(folded: FoldedText, start: int, end: int) -> bool:
    rest = folded.rest_of_word(end, _LONGEST_REST_CHARS)
    return folded.opens[start] and (is_particle(rest) or is_kind(rest))


def _outermost(matches: list[tuple[int, int, NameMatch]]) -> list[NameMatch]:
    kept: list[NameMatch] = []
    reach, reach_form = -1, int(Form.PART)
    for _, end, match in sorted(matches, key=lambda found: (found[0], -found[1])):
        best = int(match.forms.min())
        if end <= reach and reach_form <= best:
            continue
        kept.append(match)
        if match.is_clean and (end > reach or best < reach_form):
            reach, reach_form = end, best
    return kept
