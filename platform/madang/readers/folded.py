"""Posts in the one spelling that patterns are written for, and the way back to the stored text.

Patterns name composed syllables and plain digits; posts hold decomposed Hangul, full-width digits, ㎡ and invisible
joiners. Only what differs is rewritten, and every character of the result knows where it came from.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from madang.extraction.grounding import PostText, Span
from madang.posts.clusters import clusters
from madang.readers.found import Found, FoundMention, FoundValue


class FoldedPost:
    """A post after NFKC and without invisible characters.

    Args:
        stored: The post as it is stored.
    """

    def __init__(self, stored: PostText) -> None:
        self._places: dict[str, list[tuple[int, int]]] = {}
        parts: dict[str, str] = {}
        for name, part in stored.parts.items():
            if unicodedata.is_normalized("NFKC", part) and all(char.isprintable() or char.isspace() for char in part):
                parts[name] = part
            else:
                parts[name], self._places[name] = _folded(part)
        self.text = PostText(parts)

    def stored(self, found: Mapping[str, Found]) -> dict[str, Found]:
        """What was found in `text`, with spans of the stored text."""
        return {
            key: replace(one, value=self._value(one.value), spans=tuple(self._stored(span) for span in one.spans))
            for key, one in found.items()
        }

    def _value(self, value: FoundValue) -> FoundValue:
        if not isinstance(value, tuple):
            return value
        moved = [
            replace(item, span=self._stored(item.span)) if isinstance(item, FoundMention) else item for item in value
        ]
        return cast("FoundValue", tuple(moved))

    def _stored(self, span: Span) -> Span:
        places = self._places.get(span.field)
        if places is None or span.start >= span.end:
            return span
        return Span(span.field, places[span.start][0], places[span.end - 1][1])


def _folded(part: str) -> tuple[str, list[tuple[int, int]]]:
    chars: list[str] = []
    places: list[tuple[int, int]] = []
    for start, end in clusters(part):
        # ㄴㄴ and ㅇㅋ stay letters: NFKC would make them parts of syllables.
        cluster = part[start:end]
        for char in cluster if "\u3131" <= cluster <= "\u318e" else unicodedata.normalize("NFKC", cluster):
            if unicodedata.category(char) not in ("Cf", "Cc") or char.isspace():
                chars.append(char)
                places.append((start, end))
    return "".join(chars), places
