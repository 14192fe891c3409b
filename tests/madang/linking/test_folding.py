"""Folding: what makes two names one, and offsets that lead back to the stored text."""

import unicodedata

import pytest

from madang.linking.folding import fold_name, fold_text


@pytest.mark.parametrize(
    "name", ["달빛 커피", "달빛-커피", "달빛커피!", "（달빛）커피", unicodedata.normalize("NFD", "달빛커피")]
)
def test_a_name_is_the_same_with_other_spaces_marks_and_unicode_forms(name: str) -> None:
    assert fold_name(name) == "달빛커피"


def test_latin_names_lose_their_case_and_width() -> None:
    assert fold_name("Ｃａｆé 5L2F") == "café5l2f"


def test_a_phrase_ends_at_a_comma_a_line_and_an_emoji() -> None:
    assert fold_text("달빛, 커피\n용산🐷점").text == "달빛\n커피\n용산\n점"


def test_offsets_are_code_points_of_the_text_as_stored() -> None:
    text = "🐷 " + unicodedata.normalize("NFD", "달빛")
    folded = fold_text(text)

    assert folded.text == "달빛"
    assert text[folded.starts[0] : folded.ends[1]] == unicodedata.normalize("NFD", "달빛")


def test_a_text_without_letters_is_empty() -> None:
    assert fold_text("👍🏻\u200d ").text == ""
