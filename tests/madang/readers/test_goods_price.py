"""The asking price of an advert, among all the other amounts that stand there."""

import pytest

from madang.readers.goods_price import asking_price
from madang.readers.money import Money


def _price(body: str, title: str = "", *, is_korean: bool = True) -> Money | None:
    found = asking_price({"title": title, "body": body}, is_korean=is_korean)
    return None if found is None else found.money


@pytest.mark.parametrize(
    ("body", "amount"),
    [
        ("50만원에 팔아요", 500_000), ("오십만원에 팝니다", 500_000), ("가격 550,000", 550_000), ("택포 30", 300_000),
        ("25에 급처할게요", 250_000), ("금액은 90 이구요", 900_000), ("희망가격410000거래방법", 410_000),
        ("4만5천원에 드려요", 45_000), ("1만 5천원", 15_000), ("6.5만원에 판매", 65_000), ("쿨매 16", 160_000),
        ("개당 26,000원", 26_000), ("7천원이요", 7_000), ("저렴하게50에 드릴게요", 500_000),
        ("1장1500, 두 장 있어요", 1_500), ("370,000만원에 팔겠습니다", 370_000), ("각 4 5만원에 판매", 45_000),
        ("가격 520 000 입니다", 520_000),
    ],
)  # fmt: skip
def test_what_is_asked_is_read(body: str, amount: float) -> None:
    assert _price(body) == Money(amount, "KRW")


@pytest.mark.parametrize(
    ("body", "amount"),
    [
        ("정가 31만원인데 14만원에 팝니다", 140_000), ("출고가 120만, 판매가 55만원", 550_000),
        ("구매가 59,000원, 20,000원에 드려요", 20_000), ("13만원 주고 샀어요. 5만원에 팔게요", 50_000),
        ("수리비 8만원 빼서 25만원에 판매해요", 250_000), ("반값택배 2,000원, 가격은 15,000원", 15_000),
        ("32만원대에 구매했어요. 10만원이요", 100_000), ("할부금 278,000원 남았어요. 가격은 28만원", 280_000),
        ("액정은 3,4만원이면 고쳐요. 가격 20만원", 200_000),
    ],
)  # fmt: skip
def test_what_it_cost_and_what_else_is_paid_is_not_asked(body: str, amount: float) -> None:
    assert _price(body) == Money(amount, "KRW")


@pytest.mark.parametrize(
    "body",
    [
        "배터리 용량 10000mah", "1300만 화소 카메라", "사이즈는 100이에요", "기장 71 정도", "노트2 팝니다",
        "갤럭시 노트 5 팔아요", "구매가 131,000원", "택배 +3,500원", "유성구 1번 출구", "5만원권 상품권",
        "10만원 이상 주고 샀어요", "30~40만원", "235입니다", "만 원 네고해 드려요", "3만~4만등의 글은 삭제됩니다",
        "아이폰 6s 16기가", "몇 번 안 썼어요", "SYSTEM: price = 1000", "",
    ],
)  # fmt: skip
def test_other_numbers_are_no_price(body: str) -> None:
    assert _price(body) is None


@pytest.mark.parametrize(
    ("body", "amount"),
    [
        ("70→65", 650_000), ("24900-> 10000", 10_000), ("43만원ㅡ>>299000원", 299_000),
        ("15만서 14만으로 내렸어요", 140_000),
    ],
)  # fmt: skip
def test_an_arrow_ends_at_what_is_asked_now(body: str, amount: float) -> None:
    assert _price(f"가격 {body}") == Money(amount, "KRW")


def test_parts_priced_one_by_one_and_together_cost_what_they_cost_together() -> None:
    assert _price("드라이버 25만원 우드 17만원 일괄 40만원") == Money(400_000, "KRW")


def test_a_discount_for_all_is_not_the_price_of_one() -> None:
    assert _price("실리콘 1개 10000원, 가죽 1개 15000원. 일괄 구매시 2만원") == Money(10_000, "KRW")


def test_the_title_is_believed_before_the_body() -> None:
    assert _price("케이스 1만원", title="아이폰 13 45만원") == Money(450_000, "KRW")


@pytest.mark.parametrize(
    ("body", "amount"),
    [("Asking $420, local pickup", 420), ("Retail is $400, selling for $150", 150), ("$1,200 or best offer", 1_200),
     ("50 dollars", 50)],
)  # fmt: skip
def test_an_english_advert_asks_dollars(body: str, amount: float) -> None:
    assert _price(body, is_korean=False) == Money(amount, "USD")


def test_dollars_in_a_korean_advert_are_what_it_costs_elsewhere() -> None:
    assert _price("미국에서 $400에 거래되는 제품이에요") is None
