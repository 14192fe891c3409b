"""Posts of a small market, with their answers: enough of them to teach a student in a second."""

import json
import random
from pathlib import Path
from typing import Any

MARKET: dict[str, Any] = {
    "name": "market",
    "entity": "item",
    "source": {"kind": "table", "table": "raw.posts", "where": "board = 'market'", "text": ["title", "body"]},
    "fields": {
        "kind": {"kind": "label", "of": ["chair", "phone", "book"]},
        "is_new": {"kind": "flag"},
        "extras": {"kind": "labels", "of": ["cable", "cushion"]},
        "price": {"kind": "money", "bare_unit": "KRW"},
        "color": {"kind": "text", "max_chars": 20},
        "shops": {"kind": "mentions", "of": {"is_review": {"kind": "flag", "default": False}}},
    },
    "models": [{"use": "small", "fallback": ["local"], "max_tokens": 96}],
}
_KINDS = {
    "chair": ["의자", "책상의자", "식탁의자"],
    "phone": ["휴대폰", "스마트폰", "폰"],
    "book": ["책", "소설책", "만화책"],
}
_COLORS = ["빨강", "파랑", "검정", "하양", "초록"]
_EXTRAS = {"cable": "충전선 드려요", "cushion": "방석 드려요"}
_FILLERS = [
    "동네에서 거래해요",
    "연락 주세요",
    "오늘 가능해요",
    "주말에 봐요",
    "이사 가서 정리해요",
    "집 앞으로 오세요",
]


def is_vague(number: int) -> bool:
    """Whether the post does not say what kind of thing it is about: one in twelve."""
    return number % 12 == 5


def sale(number: int) -> tuple[dict[str, object], dict[str, object]]:
    """A post and its answers, the same for the same number."""
    chance = random.Random(number)
    kind = chance.choice(sorted(_KINDS))
    answer: dict[str, object] = {"kind": kind, "is_new": None, "extras": [], "price": None, "color": None, "shops": []}
    title = "물건 하나" if is_vague(number) else chance.choice(_KINDS[kind])
    parts = [chance.choice(_FILLERS), f"물건번호 {chance.choice('가나다라마바사')}{chance.choice('아자차카타파하')}"]
    if chance.random() < 0.5:
        answer["is_new"] = chance.random() < 0.5
        parts.append("새 상품 입니다" if answer["is_new"] else "오래 쓴 중고 입니다")
    if chance.random() < 0.6:
        answer["price"] = 1000 * chance.randint(3, 90)
        parts.append(f"가격 {answer['price']:,}원")
    if chance.random() < 0.5:
        answer["color"] = chance.choice(_COLORS)
        parts.append(f"색은 {answer['color']} 이에요")
    for extra, words in _EXTRAS.items():
        if chance.random() < 0.3:
            answer["extras"] = [*answer["extras"], extra]  # type: ignore[misc]
            parts.append(words)
    if chance.random() < 0.4:
        shop = f"{chance.choice('한두세네')}{chance.choice('별달해')}상점"
        is_review = chance.random() < 0.5
        answer["shops"] = [{"text": shop, "is_review": is_review}]
        parts.append(f"{shop} 에서 샀는데 좋았어요" if is_review else f"{shop} 앞에서 만나요")
    chance.shuffle(parts)
    day = f"2024-11-{1 + number % 28:02}T09:00:00+09:00"
    post = {"source": "town", "post_id": f"s{number}", "board": "market", "title": title, "event_at": day}
    return post | {"body": ". ".join(parts)}, {"post_id": f"s{number}"} | answer


def write_sales(folder: Path, count: int, first: int = 0) -> tuple[Path, Path]:
    """Files of posts and of their answers."""
    folder.mkdir(parents=True, exist_ok=True)
    pairs = [sale(number) for number in range(first, first + count)]
    posts, answers = folder / f"posts{first}.jsonl", folder / f"sales{first}.gold.jsonl"
    posts.write_text(_lines(post for post, _ in pairs), encoding="utf-8")
    answers.write_text(_lines(answer for _, answer in pairs), encoding="utf-8")
    return posts, answers


def _lines(rows: Any) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
