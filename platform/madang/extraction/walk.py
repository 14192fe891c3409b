"""One walk over posts: one queue and one open lane a model, one buffer to the warehouse."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from madang.errors import MadangError, Misconfigured, ModelUnavailable
from madang.extraction.adoption import failure_record, reply_record
from madang.extraction.claims import Claim
from madang.extraction.extract import Extraction, Extractor
from madang.extraction.policy import Breaker, Policy, Tries
from madang.extraction.prepared import Preparation, PreparedPost, stored_replies
from madang.extraction.running import Running
from madang.extraction.settling import Settled, commit_settled
from madang.extraction.spool import Record
from madang.models.batch_spec import BatchModel
from madang.models.protocol import Failure, Model, Outcome, Reply, Request
from madang.readers.registry import ReaderFailed

# Posts that may wait in queues before the feeder stops reading more.
_MOST_QUEUED_POSTS = 1000
_COMMIT_POSTS = 2000
_COMMIT_SECONDS = 10.0
_POLL_SECONDS = 0.02
# Room kept in the spool for one reply: text and 20 alternatives for each of 512 tokens.
_REPLY_BYTES = 512 * 1024


class Walk:
    """Brings posts to a row, to quarantine, or back as held by another process.

    Args:
        running: The run that walks.
        preparation: Renders next attempts.
    """

    def __init__(self, running: Running, preparation: Preparation) -> None:
        self._run, self._preparation = running, preparation
        self._extractor = Extractor(running.task)
        self._group = asyncio.TaskGroup()
        self._queues: dict[str, asyncio.Queue[PreparedPost | None]] = {}
        # Posts that wait for a request that one of them is asking.
        self._waiting: dict[str, list[PreparedPost]] = {}
        self._claims: dict[str, Claim] = {}
        # Claims whose reply would be lost if there were no room for it.
        self._calls = 0
        self._tries: dict[str, Tries] = {}
        self._breakers: dict[str, Breaker] = {}
        self._held: list[PreparedPost] = []
        self._settled: list[Settled] = []
        self._records: list[Record] = []
        self._is_fed = False
        # Posts on their way between two requests: they wait for nothing yet, and their lanes must stay open.
        self._admitting = 0
        self._stop: MadangError | None = None
        self._stopping = asyncio.Event()
        self._committing = asyncio.Lock()
        self._committed_at = time.monotonic()

    async def run(self, chunks: AsyncIterator[list[PreparedPost]]) -> list[PreparedPost]:
        """Walks all posts.

        Returns:
            Those that another process is at.
        """
        try:
            async with self._group:
                self._group.create_task(self._feed(chunks))
        except BaseExceptionGroup as group:
            # Whatever ended it, what was received is in the spool. Our own error says more than the group does.
            ours = group.subgroup(MadangError)
            raise _first(ours or group) from None
        finally:
            await self._commit()
        if self._stop is not None:
            raise self._stop
        return self._held

    async def _feed(self, chunks: AsyncIterator[list[PreparedPost]]) -> None:
        async for chunk in chunks:
            await self._admit(chunk)
            while not self._stop and sum(queue.qsize() for queue in self._queues.values()) > _MOST_QUEUED_POSTS:
                await asyncio.sleep(_POLL_SECONDS)
            if self._stop:
                break
        self._is_fed = True
        self._end_if_drained()

    async def _admit(self, posts: list[PreparedPost]) -> None:
        """Settles what needs no call, and queues the rest."""
        self._admitting += 1
        try:
            await self._settle_or_queue(posts)
        finally:
            self._admitting -= 1
        await self._commit_if_due()

    async def _settle_or_queue(self, posts: list[PreparedPost]) -> None:
        asking = []
        for post in posts:
            if post.request is None:
                self._settle_unasked(post)
            else:
                asking.append(post)
        while asking:
            hashes = {post.request.hash for post in asking if post.request}
            replies = await asyncio.to_thread(stored_replies, self._run.warehouse, hashes)
            following = []
            for post in asking:
                assert post.request is not None
                reply = replies.get(post.request.hash)
                if reply is None:
                    self._enqueue(post)
                    continue
                self._run.progress.reused += 1
                following += self._interpret(post, reply)
            asking = following

    def _enqueue(self, post: PreparedPost) -> None:
        while self._breaker(post.attempt.model).is_open:
            fallback = self._preparation.next_attempt(post, is_truncated=False)
            if fallback is None:
                break
            post = fallback
        assert post.request is not None
        if post.request.hash in self._waiting:
            self._waiting[post.request.hash].append(post)
            return
        self._waiting[post.request.hash] = [post]
        name = post.attempt.model
        if name not in self._queues:
            self._queues[name] = asyncio.Queue()
            self._group.create_task(self._lane(name, self._queues[name]))
        self._queues[name].put_nowait(post)

    async def _lane(self, name: str, queue: asyncio.Queue[PreparedPost | None]) -> None:
        model = self._run.catalogue.model(name, self._run.journal(name))
        async with model.open():
            try:
                async for outcome in model.send(self._requests(model, queue)):
                    if isinstance(outcome, Failure) and outcome.failure == Misconfigured.failure:
                        # At once, before the lane pulls more: every other call would fail like this one.
                        remedy = "Correct the model's key or settings, and run again"
                        self._end(ModelUnavailable(name, outcome.message, remedy))
                    self._group.create_task(self._receive(outcome))
            except ModelUnavailable as error:
                # Its batch job goes on without us, and keeps its claims; other lanes still receive what is in flight.
                self._end(error)

    async def _requests(self, model: Model, queue: asyncio.Queue[PreparedPost | None]) -> AsyncIterator[Request]:
        """What a lane pulls: each request claimed, and its intent written, as it is taken."""
        while not self._stop:
            post = await queue.get()
            if post is None:
                return
            request = post.request
            assert request is not None
            try:
                is_ours = await self._claim(model, post, request)
            except MadangError as error:
                self._end(error)
                return
            if is_ours:
                self._run.progress.sent += 1
                yield request

    async def _claim(self, model: Model, post: PreparedPost, request: Request) -> bool:
        """Claims a request; a reply that came meanwhile is used, and one on its way is left to its sender."""
        run = self._run
        reserved = model.reserved_usd(request)
        if model.lane != "batch":  # a job's answers can be read again after room was made
            run.spool.reserve((self._calls + 1) * _REPLY_BYTES)
        account_day = await run.cap.reserve(reserved)
        claim = Claim(
            request.hash, uuid.uuid4().hex, run.spool.name, run.run, run.task.name, run.recipe, request.model,
            model.lane, post.day.isoformat(), reserved, datetime.now(UTC).isoformat(),
            account_day,
        )  # fmt: skip
        held = run.claims.take(claim)
        if held is None:
            self._claims[request.hash] = claim
            self._calls += model.lane != "batch"
            return True
        run.cap.give_back(account_day, reserved)
        posts = self._waiting.pop(request.hash)
        if held.state == "committed":
            if not stored_replies(run.warehouse, [request.hash]):
                # Somebody took the reply out of the warehouse: it has to be asked again.
                run.claims.release_if(request.hash, held)
            await self._admit(posts)
        else:
            self._held += posts
        self._end_if_drained()
        return False

    async def _receive(self, outcome: Outcome) -> None:
        """Makes an outcome safe, then reads it."""
        run, claim = self._run, self._claims.pop(outcome.request_hash)
        self._calls -= claim.lane != "batch"
        now = datetime.now(UTC)
        if isinstance(outcome, Reply):
            record, usd = reply_record(claim, outcome, now), outcome.usd
            run.progress.input_tokens += outcome.input_tokens
            run.progress.output_tokens += outcome.output_tokens
        else:
            record = failure_record(claim, outcome, now)
            usd = claim.reserved_usd if outcome.usd is None else outcome.usd
        await run.spool.append(record)
        self._records.append(record)
        # A failed call is over and written down: whoever takes its request next makes another call.
        run.claims.finish(claim, usd, is_answered=isinstance(outcome, Reply))
        run.cap.settle(claim.reserved_usd, usd)
        run.progress.usd = run.cap.spent_usd
        if isinstance(outcome, Reply):
            await self._read(outcome)
        else:
            await self._fail(outcome)
        self._end_if_drained()

    async def _read(self, reply: Reply) -> None:
        posts = self._waiting.pop(reply.request_hash)
        self._breaker(posts[0].attempt.model).answered()
        self._tries.pop(reply.request_hash, None)
        self._run.progress.reused += len(posts) - 1
        following = []
        for post in posts:
            following += self._interpret(post, reply)
        await self._admit(following)

    async def _fail(self, failure: Failure) -> None:
        key = failure.request_hash
        model = self._waiting[key][0].attempt.model
        breaker = self._breaker(model)
        if failure.is_transient:
            breaker.failed()
            tries = self._tries.setdefault(key, Tries(self._policy(model)))
            delay = tries.next_delay_seconds(failure.retry_after_seconds)
            has_fallback = any(self._next(post) for post in self._waiting[key])
            if delay is not None and not (breaker.is_open and has_fallback):
                if breaker.is_open:
                    self._end(ModelUnavailable(model, f"it only fails ({failure.message})", "Run again later"))
                else:
                    self._group.create_task(self._again(key, delay))
                    return
        else:
            breaker.answered()
        posts = self._waiting.pop(key)
        self._tries.pop(key, None)
        following = []
        for post in posts:
            following += self._give_up(post, failure)
        await self._admit(following)

    async def _again(self, key: str, delay_seconds: float) -> None:
        """Queues a request once more after a while; not if the run ends meanwhile."""
        try:
            await asyncio.wait_for(self._stopping.wait(), delay_seconds)
        except TimeoutError:
            post = self._waiting[key][0]
            self._run.progress.retried += 1
            self._queues[post.attempt.model].put_nowait(post)

    def _interpret(self, post: PreparedPost, reply: Reply) -> list[PreparedPost]:
        """Reads a reply; gives the post back with its next attempt if the reply is of no use."""
        is_truncated = reply.finish == "length"
        try:
            extraction = None if is_truncated else self._extractor.extract(post.text, reply)
        except ReaderFailed as error:
            self._quarantine(post, error.failure, str(error))
            return []
        following = self._preparation.after_reply(post, reply, extraction)
        if following is not None:
            self._run.progress.reasked += following.attempt.complaint is not None
            return [following]
        if extraction is not None:
            return self._settle(post, extraction)
        if is_truncated:
            self._quarantine(post, "truncated", f"the reply was cut at {post.attempt.max_tokens} tokens")
        else:
            self._quarantine(
                post, "invalid_reply", f"no JSON object with the asked keys in a reply of {len(reply.text)} characters"
            )
        return []

    def _settle_unasked(self, post: PreparedPost) -> None:
        if post.failure is not None:
            self._settled.append(Settled(post, None, "reader", None, *post.failure))
            return
        try:
            self._settled.append(Settled(post, self._extractor.unasked(post.text), "reader", None))
        except ReaderFailed as error:
            self._settled.append(Settled(post, None, "reader", None, error.failure, str(error)))

    def _settle(self, post: PreparedPost, extraction: Extraction) -> list[PreparedPost]:
        assert post.request is not None
        lane = self._run.catalogue.lane(post.attempt.model)
        self._run.progress.repaired += extraction.is_repaired
        self._settled.append(Settled(post, extraction, lane, post.request.model))
        return []

    def _give_up(self, post: PreparedPost, failure: Failure) -> list[PreparedPost]:
        following = self._next(post)
        if following is not None:
            return [following]
        if failure.is_transient or failure.failure == Misconfigured.failure:
            self._run.progress.failed += 1
        else:
            self._quarantine(post, failure.failure, failure.message)
        return []

    def _next(self, post: PreparedPost) -> PreparedPost | None:
        return self._preparation.next_attempt(post, is_truncated=False)

    def _quarantine(self, post: PreparedPost, failure: str, message: str) -> None:
        lane = self._run.catalogue.lane(post.attempt.model)
        model = post.request.model if post.request else None
        self._settled.append(Settled(post, None, lane, model, failure, message))

    def _breaker(self, model: str) -> Breaker:
        return self._breakers.setdefault(model, Breaker(self._policy(model)))

    def _policy(self, model: str) -> Policy:
        spec = self._run.catalogue.spec(model)
        return self._run.policy.of_jobs(spec.tries) if isinstance(spec, BatchModel) else self._run.policy

    def _end(self, error: MadangError) -> None:
        """Stops sending; calls in flight are still received."""
        self._stop = self._stop or error
        self._stopping.set()
        for queue in self._queues.values():
            queue.put_nowait(None)

    def _end_if_drained(self) -> None:
        if self._is_fed and not self._waiting and not self._admitting:
            for queue in self._queues.values():
                queue.put_nowait(None)

    async def _commit_if_due(self) -> None:
        is_late = time.monotonic() - self._committed_at > _COMMIT_SECONDS
        if len(self._settled) >= _COMMIT_POSTS or (is_late and self._settled):
            await self._commit()

    async def _commit(self) -> None:
        run = self._run
        async with self._committing:
            settled, self._settled = self._settled, []
            records, self._records = self._records, []
            self._committed_at = time.monotonic()
            if not settled and not records:
                return
            await asyncio.to_thread(commit_settled, run.warehouse, run.task, run.recipe, run.run, settled, records)
            replied = [str(record["request_hash"]) for record in records if record["outcome"] == "ok"]
            run.claims.mark(replied, "committed")
        run.progress.count(settled)
        run.on_progress(run.progress)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
