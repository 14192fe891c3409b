"""Links a mention to a place of the directory, or says why not.

Candidates come by several views of the name; the score adds up what the name, the region, the kind of place and its
popularity say. The weights are set by hand and are log odds: no file tells which place a mention in a neighbourhood
post means, so there was nothing to fit them to. They were checked on names taken from the directory and spoilt
(benchmarks/linking.py): 2026-11-20.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from madang.linking.evidence import OTHER_DISTRICT, TextSigns, name_similarity, region_score, text_score
from madang.linking.forms import Form, NameForms, mention_forms
from madang.linking.index import Place, PlaceIndex, Rows
from madang.linking.link import Candidate, Link, Outcome
from madang.linking.regions import stem
from madang.linking.same import KnownPlace, RealPlace, distance_km, known_places, real_places

# A brand has hundreds of branches: those in areas that the post names are read, and so many others.
_MOST_OF_A_VIEW = 60
_MOST_BY_GRAMS = 40
_ANSWER_FROM = 0.7
_MOST_TOLD = 5
_LEAST_SIMILARITY = 0.6
_CLOSE_KM = 1.0
_LONGEST_CHARS = 100
# From here a name is the place's own, whole or without its branch, its kind or its area.
_LIKE = 0.85

_BIAS = -6.5
_NAME = 9.0
_NEIGHBOUR, _ALIAS = 1.0, 3.0
_POPULARITY = 0.15


@dataclass(frozen=True)
class MentionContext:
    """What is known beside a mention.

    Args:
        district: District that the post states; empty if it does not.
        dong: Neighbourhood that the post states.
        text: The text around the mention, for addresses, areas and words for kinds of places.
        beside: Places that the same post means, already linked.
    """

    district: str = ""
    dong: str = ""
    text: str = ""
    beside: Sequence[Place] = ()

    def near(self, places: Sequence[Place]) -> "MentionContext":
        """The same, beside other places."""
        return replace(self, beside=places)


class Linker:
    """Links mentions to one directory.

    Args:
        index: The directory's index.
        aliases: Ids of the places that each folded alias means: what `aliases_of` gave.
    """

    def __init__(self, index: PlaceIndex, aliases: Mapping[str, Sequence[str]] | None = None) -> None:
        self.index = index
        self._aliases = dict(aliases or {})

    def link(self, mention: str, context: MentionContext | None = None) -> Link:
        """Finds the place that a mention means.

        Args:
            mention: As written; exits, particles and marks do not matter.
            context: What is known beside it.
        """
        context = context or MentionContext()
        forms = mention_forms(mention[:_LONGEST_CHARS], self.index.areas)
        if not forms.whole:
            return self._decided(mention, [], context)
        known, by_alias = self._candidates(forms, context)
        signs = TextSigns(context.text)
        scored = sorted(
            (self._scored(real, forms, context, signs, by_alias) for real in real_places(known)),
            key=lambda found: (-found.score, found.similarity < 1, found.real.first.place.place_id),
        )
        return self._decided(mention, [one for one in scored if one.similarity >= _LEAST_SIMILARITY], context)

    def _candidates(self, forms: NameForms, context: MentionContext) -> tuple[list[KnownPlace], set[int]]:
        rows: dict[int, None] = {}
        by_alias = {
            self.index.rows_by_id[place_id]
            for form in forms.forms for place_id in self._aliases.get(form, ())
            if place_id in self.index.rows_by_id
        }  # fmt: skip
        rows.update(dict.fromkeys(sorted(by_alias)))
        near = self._areas_of(forms, context)
        for form, kind in forms.forms.items():
            if kind is Form.PART and form != forms.whole:
                continue
            found, _ = self.index.by_form(form)
            rows.update(dict.fromkeys(self._nearest(found, near)))
        if not rows or forms.branch:
            rows.update(dict.fromkeys(self.index.by_grams(forms.whole, _MOST_BY_GRAMS).tolist()))
        return known_places(self.index, list(rows)), by_alias

    def _areas_of(self, forms: NameForms, context: MentionContext) -> list[int]:
        named = [stem(area) for area in (context.dong, context.district) if area] + [forms.branch]
        return [self.index.areas[area] for area in named if area in self.index.areas]

    def _nearest(self, rows: Rows, areas: Sequence[int]) -> list[int]:
        """At most so many rows: first those in the areas, then the others in their order."""
        if len(rows) <= _MOST_OF_A_VIEW:
            return [int(row) for row in rows]
        is_near = np.isin(self.index.area[rows], areas).sum(axis=1)
        order = np.argsort(-is_near, kind="stable")[:_MOST_OF_A_VIEW]
        return [int(row) for row in rows[order]]

    def _scored(
        self, real: RealPlace, forms: NameForms, context: MentionContext, signs: TextSigns, by_alias: set[int]
    ) -> "_Scored":
        one = real.first
        is_alias = any(row.row in by_alias for row in real.rows)
        similarity, how = max(name_similarity(forms, row) for row in real.rows)
        if is_alias:
            similarity, how = 1.0, "a confirmed alias"
        score, why = _BIAS + _NAME * similarity, [how]
        agreement, told = region_score(one, context.district, context.dong)
        score += agreement
        why += told
        if is_alias:
            score += _ALIAS
        from_text, told = text_score(one, signs)
        score += from_text
        why += told
        apart = [distance_km(one.place, other) for other in context.beside]
        if any(km is not None and km < _CLOSE_KM for km in apart):
            score += _NEIGHBOUR
            why.append("near a place named beside it")
        popularity = max((row.place.popularity or 0.0) for row in real.rows)
        score += _POPULARITY * math.log1p(max(popularity, 0.0))
        return _Scored(real, score, similarity, agreement <= OTHER_DISTRICT, tuple(why))

    def _decided(self, mention: str, scored: "Sequence[_Scored]", context: MentionContext) -> Link:
        directory = self.index.version
        if not scored:
            return Link(mention, Outcome.NO_CANDIDATE, "no place of the directory has such a name", (), directory)
        # The places compete: what is likely by itself is not, beside another that is as likely.
        odds = [math.exp(min(one.score, 50.0)) for one in scored]
        total = 1.0 + sum(odds)
        candidates = tuple(
            Candidate(one.real.first.place, one.score, odd / total,
                      tuple(row.place.place_id for row in one.real.rows), one.why)
            for one, odd in zip(scored[:_MOST_TOLD], odds, strict=False)
        )  # fmt: skip
        best, first = candidates[0], scored[0]
        if best.probability >= _ANSWER_FROM:
            return Link(mention, Outcome.LINKED, "; ".join(best.why), candidates, directory)
        alike = [one for one in scored if one.score > first.score - 1.0]
        if first.contradicts and first.similarity >= _LIKE:
            where = " ".join(part for part in (context.district, context.dong) if part)
            reason = f"{best.place.name} has such a name, and does not lie in {where}"
            return Link(mention, Outcome.REGION_CONTRADICTS, reason, candidates, directory)
        if len(alike) > 1 and odds[0] > 1.0:
            reason = f"{len(alike)} places are alike: say which by a branch, a district or an address"
            return Link(mention, Outcome.SEVERAL_ALIKE, reason, candidates, directory)
        reason = f"{best.place.name} is closest, and its name is not close enough"
        return Link(mention, Outcome.UNLIKE, reason, candidates, directory)


@dataclass(frozen=True)
class _Scored:
    real: RealPlace
    score: float
    similarity: float
    contradicts: bool
    why: tuple[str, ...]
