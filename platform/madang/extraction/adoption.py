"""Takes over what a dead process left: its replies go to the warehouse, its calls in flight become `unknown`.

Batch jobs that may exist keep their claims until `resuming` takes them over.

A claim that says `received` without a record in the spool or a reply in the warehouse is `lost`: somebody took a
record away. It is written to the ledger, and the completeness check shows it.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
from pydantic_core import to_json

from madang.extraction.claims import Claim, Claims
from madang.extraction.spool import Record, is_alive, log_names, take_orphan
from madang.models.protocol import Failure, Reply
from madang.ops import LEDGER, REPLIES
from madang.warehouse.protocol import Change, Warehouse


@dataclass(frozen=True)
class Adopted:
    """What was found.

    Args:
        replies: Replies brought home.
        unknown: Calls that were in flight.
        lost: Replies that had been received and are gone.
    """

    replies: int = 0
    unknown: int = 0
    lost: int = 0

    def __add__(self, other: "Adopted") -> "Adopted":
        return Adopted(self.replies + other.replies, self.unknown + other.unknown, self.lost + other.lost)


def adopt_orphans(warehouse: Warehouse, claims: Claims, spool: Path) -> Adopted:
    """Adopts every log whose owner is dead, and every claim whose owner has no log any more."""
    found = Adopted()
    for name in dict.fromkeys([*log_names(spool), *claims.owners()]):
        found += adopt(warehouse, claims, spool, name)
    return found


def adopt(warehouse: Warehouse, claims: Claims, spool: Path, owner: str) -> Adopted:
    """Adopts one owner; does nothing if it lives or another process is at it."""
    if is_alive(spool, owner):
        return Adopted()
    orphan = take_orphan(spool, owner)
    if orphan is None and (spool / owner).exists():
        return Adopted()
    try:
        records = list(orphan.records()) if orphan is not None else []
        with warehouse.exclusive():
            adopted = _bring_home(warehouse, claims, owner, records)
        if orphan is not None:
            orphan.remove()
    finally:
        if orphan is not None:
            orphan.close()
    return adopted


def _bring_home(warehouse: Warehouse, claims: Claims, owner: str, records: list[Record]) -> Adopted:
    replies = [record for record in records if record["outcome"] == "ok"]
    # By call: a request that failed may have been sent again, and that second call is in flight.
    recorded = {str(record["call_id"]) for record in records}
    # What a batch job may answer is not over: whoever takes the job over goes on with it.
    in_jobs = claims.in_jobs(owner)
    owned = claims.of_owner(owner)
    open_claims = [
        (claim, state) for claim, state in owned if claim.call_id not in recorded and claim.request_hash not in in_jobs
    ]
    there = _with_reply(warehouse, [claim.request_hash for claim, _ in open_claims])
    gone = [(claim, state) for claim, state in open_claims if claim.request_hash not in there]
    # A batch lane claims what it pulls, and sends it with its job: these were surely never sent.
    unsent = {claim.request_hash for claim, state in gone if claim.lane == "batch" and state == "sent"}
    gone = [(claim, state) for claim, state in gone if claim.request_hash not in unsent]
    ledger = [record_ledger_row(record) for record in records]
    ledger += [_open_row(claim, "lost" if state == "received" else "unknown") for claim, state in gone]
    warehouse.commit([
        Change(REPLIES, pl.DataFrame([record_reply_row(record) for record in replies], schema=REPLIES.polars_schema)),
        Change(LEDGER, pl.DataFrame(ledger, schema=LEDGER.polars_schema)),
    ])  # fmt: skip
    costs = {str(record["call_id"]): row["usd"] for record, row in zip(records, ledger, strict=False)}
    _settle(claims, owner, costs, in_jobs, unsent)
    claims.mark({str(record["request_hash"]) for record in replies} | there, "committed")
    answered = {str(record["request_hash"]) for record in replies}
    # By call, again: the request of a failed one may be in a batch job by now, or another process's.
    failed = {claim.request_hash for claim, _ in owned if claim.call_id in recorded} - answered
    claims.release(failed | unsent | {claim.request_hash for claim, _ in gone})
    lost = sum(state == "received" for _, state in gone)
    return Adopted(len(replies), len(gone) - lost, lost)


def _settle(claims: Claims, owner: str, costs: dict[str, object], in_jobs: set[str], unsent: set[str]) -> None:
    """Settles the calls that the dead owner had not: an unknown cost counts at what was reserved."""
    for claim, state in claims.of_owner(owner):
        if state == "sent" and (claim.call_id in costs or claim.request_hash not in in_jobs):
            cost = costs.get(claim.call_id, 0.0 if claim.request_hash in unsent else claim.reserved_usd)
            claims.settle(claim.account_day, claim.reserved_usd, float(str(cost)))


def reply_record(claim: Claim, reply: Reply, received_at: datetime) -> Record:
    """What the spool keeps of a reply: enough to write its rows without the process that received it."""
    return {"outcome": "ok", **_claim_part(claim, received_at), "reply": reply.to_json()}


def failure_record(claim: Claim, failure: Failure, settled_at: datetime) -> Record:
    """What the spool keeps of a call that brought no reply; a cost that nobody knows counts at what was reserved."""
    usd = claim.reserved_usd if failure.usd is None else failure.usd
    return {"outcome": failure.failure, **_claim_part(claim, settled_at), "reply": None, "usd": usd}


def record_reply_row(record: Record) -> dict[str, object]:
    """Row of ops.replies for a spooled reply."""
    plain = record["reply"]
    assert isinstance(plain, dict)
    return {
        "request_hash": record["request_hash"], "model": record["model"], "lane": record["lane"],
        "text": plain["text"], "finish": plain["finish"], "input_tokens": plain["input_tokens"],
        "output_tokens": plain["output_tokens"], "cached_tokens": plain["cached_tokens"],
        "latency_seconds": plain["seconds"], "usd": plain["usd"],
        "tokens": to_json(plain["tokens"]).decode(),
        "received_at": datetime.fromisoformat(str(record["settled_at"])),
    }  # fmt: skip


def record_ledger_row(record: Record) -> dict[str, object]:
    """Row of ops.ledger for a spooled outcome."""
    plain = record["reply"]
    usage: dict[str, object] = dict.fromkeys(("usd", "input_tokens", "output_tokens", "cached_tokens"), None)
    usage |= {"usd": record.get("usd", 0.0), "latency_seconds": None}
    if isinstance(plain, dict):
        usage = {name: plain[name] for name in ("usd", "input_tokens", "output_tokens", "cached_tokens")}
        usage["latency_seconds"] = plain["seconds"]
    return {
        "call_id": record["call_id"], "request_hash": record["request_hash"], "run": record["run"],
        "task": record["task"], "recipe": record["recipe"], "model": record["model"], "lane": record["lane"],
        "outcome": record["outcome"], "reserved_usd": record["reserved_usd"],
        "day": date.fromisoformat(str(record["day"])), "sent_at": datetime.fromisoformat(str(record["sent_at"])),
        "settled_at": datetime.fromisoformat(str(record["settled_at"])), **usage,
    }  # fmt: skip


def _open_row(claim: Claim, outcome: str) -> dict[str, object]:
    record: Record = {"outcome": outcome, **_claim_part(claim, datetime.now(UTC)), "reply": None}
    return record_ledger_row(record) | {"usd": claim.reserved_usd}


def _claim_part(claim: Claim, settled_at: datetime) -> Record:
    return {
        "request_hash": claim.request_hash, "call_id": claim.call_id, "run": claim.run, "task": claim.task,
        "recipe": claim.recipe, "model": claim.model, "lane": claim.lane, "day": claim.day,
        "reserved_usd": claim.reserved_usd, "sent_at": claim.sent_at, "settled_at": settled_at.isoformat(),
    }  # fmt: skip


def _with_reply(warehouse: Warehouse, request_hashes: list[str]) -> set[str]:
    if not request_hashes:
        return set()
    asked = pl.DataFrame({"request_hash": request_hashes})
    found = warehouse.read("SELECT request_hash FROM ops.replies SEMI JOIN asked USING (request_hash)",
                           frames={"asked": asked})  # fmt: skip
    return set(found["request_hash"])
