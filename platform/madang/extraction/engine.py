"""The engine: sends what nobody has sent, once, and brings every planned post to a row or to quarantine.

A pass feeds posts through the lanes. What another process has claimed is left out of it and tried again once that
process has committed or died. A lane is opened (it may wait for another process's model lock) before anything is
claimed for it: the other way round two processes could wait for each other.
"""

import asyncio
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from madang.errors import CapReached, DiskFull, MadangError
from madang.extraction.adoption import adopt, failure_record, reply_record
from madang.extraction.claims import Claim, Claims
from madang.extraction.extract import Extractor
from madang.extraction.prepared import Preparation, PreparedPost, stored_replies
from madang.extraction.settling import Settled, commit_settled
from madang.extraction.spool import Record, Spool, is_alive
from madang.models.catalogue import Catalogue
from madang.models.protocol import Failure, Model, Outcome, Reply, Request
from madang.releases import release_first
from madang.task import Task
from madang.warehouse.protocol import Warehouse

_CHUNK_POSTS = 1000
_COMMIT_POSTS = 500
_COMMIT_SECONDS = 5.0
_POLL_SECONDS = 0.2
# Room kept in the spool for one reply: text and 20 alternatives for each of 512 tokens.
_REPLY_BYTES = 512 * 1024


@dataclass
class Progress:
    """What a run has done so far.

    Args:
        extracted: Posts that have a row now.
        quarantined: Posts given up.
        failed: Posts whose call failed transiently; they stay pending.
        sent: Requests sent.
        reused: Posts answered by a reply that was there, or that another post had asked for.
        input_tokens: Tokens sent.
        output_tokens: Tokens received.
        usd: Money spent, US dollars.
        dropped: Answers given up for null, by (field, reason).
    """

    extracted: int = 0
    quarantined: int = 0
    failed: int = 0
    sent: int = 0
    reused: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0
    dropped: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))


@dataclass(frozen=True)
class Engine:
    """One run of one task in this process.

    Args:
        warehouse: Where rows go.
        task: The task.
        recipe: Name of its recipe.
        run: Identity of the run.
        catalogue: Models by name.
        claims: Shared with other processes.
        spool: This process's log.
        spool_folder: Where all logs lie.
        cap_usd: Most money that this run may reserve and spend.
        progress: Filled as the run goes.
        on_progress: Called after every commit.
    """

    warehouse: Warehouse
    task: Task
    recipe: str
    run: str
    catalogue: Catalogue
    claims: Claims
    spool: Spool
    spool_folder: Path
    cap_usd: float
    progress: Progress
    on_progress: Callable[[Progress], None]

    async def extract(self, posts: pl.DataFrame) -> None:
        """Brings planned posts to a row or to quarantine; transient failures stay pending.

        Raises:
            CapReached: The next call would pass the cap. What was received is committed.
            DiskFull: There is no room for replies. What was received is committed.
            ModelFileError: A model cannot be loaded. Nothing was sent to it.
        """
        preparation = Preparation(self.warehouse, self.task, self.catalogue)
        held = await Pass(self, preparation).run(self._prepared(preparation, posts))
        while held:
            await self._until_some_are_free(held)
            held = await Pass(self, preparation).run(_once(held))

    async def _prepared(self, preparation: Preparation, posts: pl.DataFrame) -> AsyncIterator[list[PreparedPost]]:
        for chunk in posts.iter_slices(_CHUNK_POSTS):
            yield await asyncio.to_thread(preparation.prepare, chunk)

    async def _until_some_are_free(self, posts: list[PreparedPost]) -> None:
        while all([await asyncio.to_thread(self._is_held, post) for post in posts]):
            await asyncio.sleep(_POLL_SECONDS)

    def _is_held(self, post: PreparedPost) -> bool:
        assert post.request is not None
        held = self.claims.held(post.request.hash)
        if held is None or held.state == "committed":
            return False
        if not is_alive(self.spool_folder, held.owner):
            adopt(self.warehouse, self.claims, self.spool_folder, held.owner)
            return False
        return True


class Pass:
    """One walk over posts: one queue and one open lane a model, one buffer to the warehouse."""

    def __init__(self, engine: Engine, preparation: Preparation) -> None:
        self._engine, self._preparation = engine, preparation
        self._extractor = Extractor(engine.task)
        self._group = asyncio.TaskGroup()
        self._queues: dict[str, asyncio.Queue[PreparedPost | None]] = {}
        # Posts that wait for a request that one of them is asking.
        self._waiting: dict[str, list[PreparedPost]] = {}
        self._claims: dict[str, Claim] = {}
        self._held: list[PreparedPost] = []
        self._settled: list[Settled] = []
        self._records: list[Record] = []
        self._is_fed = False
        # Posts on their way between two requests: they wait for nothing yet, and their lanes must stay open.
        self._admitting = 0
        self._stop: MadangError | None = None
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
            while not self._stop and sum(queue.qsize() for queue in self._queues.values()) > _CHUNK_POSTS:
                await asyncio.sleep(_POLL_SECONDS / 10)
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
                self._settled.append(Settled(post, self._extractor.empty(), "reader", None))
            else:
                asking.append(post)
        while asking:
            hashes = {post.request.hash for post in asking if post.request}
            replies = await asyncio.to_thread(stored_replies, self._engine.warehouse, hashes)
            following = []
            for post in asking:
                assert post.request is not None
                reply = replies.get(post.request.hash)
                if reply is None:
                    self._enqueue(post)
                    continue
                self._engine.progress.reused += 1
                following += self._interpret(post, reply)
            asking = following

    def _enqueue(self, post: PreparedPost) -> None:
        assert post.request is not None
        if post.request.hash in self._waiting:
            self._waiting[post.request.hash].append(post)
            return
        self._waiting[post.request.hash] = [post]
        name = post.attempt.model
        if name not in self._queues:
            self._queues[name] = asyncio.Queue()
            self._group.create_task(self._lane(self._engine.catalogue.model(name), self._queues[name]))
        self._queues[name].put_nowait(post)

    async def _lane(self, model: Model, queue: asyncio.Queue[PreparedPost | None]) -> None:
        async with model.open():
            async for outcome in model.send(self._requests(model, queue)):
                self._group.create_task(self._receive(outcome))

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
            except (CapReached, DiskFull) as error:
                self._end(error)
                return
            if is_ours:
                self._engine.progress.sent += 1
                yield request

    async def _claim(self, model: Model, post: PreparedPost, request: Request) -> bool:
        """Claims a request; a reply that came meanwhile is used, and one on its way is left to its sender."""
        engine = self._engine
        reserved = model.reserved_usd(request)
        in_flight = sum(claim.reserved_usd for claim in self._claims.values())
        if engine.progress.usd + in_flight + reserved > engine.cap_usd:
            raise CapReached(
                engine.task.name, f"the cap of ${engine.cap_usd:.2f} leaves no room for a call of ${reserved:.4f} "
                f"(${engine.progress.usd:.4f} spent, ${in_flight:.4f} in flight)",
                "Run again with a higher cap; it goes on at the first post not asked",
            )  # fmt: skip
        engine.spool.reserve((len(self._claims) + 1) * _REPLY_BYTES)
        claim = Claim(
            request.hash, uuid.uuid4().hex, engine.spool.name, engine.run, engine.task.name, engine.recipe,
            request.model, model.lane, post.day.isoformat(), reserved, datetime.now(UTC).isoformat(),
        )  # fmt: skip
        held = engine.claims.take(claim)
        if held is None:
            self._claims[request.hash] = claim
            return True
        posts = self._waiting.pop(request.hash)
        if held.state == "committed":
            if not stored_replies(engine.warehouse, [request.hash]):
                # Somebody took the reply out of the warehouse: it has to be asked again.
                engine.claims.release_if(request.hash, held)
            await self._admit(posts)
        else:
            self._held += posts
        self._end_if_drained()
        return False

    async def _receive(self, outcome: Outcome) -> None:
        """Makes an outcome safe, then reads it."""
        engine, claim = self._engine, self._claims[outcome.request_hash]
        now = datetime.now(UTC)
        if isinstance(outcome, Reply):
            record = reply_record(claim, outcome, now)
            engine.progress.usd += outcome.usd
            engine.progress.input_tokens += outcome.input_tokens
            engine.progress.output_tokens += outcome.output_tokens
        else:
            record = failure_record(claim, outcome.failure, now)
        await engine.spool.append(record)
        if isinstance(outcome, Reply):
            engine.claims.mark([outcome.request_hash], "received")
        del self._claims[outcome.request_hash]
        self._records.append(record)
        posts = self._waiting.pop(outcome.request_hash)
        engine.progress.reused += len(posts) - 1
        following = []
        for post in posts:
            following += self._interpret(post, outcome) if isinstance(outcome, Reply) else self._give_up(post, outcome)
        await self._admit(following)
        self._end_if_drained()

    def _interpret(self, post: PreparedPost, reply: Reply) -> list[PreparedPost]:
        """Reads a reply; gives the post back with its next attempt if the reply is of no use."""
        is_truncated = reply.finish == "length"
        extraction = None if is_truncated else self._extractor.extract(post.text, reply)
        if extraction is not None:
            assert post.request is not None
            lane = self._engine.catalogue.lane(post.attempt.model)
            self._settled.append(Settled(post, extraction, lane, post.request.model))
            return []
        following = self._preparation.next_attempt(post, is_truncated=is_truncated)
        if following is not None:
            return [following]
        if is_truncated:
            self._quarantine(post, "truncated", f"the reply was cut at {post.attempt.max_tokens} tokens")
        else:
            self._quarantine(post, "invalid_reply", f"no JSON object in a reply of {len(reply.text)} characters")
        return []

    def _give_up(self, post: PreparedPost, failure: Failure) -> list[PreparedPost]:
        if failure.is_transient:
            self._engine.progress.failed += 1
            return []
        following = self._preparation.next_attempt(post, is_truncated=False)
        if following is not None:
            return [following]
        self._quarantine(post, failure.failure, failure.message)
        return []

    def _quarantine(self, post: PreparedPost, failure: str, message: str) -> None:
        lane = self._engine.catalogue.lane(post.attempt.model)
        model = post.request.model if post.request else None
        self._settled.append(Settled(post, None, lane, model, failure, message))

    def _end(self, error: MadangError) -> None:
        """Stops sending; calls in flight are still received."""
        self._stop = self._stop or error
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
        engine = self._engine
        async with self._committing:
            settled, self._settled = self._settled, []
            records, self._records = self._records, []
            self._committed_at = time.monotonic()
            if not settled and not records:
                return
            await asyncio.to_thread(
                commit_settled, engine.warehouse, engine.task, engine.recipe, engine.run, settled, records
            )
            engine.claims.mark(
                [str(record["request_hash"]) for record in records if record["outcome"] == "ok"], "committed"
            )
            engine.claims.release([str(record["request_hash"]) for record in records if record["outcome"] != "ok"])
        if engine.progress.extracted == 0 and any(item.extraction for item in settled):
            await asyncio.to_thread(release_first, engine.warehouse, engine.task.name, engine.recipe)
        for item in settled:
            if item.extraction is None:
                engine.progress.quarantined += 1
                continue
            engine.progress.extracted += 1
            for reason in item.extraction.dropped:
                engine.progress.dropped[reason] += 1
        engine.on_progress(engine.progress)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


async def _once(posts: list[PreparedPost]) -> AsyncIterator[list[PreparedPost]]:
    yield posts
