"""Second-hand goods: everything that an advert says of the thing, its price and the deal, with no model.

The order matters: phones and brands are found first, they help to tell the category, and the category says which
numbers are sizes.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from madang.extraction.grounding import PostText, Span
from madang.readers.folded import FoldedPost
from madang.readers.found import Found
from madang.readers.goods_brand import BrandHit, brands_in, unknown_brand
from madang.readers.goods_category import category
from madang.readers.goods_condition import condition
from madang.readers.goods_looks import color, size
from madang.readers.goods_model import device, model_number, product_line
from madang.readers.goods_price import asking_price
from madang.readers.goods_terms import intent, negotiable, quantity, trade
from madang.readers.goods_words import VOCABULARY_NUMBERS, vocabulary_number
from madang.readers.phone_models import PhoneModel, phones_in

# Raise the first when rules change. The rest is the vocabulary's own number: a name that is approved is a new version.
VERSION = 1 * VOCABULARY_NUMBERS + vocabulary_number()
KEYS = {
    "intent": "label", "category": "label", "brand": "text", "model": "text", "condition": "label", "price": "money",
    "size_or_capacity": "text", "color": "text", "quantity": "number", "negotiable": "flag", "trade": "labels",
    "maker": "text", "product": "text",
}  # fmt: skip
# Shares of values that were right on posts of `tune` and of teachers, less what they owe to those posts' being seen.
_CONFIDENCE = {
    "intent": 0.97, "brand": 0.9, "model": 0.6, "size_or_capacity": 0.8, "color": 0.88, "quantity": 0.7,
    "negotiable": 0.88, "trade": 0.85, "maker": 0.92, "product": 0.92,
}  # fmt: skip
_CONDITION_CONFIDENCE = {"new": 0.88, "like_new": 0.78, "good": 0.8, "fair": 0.62, "for_parts": 0.75, "unknown": 0.78}
# By the margin over the next category, and by how strongly an amount is asked: at least so much.
_CATEGORY_CONFIDENCE = ((0.7, 0.92), (0.3, 0.8), (0.0, 0.65))
_PRICE_CONFIDENCE = ((4, 0.95), (0, 0.78))
_UNKNOWN_BRAND_CONFIDENCE, _PHONE_CONFIDENCE = 0.8, 0.88
# A phone that is only the one a case fits, or the next one that the seller buys, stands behind these.
_CASE = re.compile(
    r"케이스|필름|강화유리|커버|충전기|거치대|액정보호|그립톡|범퍼|젤리|배터리팩|스트랩|\bcase\b|\bcover\b|"
    r"screen protector"
)


def read(text: PostText) -> dict[str, Found]:
    """Everything that a post says of what is sold."""
    folded = FoldedPost(text)
    parts = {name: _lower(part) for name, part in folded.text.parts.items()}
    found = _read(parts, is_korean=text.is_korean)
    # Quotes are the author's own letters, not those that were looked through.
    stored = folded.stored(found)
    quoted = {key: replace(one, value=text.quoted(one.spans[0])) for key, one in stored.items() if one.value == ""}
    return {
        key: one if one.confidence is not None else replace(one, confidence=_CONFIDENCE[key])
        for key, one in (stored | quoted).items()
    }


def _read(parts: Mapping[str, str], *, is_korean: bool) -> dict[str, Found]:
    """What is found, quotes as empty strings with their place."""
    brands = brands_in(parts)
    phone = _phone(parts)
    found: dict[str, Found] = {"intent": intent(parts), "trade": trade(parts)}
    kind = category(parts, brands, has_phone=phone is not None, is_korean=is_korean)
    if kind is not None:
        spans = () if kind.hit is None else (Span(kind.hit[0], kind.hit[1].start, kind.hit[1].end),)
        found["category"] = Found(kind.label, spans, _at_least(kind.margin, _CATEGORY_CONFIDENCE))
    label = None if kind is None else kind.label
    brand = brands[0] if brands else None
    is_in_title = brand is not None and brand.part == next(iter(parts))
    # English titles begin with any word.
    unknown = unknown_brand(parts, label) if is_korean and not is_in_title else None
    if unknown is not None:
        found["brand"], brand = Found("", (unknown,), _UNKNOWN_BRAND_CONFIDENCE), None
    elif brand is not None:
        found["brand"] = Found("", (brand.span,))
    state = condition(parts)
    spans = () if state.span is None else (state.span,)
    found["condition"] = Found(state.label, spans, _CONDITION_CONFIDENCE[state.label])
    # English titles name lines anywhere; there only devices and numbers are told.
    quoted = found["brand"].spans[0] if is_korean and "brand" in found else None
    found |= _named(parts, brand, quoted, phone, label)
    price = asking_price(parts, is_korean=is_korean)
    if price is not None:
        found["price"] = Found(price.money, (price.span,), _at_least(price.score, _PRICE_CONFIDENCE))
    others = {
        "size_or_capacity": size(parts, label),
        "color": color(parts, label, [one.span for one in brands]),
        "quantity": quantity(parts),
        "negotiable": negotiable(parts),
    }
    return found | {key: one for key, one in others.items() if one is not None}


def _named(
    parts: Mapping[str, str],
    brand: BrandHit | None,
    quoted: Span | None,
    phone: tuple[str, PhoneModel] | None,
    category_label: str | None,
) -> dict[str, Found]:
    """Model as written, and the canonical names of model and maker."""
    found: dict[str, Found] = {}
    if phone is not None and category_label in ("digital", None):
        name, model = phone
        span = Span(name, model.start, model.end)
        found["model"] = Found("", (span,), _PHONE_CONFIDENCE)
        if not _CASE.search(next(iter(parts.values())) or parts[name][:60]):
            found["product"] = Found(model.name, (span,))
            found["maker"] = Found(model.maker, (span,))
    elif line := device(parts) or product_line(parts, quoted, category_label) or model_number(parts):
        found["model"] = Found("", (line,))
    if brand is not None and "maker" not in found:
        found["maker"] = Found(brand.brand.name, (brand.span,))
    return found


def _phone(parts: Mapping[str, str]) -> tuple[str, PhoneModel] | None:
    for name, part in parts.items():
        for phone in phones_in(part):
            return name, phone
    return None


def _lower(part: str) -> str:
    """Lower case, character by character where a letter would become two."""
    lowered = part.lower()
    return (
        lowered
        if len(lowered) == len(part)
        else "".join(low if len(low := char.lower()) == 1 else char for char in part)
    )


def _at_least(value: float, steps: tuple[tuple[float, float], ...]) -> float:
    """Confidence of the first step that a value reaches."""
    return next(confidence for least, confidence in steps if value >= least)
