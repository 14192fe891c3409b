"""What a group does: words that name a topic, weighed by where they stand."""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

import yaml

from madang.extraction.grounding import PostText, Span

_FILE = "group_topics.yaml"
# Named to say who the others are, what is refused or how to get in touch.
_NOT_THE_TOPIC = re.compile(
    r"(?:[은는을를도이가]\s?)?(?:안\s?(?:마|먹|하|해)|못\s?(?:마|먹)|싫어|사절|금지|목적\s?(?:x|은|이\s?아)|제외|강요|말고|보다|상관\s?없|아니)",
    re.IGNORECASE,
)
_TITLE_WEIGHT = 3.0
_BODY_WEIGHT = 1.0
# What people list as their likes says less of the group than what its title says.
_LEAST_SHARE = 0.3


def topics_in(text: PostText, most: int, *, is_recruiting: bool) -> dict[str, list[Span]]:
    """What a post's group does.

    Args:
        text: The post's text columns.
        most: Most topics.
        is_recruiting: Whether the post looks for company: then it has a topic, `other` if none is named.

    Returns:
        Topics, weightiest first, each with the places that name it.
    """
    weights: dict[str, float] = {}
    spans: dict[str, list[Span]] = {}
    for topic, pattern in _patterns().items():
        for span, weight in _named(text, pattern):
            weights[topic] = weights.get(topic, 0.0) + weight
            spans.setdefault(topic, []).append(span)
    if not weights:
        return {"other": []} if is_recruiting else {}
    heaviest = max(weights.values())
    ranked = sorted(weights, key=lambda topic: -weights[topic])
    kept = [topic for topic in ranked if weights[topic] >= _LEAST_SHARE * heaviest]
    return {topic: spans[topic][:3] for topic in kept[:most]}


def _named(text: PostText, pattern: re.Pattern[str]) -> Iterator[tuple[Span, float]]:
    for column, part in text.parts.items():
        weight = _TITLE_WEIGHT if column == "title" else _BODY_WEIGHT
        seen: set[str] = set()
        for match in pattern.finditer(part):
            if _NOT_THE_TOPIC.match(part[match.end() : match.end() + 12].lstrip()) or match[0] in seen:
                continue
            seen.add(match[0])
            yield Span(column, match.start(), match.end()), weight


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    words: dict[str, list[str]] = yaml.safe_load(files(__package__).joinpath(_FILE).read_text(encoding="utf-8"))
    return {topic: re.compile("|".join(named), re.IGNORECASE) for topic, named in words.items()}
