"""Grounding: a quote is found as people would find it, and its offsets are those of the stored text."""

import unicodedata

import pytest

from madang.extraction.grounding import PostText, Span

FAMILY = "👨‍👩‍👧‍👦"
NFD = unicodedata.normalize("NFD", "강남역")

FOUND = {
    "an exact quote": ("월세 500/40 가능", "500/40", 3, 9),
    "after an emoji of one code point": ("🏃 러닝", "러닝", 2, 4),
    "after a family of seven code points": (f"{FAMILY} 러닝", "러닝", 8, 10),
    "a family itself": (f"우리 {FAMILY}!", FAMILY, 3, 10),
    "an emoji with a variation selector": ("❤️ 모임", "모임", 3, 5),
    "a composed quote in decomposed text": (
        f"역은 {unicodedata.normalize('NFD', '강남역')} 앞",
        "강남역",
        3,
        3 + len(NFD),
    ),
    "a decomposed quote in composed text": ("역은 강남역 앞", NFD, 3, 6),
    "after decomposed text": (f"{NFD} 앞 500", "500", len(NFD) + 3, len(NFD) + 6),
    "full-width digits": ("월세 ５００만원", "500만원", 3, 8),
    "a full-width quote": ("월세 500만원", "５００만원", 3, 8),
    "without regard to spaces in the text": ("월 세 5 00 만원", "월세500만원", 0, 11),
    "without regard to spaces in the quote": ("월세500만원", "월세 500 만원", 0, 7),
    "without regard to line breaks": ("신림역\n도보 5분", "신림역 도보 5분", 0, 9),
    "without regard to case": ("Studio for RENT", "studio For rent", 0, 15),
    "a ligature": ("oﬃce", "office", 0, 4),
    "half of a ligature takes it whole": ("oﬃce", "off", 0, 2),
    "a square metre sign": ("약 33㎡ 입니다", "33m2", 2, 5),
    "a sharp s": ("Straße", "STRASSE", 0, 6),
    "an accent of its own code point": ("cafe\u0301 bar", "café", 0, 5),
    "the first of two places": ("500 또는 500", "500", 0, 3),
    "up to the end of the text": ("월세 40", "40", 3, 5),
}


@pytest.mark.parametrize("claim", FOUND)
def test_a_quote_is_found_with_its_offsets_in_the_stored_text(claim: str) -> None:
    text, quote, start, end = FOUND[claim]

    assert PostText({"body": text}).find(quote) == Span("body", start, end)


MISSED = {
    "what is not there": ("월세 500", "600"),
    "an empty quote": ("월세 500", ""),
    "a quote of spaces": ("월세 500", "  \n"),
    "anything in an empty text": ("", "500"),
    "half a syllable": (unicodedata.normalize("NFD", "각"), "가"),
    "half a decomposed syllable by a decomposed quote": (
        unicodedata.normalize("NFD", "각"), unicodedata.normalize("NFD", "가"),
    ),
    "a letter under its accent": ("cafe\u0301", "cafe"),
}  # fmt: skip


@pytest.mark.parametrize("claim", MISSED)
def test_what_does_not_stand_there_is_not_found(claim: str) -> None:
    text, quote = MISSED[claim]

    assert PostText({"body": text}).find(quote) is None


def test_columns_are_searched_in_declared_order() -> None:
    text = PostText({"title": "러닝 모임", "body": "러닝 500"})

    assert text.find("러닝") == Span("title", 0, 2)
    assert text.find("500") == Span("body", 3, 6)
    assert text.quoted(Span("body", 3, 6)) == "500"


def test_a_quote_does_not_run_from_one_column_into_the_next() -> None:
    assert PostText({"title": "러닝", "body": "모임"}).find("러닝 모임") is None


@pytest.mark.parametrize(
    ("text", "is_blank"), [("", True), (" \n\t", True), ("🏃‍♀️!?", True), ("ㅋ", False), ("7", False)]
)
def test_a_text_without_letters_or_digits_is_blank(text: str, is_blank: bool) -> None:
    assert PostText({"title": "", "body": text}).is_blank is is_blank


def test_length_counts_code_points_of_all_columns() -> None:
    assert PostText({"title": FAMILY, "body": "가나"}).chars == 9


@pytest.mark.parametrize(
    ("body", "quote", "stands"),
    [
        ("보증금은 500만원이에요", "보증금 500만원", "보증금은 500만원"),
        ("보증금 1,000만원", "1000만원", "1,000만원"),
        ("보증금 1000만원", "1,000만원", "1000만원"),
        ("김 사장님께서 하시는 식당", "김 사장 식당", None),
        ("사장님이 친절해요", "사장 친절해요", "사장님이 친절해요"),
        ("망원역 앞에서 만나요", "망원역에서", "망원역"),
        ("😀 우리동네 카페를 추천", "우리 동네 카페 추천", "우리동네 카페를 추천"),
        ("망원 시장 근처 카페", "망원 카페", None),
        ("100만원", "1000만원", None),
        ("21,000원", "1000원", None),
    ],
)
def test_a_quote_that_leaves_out_a_particle_is_found(body: str, quote: str, stands: str | None) -> None:
    text = PostText({"title": "", "body": body})

    span = text.find(quote)

    assert (text.quoted(span) if span else None) == stands


def test_a_decomposed_text_is_found_loosely() -> None:
    text = PostText({"title": "", "body": unicodedata.normalize("NFD", "보증금은 500만원")})

    span = text.find("보증금 500만원")

    assert span is not None
    assert unicodedata.normalize("NFC", text.quoted(span)) == "보증금은 500만원"
