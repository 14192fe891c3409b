"""Reader of places: what is named, in which sense, what the post is for, which hashtags it suggests."""

import unicodedata

import pytest

from madang.extraction.grounding import PostText
from madang.readers.found import Found, FoundMention
from madang.readers.places import MAX_CHARS, read


def post(body: str, title: str = "") -> PostText:
    return PostText({"title": title, "body": body})


def mentions(found: Found) -> list[FoundMention]:
    assert isinstance(found.value, tuple)
    return [one for one in found.value if isinstance(one, FoundMention)]


def named(body: str, title: str = "") -> list[str]:
    text = post(body, title)
    return [text.quoted(one.span) for one in mentions(read(text)["mentions"])]


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("신림역 근처에 세탁소 있을까요?", ["신림역"]),
        ("당산역 2번 출구에서 지갑을 잃어버렸어요", ["당산역"]),
        ("석촌호수에서 에어팟을 주웠어요", ["석촌호수"]),
        ("보라매공원이나 대방역 쪽에 붕어빵 파는 곳 있나요", ["보라매공원", "대방역"]),
        ("오늘 북서울꿈의숲 눈 풍경이에요", ["북서울꿈의숲"]),
    ],
)
def test_a_name_stands_without_its_particle_or_exit(body: str, names: list[str]) -> None:
    assert named(body) == names


@pytest.mark.parametrize(
    "body",
    [
        "동네 병원 추천해주세요",
        "망원동에 맛있는 카페 있나요?",
        "당근에서 거래하다가 사기 당했어요",
        "강아지 산책 같이 하실 분 구해요",
        "집 근처 편의점에서 우유를 샀어요",
    ],
)
def test_areas_kinds_of_shop_and_apps_name_no_place(body: str) -> None:
    assert named(body) == []


def test_a_place_that_stands_twice_is_found_once_where_it_first_stands() -> None:
    found = mentions(read(post("수유역 근처 호떡 파는 곳 있나요", "수유역 호떡"))["mentions"])

    assert [(one.span.field, one.span.start, one.span.end) for one in found] == [("title", 0, 3)]


def test_the_fuller_of_two_forms_is_kept() -> None:
    assert named("어린이대공원 눈이 많이 쌓였어요. 대공원 최고", "어린이대공원") == ["어린이대공원"]


def test_a_place_that_only_says_where_is_no_review() -> None:
    (found,) = mentions(read(post("노원역 근처에 괜찮은 세탁소 있을까요?"))["mentions"])

    assert dict(found.values) == {"is_review": False, "direction_only": True}


def test_an_opinion_of_a_place_is_a_review() -> None:
    (found,) = mentions(read(post("달빛분식에서 떡볶이 먹었는데 정말 맛있었어요", "달빛분식 후기"))["mentions"])

    assert dict(found.values) == {"is_review": True, "direction_only": False}


def test_offsets_are_those_of_the_stored_text() -> None:
    body = "😀 " + unicodedata.normalize("NFD", "신림역") + "\u200d 근처에 세탁소 있나요"
    text = post(body)
    (found,) = mentions(read(text)["mentions"])

    assert unicodedata.normalize("NFC", text.quoted(found.span)) == "신림역"


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("Heavy rain is expected in Kerala and Karnataka tonight", ["Kerala", "Karnataka"]),
        ("Lost my wallet near Riverside Park yesterday", ["Riverside Park"]),
        ("Thinking of everyone in #PuertoRico today", ["PuertoRico"]),
        ("My cat likes warm milk in the evening", []),
    ],
)
def test_english_places_are_of_any_scale(body: str, names: list[str]) -> None:
    assert named(body) == names


@pytest.mark.parametrize(
    ("body", "values"),
    [
        ("We ate at Harbor View Restaurant and loved it", {"is_review": True, "direction_only": False}),
        ("Is Harbor View Restaurant open? We loved it", {"is_review": False, "direction_only": False}),
        ("Found keys next to Harbor View Restaurant", {"is_review": False, "direction_only": True}),
    ],
)
def test_english_senses_go_by_the_clause(body: str, values: dict[str, bool]) -> None:
    (found,) = mentions(read(post(body))["mentions"])

    assert dict(found.values) == values


@pytest.mark.parametrize(
    ("title", "body", "kind"),
    [
        ("치과 추천해주세요", "아프지 않게 해주는 치과 추천 부탁드려요", "recommendation_request"),
        ("강아지를 찾습니다", "어제 저녁에 잃어버렸어요. 보신 분 연락주세요", "lost_found"),
        ("같이 저녁 드실 분", "동네친구 구해요", "social"),
        ("Lost dog", "Our dog is missing since Monday", "lost_found"),
        ("Dentist", "Can anyone recommend a good dentist?", "recommendation_request"),
        ("Rain", "It rained all day", "story"),
    ],
)
def test_the_kind_of_a_post_is_what_it_is_for(title: str, body: str, kind: str) -> None:
    assert read(post(body, title))["post_kind"].value == kind


def test_hashtags_are_kept_places_then_written_ones_then_topics() -> None:
    text = post("보라매공원에 눈이 소복하게 쌓였네요 #첫눈 산책", "눈 내린 보라매공원")
    found = mentions(read(text)["hashtags"])

    assert [(text.quoted(one.span), one.values["origin"]) for one in found] == [
        ("보라매공원", "place"), ("첫눈", "written"), ("산책", "topic")
    ]  # fmt: skip


def test_a_place_named_for_its_direction_is_no_hashtag() -> None:
    text = post("노원역 근처에 괜찮은 세탁소 있을까요?")

    assert [text.quoted(one.span) for one in mentions(read(text)["hashtags"])] == ["세탁소"]


def test_a_post_without_letters_has_nothing() -> None:
    assert read(post("😀😀 \u200d")) == {}


def test_what_stands_past_the_limit_is_not_read() -> None:
    assert named("가 " * (MAX_CHARS // 2) + "신림역 근처") == []
