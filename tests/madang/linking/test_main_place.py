"""The main place of a post: found by the directory's own names, weighed, linked; or not, with the reason."""

import unicodedata
from pathlib import Path

import pytest
from places import ABOUT_POND, PLACES, place_index

from madang.linking.gazetteer import scan
from madang.linking.index import PlaceIndex
from madang.linking.link import Evidence, Outcome
from madang.linking.main_place import PostWords, link_main_place

REVIEW = (
    "오랜만에 바다를 보러 갔어요.\n물빛천지는 입구가 작아서 찾기 어려웠어요.\n주차는 길가에 했습니다.\n"
    "물빛천지에서 본 노을이 최고였고\n물빛천지 근처 할매국수도 들렀어요.\n다음에 물빛천지 또 갈래요."
)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> PlaceIndex:
    """Of the shared directory."""
    return place_index(tmp_path_factory.mktemp("places"))


def test_names_are_found_with_their_offsets_in_the_stored_text(index: PlaceIndex) -> None:
    text = "🐷 " + unicodedata.normalize("NFD", "물빛천지에서 놀고") + " 달빛 커피 용산점도"
    found = [text[match.start : match.end] for match in scan(index, text)]

    assert [unicodedata.normalize("NFC", name) for name in found] == ["물빛천지", "달빛 커피 용산점"]


def test_a_name_inside_another_word_is_not_found(index: PlaceIndex) -> None:
    assert scan(index, "우물빛천지") == []
    assert [match.is_clean for match in scan(index, "물빛천지로사람") if match.is_clean] == []


def test_a_common_word_is_no_name_though_a_place_is_called_so(tmp_path: Path) -> None:
    """A greeting was linked to a clinic whose name begins with it."""
    places = [{"place_id": "a", "name": "안녕하세요한의원"}, {"place_id": "b", "name": "여기"}]
    index = place_index(tmp_path, places)

    assert [match.is_common for match in scan(index, "안녕하세요, 여기 처음이에요")] == [True]
    assert link_main_place(index, PostWords("안녕하세요", "안녕하세요, 여기 처음이에요")).linked is None
    assert [match.chars for match in scan(index, "안녕하세요한의원 갔어요")] == [8]


def test_an_area_that_begins_a_name_is_not_that_name(tmp_path: Path) -> None:
    index = place_index(tmp_path, [{"place_id": "a", "name": "삼성동커피", "address": "서울특별시 강남구 삼성동"}])

    assert scan(index, "삼성동 살아요") == []


def test_a_name_inside_a_hashtag_is_found(index: PlaceIndex) -> None:
    assert [match.chars for match in scan(index, "#제주물빛천지", is_tag=True)] == [4]


def test_the_place_named_most_is_the_main_one(index: PlaceIndex) -> None:
    link = link_main_place(index, PostWords(**ABOUT_POND))

    assert link.linked is not None
    assert (link.linked.place.place_id, link.mention) == ("pond", "물빛천지")
    assert link.evidence == Evidence("title", 0, 4)
    assert link.reason == (
        "named 9 times in the body; its address stands in the text; in the title; in the hashtags; by its whole name; "
        "its neighbourhood is named"
    )


def test_a_place_named_now_and_then_is_the_best_guess(index: PlaceIndex) -> None:
    link = link_main_place(index, PostWords("제주 나들이", REVIEW))

    assert link.best is not None
    assert link.best.place.place_id == "pond"
    assert link.evidence is not None
    assert REVIEW[link.evidence.start : link.evidence.end] == "물빛천지"


def test_an_area_is_no_place(index: PlaceIndex) -> None:
    link = link_main_place(index, PostWords("제주", "제주 제주 제주에서 제주로"))

    assert link.outcome is Outcome.NO_CANDIDATE


def test_a_place_named_in_passing_is_not_the_answer(index: PlaceIndex) -> None:
    body = "오늘 산책을 했어요.\n" * 20 + "물빛천지 쪽은 못 갔네요."
    link = link_main_place(index, PostWords("산책", body))

    assert link.linked is None
    assert link.best is not None
    assert link.best.place.place_id == "pond"


def test_two_places_of_one_name_are_not_guessed(index: PlaceIndex) -> None:
    link = link_main_place(index, PostWords("할매국수", "할매국수 맛있어요.\n할매국수 또 갈래요."))

    assert (link.outcome, link.linked) == (Outcome.SEVERAL_ALIKE, None)


def test_an_address_in_the_text_tells_which_of_them_is_meant(index: PlaceIndex) -> None:
    body = "할매국수\n주소 제주 제주시 연동 신대로 5\n할매국수 맛있어요.\n할매국수 또 갈래요."
    link = link_main_place(index, PostWords("할매국수", body))

    assert link.best is not None
    assert link.best.place.place_id == "noodle-jeju"


@pytest.mark.parametrize("body", ["", "👍🏻🐷", "\u200b\u202e", "아무 데도 안 갔어요"])
def test_a_post_that_names_nothing_has_no_candidate(index: PlaceIndex, body: str) -> None:
    link = link_main_place(index, PostWords("", body))

    assert (link.outcome, link.candidates) == (Outcome.NO_CANDIDATE, ())


def test_an_empty_directory_links_nothing(tmp_path: Path) -> None:
    assert link_main_place(place_index(tmp_path, []), PostWords("", REVIEW)).outcome is Outcome.NO_CANDIDATE


def test_an_alias_is_a_name_too(index: PlaceIndex) -> None:
    aliased = index.with_aliases({"천지못": ("pond", "gone"), "가나다": ("gone",)})
    link = link_main_place(aliased, PostWords("제주 나들이", REVIEW.replace("물빛천지", "천지못"), ["#천지못"]))

    assert link.best is not None
    assert (link.best.place.place_id, link.mention) == ("pond", "천지못")


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "piece",
    ["가", "로", "1", " ", "물빛천지", "물빛천지 ", "신대로 5 ", "\u200d", "🐷", "\x00", "<b>", "\u1161"],
)
def test_a_hundred_thousand_characters_are_read_in_seconds(index: PlaceIndex, piece: str) -> None:
    """An address pattern without a bound took minutes for a post that is one word."""
    whole = piece * (100_000 // len(piece))

    link_main_place(index, PostWords(whole, whole, [whole]))


def test_an_index_is_the_same_after_it_was_saved(index: PlaceIndex, tmp_path: Path) -> None:
    index.save(tmp_path / "kept")
    opened = PlaceIndex.open(tmp_path / "kept")
    post = PostWords("제주 나들이", REVIEW)

    assert (len(opened), opened.version) == (len(PLACES), index.version)
    assert link_main_place(opened, post) == link_main_place(index, post)
