"""Where a Korean name may stand."""

import pytest

from madang.readers.place_candidates import candidates_of, words_of


def stretches(text: str) -> set[str]:
    return {text[one.start : one.end] for one in candidates_of(words_of(text))}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("수유역에서 만나요", "수유역"),
        ("수유역쪽에서 만나요", "수유역"),
        ("수유역3번출구 앞", "수유역"),
        ("강북구청까지가야할까요", "강북구청"),
        ("초록 김밥 화곡점이 열렸어요", "초록 김밥 화곡점"),
        ("'초록김밥'에 갔어요", "초록김밥"),
    ],
)
def test_a_name_may_end_before_what_its_last_word_carries(text: str, name: str) -> None:
    assert name in stretches(text)


def test_no_name_goes_on_after_a_mark_or_a_new_line() -> None:
    assert not any("김밥" in one and "국수" in one for one in stretches("초록김밥, 국수나라\n김밥"))


def test_addresses_of_pages_hold_no_names() -> None:
    assert stretches("https://example.org/신림역") == set()
