"""What speaks for a place that a mention may mean: the name, the region, the text around it. Weights are log odds."""

import re
import unicodedata

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from madang.linking.folding import fold_text
from madang.linking.forms import Form, NameForms
from madang.linking.regions import agrees, buildings, stem
from madang.linking.same import KnownPlace

DONG, DISTRICT, OTHER_DISTRICT = 2.5, 1.5, -4.0
_BUILDING, _KIND, _OTHER_KIND, _AREA = 4.0, 0.7, -0.7, 0.5
_MOST_AREAS = 2
_LEADING_PART, _LEADING_SHARE = 0.45, 0.4
# One other syllable makes another place (홍선생, 이선생), and 75% of the letters may still be the same.
_A_DIFFERENCE = 2.5
# In longer names two letters (jamo) may be wrong, else one.
_LONG_SYLLABLES = 10
_LANDMARK = re.compile(r"(역|산|강|천|교|공원|시장|공항|거리)$")
_KINDS: dict[str, tuple[str, ...]] = {
    "cafe": ("카페", "커피", "디저트", "라떼", "아메리카노", "베이커리", "케이크"),
    "restaurant": ("식당", "맛집", "고기", "국수", "밥", "메뉴", "먹었", "먹으"),
    "health": ("병원", "의원", "진료", "치료", "치과", "한의원", "원장", "의사", "약국"),
    "convenience": ("편의점",),
    "leisure": ("운동", "헬스", "수영", "산책", "공원"),
}
_CATEGORIES = {"카페": "cafe", "음식점": "restaurant", "관광명소": "leisure"}


def name_similarity(mention: NameForms, place: KnownPlace) -> tuple[float, str]:
    """How alike two names are, 0 to 1, and in words how that was found.

    The same name is 1. A brand whose branch the mention leaves out is nearly that; one whose branch is another is
    not the place meant. What is spelt otherwise is compared by its letters (jamo), of which a syllable has three.
    """
    own = place.forms
    if mention.whole == own.whole or own.forms.get(mention.whole) is Form.WHOLE:
        return 1.0, "the same name"
    shared = [form for form, kind in mention.forms.items() if _is_shared(form, kind, own)]
    if mention.branch and mention.brand in own.forms:
        if _is_same_branch(mention.branch, place):
            return 0.97, f"brand {mention.brand} and branch {mention.branch}"
        if own.branch:
            return 0.4, f"another branch of {mention.brand}"
        return 0.62, f"the brand {mention.brand}, which has no branch {mention.branch} here"
    best = min((own.forms[form] for form in shared), default=None)
    match best:
        case Form.WHOLE:
            return 0.95, "the same name without its particle"
        case Form.BRAND:
            return 0.92, "the same brand, the branch left out"
        case Form.CORE:
            return 0.88, "the same name without the kind of place or the area"
        case Form.PART:
            longest = max(shared, key=len)
            # A name begins with what the place is called and ends with where it stands: 위드미 약수역 is no station.
            if own.whole.startswith(longest) and 2 * len(longest) >= len(own.whole):
                return _LEADING_PART + _LEADING_SHARE * len(longest) / len(own.whole), "what its name begins with"
            return 0.0, "a part of its name"
    if mention.branch and own.branch and not _is_same_branch(mention.branch, place):
        return 0.0, f"another branch of {own.brand}"
    written, known = _letters(mention.whole), _letters(own.whole)
    wrong = 1 if len(own.whole) < _LONG_SYLLABLES else 2
    if _LANDMARK.search(mention.whole) or Levenshtein.distance(written, known, score_cutoff=wrong) > wrong:
        return 0.0, "another name"
    alike = fuzz.ratio(written, known) / 100
    return max(1 - _A_DIFFERENCE * (1 - alike), 0.0), f"spelt alike ({alike:.0%} of the letters)"


def _is_shared(form: str, kind: Form, own: NameForms) -> bool:
    """Whether two names share a form that both may be called by.

    Not one that is left where each drops a kind of its own (수유마트, 수유한의원), nor a landmark after which a place
    is called (도봉산, 도봉산커피).
    """
    of_place = own.forms.get(form)
    if of_place is None or kind is Form.PART or (kind is Form.CORE and of_place is Form.CORE):
        return False
    return of_place in (Form.WHOLE, Form.BRAND) or not _LANDMARK.search(form) or own.whole.endswith(form)


def _is_same_branch(branch: str, place: KnownPlace) -> bool:
    own = place.forms.branch
    if own:
        return own == branch or own.startswith(branch) or branch.startswith(own)
    return branch in place.region.stems or stem(place.place.dong or "") == stem(branch)


def _letters(folded: str) -> str:
    return unicodedata.normalize("NFD", folded)


def region_score(one: KnownPlace, district: str, dong: str) -> tuple[float, list[str]]:
    """What the post's district and neighbourhood say for a place, as log odds, and in words; empty if not stated."""
    in_dong = agrees(dong, one.place.dong or "")
    in_district = agrees(district, one.place.district or "")
    if in_district is False:
        return OTHER_DISTRICT, [f"in {one.place.district}, not in {district}"]
    score, why = 0.0, []
    if in_district:
        score, why = score + DISTRICT, [f"in {one.place.district}"]
    if in_dong:
        score, why = score + DONG, [f"in {one.place.dong}"]
    return score, why


class TextSigns:
    """What a text says of the place it speaks of: addresses, kinds of places, and areas by their names."""

    def __init__(self, text: str) -> None:
        self.folded = fold_text(text).text
        self.buildings = {key for key, _, _ in buildings(text)}
        self.kinds = {kind for kind, words in _KINDS.items() if any(word in self.folded for word in words)}


def text_score(one: KnownPlace, signs: TextSigns) -> tuple[float, list[str]]:
    """What a text says for a place, as log odds, and in words."""
    score, why = 0.0, []
    if one.buildings & signs.buildings:
        score, why = score + _BUILDING, ["its address stands in the text"]
    kind = one.place.category and _CATEGORIES.get(one.place.category, one.place.category)
    if kind in _KINDS and signs.kinds:
        is_named = kind in signs.kinds
        score += _KIND if is_named else _OTHER_KIND
        why += [f"the text speaks of a {kind}"] if is_named else []
    areas = [area for area in one.region.stems if area in signs.folded]
    if areas:
        score, why = score + _AREA * min(len(areas), _MOST_AREAS), [*why, f"the text names {', '.join(areas)}"]
    return score, why
