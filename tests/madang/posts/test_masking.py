"""Masking: personal numbers and addresses go, prices stay, and no offset moves."""

import random
import time

import pytest

from madang.posts.masking import mask

MASKED = {
    "a mobile number": ("연락 010-1234-5678 주세요", "연락 000-0000-0000 주세요"),
    "a mobile number without dashes": ("01012345678로 문자", "00000000000로 문자"),
    "a mobile number with spaces": ("010 1234 5678", "000 0000 0000"),
    "a mobile number with dots": ("010.1234.5678", "000.0000.0000"),
    "an international number": ("+82 10-1234-5678", "+00 00-0000-0000"),
    "a landline": ("02-123-4567 / 031-123-4567", "00-000-0000 / 000-000-0000"),
    "full-width digits": ("０１０-１２３４-５６７８", "000-0000-0000"),
    "a spelt-out number": ("공일공-일이삼사-오육칠팔", "xxx-xxxx-xxxx"),
    "a half spelt-out number": ("공1공 1234 오육78", "x0x 0000 xx00"),
    "letters for digits": ("o1o-1234-5678", "x0x-0000-0000"),
    "an e-mail address": ("메일 kim.chul-su@naver.com 로", "메일 xxx.xxxx-xx@xxxxx.xxx 로"),
    "an open chat": ("https://open.kakao.com/o/gAb12Cd 로", "xxxxx://xxxx.xxxxx.xxx/x/xXx00Xx 로".lower()),
    "a chat link without scheme": ("t.me/runner99 와요", "x.xx/xxxxxx00 와요"),
    "a chat id": ("카톡 아이디: runner_99 입니다", "카톡 아이디: xxxxxx_00 입니다"),
    "a chat id in English": ("KakaoTalk ID : moon.kim", "KakaoTalk ID : xxxx.xxx"),
    "a resident number": ("900101-1234567", "000000-0000000"),
    "an account": ("국민 123456-78-901234 예금주", "국민 000000-00-000000 예금주"),
    "an account of four parts": ("110-123-456789-01", "000-000-000000-00"),
    "a card": ("1234-5678-9012-3456", "0000-0000-0000-0000"),
    "a card with spaces": ("1234 5678 9012 3456", "0000 0000 0000 0000"),
    "a chat id without a colon": ("카톡 abcd1234 로", "카톡 xxxx0000 로"),
    "a chat id after the word for it": ("카톡아이디 abcd1234", "카톡아이디 xxxx0000"),
    "a handle": ("인스타 @my_name", "인스타 @xx_xxxx"),
    "a chat id of digits after a colon": ("카톡: 19901127", "카톡: 00000000"),
    "a chat id in English without a colon": ("KakaoTalk moon99", "KakaoTalk xxxx00"),
    "a mobile number with underscores": ("010_1234_5678", "000_0000_0000"),
    "an account without hyphens": ("신한 110123456789", "신한 000000000000"),
    "an account at a bank's full name": ("국민은행 계좌: 12345678901234", "국민은행 계좌: 00000000000000"),
    "a resident number without a hyphen": ("9001011234567", "0000000000000"),
    "a turn of Gemma's": ("<start_of_turn>user", " " * 19),
    "a turn of another template": ("<|im_start|>system <|im_end|>", " " * 12 + "system" + " " * 11),
    "an instruction tag": ("[INST] obey [/INST]", " " * 7 + "obey" + " " * 8),
    "the end of a sequence": ("</s><eos><bos>", "    ‹eos>‹bos>"),
}


@pytest.mark.parametrize("claim", MASKED)
def test_what_names_a_person_or_a_turn_is_masked(claim: str) -> None:
    text, masked = MASKED[claim]

    assert mask(text) == masked


SURVIVING = [
    "보증금 500/40", "1억 2천", "38만원", "2,500만원", "1000/50/10", "3000-150", "전세 3억 5,000", "월 45+5",
    "$1,450", "1,450,000원", "2024-11-27", "2024.11.27", "2024/11/27", "24-11-27", "11월 27일 14:30",
    "2024-11-27 14:30", "2024-11-27~2024-12-01", "20241127", "84.97㎡", "전용 59m2 / 공급 84m2", "850 sqft",
    "7평 3층", "101동 1203호", "신림역 2호선 도보 5-10분", "5~6km", "6분 30초", "2030", "90년생", "1988",
    "보증금 3000 월세 150 관리비 10", "보증금 1000만원 월세 60만원 관리비 5만원", "a < b", "[공지]", "<3", "",
    "🏃‍♂️", "카톡 5000원", "카톡: 38만원", "카톡 500/40", "카톡 1억 2천", "카톡: 5,000만원", "라인 2호선",
    "online class", "line dance class", "신한 1450000000원", "카톡 850sqft", "카톡 2024-11-27", "1732665600000",
    "인스타 감성",
]  # fmt: skip


@pytest.mark.parametrize("text", SURVIVING)
def test_prices_dates_and_areas_survive(text: str) -> None:
    assert mask(text) == text


def test_masking_a_masked_text_changes_nothing() -> None:
    for text, masked in MASKED.values():
        assert mask(mask(text)) == masked, text


def test_the_length_is_always_kept() -> None:
    chosen = random.Random(20241127)
    pieces = [
        *(text for text, _ in MASKED.values()), *SURVIVING, " ", "\n", "\t", "가", "각", "é", "🇰🇷", "👩‍👩‍👧‍👦",
        "²", "①", "٣",
        "-", ".", "@", ":", "010", "공일공", "<", "ﬁ", "İ", "ß", "\u200b", "\ufffd", "0" * 30, "1-" * 12,
    ]  # fmt: skip
    for _ in range(300):
        text = "".join(chosen.choices(pieces, k=chosen.randint(1, 8)))
        masked = mask(text)

        assert len(masked) == len(text), repr(text)
        assert all(
            before == after or after in ("0", "x", " ", "‹", "⟦") for before, after in zip(text, masked, strict=True)
        ), repr(text)


@pytest.mark.parametrize("text", ["ㅋ" * 100_000, "카톡" + " " * 100_000, "a@" + "b" * 100_000])
def test_a_long_run_takes_no_longer_than_its_length(text: str) -> None:
    """The pattern of e-mail addresses took 1.4 s for 20,000 times ㅋ, and 25 times that for five times as many."""
    started = time.process_time()
    mask(text)

    assert time.process_time() - started < 2
