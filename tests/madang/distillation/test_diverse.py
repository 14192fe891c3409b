"""Which posts tell a student most."""

import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'madang[student]'")

from madang.distillation.diverse import most_telling

THEMES = {
    "의자": ["의자 팝니다", "책상의자 정리해요", "식탁의자 드려요", "의자 하나 내놓아요"],
    "산책": ["저녁에 한강 산책 같이 해요", "산책 친구 구해요", "강아지 산책 코스 알려주세요", "아침 산책 어때요"],
    "병원": ["소아과 병원 추천해 주세요", "병원 예약이 어려워요", "친절한 병원 어디예요", "병원 진료 시간 궁금해요"],
}


def test_unlike_posts_are_drawn_before_like_ones():
    turns = [turn for theme in THEMES.values() for turn in theme]
    drawn = most_telling(turns, None, 3)

    assert {one.at // 4 for one in drawn} == {0, 1, 2}
    assert sum(one.stands_for for one in drawn) == 12


def test_doubtful_posts_are_drawn_before_sure_ones():
    turns = [turn for theme in THEMES.values() for turn in theme]
    doubts = [0.9 if at % 4 == 1 else 0.0001 for at in range(12)]

    assert {one.at for one in most_telling(turns, doubts, 3)} == {1, 5, 9}


def test_one_text_many_times_over_is_drawn_once():
    turns = ["중고 의자 팝니다 연락 주세요"] * 30 + ["저녁에 한강 산책 같이 해요", "소아과 병원 추천해 주세요"]
    drawn = most_telling(turns, [0.9] * 30 + [0.5, 0.5], 3)

    assert sorted(one.at for one in drawn) == [0, 30, 31]


def test_all_are_drawn_where_more_are_wanted_than_there_are():
    assert [one.at for one in most_telling(["가", "나"], [0.1, 0.9], 5)] == [1, 0]
    assert most_telling([], None, 5) == []


def test_the_same_posts_are_drawn_again():
    turns = [f"{theme} {number}번 글이에요" for theme in THEMES for number in range(90)]

    assert most_telling(turns, None, 20) == most_telling(turns, None, 20)
