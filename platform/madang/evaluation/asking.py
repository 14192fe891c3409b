"""Predictions by asking: the requests, fallbacks and extraction of a run, without its plan and its tables.

One evaluation at a time sends in one home: a second one waits, and finds the replies of the first.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from madang.errors import CapReached
from madang.evaluation.gold import PostKey
from madang.evaluation.replies import ReplyStore
from madang.extraction.cap import Cap
from madang.extraction.claims import Claims
from madang.extraction.extract import Extraction, Extractor
from madang.extraction.prepared import Preparation, PreparedPost, stored_replies
from madang.models.catalogue import Catalogue
from madang.models.protocol import Failure, Outcome, Reply, Request
from madang.models.specs import Lane
from madang.ops import REPLIES
from madang.readers.registry import ReaderFailed
from madang.task import Task
from madang.warehouse.protocol import Warehouse


@dataclass
class Predictions:
    """What is predicted for each post, and what it took.

    Args:
        rows: Columns of the extraction, by post, and `<f>__mentions`, rows of the mentions of a field; None where
            there is no usable one.
        lanes: How they came.
        sent: Calls made.
        reused: Posts answered by replies that were there.
        usd: What the calls cost, US dollars.
    """

    rows: dict[PostKey, dict[str, object] | None] = field(default_factory=dict)
    lanes: set[str] = field(default_factory=set)
    sent: int = 0
    reused: int = 0
    usd: float = 0.0


class Asking:
    """Asks the models of a task about posts.

    Args:
        task: The task.
        catalogue: Models by name.
        store: Replies that evaluations paid for, and where new ones go.
        warehouse: Whose `ops.replies` are used first; None if there is none.
        claims: Holds the account of the day.
        cap_of: The cap that is left when so much is spent.
        on_reply: Called after every call, with the calls answered and the calls wanted so far.
        beside: Folder of the posts' file, where their images may lie.
    """

    def __init__(
        self,
        task: Task,
        catalogue: Catalogue,
        store: ReplyStore,
        *,
        warehouse: Warehouse | None,
        claims: Claims,
        cap_of: Callable[[float], Cap],
        on_reply: Callable[[int, int], None],
        beside: Path | None = None,
    ) -> None:
        self._catalogue, self._store, self._claims, self._cap_of = catalogue, store, claims, cap_of
        self._preparation = Preparation(warehouse, task, catalogue, beside=beside)
        self._warehouse = warehouse if warehouse is not None and warehouse.has(REPLIES.name) else None
        self._on_reply, self._extractor = on_reply, Extractor(task)
        self._mentions = tuple(task.mention_tables)
        self._outcomes: dict[str, Outcome] = {}
        self._bought: set[str] = set()
        self._wanted = self._answered = 0
        self._found = Predictions()

    def ask(self, posts: Sequence[Mapping[str, object]]) -> Predictions:
        """Brings every post to an extraction, or to none.

        Args:
            posts: Rows with the columns of a plan and the text.

        Raises:
            CapReached: The next call would pass the cap. What was received is kept.
            ModelFileError: A model cannot be loaded.
        """
        prepared = unsettled = [self._preparation.of(dict(post)) for post in posts]
        while unsettled:
            self._fetch(unsettled)
            unsettled = [following for post in unsettled if (following := self._settle(post)) is not None]
        if not self._found.lanes:
            self._found.lanes |= {self._lane(post) for post in prepared}
        return self._found

    def _fetch(self, posts: list[PreparedPost]) -> None:
        """Gets the outcomes of the posts' requests: stored replies first, then one call for each that is missing."""
        missing = {
            post.request.hash: post
            for post in posts
            if post.request is not None and post.request.hash not in self._outcomes
        }
        if self._warehouse is not None:
            self._outcomes |= stored_replies(self._warehouse, missing)
        self._outcomes |= self._store.read(missing.keys() - self._outcomes.keys())
        if missing.keys() <= self._outcomes.keys():
            return
        with self._store.lock:
            # Another evaluation may have asked while this one waited.
            self._outcomes |= self._store.read(missing.keys() - self._outcomes.keys())
            by_model: dict[str, list[Request]] = defaultdict(list)
            for request_hash, post in missing.items():
                if request_hash not in self._outcomes and post.request is not None:
                    by_model[post.attempt.model].append(post.request)
            for name, requests in by_model.items():
                self._wanted += len(requests)
                asyncio.run(self._send(name, requests))

    async def _send(self, name: str, requests: list[Request]) -> None:
        model = self._catalogue.model(name)
        cap = self._cap_of(self._found.usd)
        reserved: dict[str, tuple[str, float]] = {}
        stopped: CapReached | None = None

        async def affordable() -> AsyncIterator[Request]:
            nonlocal stopped
            for request in requests:
                usd = model.reserved_usd(request)
                try:
                    reserved[request.hash] = (await cap.reserve(usd), usd)
                except CapReached as error:
                    stopped = error
                    return
                self._found.sent += 1
                yield request

        async with model.open():
            async for outcome in model.send(affordable()):
                day, usd = reserved.pop(outcome.request_hash)
                cost = usd if outcome.usd is None else outcome.usd
                self._claims.settle(day, usd, cost)
                cap.settle(usd, cost)
                self._receive(outcome, cost)
        if stopped is not None:
            raise stopped

    def _receive(self, outcome: Outcome, usd: float) -> None:
        if isinstance(outcome, Reply):
            self._store.keep(outcome)
        self._found.usd += usd
        self._bought.add(outcome.request_hash)
        self._outcomes[outcome.request_hash] = outcome
        self._answered += 1
        self._on_reply(self._answered, self._wanted)

    def _settle(self, post: PreparedPost) -> PreparedPost | None:
        """Reads a post's outcome as a run does; gives the post back with its next attempt if it is of no use."""
        key = (post.source, post.post_id)
        if post.request is None:
            self._read(key, post)
            return None
        outcome = self._outcomes[post.request.hash]
        if isinstance(outcome, Failure) and outcome.is_transient:
            self._found.rows[key] = None
            return None
        if isinstance(outcome, Failure):
            following = self._preparation.next_attempt(post, is_truncated=False)
        else:
            is_whole = outcome.finish != "length"
            try:
                extraction = self._extractor.extract(post.text, outcome) if is_whole else None
            except ReaderFailed:
                self._found.rows[key] = None
                return None
            following = self._preparation.after_reply(post, outcome, extraction)
            if following is None and extraction is not None:
                self._predict(key, post, extraction)
                self._found.reused += outcome.request_hash not in self._bought
                return None
        if following is None:
            self._found.rows[key] = None
        return following

    def _read(self, key: PostKey, post: PreparedPost) -> None:
        if post.failure is not None:
            self._found.rows[key] = None
            return
        try:
            self._predict(key, post, self._extractor.unasked(post.text))
        except ReaderFailed:
            self._found.rows[key] = None

    def _predict(self, key: PostKey, post: PreparedPost, extraction: Extraction) -> None:
        mentions = {
            f"{name}__mentions": [mention.row for mention in extraction.mentions.get(name, ())]
            for name in self._mentions
        }
        self._found.rows[key] = extraction.values | mentions
        self._found.lanes.add(self._lane(post))

    def _lane(self, post: PreparedPost) -> Lane:
        return "reader" if post.route is None else self._catalogue.lane(post.attempt.model)
