"""What a link says: which place, how sure, what came second, and why; or why there is none."""

from dataclasses import dataclass
from enum import StrEnum

from pydantic import JsonValue

from madang.linking.index import Place


class Outcome(StrEnum):
    """How a link came out."""

    LINKED = "linked"
    NO_CANDIDATE = "no_candidate"
    UNLIKE = "unlike"
    SEVERAL_ALIKE = "several_alike"
    REGION_CONTRADICTS = "region_contradicts"
    UNSURE = "unsure"


@dataclass(frozen=True)
class Candidate:
    """A place that may be meant.

    Args:
        place: The row that stands for it.
        score: Sum of the weighted evidence (log odds): higher is likelier, without an upper end.
        probability: That it is the place meant, 0 to 1.
        place_ids: All rows of the directory that are this place; the first is `place`.
        why: The evidence in words, strongest first.
    """

    place: Place
    score: float
    probability: float
    place_ids: tuple[str, ...]
    why: tuple[str, ...]


@dataclass(frozen=True)
class Evidence:
    """Where the mention stands.

    Args:
        field: Name of the text column, or `hashtags`.
        start: First code point.
        end: One past the last.
    """

    field: str
    start: int
    end: int


@dataclass(frozen=True)
class Link:
    """A mention, resolved or not.

    Args:
        mention: As written; empty where a post names nothing that the directory knows.
        outcome: `linked`, or why not.
        reason: The same in words.
        candidates: Best first, at most five; the first is the link where the outcome is `linked`.
        evidence: Where the mention stands, if its place in a text is known.
        directory: Version of the directory.
    """

    mention: str
    outcome: Outcome
    reason: str
    candidates: tuple[Candidate, ...]
    directory: str
    evidence: Evidence | None = None

    @property
    def best(self) -> Candidate | None:
        """The best candidate, whether it is the link or not."""
        return self.candidates[0] if self.candidates else None

    @property
    def linked(self) -> Candidate | None:
        """The place linked; None where the linker abstains."""
        return self.best if self.outcome is Outcome.LINKED else None

    @property
    def runner_up(self) -> Candidate | None:
        """The second best candidate."""
        return self.candidates[1] if len(self.candidates) > 1 else None

    def to_json(self) -> dict[str, JsonValue]:
        """One JSON object, to four digits."""
        linked, best, second = self.linked, self.best, self.runner_up
        return {
            "mention": self.mention,
            "place_id": linked.place.place_id if linked else None,
            "name": linked.place.name if linked else None,
            "address": linked.place.address if linked else None,
            "place_ids": list(linked.place_ids) if linked else [],
            "score": round(best.score, 4) if best else None,
            "probability": round(best.probability, 4) if best else None,
            "outcome": self.outcome.value,
            "reason": self.reason,
            "runner_up": {"place_id": second.place.place_id, "name": second.place.name,
                          "probability": round(second.probability, 4)} if second else None,
            "evidence": {"field": self.evidence.field, "start": self.evidence.start, "end": self.evidence.end}
            if self.evidence else None,
            "directory": self.directory,
        }  # fmt: skip
