"""The rows that several writers merge at once: some of their own, some that all of them bring."""

from collections.abc import Iterable
from datetime import UTC, date, datetime

import polars as pl

from madang.ops import PLANS, REPLIES

OWN, SHARED = 10, 5
_THEN = datetime(2024, 11, 27, tzinfo=UTC)


def own_replies(writer: int, chunk: int) -> pl.DataFrame:
    """Replies that no other writer has."""
    return _replies(f"own-{writer}-{chunk}-{number}" for number in range(OWN))


def shared_replies(chunk: int) -> pl.DataFrame:
    """Replies that every writer brings in its chunk of this number."""
    return _replies(f"shared-{chunk}-{number}" for number in range(SHARED))


def shared_plans(writer: int, chunk: int, now: datetime) -> pl.DataFrame:
    """Five plan rows, the same in every chunk but for who changed them last."""
    rows = [
        {"task": "groups", "recipe": "groups@1", "source": "town", "post_id": f"p{number}", "content_hash": "h",
         "day": date(2024, 11, 27), "run": f"{writer}-{chunk}", "reason": "new", "state": "pending", "planned_at": now}
        for number in range(SHARED)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=PLANS.polars_schema)


def _replies(hashes: Iterable[str]) -> pl.DataFrame:
    rows = [
        {"request_hash": request_hash, "model": "m", "lane": "online", "text": "{}", "finish": "stop",
         "input_tokens": 1, "output_tokens": 1, "cached_tokens": 0, "latency_seconds": 0.0, "usd": 0.0, "tokens": "[]",
         "received_at": _THEN}
        for request_hash in hashes
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=REPLIES.polars_schema)
