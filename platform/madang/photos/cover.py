"""Which photo of a listing should be its cover, and why."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from madang.photos.quality import Quality

# What people want to see first of a home. What nobody could tell counts as the middle.
_APPEAL = {"living_room": 1.0, "bedroom": 0.95, "outside": 0.8, "kitchen": 0.7, "other": 0.55, "bathroom": 0.35,
           "document": 0.1}  # fmt: skip
_UNKNOWN = 0.6
# A change is proposed only where it is clear: a lister chose the present cover.
CLEARLY = 0.15
_WORST = 0.35


@dataclass(frozen=True)
class Seen:
    """A photo as it was judged.

    Args:
        name: Its file or address.
        quality: What its pixels say.
        kind: What it shows; None if nobody looked.
        confidence: How sure of that, 0 to 1.
    """

    name: str
    quality: Quality
    kind: str | None = None
    confidence: float = 0.0

    @property
    def score(self) -> float:
        """0 to 1: quality, times how much one wants to see what it shows."""
        sure = _APPEAL.get(self.kind or "", _UNKNOWN)
        return self.quality.score * (self.confidence * sure + (1 - self.confidence) * _UNKNOWN)


@dataclass(frozen=True)
class Proposal:
    """What to do about a cover.

    Args:
        present: The cover now.
        best: The photo that should be it; the present one where no other is clearly better.
        reason: Why, in words.
        ranking: All photos, the best first.
    """

    present: str
    best: str
    reason: str
    ranking: tuple[Seen, ...]

    @property
    def is_change(self) -> bool:
        """Whether another photo is proposed."""
        return self.best != self.present

    def to_json(self) -> dict[str, object]:
        """Plain form."""
        photos = [
            {"name": seen.name, "score": round(seen.score, 3), "shows": seen.kind, "sure": round(seen.confidence, 3)}
            | {key: round(value, 3) if isinstance(value, float) else value
               for key, value in asdict(seen.quality).items()}
            for seen in self.ranking
        ]  # fmt: skip
        return {"cover": self.present, "proposed": self.best if self.is_change else None, "reason": self.reason,
                "photos": photos}  # fmt: skip


def propose(photos: Sequence[Seen]) -> Proposal:
    """Ranks a listing's photos.

    Args:
        photos: In the listing's order: the first is the cover now. At least one.
    """
    present = photos[0]
    ranking = tuple(sorted(photos, key=lambda seen: -seen.score))
    best = ranking[0]
    if best.score - present.score < CLEARLY:
        reason = "no other photo is clearly better" if len(photos) > 1 else "there is no other photo"
        return Proposal(present.name, present.name, reason, ranking)
    return Proposal(present.name, best.name, _reason(present, best), ranking)


def _reason(present: Seen, best: Seen) -> str:
    """What is wrong with the present cover and better in the other one."""
    wrong = []
    if present.quality.is_graphic:
        wrong.append("the cover is a screenshot or a drawing")
    if present.quality.has_text:
        wrong.append("words are laid over the cover")
    for name, own, other in (
        ("blurred", present.quality.sharpness, best.quality.sharpness),
        ("too dark or too bright", present.quality.exposure, best.quality.exposure),
        ("small", present.quality.resolution, best.quality.resolution),
    ):
        if own < _WORST < other:
            wrong.append(f"the cover is {name}")
    if present.kind and best.kind and present.kind != best.kind:
        wrong.append(f"the cover shows {_words(present.kind)}, the other {_words(best.kind)}")
    told = "; ".join(wrong) or "the other is better all in all"
    return f"{told} (score {present.score:.2f} against {best.score:.2f})"


def _words(kind: str) -> str:
    return {"outside": "the house from outside", "document": "a document", "other": "something else"}.get(
        kind, f"a {kind.replace('_', ' ')}"
    )
