"""Whether the author of an English post tells of a place, or names it only to say where something else is."""

import re

from madang.readers.place_spans import PlaceSpan
from madang.readers.post_cues import post_cues

_CLAUSE_END = re.compile(r"(?<!\bSt)[.!?\n]+(?=\s|$)")
# Longer than any phrase that leads to a place ("across the street from the").
_CHARS_BEFORE = 40


def english_senses(mention: PlaceSpan) -> tuple[bool, bool]:
    """`is_review` and `direction_only` of a mention."""
    cues = post_cues()
    text, candidate = mention.column.text, mention.candidate
    if cues.english_near.search(text[max(0, candidate.start - _CHARS_BEFORE) : candidate.start].lower()):
        return False, True
    start = max((found.end() for found in _CLAUSE_END.finditer(text, 0, candidate.start)), default=0)
    following = _CLAUSE_END.search(text, candidate.end)
    clause = text[start : following.end() if following else len(text)].lower()
    return "?" not in clause and cues.english_opinion.search(clause) is not None, False
