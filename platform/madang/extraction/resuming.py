"""Goes on with batch jobs that dead processes began: their answers go to the spool, then to the warehouse.

Posts of this run that wait for one of these requests find its claim held, by ourselves, until it is answered here.
Jobs of other days of the task are finished too: what they answer lies in ops.replies for the run that plans those days.
"""

import asyncio
from datetime import UTC, datetime

from madang.extraction.adoption import adopt, failure_record, reply_record
from madang.extraction.claims import Claim
from madang.extraction.jobs import TakenJob, take_over
from madang.extraction.running import Running
from madang.extraction.settling import commit_settled
from madang.extraction.spool import Record, is_alive
from madang.models.protocol import Outcome, Reply

_COMMIT_ROWS = 500


def take_jobs_of_the_dead(running: Running) -> list[TakenJob]:
    """Takes over the task's jobs that dead processes left, after what they left in their spools was brought home."""

    def is_free(owner: str) -> bool:
        adopt(running.warehouse, running.claims, running.spool_folder, owner)
        return not is_alive(running.spool_folder, owner) and not (running.spool_folder / owner).exists()

    return take_over(running.claims, running.task.name, running.spool.name, is_free)


async def finish_jobs(running: Running, taken: list[TakenJob]) -> None:
    """Follows jobs until all have ended.

    Raises:
        ModelUnavailable: One cannot be looked at. It stays written down.
        DeclarationError: One is of a model that the settings no longer name.
    """
    for one in await asyncio.gather(*(_finish(running, job) for job in taken), return_exceptions=True):
        if one is not None:
            raise one


async def _finish(running: Running, taken: TakenJob) -> None:
    lane = running.catalogue.batch(taken.model, running.journal(taken.model))
    running.say_of_job(taken.job.display_name, f"{len(taken.claims)} rows left by another run")
    outcomes: list[Outcome] = []
    async with lane.open():
        async for outcome in lane.follow(taken.job):
            outcomes.append(outcome)
            if len(outcomes) == _COMMIT_ROWS:
                await _keep(running, taken, outcomes)
                outcomes = []
    await _keep(running, taken, outcomes)


async def _keep(running: Running, taken: TakenJob, outcomes: list[Outcome]) -> None:
    now = datetime.now(UTC)
    records = [_record(taken.claims[outcome.request_hash], outcome, now) for outcome in outcomes]
    append = await running.spool.append_all(records)
    for outcome in outcomes:
        claim = taken.claims[outcome.request_hash]
        usd = claim.reserved_usd if outcome.usd is None else outcome.usd
        running.claims.finish(claim, usd, is_answered=isinstance(outcome, Reply))
    await asyncio.to_thread(commit_settled, running.warehouse, running.task, running.recipe, running.run, [], records)
    answered = [outcome.request_hash for outcome in outcomes if isinstance(outcome, Reply)]
    running.claims.mark(answered, "committed")
    running.spool.forget([append])


def _record(claim: Claim, outcome: Outcome, now: datetime) -> Record:
    return reply_record(claim, outcome, now) if isinstance(outcome, Reply) else failure_record(claim, outcome, now)
