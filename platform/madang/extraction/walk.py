"""One walk over posts: one queue and one open lane a model, one buffer to the warehouse."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import cast

from madang.errors import MadangError, Misconfigured, ModelUnavailable
from madang.extraction.adoption import failure_record, reply_record
from madang.extraction.claims import Claim, Held
from madang.extraction.commits import Commits
from madang.extraction.extract import Extraction, Extractor
from madang.extraction.policy import Breaker, Policy, Tries
from madang.extraction.prepared import Preparation, PreparedPost, stored_replies
from madang.extraction.running import Running
from madang.extraction.settling import Settled
from madang.models.batch_spec import BatchModel
from madang.models.protocol import BulkModel, Failure, Model, Outcome, Reply, Request
from madang.models.specs import Lane
from madang.readers.registry import ReaderFailed

# Posts that may wait in queues before the feeder stops reading more; of a lane that takes batches, two batches.
_MOST_QUEUED_POSTS = 1000
_POLL_SECONDS = 0.02
# Room kept in the spool for one reply: text and 20 alternatives for each of 512 tokens; a student's tokens are its
# values. A job's answers can be read again after room was made.
_REPLY_BYTES: dict[Lane, int] = {"batch": 0, "student": 16 * 1024}
_MOST_REPLY_BYTES = 512 * 1024


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
        # Room in the spool for the replies of calls in flight.
        self._in_flight_bytes = 0
        self._most_queued = _MOST_QUEUED_POSTS
        self._tries: dict[str, Tries] = {}
        self._breakers: dict[str, Breaker] = {}
        self._held: list[PreparedPost] = []
        self._commits = Commits(running)
        self._is_fed = False
        # Posts on their way between two requests: they wait for nothing yet, and their lanes must stay open.
        self._admitting = 0
        self._stop: MadangError | None = None
        self._stopping = asyncio.Event()

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
            await self._commits.commit()
        if self._stop is not None:
            raise self._stop
        return self._held

    async def _feed(self, chunks: AsyncIterator[list[PreparedPost]]) -> None:
        async for chunk in chunks:
            await self._admit(chunk)
            while not self._stop and sum(queue.qsize() for queue in self._queues.values()) > self._most_queued:
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
        await self._commits.commit_if_due(self._group)

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
                if isinstance(model, BulkModel):
                    self._most_queued = max(self._most_queued, 2 * model.bulk_posts)
                    batches = self._batches(model, queue, model.bulk_posts, model.patience_seconds)
                    async for outcomes in model.send_batches(batches):
                        # Read before the lane is asked for more: it is quicker than we are, and would fill the memory.
                        await self._receive(outcomes)
                    return
                async for outcome in model.send(self._requests(model, queue)):
                    if isinstance(outcome, Failure) and outcome.failure == Misconfigured.failure:
                        # At once, before the lane pulls more: every other call would fail like this one.
                        remedy = "Correct the model's key or settings, and run again"
                        self._end(ModelUnavailable(name, outcome.message, remedy))
                    self._group.create_task(self._receive([outcome]))
            except ModelUnavailable as error:
                # Its batch job goes on without us, and keeps its claims; other lanes still receive what is in flight.
                self._end(error)

    async def _requests(self, model: Model, queue: asyncio.Queue[PreparedPost | None]) -> AsyncIterator[Request]:
        """What a lane pulls: each request claimed, and its intent written, as it is taken."""
        async for batch in self._batches(model, queue, 1, 0.0):
            yield batch[0]

    async def _batches(
        self, model: Model, queue: asyncio.Queue[PreparedPost | None], most: int, patience_seconds: float
    ) -> AsyncIterator[list[Request]]:
        """The same by the batch; none is empty."""
        while not self._stop and (posts := await _pulled(queue, most, patience_seconds)):
            if self._stopping.is_set():  # while more posts were waited for
                return
            try:
                ours = await self._claim(model, posts)
            except MadangError as error:
                self._end(error)
                return
            if ours:
                self._run.progress.sent += len(ours)
                yield ours

    async def _claim(self, model: Model, posts: Sequence[PreparedPost]) -> list[Request]:
        """Claims requests; a reply that came meanwhile is used, and one on its way is left to its sender.

        Returns:
            Those that are ours to send.
        """
        run = self._run
        asked = {post.request.hash: post.request for post in posts if post.request is not None}
        reserved = [model.reserved_usd(request) for request in asked.values()]
        room = len(asked) * _room(model.lane)
        if room:
            run.spool.reserve(self._in_flight_bytes + room)
        account_day = await run.cap.reserve(sum(reserved))
        now = datetime.now(UTC).isoformat()
        claims = [
            Claim(request.hash, uuid.uuid4().hex, run.spool.name, run.run, run.task.name, run.recipe, request.model,
                  model.lane, post.day.isoformat(), usd, now, account_day)
            for request, post, usd in zip(asked.values(), posts, reserved, strict=True)
        ]  # fmt: skip
        held = run.claims.take_all(claims)
        for claim in claims:
            if claim.request_hash not in held:
                self._claims[claim.request_hash] = claim
                self._in_flight_bytes += _room(model.lane)
            else:
                run.cap.give_back(account_day, claim.reserved_usd)
        if held:
            await self._leave(held)
        return [request for request_hash, request in asked.items() if request_hash not in held]

    async def _leave(self, held: Mapping[str, Held]) -> None:
        """Leaves requests to whoever has their claims."""
        committed = {request_hash for request_hash, one in held.items() if one.state == "committed"}
        for request_hash in committed - stored_replies(self._run.warehouse, committed).keys():
            # Somebody took the reply out of the warehouse: it has to be asked again.
            self._run.claims.release_if(request_hash, held[request_hash])
        answered: list[PreparedPost] = []
        for request_hash in held:
            posts = self._waiting.pop(request_hash)
            (answered if request_hash in committed else self._held).extend(posts)
        await self._admit(answered)
        self._end_if_drained()

    async def _receive(self, outcomes: Sequence[Outcome]) -> None:
        """Makes outcomes safe, then reads them."""
        run, now = self._run, datetime.now(UTC)
        records, ended = [], []
        for outcome in outcomes:
            claim = self._claims.pop(outcome.request_hash)
            self._in_flight_bytes -= _room(cast("Lane", claim.lane))
            is_answered = isinstance(outcome, Reply)
            if isinstance(outcome, Reply):
                record, usd = reply_record(claim, outcome, now), outcome.usd
                run.progress.input_tokens += outcome.input_tokens
                run.progress.output_tokens += outcome.output_tokens
            else:
                record = failure_record(claim, outcome, now)
                usd = claim.reserved_usd if outcome.usd is None else outcome.usd
            records.append(record)
            ended.append((claim, usd, is_answered))
        self._commits.keep(await run.spool.append_all(records), records)
        # A failed call is over and written down: whoever takes its request next makes another call.
        run.claims.finish_all(ended)
        for claim, usd, _ in ended:
            run.cap.settle(claim.reserved_usd, usd)
        run.progress.usd = run.cap.spent_usd
        following: list[PreparedPost] = []
        for outcome in outcomes:
            following += self._read(outcome) if isinstance(outcome, Reply) else self._fail(outcome)
        await self._admit(following)
        self._end_if_drained()

    def _read(self, reply: Reply) -> list[PreparedPost]:
        """Reads a reply for all posts that wait for it; gives those back that have a next attempt."""
        posts = self._waiting.pop(reply.request_hash)
        self._breaker(posts[0].attempt.model).answered()
        self._tries.pop(reply.request_hash, None)
        self._run.progress.reused += len(posts) - 1
        return [following for post in posts for following in self._interpret(post, reply)]

    def _fail(self, failure: Failure) -> list[PreparedPost]:
        """Waits for the next try of a failed call, or gives its posts back with their next attempt."""
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
                    return []
        else:
            breaker.answered()
        posts = self._waiting.pop(key)
        self._tries.pop(key, None)
        return [following for post in posts for following in self._give_up(post, failure)]

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
            self._commits.settled.append(Settled(post, None, "reader", None, *post.failure))
            return
        try:
            self._commits.settled.append(Settled(post, self._extractor.unasked(post.text), "reader", None))
        except ReaderFailed as error:
            self._commits.settled.append(Settled(post, None, "reader", None, error.failure, str(error)))

    def _settle(self, post: PreparedPost, extraction: Extraction) -> list[PreparedPost]:
        assert post.request is not None
        lane = self._run.catalogue.lane(post.attempt.model)
        self._run.progress.repaired += extraction.is_repaired
        self._commits.settled.append(Settled(post, extraction, lane, post.request.model))
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
        self._commits.settled.append(Settled(post, None, lane, model, failure, message))

    def _breaker(self, model: str) -> Breaker:
        return self._breakers.setdefault(model, Breaker(self._policy(model)))

    def _policy(self, model: str) -> Policy:
        spec = self._run.catalogue.spec(model)
        return self._run.policy.of_jobs(spec.tries) if isinstance(spec, BatchModel) else self._run.policy

    def _end(self, error: MadangError) -> None:
        """Stops sending; calls in flight are still received."""
        self._stop = self._stop or error
        self._stopping.set()
        self._run.cap.stop()
        for queue in self._queues.values():
            queue.put_nowait(None)

    def _end_if_drained(self) -> None:
        if self._is_fed and not self._waiting and not self._admitting:
            for queue in self._queues.values():
                queue.put_nowait(None)


async def _pulled(queue: asyncio.Queue[PreparedPost | None], most: int, patience_seconds: float) -> list[PreparedPost]:
    """The next posts of a queue; fewer than `most` where no more come in time, none at its end."""
    first = await queue.get()
    pulled = [] if first is None else [first]
    while pulled and len(pulled) < most:
        try:
            post = await asyncio.wait_for(queue.get(), patience_seconds) if queue.empty() else queue.get_nowait()
        except TimeoutError:
            break
        if post is None:
            queue.put_nowait(None)  # the queue's end is for the next pull
            break
        pulled.append(post)
    return pulled


def _room(lane: Lane) -> int:
    return _REPLY_BYTES.get(lane, _MOST_REPLY_BYTES)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
