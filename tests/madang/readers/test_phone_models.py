"""Phone models by one name each."""

import pytest

from madang.readers.phone_models import PhoneModel, phones_in


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("갤럭시 s22 울트라 256", "galaxy s22 ultra"), ("s24 울트라", "galaxy s24 ultra"),
        ("겔럭시s7엣지", "galaxy s7 edge"), ("갤6s엣지", "galaxy s6 edge"), ("galaxy s23+", "galaxy s23 plus"),
        ("갤노트10+", "galaxy note 10 plus"), ("노트5 핑크", "galaxy note 5"), ("갤럭시 z 폴드7", "galaxy z fold 7"),
        ("z 플립5", "galaxy z flip 5"), ("갤럭시 a8", "galaxy a8"), ("갤럭시 와이드8", "galaxy wide 8"),
        ("갤럭시그랜드맥스", "galaxy grand max"), ("아이폰 13 pro max", "iphone 13 pro max"),
        ("아이폰6s플러스", "iphone 6s plus"), ("아이폰 12미니", "iphone 12 mini"), ("아이폰se2", "iphone se 2"),
        ("아이폰 se 2세대", "iphone se 2"), ("아이폰17프맥", "iphone 17 pro max"), ("아이폰6s+", "iphone 6s plus"),
        ("iphone 15 pro 128gb", "iphone 15 pro"), ("아이폰 xs max", "iphone xs max"), ("옵티머스g3", "lg g3"),
        ("lg v50 씽큐", "lg v50"), ("홍미노트 3 프로", "redmi note 3 pro"), ("pixel 7a", "pixel 7a"),
        ("넥서스5x", "nexus 5x"), ("베가 아이언2", "vega iron 2"), ("엑스페리아 z3", "xperia z3"),
    ],
)  # fmt: skip
def test_ways_of_writing_are_one_name(text: str, name: str) -> None:
    assert [phone.name for phone in phones_in(text)] == [name]


@pytest.mark.parametrize(
    ("text", "name"), [("아이폰6 s급", "iphone 6"), ("아이폰 6 s+급", "iphone 6"), ("노트5 50만", "galaxy note 5")]
)
def test_a_grade_or_a_price_is_no_part_of_the_name(text: str, name: str) -> None:
    assert [phone.name for phone in phones_in(text)] == [name]


@pytest.mark.parametrize("text", ["노트 3권", "플립 커버", "새 노트북", "s급 상태", "10 minutes", "v라인"])
def test_other_things_are_no_phones(text: str) -> None:
    assert phones_in(text) == []


def test_phones_stand_in_order_with_their_places() -> None:
    assert phones_in("s22 울트라 팔고 아이폰 15 삽니다") == [
        PhoneModel("galaxy s22 ultra", "Samsung", 0, 7),
        PhoneModel("iphone 15", "Apple", 11, 17),
    ]
