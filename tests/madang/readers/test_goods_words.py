"""The approved vocabulary of goods, and how its words are found in text."""

from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from madang.readers.goods_words import VOCABULARY_NUMBERS, Words, vocabulary, vocabulary_number
from madang.task import Task

_GOODS = Path(__file__).parents[3] / "assets" / "goods"
_DIVIDED = {"clothing", "shoes", "bags"}


def _labels() -> set[str]:
    return set(Task.load(_GOODS).fields["category"].allowed() or ()) | _DIVIDED


def test_products_and_brands_speak_for_declared_categories() -> None:
    groups = {group for found in vocabulary().products.values() for group, _ in found}
    leans = {group for brand in vocabulary().brands.values() for group in brand.leans}

    assert groups | {"womens_accessories"} == _labels()
    assert leans <= _labels()


def test_words_are_in_the_case_in_which_text_is_searched() -> None:
    words = [*vocabulary().products, *vocabulary().wearers, *vocabulary().brands]

    assert [word for word in words if word != word.lower()] == []


def test_a_way_of_writing_names_one_brand() -> None:
    makers = yaml.safe_load((files("madang.readers") / "data" / "goods_brands.yaml").read_text(encoding="utf-8"))
    aliases = [alias for kind in makers["kinds"].values() for names in kind["names"].values() for alias in names]
    aliases += [alias for spec in makers["words"].values() for alias in spec["aliases"]]

    assert [alias for alias, times in Counter(aliases).items() if times > 1] == []


def test_the_vocabulary_has_a_number_of_its_own() -> None:
    assert 0 <= vocabulary_number() < VOCABULARY_NUMBERS


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("도시락가방", ["도시락가방"]), ("여성코트", ["코트"]), ("책", ["책"]), ("정책", []), ("코트입니다", ["코트"]),
        ("laptop bag", ["bag"]), ("bags", ["bag"]), ("bagel", []), ("가방가방", ["가방", "가방"]),
    ],
)  # fmt: skip
def test_a_title_is_searched_for_whole_words_and_heads_of_compounds(text: str, found: list[str]) -> None:
    words = Words(iter(["도시락가방", "가방", "코트", "책", "bag"]))

    assert [hit.word for hit in words.hits(text, is_title=True)] == found


@pytest.mark.parametrize(
    ("text", "found"), [("책 팔아요", []), ("여성코트", []), ("코트 팔아요", ["코트"]), ("한코트에", [])]
)
def test_running_text_is_searched_more_strictly(text: str, found: list[str]) -> None:
    words = Words(iter(["코트", "책"]))

    assert [hit.word for hit in words.hits(text, is_title=False)] == found
