"""What an erasure cannot reach, and what to do about it."""

from collections.abc import Iterator
from contextlib import closing

import polars as pl

from madang.erasure.receipt import Line, Post
from madang.erasure.requests import AboutPost
from madang.extraction.claims import Claims
from madang.models.batch_spec import BatchModel
from madang.ops import LEDGER
from madang.settings import Settings
from madang.warehouse.protocol import Warehouse


def outside_lines(settings: Settings, warehouse: Warehouse, post: Post, about: AboutPost) -> Iterator[Line]:
    """Files it came in, providers and batch jobs it was sent to, other homes and copies; to call before it is gone."""
    landed = warehouse.read(
        "SELECT DISTINCT landed_from FROM raw.posts WHERE source = ? AND post_id = ? AND landed_from IS NOT NULL "
        "ORDER BY landed_from",
        [post.source, post.post_id],
    )
    for name in landed["landed_from"]:
        yield Line(f"file {name}", "outside", unit="files", note="the post landed from it: remove it there and at its "
                   "source")  # fmt: skip
    for model, lane in _asked(warehouse, about):
        yield Line(f"provider of {model}", "outside", unit="requests", note=f"it was sent the masked text ({lane}): "
                   "what it keeps, and how long, is by your contract")  # fmt: skip
    for name, spec in settings.models.items():
        if isinstance(spec, BatchModel):
            yield Line(spec.storage, "outside", unit="files", note=f"rows and answers of {name}'s batch jobs lie there "
                       "until you delete them, or by a rule of the bucket's")  # fmt: skip
    for name in _jobs(settings, about):
        yield Line(f"batch job {name}", "outside", unit="jobs", note="it holds the request and goes on: its answer is "
                   "dropped here; delete its rows when it has ended")  # fmt: skip
    if settings.is_warehouse_shared:
        yield Line("other homes", "outside", unit="homes", note="spool, evaluations, features and Feast of the homes "
                   "that share this warehouse: run madang erase in each")  # fmt: skip
    yield Line("copies", "outside", unit="copies", note="backups, exports and pages of evaluations made before: delete "
               "them or let them run out")  # fmt: skip


def _asked(warehouse: Warehouse, about: AboutPost) -> list[tuple[str, str]]:
    if not warehouse.has(LEDGER.name):
        return []
    hashes = pl.DataFrame({"request_hash": sorted(about.own | about.shared)}, schema={"request_hash": pl.String()})
    return warehouse.read(
        "SELECT DISTINCT model, lane FROM ops.ledger SEMI JOIN hashes USING (request_hash) "
        "WHERE lane IN ('online', 'batch') ORDER BY ALL",
        frames={"hashes": hashes},
    ).rows()


def _jobs(settings: Settings, about: AboutPost) -> list[str]:
    file = settings.home / "claims.sqlite"
    if not file.exists():
        return []
    with closing(Claims(file)) as claims:
        rows = claims.read("SELECT request_hash, display_name FROM job_rows ORDER BY display_name", [])
    return list(dict.fromkeys(name for request_hash, name in rows if request_hash in about.own))
