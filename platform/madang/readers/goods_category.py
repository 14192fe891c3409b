"""What kind of thing a post sells, by the words for it: 19 categories of second-hand goods.

A Korean noun phrase ends in its head (아이폰 13 정품 케이스 is a case), so the last product of the title's first part
counts most. Clothes, shoes and bags are divided by whom they are for, which other words say: sizes, women, men, brands.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from madang.readers.goods_brand import BrandHit
from madang.readers.goods_words import Hit, Vocabulary, vocabulary

_WEIGHTS = {"strong": 3.0, "weak": 1.0}
_HEAD = 4.0
_PHONE = 4.0
_BODY_SHARE = 0.34
_BODY_BRAND_SHARE = 0.4
_MOST_OF_BODY = 3.5
_BODY_CHARS = 400
_WORN = ("clothing", "womens_clothing", "mens_fashion")
_CARRIED = ("shoes", "bags")

# What follows is thrown in: + 충전기, 케이스 포함.
_EXTRA = re.compile(r"\s[+&/|,]\s?|[+]|\(|\[|포함|증정|드림|드려|같이|w/")
_LEAD = re.compile(r"^\s*(?:[\[(<【][^\])>】]{0,14}[\])>】]\s*)+")
_WOMENS_SIZE = re.compile(
    r"(?<![\d.])(?:44|55|66|77|88|99)(?:\.5|반)?\s?(?:사이즈|size|정도|반|~|-|$|\s|,|\))|(?<!\d)(?:2[1-4][05]|"
    r"250)\s?(?:mm|미리|사이즈)?(?![\d,만gmkl])"
)
_MENS_SIZE = re.compile(
    r"(?<![\d.])(?:100|105|110|115)\s?(?:사이즈|size|\)|$|\s|,|~|호)|(?<!\d)(?:2[5-9][05]|300)(?<!250)\s?(?:mm|"
    r"미리|사이즈)?(?![\d,만gmkl])|(?<![a-z])(?:[2-4]xl|xxl|xxxl)(?![a-z])"
)
_KIDS_SIZE = re.compile(
    r"(?<![\d.])(?:7[05]|8[05]|90|1[2-5]0)\s?(?:사이즈|size|호|$|\)|\s)|(?<!\d)\d{1,2}\s?(?:개월|m(?![a-z])|세용)|"
    r"(?<!\d)\d세(?!대)"
)
_FACE_VALUE = re.compile(r"\d\s?(?:만|천)?\s?원?\s?권|유효기간|(?<!\d)\d{1,2}:\d{2}.{0,20}(?:보실|연석|상영|관람)|연석")


Scores = defaultdict[str, float]


@dataclass(frozen=True)
class CategoryFound:
    """A category with what speaks for it.

    Args:
        label: One of the 19 that the task declares.
        hit: The word that speaks most for it, and the column; None if a brand or a size does.
        margin: 0 to 1: how far it is ahead of the next, as a share of its score.
    """

    label: str
    hit: tuple[str, Hit] | None
    margin: float


def category(
    parts: Mapping[str, str], brands: list[BrandHit], *, has_phone: bool, is_korean: bool
) -> CategoryFound | None:
    """Tells the category.

    Args:
        parts: Columns in lower case, the title first.
        brands: Brands that stand there.
        has_phone: Whether a phone model is named.
        is_korean: Whether the post is Korean; elsewhere clothes that do not say for whom count as men's.

    Returns:
        None if no word of the vocabulary stands there.
    """
    words = vocabulary()
    scores: Scores = defaultdict(float)
    best: dict[str, tuple[float, str, Hit]] = {}
    (title_name, title), *rest = parts.items()
    for at, (name, part) in enumerate(parts.items()):
        _count(words, scores, best, name, part if at == 0 else part[:_BODY_CHARS], is_title=at == 0 and bool(title))
    for brand in brands:
        share = 1.0 if brand.part == title_name else _BODY_BRAND_SHARE
        for group, lean in brand.brand.leans.items():
            scores[group] += lean * share
    if has_phone:
        scores["digital"] += _PHONE
    text = f"{title}\n{' '.join(part for _, part in rest)[:_BODY_CHARS]}"
    if _FACE_VALUE.search(text):
        scores["ticket_voucher"] += 3.0
    if not scores:
        return None
    who = _wearer_scores(words, title, text)
    families = _families(scores, who)
    family, score = max(families.items(), key=lambda pair: pair[1])
    if score <= 0:
        return None
    second = max((value for name, value in families.items() if name != family), default=0.0)
    label = _resolved(family, scores, who, text, is_korean=is_korean) if family in ("worn", "carried") else family
    members = {"worn": _WORN, "carried": _CARRIED}.get(family, (family,))
    hits = [best[member] for member in members if member in best]
    top = max(hits, key=lambda hit: hit[0], default=None)
    return CategoryFound(label, None if top is None else (top[1], top[2]), (score - max(second, 0.0)) / score)


def _count(
    words: Vocabulary,
    scores: Scores,
    best: dict[str, tuple[float, str, Hit]],
    name: str,
    part: str,
    *,
    is_title: bool,
) -> None:
    hits = words.product_words.hits(part, is_title=is_title)
    head = _head(words, part, hits) if is_title else None
    own: Scores = defaultdict(float)
    for word in dict.fromkeys(hit.word for hit in hits):
        hit = next(one for one in hits if one.word == word)
        for group, tier in words.products[word]:
            weight = _WEIGHTS[tier] * (1.0 if is_title else _BODY_SHARE)
            if head is not None and word == head.word and tier == "strong":
                weight += _HEAD
            own[group] += weight
            if weight > best.get(group, (0.0,))[0]:
                best[group] = (weight, name, hit)
    for group, score in own.items():
        scores[group] += score if is_title else min(score, _MOST_OF_BODY)


def _head(words: Vocabulary, title: str, hits: list[Hit]) -> Hit | None:
    """The last product of the title before what is thrown in; the first one after it if there is none."""
    lead = _LEAD.match(title)
    start = lead.end() if lead else 0
    extra = _EXTRA.search(title, start + 2)
    strong = [
        hit for hit in hits if hit.start >= start and any(tier == "strong" for _, tier in words.products[hit.word])
    ]
    first = [hit for hit in strong if extra is None or hit.end <= extra.start() + 1]
    if first:
        return first[-1]
    return strong[0] if strong else None


def _wearer_scores(words: Vocabulary, title: str, text: str) -> Counter[str]:
    """How strongly a post says for whom or what the thing is."""
    who: Counter[str] = Counter()
    for hit in words.wearer_words.hits(title, is_title=True):
        who[words.wearers[hit.word]] += 3
    for word in {hit.word for hit in words.wearer_words.hits(text[len(title) :], is_title=False)}:
        who[words.wearers[word]] += 1
    return who


def _families(scores: Scores, who: Counter[str]) -> dict[str, float]:
    """Scores of categories, those of clothes and of what is carried put together, and the wearer's word in them."""
    families: dict[str, float] = {group: score for group, score in scores.items() if group not in (*_WORN, *_CARRIED)}
    families["worn"] = sum(scores[group] for group in _WORN)
    families["carried"] = sum(scores[group] for group in _CARRIED)
    for group in ("kids", "pet"):
        if who[group]:
            families[group] = families.get(group, 0.0) + 2.5 * who[group]
    if who["car"] and "car_parts" in families:
        families["car_parts"] += who["car"]
    return families


def _resolved(family: str, scores: Scores, who: Counter[str], text: str, *, is_korean: bool) -> str:
    """Clothes and what is carried, by whom they are for."""
    is_shoe = scores["shoes"] > scores["bags"] and family == "carried"
    women = 2.0 * who["women"] + scores["womens_clothing"] + (2.5 if _WOMENS_SIZE.search(text) else 0.0)
    men = 2.0 * who["men"] + scores["mens_fashion"] + (2.5 if _MENS_SIZE.search(text) else 0.0)
    kids = 2.0 * who["kids"] + scores["kids"] + (2.0 if _KIDS_SIZE.search(text) else 0.0)
    if kids > max(women, men, 2.5):
        return "kids"
    if family == "worn":
        return "mens_fashion" if men > women or (men == women and not is_korean) else "womens_clothing"
    if is_shoe and men == women:
        return "mens_fashion" if scores["clothing"] else "womens_accessories"
    return "mens_fashion" if men > women or (men == women and not is_korean) else "womens_accessories"
