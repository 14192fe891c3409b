"""Rental adverts, Korean and English: each idiom with the values that it states, and what it does not state."""

import time
import unicodedata

import pytest

from madang.extraction.grounding import PostText
from madang.readers import rentals
from madang.readers.money import Money


def read(body: str, title: str = "") -> dict[str, object]:
    """What is found, without places; amounts in 10,000 won, or in dollars as a string."""
    found = rentals.read(PostText({"title": title, "body": body}))
    return {key: _plain(one.value) for key, one in found.items()}


def _plain(value: object) -> object:
    if isinstance(value, Money):
        return value.amount / 10_000 if value.currency == "KRW" else f"${value.amount:g}"
    return value


def prices(text: str) -> tuple[object, object, object]:
    found = read(text)
    return found.get("deal_type"), found.get("deposit"), found.get("monthly_rent")


@pytest.mark.parametrize(
    ("text", "deal", "deposit", "rent"),
    [
        ("원룸 500/40", "monthly", 500, 40), ("투룸 1,000만원/50만원 - 강변역", "monthly", 1000, 50),
        ("올수리500/40원룸", "monthly", 500, 40), ("1000에 50", "monthly", 1000, 50),
        ("3천에 월세 55만원", "monthly", 3000, 55), ("보증금 천에 월 오십", "monthly", 1000, 50),
        ("천/오십에 내놔요", "monthly", 1000, 50), ("보500 월40", "monthly", 500, 40),
        ("보3천 월70만", "monthly", 3000, 70), ("보증금 2,000만원, 월세 45만원", "monthly", 2000, 45),
        ("월세 38 보증금 300", "monthly", 300, 38), ("2000-65 투룸", "monthly", 2000, 65),
        ("1천70 가능", "monthly", 1000, 70), ("3천 . 58만원", "monthly", 3000, 58),
        ("1억/30만원", "monthly", 10000, 30), ("1억 2천/30", "monthly", 12000, 30),
        ("반전세 8000/20", "monthly", 8000, 20), ("보증금 없이 월 33만원", "monthly", 0, 33),
        ("월세 1000만/60만", "monthly", 1000, 60), ("전세 2억", "jeonse", 20000, None),
        ("전세 1억 2천", "jeonse", 12000, None), ("전세 1억5000", "jeonse", 15000, None),
        ("전세가 9천만원", "jeonse", 9000, None), ("2억 3천에 전세 놓습니다", "jeonse", 23000, None),
        ("주택 7,000만원 - 강변역 4분", "jeonse", 7000, None), ("아파트 매매 6억", "sale", None, None),
    ],
)  # fmt: skip
def test_korean_prices(text: str, deal: str, deposit: float | None, rent: float | None) -> None:
    found = read("", title=text)

    assert (found.get("deal_type"), found.get("deposit"), found.get("monthly_rent")) == (deal, deposit, rent)


@pytest.mark.parametrize(
    "text",
    [
        "12/25 이후 입주", "24/7 관리", "문의 010-0000-0000", "3/5층", "2026-11 입주", "보증금 조절 가능", "3시에 50분",
        "관리비 별도", "역에서 500m에 40평", "11월 20일", "주차비 월 5만원", "보증보험 100% 가입", "5천세대 대단지",
    ],
)  # fmt: skip
def test_other_numbers_are_no_price(text: str) -> None:
    found = read(text)

    assert (found.get("deposit"), found.get("monthly_rent"), found.get("maintenance")) == (None, None, None)


@pytest.mark.parametrize(
    "text", ["방3 깨끗한 집, 전세1.2억도 가능", "전세가능한 원룸", "전세대출 되는 집", "전세 전환 가능"]
)
def test_what_could_be_agreed_besides_is_no_deal(text: str) -> None:
    assert prices(text) == (None, None, None)


def test_the_title_says_the_price_where_the_body_names_another() -> None:
    found = read("1000/40도 가능합니다", title="주택 7,000만원 - 강변역 4분 거리")

    assert (found["deal_type"], found["deposit"], "monthly_rent" in found) == ("jeonse", 7000, False)


@pytest.mark.parametrize(
    ("text", "deal"),
    [
        ("깔끔한 집 착한 월세", "monthly"), ("신축 오피스텔 전세", "jeonse"), ("빌라 급매", "sale"),
        ("단기 임대 원룸", "short_term"), ("제 방 양도합니다", "sublet"), ("원룸 전대 500/40", "sublet"),
        ("단기가능 500/45", "monthly"), ("신축급매물 500/45", "monthly"), ("에어컨 양도해요", None),
    ],
)  # fmt: skip
def test_the_way_it_is_offered(text: str, deal: str | None) -> None:
    assert read(text).get("deal_type") == deal


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("관리비 5만원", 5), ("관리비 7", 7), ("관리6만(청소 포함)", 6), ("관리비(수도 포함) 8만", 8),
        ("관리비 없음", 0),
        ("관리비X", 0), ("관리비는 0원", 0), ("관리비 인터넷 포함 6만원", 6), ("500/40/5", 5),
        ("관리비는 겨울에 18만원쯤", 18),
        ("관리비 별도", None), ("관리비 포함", None), ("관리 5천45", None),
    ],
)  # fmt: skip
def test_maintenance(text: str, amount: float | None) -> None:
    assert read(text).get("maintenance") == amount


@pytest.mark.parametrize(
    ("text", "m2"),
    [
        ("전용 7평", 23.1), ("실평수 9평", 29.8), ("원룸 33㎡", 33.0), ("아파트 84.9m2", 84.9),
        ("전용 59.8 제곱미터", 59.8),
        ("공급 24평 전용 18평", 59.5), ("전용13 방2", 43.0), ("15P 원룸", 49.6), ("약20평", 66.1),
        ("평지라 좋아요 3평일", None), ("옥상 10평 있음", None), ("평당 3000", None),
    ],
)  # fmt: skip
def test_areas(text: str, m2: float | None) -> None:
    assert read(text).get("area_m2") == m2


@pytest.mark.parametrize(
    ("text", "floor"),
    [
        ("3층 원룸", "3층"), ("반지하지만 밝아요", "반지하"), ("채광 좋은 반지층", "반지층"), ("옥탑방 원룸", "옥탑"),
        ("고층이라 조용", "high"), ("저층 선호하시는 분", "low"), ("1층같은 반지하", "반지하"), ("2층같은 1층", "1층"),
        ("5층 중 3층", "3층"), ("3/5층", "3층"), ("5층 건물 2층", "2층"), ("지하 1층 상가", "지하 1층"),
        ("주택 일층", "1층"),
        ("1.5층 빌라", "1.5층"), ("거실1 욕실1 / 4층", "4층"), ("2층 침대 있어요", None), ("1층에 편의점", None),
        ("층간소음 없음", None), ("지하철 가까움", None), ("주인이 1층에 살아요", None), ("지하주차장", None),
    ],
)  # fmt: skip
def test_floors(text: str, floor: str | None) -> None:
    assert read(text).get("floor") == floor


@pytest.mark.parametrize(
    ("text", "kind", "rooms", "baths"),
    [
        ("오픈형 원룸", "one_room", 1, None), ("1.5룸 분리형", "one_half_room", None, None),
        ("투룸 월세", "two_room_plus", 2, None), ("3룸 화장실 2개", "two_room_plus", 3, 2),
        ("방2 화1", None, 2, 1), ("방 두개 욕실 하나", None, 2, 1), ("방3칸, 욕실1칸", None, 3, 1),
        ("다가구주택 창동", "detached_multi_household", None, None),
        ("연립/다세대 장안동", "villa_multiplex", None, None),
        ("오피스텔급 원룸", "one_room", 1, None), ("원룸형 오피스텔", "officetel", 1, None),
        ("빌라식 다가구 2층", "detached_multi_household", None, None), ("1층 상가 임대", "shop_office", None, None),
        ("공장/창고 300/60", "other", None, None), ("투룸같은 1.5룸", "one_half_room", None, None),
        ("아파트 단지 인근 원룸", "one_room", 1, None), ("화장실 1층에 있음", None, None, None),
        ("투룸이상 500만원/40만원", "two_room_plus", None, None), ("방2 화1 시스템에어컨", None, 2, 1),
    ],
)  # fmt: skip
def test_types_and_rooms(text: str, kind: str | None, rooms: int | None, baths: int | None) -> None:
    found = read("", title=text)

    assert (found.get("property_type"), found.get("rooms"), found.get("bathrooms")) == (kind, rooms, baths)


@pytest.mark.parametrize(
    ("text", "available"),
    [
        ("즉시입주 가능", "immediate"), ("바로 입주", "immediate"), ("현재 공실", "immediate"),
        ("빠른이사가능", "immediate"),
        ("입주협의", "negotiable"), ("이사날짜 협의 가능", "negotiable"), ("입주는 4월 중 협의 가능", "4월 중 협의"),
        ("4월1일부터 입주", "4월1일부터"), ("3월말이후 입주 가능", "3월말이후"), ("3/16이후협의", "3/16이후협의"),
        ("12월 초 입주", "12월 초"), ("입주는 내년 1월 중순부터", "내년 1월 중순부터"),
        ("다음 주부터 쓰실 수 있어요", "다음 주부터"),
        ("비공실", None), ("8월에 재정비했어요", None), ("보증금 협의", None), ("2월까지 계약", None),
    ],
)  # fmt: skip
def test_availability(text: str, available: str | None) -> None:
    assert read(text).get("available") == available


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("에어컨 세탁기 냉장고 있음", ("air_conditioner", "washing_machine", "refrigerator")),
        ("풀옵션 원룸", ("full_option",)), ("베란다 넓어요", ("balcony",)), ("CCTV, 도어락", ("security",)),
        ("붙박이장, 신발장, TV", ("closet", "tv", "shoe_cabinet")), ("가스렌지와 전자렌지", ("gas_stove", "microwave")),
        ("인덕션/건조기/와이파이", ("induction_stove", "internet", "dryer")),
        ("침대 책상 두고 갑니다", ("bed", "desk")),
        ("냉장고 침대를 제외하고 두고 갑니다", None), ("냉장고 들어가는 넓은 주방", None),
        ("에어컨은 10만원에 양도", None),
        ("옵션 없음", None), ("세탁기 없어요", None), ("침대 등은 옵션이 아니며", None),
    ],
)  # fmt: skip
def test_options(text: str, options: tuple[str, ...] | None) -> None:
    assert read(text).get("options") == options


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("주차 가능", "parking", True), ("주차1대 무료", "parking", True), ("주차가, 역 근처", "parking", True),
        ("주차불가", "parking", False), ("주차x", "parking", False), ("주차는 골목이라 어려워요", "parking", False),
        ("주변 공용주차장 있음", "parking", None), ("주차 협의", "parking", None), ("엘베 있어요", "elevator", True),
        ("엘베X", "elevator", False), ("엘리베이터는 없고", "elevator", False), ("노엘베", "elevator", False),
        ("애완동물이 가능한 집", "pets_allowed", True), ("반려동물 O", "pets_allowed", True),
        ("애완x", "pets_allowed", False), ("강아지 고양이 ㄴㄴ", "pets_allowed", False),
        ("고양이 됩니다", "pets_allowed", True), ("반려동물 협의", "pets_allowed", None),
        ("동물병원 옆", "pets_allowed", None), ("전세대출 가능", "lease_loan_ok", True),
        ("버팀목, 보증보험 가능", "lease_loan_ok", True), ("중기청 대출 됩니다", "lease_loan_ok", True),
        ("대출불가", "lease_loan_ok", False), ("전세대출안됨", "lease_loan_ok", False),
        ("각종 대출 상품 비교", "lease_loan_ok", None), ("LH 가능", "lease_loan_ok", None),
    ],
)  # fmt: skip
def test_what_is_allowed(text: str, key: str, value: bool | None) -> None:
    assert read(text).get(key) is value


@pytest.mark.parametrize(
    ("text", "station", "minutes"),
    [
        ("강변역 도보 6분", "강변역", 6), ("강변역에서 걸어서 9분", "강변역", 9), ("1,4호선창동역4분", "창동역", 4),
        ("도보 5분 거리 강변역", "강변역", 5), ("강변역 2번 출구 도보 3분", "강변역", 3),
        ("강변역세권", "강변역", None),
        ("충정로 역세권", "충정로역", None), ("건대입구 도보 10분", "건대입구역", 10),
        ("서울대 입구역 7분", "서울대입구역", 7),
        ("구의역, 강변역 사이", "구의역", None), ("풀옵션망우역1분", "망우역", 1), ("자양역역세권", "자양역", None),
        ("강변역 버스 10분", "강변역", None), ("월계역, 인덕대 도보 5분", "월계역", 5),
        ("가산디지털단지역 3분", "가산디지털단지역", 3), ("조용한 역세권", None, None), ("더블 역세권", None, None),
        ("지하철 5분거리", None, None), ("이 지역 최고", None, None), ("광운대 도보 5분", None, None),
    ],
)  # fmt: skip
def test_stations(text: str, station: str | None, minutes: int | None) -> None:
    found = read(text)

    assert (found.get("near_station"), found.get("walk_minutes")) == (station, minutes)


def test_minutes_on_foot_stand_before_those_of_the_title() -> None:
    assert read("강변역 도보 10분", title="원룸 500/40 - 강변역 7분 거리")["walk_minutes"] == 10


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("2BR apartment, $1,450/mo", "monthly_rent", "$1450"), ("Rent is $850, deposit $500", "monthly_rent", "$850"),
        ("1,050 per month plus utilities", "monthly_rent", "$1050"), ("$900 + electric", "monthly_rent", "$900"),
        ("Rent: $1,200. Application fee $50. Pet deposit $300.", "monthly_rent", "$1200"),
        ("Application fee $450", "monthly_rent", None), ("must earn $4,000 per month", "monthly_rent", None),
        ("rent from $900 - $1,400", "monthly_rent", None), ("Deposit: $750", "deposit", "$750"),
        ("$600 security deposit", "deposit", "$600"), ("No deposit", "deposit", "$0"),
        ("$300 pet deposit", "deposit", None),
        ("HOA dues are $260", "maintenance", "$260"), ("850 sq ft", "area_m2", 79.0), ("1,040 sqft", "area_m2", 96.6),
        ("650 - 900 square feet", "area_m2", None), ("a 4,000 square foot dog park", "area_m2", None),
        ("Two bedrooms, one bath", "rooms", 2.0), ("3br house", "rooms", 3.0),
        ("1, 2 and 3 bedroom apartments", "rooms", None),
        ("$995/2 br apartment", "rooms", 2.0), ("2 bed 1.5 bath", "bathrooms", 1.5), ("2BR/1BA", "bathrooms", 1.0),
        ("2 bedroom, 1 and a half bath", "bathrooms", 1.5), ("3 bed, 2 full and 1 half bath", "bathrooms", 2.5),
        ("Studio apartment", "rooms", None), ("No pets please", "pets_allowed", False),
        ("Pets OK", "pets_allowed", True),
        ("Dogs and cats are welcome", "pets_allowed", True), ("Cats ok, no dogs", "pets_allowed", True),
        ("Off-street parking", "parking", True), ("Street parking only", "parking", False),
        ("2 car garage", "parking", True),
        ("Elevator in the building", "elevator", True), ("third floor walk-up", "elevator", False),
        ("Condo by the river", "property_type", "apartment"),
        ("Single family home", "property_type", "detached_multi_household"),
        ("OPEN HOUSE on Sunday. Large apt", "property_type", "apartment"), ("Available now!", "available", "immediate"),
        ("Available Sept 1", "available", "Sept 1"), ("on the 2nd floor", "floor", "2nd floor"),
        ("laundry on the first floor", "floor", None), ("Subletting my room", "deal_type", "sublet"),
        ("House for rent", "deal_type", "monthly"), ("Condo for sale by owner", "deal_type", "sale"),
    ],
)  # fmt: skip
def test_english_adverts(text: str, key: str, value: object) -> None:
    assert read(text).get(key) == value


def test_a_body_about_homes_of_other_sizes_says_nothing_of_this_one() -> None:
    body = "['Our 1 bedroom apartments are 600 sq ft and $900 a month', 'Our 2 bedrooms are 850 sq ft, $1,100 a month']"

    found = read(body, title="2 bedroom apartment")

    assert (found["rooms"], found["area_m2"], found["monthly_rent"]) == (2.0, 79.0, "$1100")


def test_english_options_leave_out_hookups_and_what_is_missing() -> None:
    assert read("Washer/dryer hookups, fridge, no microwave, balcony")["options"] == ("refrigerator", "balcony")


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "🏠🔑", "화이트 톤 최고 가성비", "Great location, call today!",
        "집주인이 보일러를 안 고쳐 줘요. 3층 사는데 어떡하죠?",
    ],
)  # fmt: skip
def test_what_is_not_stated_stays_absent(text: str) -> None:
    assert read(text) == {}


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKD"])
def test_places_are_those_of_the_text_as_it_is_stored(form: str) -> None:
    """Decomposed Hangul once read as no Hangul at all, so that a Korean advert was read as an English one."""
    body = unicodedata.normalize(form, "👨‍👩‍👧 반지하 원룸 ５００/40, 전용 33㎡")  # type: ignore[arg-type]

    found = rentals.read(PostText({"title": "", "body": body}))

    spans = {key: body[found[key].spans[0].start : found[key].spans[0].end] for key in ("floor", "deposit", "area_m2")}
    assert {key: unicodedata.normalize("NFKC", part) for key, part in spans.items()} == {
        "floor": "반지하", "deposit": "500", "area_m2": "전용 33m2"
    }  # fmt: skip


def test_invisible_joiners_do_not_hide_a_price() -> None:
    body = "원룸 5\u200b00/4\u200d0"

    found = rentals.read(PostText({"title": "", "body": body}))

    assert found["deposit"].value == Money(5_000_000, "KRW")
    assert body[found["deposit"].spans[0].start : found["deposit"].spans[0].end] == "5\u200b00"


def test_every_value_has_a_place_and_a_known_key() -> None:
    text = PostText(
        {"title": "오피스텔 1000/65 강변역 4분", "body": "풀옵션, 7평 3층, 주차 가능, 엘베 있음, 애완x, 즉시입주"}
    )

    found = rentals.read(text)

    assert set(found) <= set(rentals.KEYS)
    assert all(text.quoted(span) for one in found.values() for span in one.spans)
    assert all(one.spans for one in found.values())


@pytest.mark.parametrize(
    "unit", ["전세 ", "1 ", "$1,200 a month ", "2 bed 1 bath, ", "1억 ", "10/10/", "보증금 ", "(관리비 ", "\u200b가"]
)
def test_a_hostile_length_costs_little(unit: str) -> None:
    """전세 repeated 30,000 times once took 159 s: an unbounded run of words before 대출."""
    began = time.monotonic()

    rentals.read(PostText({"title": "", "body": unit * (50_000 // len(unit))}))

    assert time.monotonic() - began < 10
