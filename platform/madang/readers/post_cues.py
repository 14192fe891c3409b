"""Phrases that tell what a post is for and what its author thinks: data/post_cues.yaml, read once."""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml


@dataclass(frozen=True)
class PostCues:
    """Patterns, for texts in lower case.

    Args:
        korean: By what they tell.
        english_kinds: Kind of post by what it says; the first that fits decides.
        english_near: What stands before a place that only says where something is.
        english_opinion: What an author thinks or went through.
    """

    korean: dict[str, re.Pattern[str]]
    english_kinds: dict[str, re.Pattern[str]]
    english_near: re.Pattern[str]
    english_opinion: re.Pattern[str]


@cache
def post_cues() -> PostCues:
    """The phrases that come with the package."""
    words = yaml.safe_load(files("madang.readers").joinpath("data/post_cues.yaml").read_text("utf-8"))
    return PostCues(
        {name: re.compile("|".join(of)) for name, of in words["korean"].items()},
        {name: re.compile("|".join(of)) for name, of in words["english_kinds"].items()},
        re.compile(rf"(?:{'|'.join(words['english_near'])})\s+(?:the\s+)?$"),
        re.compile("|".join(words["english_opinion"])),
    )
