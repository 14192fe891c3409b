"""The batch lane: requests gathered into jobs, jobs followed to their end, every row matched by its id.

A job is worth as much as thousands of calls, so it is written down before it exists: begun, its rows stored, looked
for by its display name, and created only if it is not there. Whoever finds it written down later goes on from there.
What a job did not answer fails transiently; the engine asks it again, together with what else is left.
"""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime

from madang.errors import CallFailed, Misconfigured, ModelUnavailable, PermanentFailure, TransientFailure
from madang.models.batch_gathering import gathered
from madang.models.batch_http import GoogleApi
from madang.models.batch_journal import BatchJob, BatchJournal
from madang.models.batch_rows import RowWriter, answered_request, failed, halves, read_outcome
from madang.models.batch_spec import BatchModel
from madang.models.batch_storage import BatchStorage, CloudStorage
from madang.models.batch_vertex import Seen, VertexJobs
from madang.models.gemini import thinking_budget
from madang.models.prices import Prices, Reserve
from madang.models.protocol import Outcome, Reply, Request
from madang.models.specs import Lane

# Looks at the list of jobs after which one whose creation was not answered counts as never made.
_LOOKS = 3
# Looks at a cancelled job, which may take its time to end.
_LOOKS_AT_CANCELLED = 10
# So many rows that fail alike, and none that does not: the job is wrong, not its posts.
_SUSPICIOUS_ROWS = 20

# What comes of jobs under way: outcomes, jobs that are over, and None when all are.
_Ended = asyncio.Queue[Outcome | asyncio.Task[None] | None]


class BatchLane:
    """The lane to one model in batch jobs.

    Args:
        spec: The model's settings.
        prices: What a row costs.
        journal: Where jobs are written down.
    """

    lane: Lane = "batch"

    def __init__(self, spec: BatchModel, prices: Prices, journal: BatchJournal) -> None:
        self._spec, self._prices, self._journal = spec, prices, journal
        self._place = f"{spec.model} in batch on Vertex AI"
        self._reserve = Reserve(prices, spec.image_tokens, thinking_budget(spec) or 0)
        self._rows = RowWriter(spec)
        self._api = GoogleApi(self._place, is_local=spec.credentials == "local", pause_seconds=spec.poll_seconds)
        self._jobs = VertexJobs(self._api, spec)
        self._storage = self._make_storage()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """See `Model`.

        Raises:
            InputError: There are no credentials. Nothing was sent.
        """
        async with self._api.open():
            yield

    def reserved_usd(self, request: Request) -> float:
        """See `Model`."""
        return self._reserve.usd(request)

    async def send(self, requests: AsyncIterator[Request]) -> AsyncIterator[Outcome]:
        """See `Model`. Outcomes come when a job has ended.

        Raises:
            ModelUnavailable: A job is under way and cannot be looked at. It stays written down.
        """
        ended: _Ended = asyncio.Queue()
        working = asyncio.create_task(self._submit_all(requests, ended))
        working.add_done_callback(lambda _: ended.put_nowait(None))
        try:
            while (one := await ended.get()) is not None:
                if isinstance(one, asyncio.Task):
                    one.result()  # raises what made the job fail
                else:
                    yield one
            working.result()
        finally:
            working.cancel()

    async def follow(self, job: BatchJob) -> AsyncIterator[Outcome]:
        """Brings a job whose rows are stored to its end, whoever began it; one that may exist is looked for first.

        Raises:
            ModelUnavailable: It cannot be looked at. It stays written down.
        """
        try:
            job = await self._existing(job)
        except CallFailed as error:
            self._journal.said(job, f"could not be created: {error.culprit}")
            for request_hash in job.request_hashes:
                yield failed(request_hash, _of_job(error))
            return
        try:
            seen = await self._end_of(job)
            async for outcome in self._collect(job, seen):
                yield outcome
        except CallFailed as error:
            raise _unseen(job.name, error, "the job goes on, and is collected then") from error

    async def _submit_all(self, requests: AsyncIterator[Request], ended: _Ended) -> None:
        places = asyncio.Semaphore(self._spec.jobs)
        jobs: set[asyncio.Task[None]] = set()
        try:
            async for batch in gathered(requests, self._spec.rows, self._spec.gather_seconds, places):
                job = asyncio.create_task(self._submit(batch, ended, places))
                jobs.add(job)
                job.add_done_callback(jobs.discard)
                job.add_done_callback(ended.put_nowait)
            if jobs:
                await asyncio.wait(jobs)
        finally:
            for job in list(jobs):
                job.cancel()

    async def _submit(self, requests: Sequence[Request], ended: _Ended, places: asyncio.Semaphore) -> None:
        requests = [request for request in requests if _has_its_images(request, ended)]
        if not requests:
            places.release()
            return
        name = f"madang-{datetime.now(UTC):%Y%m%d}-{uuid.uuid4().hex}"
        job = BatchJob(name, *self._storage.places(name), time.time(), tuple(request.hash for request in requests))
        known = {request.hash: request for request in requests}
        try:
            self._journal.begin(job)
            try:
                await self._storage.store(job, (self._rows.row(request) for request in requests))
            except CallFailed as error:
                for request in requests:
                    ended.put_nowait(failed(request.hash, _of_job(error)))
                return
            async for outcome in self.follow(job):
                if isinstance(outcome, Reply):
                    self._reserve.learn(known[outcome.request_hash], outcome.input_tokens)
                ended.put_nowait(outcome)
        finally:
            places.release()

    async def _existing(self, job: BatchJob) -> BatchJob:
        """The job with its name, created if it does not exist.

        Raises:
            CallFailed: It does not exist, and could not be created.
            ModelUnavailable: Whether it exists could not be found out.
        """
        if job.name:
            return job
        looks = _LOOKS if job.may_exist else 1
        while True:
            name = await self._found(job, looks)
            if name is None:
                if not job.may_exist:
                    self._journal.creating(job)
                    job = replace(job, may_exist=True)
                try:
                    name = await self._jobs.create(job.display_name, self._storage.configs(job))
                except TransientFailure as error:
                    if self._is_late(job):
                        raise
                    self._journal.said(job, f"not created yet: {error.culprit}")
                    looks = 1 if error.is_overload else _LOOKS
                    await asyncio.sleep(max(self._spec.poll_seconds, error.retry_after_seconds or 0.0))
                    continue
            self._journal.created(job, name)
            return replace(job, name=name)

    async def _found(self, job: BatchJob, looks: int) -> str | None:
        for look in range(looks):
            if look:
                await asyncio.sleep(self._spec.poll_seconds)
            try:
                name = await self._jobs.find(job.display_name)
            except CallFailed as error:
                if not job.may_exist:
                    raise
                raise _unseen(job.display_name, error, "if the job was created, it is collected then") from error
            if name is not None:
                return name
        return None

    async def _end_of(self, job: BatchJob) -> Seen:
        """Waits until a job has ended; past its deadline it is cancelled."""
        told = ""
        looks_left = _LOOKS_AT_CANCELLED
        is_cancelled = False
        while True:
            try:
                seen = await self._jobs.get(job.name)
            except Misconfigured as error:
                if not error.culprit.startswith("HTTP 404"):
                    raise
                return Seen(job.name, "is gone", has_ended=True)
            if seen.state != told and not seen.has_ended:
                told = seen.state
                self._journal.said(job, f"{seen.state} ({seen.name})")
            if seen.has_ended or looks_left == 0:
                return seen
            if is_cancelled:
                looks_left -= 1
            elif self._is_late(job):
                self._journal.said(job, f"past its deadline of {self._spec.deadline_hours:g} h, cancelled")
                with suppress(PermanentFailure):  # it may have ended since
                    await self._jobs.cancel(job.name)
                is_cancelled = True
                continue
            await asyncio.sleep(self._spec.poll_seconds)

    async def _collect(self, job: BatchJob, seen: Seen) -> AsyncIterator[Outcome]:
        """Reads what a job that has ended says of its rows; of those it says nothing about, that it failed."""
        counted: Counter[str] = Counter()
        open_rows = halves(job.request_hashes)
        waiting = dict.fromkeys(job.request_hashes)
        failures = []
        seconds = max(0.0, time.time() - job.began_at)
        async for row in self._answers(job):
            request_hash = answered_request(row, open_rows)
            if request_hash is None:
                counted["strange"] += 1
            elif request_hash not in waiting:
                counted["doubled"] += 1
            else:
                del waiting[request_hash]
                outcome = read_outcome(self._place, request_hash, row, self._prices)
                if isinstance(outcome, Reply):
                    counted["answered"] += 1
                    yield replace(outcome, seconds=seconds)
                else:
                    failures.append(outcome)
        counted |= Counter(failed=len(failures), missing=len(waiting))
        told = ", ".join(f"{count} {what}" for what, count in counted.items() if count)
        self._journal.said(job, f"{seen.state} ({seen.name}): {told}")
        is_job_wrong = not counted["answered"] and len(failures) >= _SUSPICIOUS_ROWS
        for failure in failures:
            if is_job_wrong and not failure.is_transient:
                culprit = f"every row of {seen.name} failed: {failure.message}"
                yield failed(failure.request_hash, Misconfigured(self._place, culprit, "", usd=failure.usd))
            else:
                yield failure
        for request_hash in waiting:
            yield failed(request_hash, seen.failure(self._place))

    async def _answers(self, job: BatchJob) -> AsyncIterator[dict[str, object]]:
        """Answered rows; read from the start again when the connection breaks, so that some may come twice."""
        for _ in range(_LOOKS):
            try:
                async for row in self._storage.answers(job):
                    yield row
            except TransientFailure:
                await asyncio.sleep(self._spec.poll_seconds)
            else:
                return
        async for row in self._storage.answers(job):
            yield row

    def _is_late(self, job: BatchJob) -> bool:
        return time.time() > job.began_at + self._spec.deadline_hours * 3600

    def _make_storage(self) -> BatchStorage:
        spec = self._spec
        if spec.storage.startswith("bq://"):
            from madang.models.batch_bigquery import BigQueryStorage

            return BigQueryStorage(self._api, spec)
        return CloudStorage(self._api, spec.storage, spec.storage_url)


def _of_job(error: CallFailed) -> CallFailed:
    """The failure of a row whose job does not exist: it cost nothing, and what is wrong is no post."""
    if isinstance(error, TransientFailure):
        error.usd = 0.0
        return error
    return Misconfigured(error.place, error.culprit, error.remedy)


def _unseen(place: str, error: CallFailed, outlook: str) -> ModelUnavailable:
    """The error for a job that cannot be looked at."""
    remedy = "Run again" if isinstance(error, TransientFailure) else f"{error.remedy}; then run again"
    return ModelUnavailable(place, error.culprit, f"{remedy}: {outlook}")


def _has_its_images(request: Request, ended: _Ended) -> bool:
    """Whether a request's pictures are still those of its hash: one that changed must not spoil the whole job."""
    try:
        for message in request.messages:
            for image in message.images:
                _ = image.content
    except CallFailed as error:
        ended.put_nowait(failed(request.hash, error))
        return False
    return True
