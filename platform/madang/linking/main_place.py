"""The place that a post is about, linked: a blog post with a map card, a review of one shop.

The directory is the list of names, so candidates are all places whose names, or addresses, stand in the text. A
logistic model weighs how often, where and how fully each is named. Titles say less than they seem to: in the posts
seen, title and body are often about two places.
"""

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from madang.linking.folding import fold_text
from madang.linking.forms import KINDS, Form
from madang.linking.gazetteer import NameMatch, scan
from madang.linking.index import PlaceIndex
from madang.linking.link import Candidate, Evidence, Link, Outcome
from madang.linking.regions import buildings, stem
from madang.linking.same import RealPlace, known_places, real_places

# A brand has hundreds of branches: only those in areas that the post names are read, and so many of them.
_MOST_OF_A_NAME = 60
_MOST_OF_A_BUILDING = 50
_MOST_TOLD = 5
_PROMOTION = ("핫플레이스", "가볼만한곳", "핫플", "맛집", "추천", "명소", "여행", "근처")
_AREA_ENDINGS = frozenset({"", "도", "시", "읍", "면", "군", "구", "동"})
_PROVINCES = (
    "서울", "부산", "대구", "인천", "광주", "대전", "울산", "세종", "경기", "강원",
    "충북", "충남", "전북", "전남", "경북", "경남", "제주",
)  # fmt: skip


@dataclass(frozen=True)
class PostWords:
    """What a post says, and nothing of what is to be found out.

    Args:
        title: As stored.
        body: As stored.
        hashtags: Those that stand beside the text.
    """

    title: str = ""
    body: str = ""
    hashtags: Sequence[str] = ()

    @property
    def whole(self) -> str:
        """All of it as one text."""
        return "\n".join([self.title, self.body, *self.hashtags])


@dataclass(frozen=True)
class Named:
    """One time that a post names a place.

    Args:
        field: `title`, `body` or `hashtags`.
        match: Where, and by which form.
        form: How much of the place's name that form is.
    """

    field: str
    match: NameMatch
    form: Form


@dataclass(frozen=True)
class MainCandidate:
    """A place that a post may be about.

    Args:
        real: The place.
        named: Times that the post names it.
        features: Values of `FEATURES`, in their order.
    """

    real: RealPlace
    named: tuple[Named, ...]
    features: tuple[float, ...]


FEATURES = (
    "times_named", "in_title", "in_hashtags", "share_of_name", "chars", "places_so_named", "address_stated",
    "dong_named", "other_province_named", "branch_named", "first_at", "share_of_mentions", "common_word",
)  # fmt: skip
# Fitted on 2026-11-20 by madang.linking.fitting to the part `tune` of blog_places_ko: 85 posts about 70 places.
_WEIGHTS = (1.412, 0.633, 0.301, 1.599, 2.978, -1.023, 1.232, 0.929, -1.402, 0.868, -2.161, 3.471, -0.538)
_BIAS = -11.902
# Of a candidate's score, its lead over the best of the others, and one: by the same, on places held out.
_SCORE, _LEAD, _CERTAINTY = 0.393, 0.645, -1.010
LONGEST_LEAD = 6.0
# What is answered should be right in 95 of 100. There, 67% of the posts were answered from here, all rightly; with the
# right place taken out, 2%.
_ANSWER_FROM = 0.95
# A lead under this leaves two places alike.
_ALIKE = 1.5


def words_of(row: Mapping[str, object]) -> PostWords:
    """What a post says, as `read_posts` gives it, without its cards: those are the answers."""
    extra = json.loads(str(row["extra"])) if row["extra"] else {}
    tags = extra.get("hashtags")
    tags = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
    return PostWords(str(row["title"]), str(row["body"]), tags)


def main_candidates(index: PlaceIndex, post: PostWords) -> list[MainCandidate]:
    """Every place that a post names, with what speaks for it, in no order."""
    matches = [("title", match) for match in scan(index, post.title)]
    matches += [("body", match) for match in scan(index, post.body)]
    matches += [("hashtags", match) for tag in post.hashtags for match in scan(index, tag, is_tag=True)]
    folded = fold_text(post.whole).text
    areas = {number for name, number in index.areas.items() if name in folded}
    by_row = _by_row(index, matches, areas)
    at_building = {
        int(row) for key, _, _ in buildings(post.whole) for row in index.by_building(key)[:_MOST_OF_A_BUILDING]
    }
    rows = sorted({*by_row, *at_building})
    reals = real_places([one for one in known_places(index, rows) if not _is_bare(index, one.place.folded)])
    named = [_named(real, by_row) for real in reals]
    most = max((_full_count([one for one in times if not one.match.is_common]) for times in named), default=0)
    words = _Words(folded, len(post.body), areas, tuple(name for name in _PROVINCES if name in folded), max(most, 1))
    return [
        MainCandidate(real, times, _features(index, real, times, words, at_building))
        for real, times in zip(reals, named, strict=True)
    ]


def link_main_place(index: PlaceIndex, post: PostWords) -> Link:
    """Finds and links the place that a post is about, or says why not."""
    scored = sorted(
        ((_score(candidate), candidate) for candidate in main_candidates(index, post)),
        key=lambda pair: (-pair[0], pair[1].real.first.place.place_id),
    )[: _MOST_TOLD + 1]
    scores = [score for score, _ in scored]
    candidates = tuple(
        Candidate(one.real.first.place, score, _probability(score, scores[1 if rank == 0 else 0 :][:1]),
                  tuple(row.place.place_id for row in one.real.rows), _why(one))
        for rank, (score, one) in enumerate(scored[:_MOST_TOLD])
    )  # fmt: skip
    if not candidates:
        reason = "the post names no place of the directory"
        return Link("", Outcome.NO_CANDIDATE, reason, (), index.version)
    first, best = scored[0][1], candidates[0]
    mention, evidence = _evidence(post, first)
    if best.probability >= _ANSWER_FROM:
        outcome, reason = Outcome.LINKED, "; ".join(best.why)
    elif len(candidates) > 1 and candidates[1].score > best.score - _ALIKE:
        outcome = Outcome.SEVERAL_ALIKE
        reason = f"{best.place.name} and {candidates[1].place.name} are named alike"
    else:
        outcome = Outcome.UNSURE
        reason = f"it is not clear that the post is about {best.place.name}: {'; '.join(best.why)}"
    return Link(mention, outcome, reason, candidates, index.version, evidence)


def _score(candidate: MainCandidate) -> float:
    return _BIAS + sum(weight * value for weight, value in zip(_WEIGHTS, candidate.features, strict=True))


def _probability(score: float, rival: Sequence[float]) -> float:
    """That a candidate is the place meant.

    Args:
        score: Its score.
        rival: Score of the best of the others; empty if there are none.
    """
    lead = min(score - rival[0], LONGEST_LEAD) if rival else LONGEST_LEAD
    return 1 / (1 + math.exp(-(_SCORE * score + _LEAD * lead + _CERTAINTY)))


def _by_row(index: PlaceIndex, matches: Sequence[tuple[str, NameMatch]], areas: set[int]) -> dict[int, list[Named]]:
    named_areas = np.array(sorted(areas), dtype=np.int32)
    by_row: dict[int, list[Named]] = defaultdict(list)
    for field, match in matches:
        rows, forms = match.rows, match.forms
        if len(rows) > _MOST_OF_A_NAME:
            is_near = np.isin(index.area[rows, 1], named_areas)
            rows, forms = rows[is_near][:_MOST_OF_A_NAME], forms[is_near][:_MOST_OF_A_NAME]
        for row, form in zip(rows.tolist(), forms.tolist(), strict=True):
            by_row[row].append(Named(field, match, Form(form)))
    return by_row


def _is_bare(index: PlaceIndex, folded: str) -> bool:
    """Whether a name is nothing but an area, a kind of place and promotion: 제주, 제주카페, 서귀포 핫플."""
    if folded in index.districts:
        return True
    rest = folded
    for word in (*_PROMOTION, *KINDS, *_PROVINCES):
        rest = rest.replace(word, "")
    return rest in _AREA_ENDINGS or (rest != folded and rest in index.areas)


def _named(real: RealPlace, by_row: dict[int, list[Named]]) -> tuple[Named, ...]:
    """Times that a place is named, each by the form that says most, whichever of its rows has it."""
    best: dict[tuple[str, int, int, int], Named] = {}
    for row in real.rows:
        for named in by_row.get(row.row, ()):
            at = (named.field, named.match.start, named.match.end, id(named.match) if named.field == "hashtags" else 0)
            if at not in best or named.form < best[at].form:
                best[at] = named
    return tuple(best.values())


def _in_body(named: Sequence[Named]) -> list[Named]:
    return [one for one in named if one.field == "body" and one.match.is_clean]


def _full_count(named: Sequence[Named]) -> int:
    return sum(one.form is not Form.PART for one in _in_body(named))


@dataclass(frozen=True)
class _Words:
    folded: str
    body_chars: int
    areas: set[int]
    provinces: tuple[str, ...]
    most_named: int


def _features(
    index: PlaceIndex, real: RealPlace, named: Sequence[Named], words: _Words, at_building: set[int]
) -> tuple[float, ...]:
    place, region = real.first.place, real.first.region
    body = _in_body(named)
    best = _best(real, named)
    branch = real.first.forms.branch
    first = min((one.match.start for one in body), default=words.body_chars)
    return (
        math.log1p(_full_count(named)),
        float(any(one.field == "title" for one in named)),
        float(any(one.field == "hashtags" for one in named)),
        best.match.chars / max(1, len(place.folded)) if best else 0.0,
        math.log(best.match.chars) if best else 0.0,
        math.log(len(best.match.rows)) if best else 0.0,
        float(any(row.row in at_building for row in real.rows)),
        float(index.areas.get(stem(region.dong), -1) in words.areas if region.dong else False),
        float(bool(words.provinces) and bool(region.province) and region.province not in words.provinces),
        float(bool(branch) and branch in words.folded),
        first / max(1, words.body_chars),
        min(len(body) / words.most_named, 1.5),
        float(best is not None and best.match.is_common),
    )


def _best(real: RealPlace, named: Sequence[Named]) -> Named | None:
    """The time that says most of the name."""
    chars = max(1, len(real.first.place.folded))
    return max(
        named,
        key=lambda one: (one.match.is_clean, -min(one.form, 1), one.match.chars / chars, -one.match.start),
        default=None,
    )


def _evidence(post: PostWords, candidate: MainCandidate) -> tuple[str, Evidence | None]:
    best = _best(candidate.real, [one for one in candidate.named if one.field != "hashtags"])
    if best is None:
        return "", None
    text = post.title if best.field == "title" else post.body
    return text[best.match.start : best.match.end], Evidence(best.field, best.match.start, best.match.end)


def _why(candidate: MainCandidate) -> tuple[str, ...]:
    told = dict(zip(FEATURES, candidate.features, strict=True))
    body = len(_in_body(candidate.named))
    why = [f"named {body} times in the body" if body > 1 else "named once in the body"] if body else []
    why += ["its address stands in the text"] if told["address_stated"] else []
    why += ["in the title"] if told["in_title"] else []
    why += ["in the hashtags"] if told["in_hashtags"] else []
    is_whole = any(one.form is Form.WHOLE for one in candidate.named)
    why += ["by its whole name"] if is_whole else []
    why += [f"by {told['share_of_name']:.0%} of its name"] if candidate.named and not is_whole else []
    why += ["its neighbourhood is named"] if told["dong_named"] else []
    why += ["its branch is named"] if told["branch_named"] else []
    why += ["another province is named"] if told["other_province_named"] else []
    return tuple(why)
