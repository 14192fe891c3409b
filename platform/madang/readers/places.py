"""Places that a post names, what kind of post it is, and hashtags: without a model.

Korean and English differ in what a place is: neighbourhood posts name shops, stations and parks, English ones also
countries and cities. The language that most letters are of decides which classifier reads the post.
"""

from collections.abc import Mapping

from madang.extraction.grounding import PostText
from madang.readers import hashed_linear
from madang.readers.folded import FoldedPost
from madang.readers.found import Found, FoundMention
from madang.readers.hashtags import hashtags_of
from madang.readers.place_senses import sense_features
from madang.readers.place_senses_en import english_senses
from madang.readers.place_spans import PlaceSpan, english_column, korean_column, spans_of
from madang.readers.post_kind import read_kind

VERSION = 1
KEYS = {"mentions": "mentions", "post_kind": "label", "hashtags": "mentions"}
# Longer columns are read up to here: a post that names places names them long before.
MAX_CHARS = 10_000


def read(text: PostText) -> dict[str, Found]:
    """Reads `mentions` (values `is_review` and `direction_only`), `post_kind` and `hashtags` (value `origin`).

    A post that names no place has an empty `mentions`; one without letters has nothing at all.
    """
    if text.is_blank:
        return {}
    folded = FoldedPost(text)
    parts = {name: part[:MAX_CHARS] for name, part in folded.text.parts.items()}
    is_korean = _is_korean("".join(parts.values()))
    small = {name: lowered(part) for name, part in parts.items()}
    mentions = _korean(small) if is_korean else _english(parts)
    kind, confidence = read_kind(small, is_korean)
    hashtags = hashtags_of(mentions, small)
    found = {
        "mentions": Found(tuple(mentions), tuple(one.span for one in mentions)),
        "hashtags": Found(tuple(hashtags), tuple(one.span for one in hashtags)),
        "post_kind": Found(kind, confidence=confidence),
    }
    return folded.stored(found)


def lowered(part: str) -> str:
    """A text in lower case with every character in its place."""
    small = part.lower()
    return small if len(small) == len(part) else "".join(c.lower() if len(c.lower()) == 1 else c for c in part)


def _korean(parts: Mapping[str, str]) -> list[FoundMention]:
    columns = [korean_column(name, part, at == 0) for at, (name, part) in enumerate(parts.items())]
    model = hashed_linear.load("places_ko")
    reviews, directions = hashed_linear.load("place_reviews"), hashed_linear.load("place_directions")
    spans = spans_of(columns, model)
    whole = "\n".join(parts.values())
    found = []
    for one in spans:
        features = sense_features(one, whole, len(spans) - 1)
        is_direction = directions.score(features) > 0
        is_review = not is_direction and reviews.score(features) > 0
        found.append(_mention(one, is_review, is_direction, model.confidence(one.score)))
    return found


def _english(parts: Mapping[str, str]) -> list[FoundMention]:
    model = hashed_linear.load("places_en")
    spans = spans_of([english_column(name, part) for name, part in parts.items()], model)
    return [_mention(one, *english_senses(one), model.confidence(one.score)) for one in spans]


def _mention(one: PlaceSpan, is_review: bool, is_direction: bool, confidence: float) -> FoundMention:
    return FoundMention(one.span, {"is_review": is_review, "direction_only": is_direction}, round(confidence, 3))


def _is_korean(text: str) -> bool:
    hangul = sum("가" <= char <= "힣" for char in text)
    return hangul > 0 and hangul * 3 >= sum(char.isalpha() for char in text)
