"""Tokens by script: figures that Gemma's own tokenizer gave."""

import pytest

from madang.extraction.tokens import schema_tokens, text_tokens

# Text, and what the packaged model's tokenizer makes of it.
MEASURED = [
    ("주말 아침에 한강에서 같이 러닝하실 분 구해요. 초보도 환영합니다!", 23),
    ("망원동 근처에서 같이 저녁 먹고 산책할 동네 친구 찾아요. 20~30대면 누구나 좋아요.", 32),
    ("Looking for people to join a casual Saturday morning run along the river. All levels are welcome.", 19),
    ("We meet every second Tuesday at the library to talk about a novel.", 14),
    ("보증금 500에 월세 38만원, 관리비 5만원 별도입니다. 역에서 걸어서 7분, 2층 남향이에요.", 39),
]


@pytest.mark.parametrize(("text", "tokens"), MEASURED)
def test_a_post_is_within_an_eighth_of_what_the_tokenizer_says(text: str, tokens: int) -> None:
    assert text_tokens(text) == pytest.approx(tokens, rel=0.125)


def test_each_script_has_its_own_weight() -> None:
    assert [text_tokens(text) for text in ("가", "1", "a", " ", "!", "")] == [0.78, 1.43, 0.18, 0.18, 0.61, 0.0]


def test_a_schema_is_counted_as_it_is_written() -> None:
    assert schema_tokens({"type": "가"}) == text_tokens('{"type": "가"}')
