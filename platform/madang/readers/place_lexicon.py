"""Words by which Korean places are known: kinds of endings, chains, landmarks, and what is no place."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml


@dataclass(frozen=True)
class PlaceLexicon:
    """Common words, by what they tell.

    Args:
        endings: Kind of place by the ending of a name.
        longest_ending: In characters.
        chains: Names that many shops bear.
        landmarks: Names that one place bears.
        generic: Kinds of place, which name none.
        not_places: Online shops, apps, brands.
        locating: What stands after a name that only says where.
        particles: What a word may end in after a name.
        areas: Districts, quarters and cities.
    """

    endings: dict[str, str]
    longest_ending: int
    chains: frozenset[str]
    landmarks: frozenset[str]
    generic: frozenset[str]
    not_places: frozenset[str]
    locating: frozenset[str]
    particles: frozenset[str]
    areas: frozenset[str]

    def ending(self, name: str) -> tuple[str, str] | None:
        """The longest ending of a name with its kind; None if it has none."""
        for length in range(min(self.longest_ending, len(name)), 0, -1):
            kind = self.endings.get(name[-length:])
            if kind is not None:
                return name[-length:], kind
        return None


@cache
def korean_lexicon() -> PlaceLexicon:
    """The lexicon that comes with the package."""
    words = yaml.safe_load(files("madang.readers").joinpath("data/places_ko.yaml").read_text("utf-8"))
    endings = {ending.lower(): kind for kind, of in words["endings"].items() for ending in of}
    sets = {
        name: frozenset(str(word).lower() for word in words[name])
        for name in ("chains", "landmarks", "generic", "not_places", "locating", "particles", "areas")
    }
    return PlaceLexicon(endings, max(map(len, endings)), **sets)
