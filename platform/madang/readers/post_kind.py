"""What kind of post it is, by a small classifier over its words, its cues and its length."""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np

from madang.readers.hashed_linear import load, place_of
from madang.readers.place_candidates import words_of
from madang.readers.place_features import stem_of
from madang.readers.post_cues import post_cues

LABELS = ("question", "recommendation_request", "review", "info", "lost_found", "social", "promo", "story", "other")
# Beyond this a post tells nothing more of its kind; code points.
MAX_CHARS = 4_000
_OPEN = re.compile(r"[?？]")
_PHONE = re.compile(r"[*0]{3,4}-[*0]{4}")
_HANGUL_RUN = re.compile(r"[가-힣a-z?!]+")


def kind_features(parts: Mapping[str, str]) -> list[int]:
    """Features of a post.

    Args:
        parts: Its text columns, folded to lower case; the first is the title.
    """
    return [place_of(f"kind {name}") for name in set(_names(parts))]


def _names(parts: Mapping[str, str]) -> Iterator[str]:
    whole = "\n".join(part[:MAX_CHARS] for part in parts.values())
    for number, full in enumerate(parts.values()):
        column = "title" if number == 0 else "body"
        part = full[:MAX_CHARS]
        words = [stem_of(word.text) for word in words_of(part)]
        for word in words:
            yield f"w {word}"
            yield f"{column} {word}"
        for first, second in pairwise(words):
            yield f"b {first} {second}"
        for run in _HANGUL_RUN.findall(part):
            padded = f" {run} "
            for length in (2, 3, 4):
                for at in range(len(padded) - length + 1):
                    yield f"g {padded[at : at + length]}"
        for cue, pattern in post_cues().korean.items():
            if pattern.search(part):
                yield f"cue {column} {cue}"
        yield f"{column} open {bool(_OPEN.search(part))}"
        if words:
            yield f"{column} last {words[-1]}"
            yield f"{column} ends {part.strip()[-3:]}"
            yield f"{column} first {words[0]}"
        yield f"{column} length {min(len(part) // 25, 8)}"
    cues = [cue for cue, pattern in post_cues().korean.items() if pattern.search(whole)]
    for at, first in enumerate(cues):
        for second in cues[at + 1 :]:
            yield f"cues {first} {second}"
    yield f"link {'http' in whole}"
    yield f"phone {bool(_PHONE.search(whole))}"


def read_kind(parts: Mapping[str, str], is_korean: bool) -> tuple[str, float | None]:
    """The kind of a post, and how sure that is.

    Args:
        parts: Its text columns, folded to lower case; the first is the title.
        is_korean: Whether it is Korean: English posts go by their phrases alone, without a confidence.

    Returns:
        One of `LABELS`, and 0 to 1 or None.
    """
    if not is_korean:
        whole = "\n".join(part[:MAX_CHARS] for part in parts.values())
        return next(
            (label for label, pattern in post_cues().english_kinds.items() if pattern.search(whole)), "story"
        ), None
    scores = load("post_kind").scores(kind_features(parts))
    shares = np.exp(scores - scores.max())
    best = int(shares.argmax())
    return LABELS[best], round(float(shares[best] / shares.sum()), 3)
