"""Readers of group posts: topics, whom a group is for, whether it meets regularly."""

import unicodedata
from time import process_time

import pytest

from madang.extraction.grounding import PostText
from madang.readers.found import FoundValue
from madang.readers.groups import read


def value(key: str, body: str, title: str = "") -> FoundValue | None:
    found = read(PostText({"title": title, "body": body})).get(key)
    return None if found is None else found.value


@pytest.mark.parametrize(
    ("title", "body", "topics"),
    [
        ("저녁에 같이 뛰실 분", "한강에서 러닝해요", ("running",)),
        ("주말 등산 모임", "북한산 갑니다", ("hiking",)),
        ("동네친구 구해요", "맛집이랑 카페 같이 다녀요", ("friendship", "food_drink", "cafe")),
        ("눈사람 만드실 분", "같이 만들어요", ("other",)),
        ("위키드 같이 보실 분", "영화 좋아하시는 분 구해요", ("movie_show",)),
        ("Sunday book club", "We read a novel every month, join us", ("reading",)),
    ],
)
def test_what_a_group_does_is_named_by_its_words(title: str, body: str, topics: tuple[str, ...]) -> None:
    assert value("topics", body, title) == topics


def test_what_is_refused_is_no_topic() -> None:
    assert value("topics", "술은 안 마시고 등산만 같이 하실 분") == ("hiking",)


@pytest.mark.parametrize(
    ("body", "bands"),
    [
        ("2030 아무나 같이해요", ("20s", "30s")),
        ("20대 후반~40대 초반까지 모집합니다", ("20s", "30s", "40s")),
        ("89년생~01년생 모집", ("20s", "30s")),
        ("98년생 친구 구해요", ("20s",)),
        ("60대 분들 환영합니다", ("60plus",)),
        ("저는 25살 여자인데 또래 친구 구해요", ("20s",)),
        ("people in their 30s only", ("30s",)),
        ("시니어 산책 모임 회원 모집", ("60plus",)),
    ],
)
def test_ages_of_those_who_are_sought_are_bands(body: str, bands: tuple[str, ...]) -> None:
    assert value("age_bands", body) == bands


@pytest.mark.parametrize(
    "body",
    [
        "저는 32살 남자입니다 같이 운동하실 분",
        "40대남 혼밥도 지겨워서 밥친구 찾아요",
        "현재 회원은 30~50대입니다. 새 회원 모집",
        "나이 상관없이 환영, 저는 20대예요",
        "20:30에 만나요",
        "참가비 2030원",
    ],
)
def test_other_ages_are_not(body: str) -> None:
    assert value("age_bands", body) is None


@pytest.mark.parametrize(
    ("body", "gender"),
    [
        ("여자분만 연락주세요", "female"),
        ("저는 20대 여자라 동성 친구 구해요", "female"),
        ("남성분 구합니다", "male"),
        ("성별 나이 상관없어요", "mixed"),
        ("남녀 무관, 여자분들 환영", "mixed"),
        ("초보도 누구나 환영", "mixed"),
        ("women only running group", "female"),
        ("저는 여자입니다 같이 밥 드실 분", None),
        ("남자친구도 있어요", None),
    ],
)
def test_gender_is_that_of_those_who_are_sought(body: str, gender: str | None) -> None:
    assert value("gender", body) == gender


@pytest.mark.parametrize(
    ("body", "recurring"),
    [("매주 화요일에 모여요", True), ("오늘 저녁 7시에 봐요", False), ("같이 커피 마셔요", None)],
)
def test_a_group_that_meets_regularly_is_told_from_one_meeting(body: str, recurring: bool | None) -> None:
    assert value("recurring", body) == recurring


def test_a_question_for_a_place_is_no_recruiting() -> None:
    assert value("is_recruiting", "성인 태권도 할만한 곳 추천 부탁드려요") is False
    assert value("is_recruiting", "같이 배드민턴 치실 분 구해요") is True


def test_every_value_but_the_residual_topic_says_where_it_stands() -> None:
    body = "🏸 20대 여자분만, 매주 배드민턴 같이 치실 분 구해요"
    text = PostText({"title": "", "body": body})

    found = read(text)

    assert {key: text.quoted(one.spans[0]) for key, one in found.items()} == {
        "is_recruiting": "치실 분", "topics": "배드민턴", "age_bands": "20대", "gender": "여자분", "recurring": "매주",
    }  # fmt: skip


def test_a_decomposed_post_is_read_and_its_spans_are_of_the_stored_text() -> None:
    body = "😀 " + unicodedata.normalize("NFD", "30대 남자분이면 좋겠어요. 탁구 치실 분 구해요")
    text = PostText({"title": "", "body": body})

    found = read(text)

    assert (found["gender"].value, found["age_bands"].value, found["topics"].value) == (
        "male", ("30s",), ("table_tennis",),
    )  # fmt: skip
    assert text.quoted(found["topics"].spans[0]) == unicodedata.normalize("NFD", "탁구")


def test_a_long_post_full_of_ages_is_read_in_seconds() -> None:
    """Each age was compared with all the others: 100,000 characters of them took 45 seconds."""
    started = process_time()

    assert value("age_bands", "20대 30대 90년생 모집 " * 6_000) == ("20s", "30s")
    assert process_time() - started < 3
