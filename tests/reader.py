"""A reader of the tests' own: one key of each kind, found by plain words. It raises on a post that holds `boom`."""

import re

from madang.extraction.grounding import PostText, Span
from madang.readers.found import Found, FoundMention
from madang.readers.money import Money

VERSION = 1
KEYS = {
    "is_recruiting": "flag",
    "topics": "labels",
    "gender": "label",
    "seats": "number",
    "fee": "money",
    "place": "text",
    "spots": "mentions",
    "wrong": "number",
}


def read(text: PostText) -> dict[str, Found]:
    """Reads `모집`, `running hiking`, `women`, `seats 4`, `fee 3000`, `at Hill` and `#Park`."""
    if text.find("boom"):
        raise ZeroDivisionError("boom")
    found: dict[str, Found] = {}
    if span := text.find("모집"):
        found["is_recruiting"] = Found(True, (span,), 0.9)
    topics = [(word, span) for word in ("hiking", "running", "chess") if (span := text.find(word))]
    if topics:
        found["topics"] = Found(tuple(word for word, _ in topics), tuple(span for _, span in topics), 0.8)
    if span := text.find("women"):
        found["gender"] = Found("female", (span,))
    if match := re.search(r"seats (\d+)", text.parts["body"]):
        found["seats"] = Found(float(match[1]), (Span("body", *match.span(1)),), 0.7)
    if match := re.search(r"fee (\d+)", text.parts["body"]):
        found["fee"] = Found(Money(float(match[1]), "KRW"), (Span("body", *match.span(1)),))
    if match := re.search(r"at (\w+)", text.parts["body"]):
        found["place"] = Found(match[1].upper(), (Span("body", *match.span(1)),))
    spots = [
        FoundMention(Span(column, *match.span()), {"is_review": "good" in part, "district": "north"}, 0.6)
        for column, part in text.parts.items()
        for match in re.finditer(r"#\w+", part)
    ]
    if spots:
        found["spots"] = Found(tuple(spots))
    if text.find("many"):
        found["wrong"] = Found("many")
    if text.find("nowhere"):
        found["seats"] = Found(2.0, (Span("body", 0, 1000),))
    return found
