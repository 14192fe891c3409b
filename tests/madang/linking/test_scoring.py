"""Scores of links against map cards: what is right, and figures worked out by hand."""

import json
from pathlib import Path

import pytest
from places import ABOUT_POND, PLACES, place_index
from scenario import write_posts

from madang.errors import InputError
from madang.linking.gold_cards import right_ids
from madang.linking.index import PlaceIndex
from madang.linking.main_place import words_of
from madang.linking.scoring import JudgedLink, link_scores, score_links
from madang.posts.reading import read_posts


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> PlaceIndex:
    """Of the shared directory."""
    return place_index(tmp_path_factory.mktemp("places"))


def blog_post(post_id: str, **card: object) -> dict[str, object]:
    """A post with one map card."""
    return {
        "source": "blog",
        "post_id": post_id,
        **ABOUT_POND,
        "places": [{"name": "물빛천지", "address": None} | card],
    }


def test_a_card_means_the_place_of_its_name_and_address(index: PlaceIndex) -> None:
    card = {"name": "할매국수", "address": "제주 제주시 신대로 5 1층"}

    assert right_ids(index, [card]) == {"noodle-jeju"}


def test_a_card_without_a_building_means_the_place_of_its_name_in_its_district(index: PlaceIndex) -> None:
    assert right_ids(index, [{"name": "할매국수", "address": "서울 마포구 합정동"}]) == {"noodle-mapo"}


def test_a_card_of_a_place_that_the_directory_lacks_means_none(index: PlaceIndex) -> None:
    assert right_ids(index, [{"name": "없는가게", "address": None}]) == frozenset()


def test_what_a_post_says_leaves_its_cards_out(tmp_path: Path) -> None:
    file = write_posts(tmp_path / "blog.jsonl", [blog_post("1", name="달빛커피 용산점", address="한강대로 10")])
    [row] = read_posts(file).to_dicts()

    words = words_of(row)

    assert {"title": words.title, "body": words.body, "hashtags": words.hashtags} == ABOUT_POND


def test_figures_of_links_worked_out_by_hand() -> None:
    scores = link_scores([
        JudgedLink((True, False), is_linked=True, probability=0.95, baseline=True),
        JudgedLink((False, True), is_linked=True, probability=0.95, baseline=False),
        JudgedLink((True,), is_linked=False, probability=0.5, baseline=None),
        JudgedLink((), is_linked=False, probability=0.0, baseline=None),
    ])  # fmt: skip

    assert {name: score.value for name, score in scores.items() if name != "ece"} == {
        "recall@1": 0.5, "recall@5": 0.75, "accuracy": 0.25, "precision": 0.5, "coverage": 0.5,
    }  # fmt: skip
    assert {name: score.baseline for name, score in scores.items() if name != "ece"} == {
        "recall@1": 0.25, "recall@5": 0.25, "accuracy": 0.25, "precision": 0.5, "coverage": 0.5,
    }  # fmt: skip
    assert (scores["precision"].n, scores["recall@1"].n) == (2, 4)
    assert scores["ece"].value == pytest.approx((abs(1.9 - 1) + abs(0.5 - 1) + 0) / 4)


def test_precision_of_no_answer_is_not_defined() -> None:
    scores = link_scores([JudgedLink((), is_linked=False, probability=0.0, baseline=None)])

    assert (scores["precision"].value, scores["precision"].n) == (None, 0)


def test_a_report_has_the_shape_of_the_scoring_contract(index: PlaceIndex, tmp_path: Path) -> None:
    posts = write_posts(tmp_path / "blog.jsonl", [blog_post(str(number)) for number in range(5)])
    report = score_links(index, posts, "places.jsonl", sample=3, seed=0, part="all").to_json()

    assert report["n"] == 3
    fields = json.loads(json.dumps(report["fields"]))
    assert fields["places"]["recall@1"]["value"] == 1.0
    assert set(fields["places"]) == {"recall@1", "recall@5", "accuracy", "precision", "coverage", "ece"}
    assert set(fields["places"]["precision"]) == {"value", "low", "high", "n", "baseline"}


def test_a_right_place_under_another_row_counts(tmp_path: Path) -> None:
    again = {
        "place_id": "pond-2",
        "name": "물빛천지",
        "address": "제주특별자치도 서귀포시",
        "lat": 33.2399,
        "lon": 126.5925,
    }
    posts = write_posts(tmp_path / "blog.jsonl", [blog_post("1", address="제주특별자치도 서귀포시 보목동 1400")])
    report = score_links(
        place_index(tmp_path, [*PLACES, again]), posts, "places.jsonl", sample=None, seed=0, part="all"
    )

    assert report.fields["places"]["recall@1"].value == 1.0


def test_posts_without_cards_are_refused(index: PlaceIndex, tmp_path: Path) -> None:
    posts = write_posts(tmp_path / "blog.jsonl", [{"post_id": "1", "body": "글"}])

    with pytest.raises(InputError, match="no post has a card under 'places'"):
        score_links(index, posts, "places.jsonl", sample=None, seed=0, part="all")
