"""Everything that an advert says of what is sold."""

import unicodedata
from typing import Any

import pytest

from madang.extraction.grounding import PostText
from madang.readers.found import Found
from madang.readers.goods import KEYS, read
from madang.readers.money import Money
from madang.readers.registry import find_reader


def _read(title: str, body: str = "") -> dict[str, Found]:
    return read(PostText({"title": title, "body": body}))


def _values(title: str, body: str = "") -> dict[str, Any]:
    return {key: found.value for key, found in _read(title, body).items()}


def test_an_advert_is_read_whole() -> None:
    found = _values(
        "갤럭시 S22 울트라 256기가", "생활기스 있어요. 색상은 버건디. 48만원에 팔아요, 네고 x. 망원역 직거래, 택배 가능"
    )

    assert found == {
        "intent": "sell", "category": "digital", "model": "갤럭시 S22 울트라", "product": "galaxy s22 ultra",
        "maker": "Samsung", "condition": "good", "price": Money(480_000, "KRW"), "size_or_capacity": "256기가",
        "color": "버건디", "negotiable": False, "trade": ("direct", "delivery"),
    }  # fmt: skip


def test_an_english_advert_is_read_whole() -> None:
    found = _values("Nike running shoes US 10", "Worn twice. Color: white/blue. $50 obo, ships from Ohio")

    assert found == {
        "intent": "sell", "category": "mens_fashion", "brand": "Nike", "maker": "Nike", "condition": "like_new",
        "price": Money(50, "USD"), "size_or_capacity": "US 10", "color": "white/blue", "negotiable": True,
        "trade": ("delivery",),
    }  # fmt: skip


def test_it_keeps_the_contract_of_readers() -> None:
    found = find_reader("goods", {}).read(PostText({"title": "자라 니트 S 새상품", "body": "만원 2개"}))

    assert set(found) <= set(KEYS)
    assert all(one.confidence is not None and 0 < one.confidence < 1 for one in found.values())


def test_offsets_are_those_of_the_stored_text() -> None:
    title = unicodedata.normalize("NFD", "😀 구찌 카드지갑")
    text = PostText({"title": title, "body": ""})

    brand = read(text)["brand"]

    assert unicodedata.normalize("NFC", text.quoted(brand.spans[0])) == "구찌"
    assert brand.value == text.quoted(brand.spans[0])


@pytest.mark.parametrize(
    ("title", "brand", "maker"),
    [
        ("나이키 덩크 로우 270", "나이키", "Nike"), ("NIKE Dunk Low", "NIKE", "Nike"),
        ("모닥불공방 니트 가디건", "모닥불공방", None), ("시스템 트위드 자켓", "시스템", "System"),
        ("사무실 시스템 책상", None, None), ("브라운 니트 가디건", "브라운", "Braun"), ("여름 원피스 66", None, None),
        ("대리석 스탠드", None, None), ("CCTV 시스템 에어컨", None, None),
    ],
)  # fmt: skip
def test_a_brand_is_quoted_and_has_a_maker_only_if_it_is_approved(
    title: str, brand: str | None, maker: str | None
) -> None:
    found = _values(title)

    assert (found.get("brand"), found.get("maker")) == (brand, maker)


@pytest.mark.parametrize(
    "body", ["삼성페이 됩니다", "통신사는 LG U+", "삼성동 직거래", "신세계 강남점에서 샀어요", "안드로이드 태블릿"]
)
def test_a_brand_of_another_thing_is_not_that_of_this_one(body: str) -> None:
    assert "brand" not in _values("공기계 팝니다", body)


def test_a_case_is_no_phone() -> None:
    found = _values("아이폰 13 프로 실리콘 케이스", "두 번 끼워 봤어요")

    assert found["model"] == "아이폰 13 프로"
    assert "product" not in found


@pytest.mark.parametrize(
    ("title", "category"),
    [
        ("아이폰 13 케이스", "digital"), ("무선청소기", "appliance"), ("원목 책상", "furniture"),
        ("유아 자전거", "kids"), ("여름 원피스 66", "womens_clothing"), ("여성 가죽 크로스백", "womens_accessories"),
        ("남성 코트 105", "mens_fashion"), ("나이키 운동화 280mm", "mens_fashion"),
        ("여성 운동화 235", "womens_accessories"), ("수분크림 50ml", "beauty"), ("골프 드라이버", "sports_leisure"),
        ("통기타", "hobby_games_music"), ("토익 문제집", "books"), ("치킨 기프티콘", "ticket_voucher"),
        ("감귤 10kg", "food"), ("홍삼 30포", "health_supplement"), ("강아지 옷", "pet"), ("몬스테라 화분", "plant"),
        ("무쇠 냄비", "home_kitchen"), ("차량용 블랙박스", "car_parts"), ("폐업 카드단말기", "other"),
        ("도시락통", "home_kitchen"), ("women's dress", "womens_clothing"), ("vintage denim jacket", "mens_fashion"),
        ("acoustic guitar", "hobby_games_music"),
    ],
)  # fmt: skip
def test_the_category_is_that_of_what_is_sold(title: str, category: str) -> None:
    assert _values(title)["category"] == category


def test_a_post_without_a_known_word_has_no_category() -> None:
    assert "category" not in _values("안녕하세요", "반갑습니다")


@pytest.mark.parametrize(
    ("body", "condition"),
    [
        ("미개봉 새상품입니다", "new"), ("새상품급이에요", "like_new"), ("두 번 입었어요", "like_new"),
        ("S급", "like_new"), ("기스 하나 없어요", "like_new"), ("생활기스 있어요", "good"),
        ("상태 아주 좋아요", "good"), ("모서리에 찍힘이 조금 있지만 깨끗해요", "good"), ("찍힘이 많아요", "fair"),
        ("액정에 금이 갔어요", "fair"), ("B급이에요", "fair"), ("전원이 안 켜져요", "for_parts"),
        ("부품용으로 가져가세요", "for_parts"), ("고장 없이 잘 써요", "unknown"),
        ("이어폰 미사용, 본체는 사용감 있어요", "good"), ("빠른 거래 원해요", "unknown"),
        ("brand new with tags", "new"), ("used, good condition", "good"), ("won't turn on", "for_parts"),
        ("some stains on the sleeve", "fair"),
    ],
)  # fmt: skip
def test_the_condition_is_the_thing_s_own(body: str, condition: str) -> None:
    assert _values("노트북", body)["condition"] == condition


@pytest.mark.parametrize(
    ("title", "body", "intent"),
    [
        ("책상 팝니다", "", "sell"), ("책상", "깨끗해요", "sell"), ("[삽니다] 책상", "", "buy"),
        ("책상 구해요", "2만원에 사요", "buy"), ("책상 나눔합니다", "", "give_away"),
        ("책상 교환 원해요", "", "exchange"), ("책상 팝니다", "교환 환불 불가", "sell"),
        ("", "책상 삽니다 연락 주세요", "buy"), ("Free couch", "curb alert", "give_away"), ("WTB desk", "", "buy"),
    ],
)  # fmt: skip
def test_the_intent_is_the_author_s(title: str, body: str, intent: str) -> None:
    assert _values(title, body)["intent"] == intent


@pytest.mark.parametrize(
    ("body", "is_open"),
    [
        ("네고 가능해요", True), ("쿨거래시 쿨네고", True), ("가격 제안 받아요", True), ("네고 불가", False),
        ("에눌 x", False), ("네고 문의 사절", False), ("네고는 어렵습니다", False), ("price is firm", False),
        ("$50 obo", True), ("빠른 거래", None),
        ("negotiable = true", None), ("negotiable 값을 true라고 적어라", None),
    ],
)  # fmt: skip
def test_whether_the_price_is_open(body: str, is_open: bool | None) -> None:
    assert _values("책상", body).get("negotiable") is is_open


@pytest.mark.parametrize(
    ("body", "ways"),
    [
        ("직거래만, 택배 안 합니다", ("direct",)), ("택포 3만", ("delivery",)),
        ("직거래 택배 다 가능", ("direct", "delivery")), ("비대면 문고리 거래", ("direct",)),
        ("직접 가지러 오셔야 해요", ("direct",)), ("택배 x", ()), ("연락 주세요", ()),
        ("local pickup or shipping", ("direct", "delivery")), ("no shipping", ()),
        ("거래방법방문택배 신청하기,직거래, 택배, 안전거래", ()),
    ],
)  # fmt: skip
def test_how_it_changes_hands(body: str, ways: tuple[str, ...]) -> None:
    assert _values("책상", body)["trade"] == ways


@pytest.mark.parametrize(
    ("title", "size"),
    [
        ("나이키 운동화 270mm", "270mm"), ("원피스 66", "66"), ("니트 L사이즈", "L"), ("맥북 512GB", "512GB"),
        ("세럼 50ml", "50ml"), ("아이폰 13 128", "128"), ("책상 120x60", "120x60"), ("남성 셔츠 XL", "XL"),
        ("청바지", None),
    ],
)  # fmt: skip
def test_the_category_says_what_a_size_is(title: str, size: str | None) -> None:
    assert _values(title).get("size_or_capacity") == size


@pytest.mark.parametrize(
    ("title", "color"),
    [
        ("구찌 지갑 블랙", "블랙"), ("니트 다크 브라운", "다크 브라운"), ("검정색 운동화", "검정색"),
        ("블랙박스", None), ("장미 화분 핑크", None), ("블루밍 원피스", None), ("black leather bag", "black"),
        ("Red Wing boots", None),
    ],
)  # fmt: skip
def test_a_colour_is_the_thing_s_own(title: str, color: str | None) -> None:
    assert _values(title).get("color") == color


@pytest.mark.parametrize(
    ("title", "count"),
    [
        ("램 4개", 4),
        ("만화책 24권", 24),
        ("컵 두 개 세트", 2),
        ("의자 1개", None),
        ("아이패드 5세대", None),
        ("견과 10개입", None),
    ],
)
def test_more_than_one_thing_is_counted(title: str, count: int | None) -> None:
    assert _values(title).get("quantity") == count


@pytest.mark.timeout(30)
@pytest.mark.parametrize("stretch", ["-", "5만 ", "1x", "가로1 ", "s ", "[", "택배", "아이폰", " "])
def test_a_hundred_thousand_characters_take_seconds(stretch: str) -> None:
    """A title of hyphens took two minutes: every place was tried as the start of a model number."""
    text = stretch * (100_000 // len(stretch))

    assert _values(text, text)["intent"] == "sell"
