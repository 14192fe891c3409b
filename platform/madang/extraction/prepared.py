"""Posts ready to be asked: text masked, route chosen, request rendered, and the replies that are there already."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

import polars as pl

from madang.declaration import Route
from madang.extraction.extract import Extraction
from madang.extraction.grounding import PostText
from madang.extraction.requests import RequestTemplate
from madang.models.catalogue import Catalogue
from madang.models.protocol import Reply, Request, tokens_of
from madang.posts.masking import mask
from madang.task import Task
from madang.warehouse.protocol import Warehouse


@dataclass(frozen=True)
class Attempt:
    """One way to ask.

    Args:
        model: Name of the model.
        max_tokens: Room for its reply.
        complaint: The invalid reply and what is wrong with it, shown to the model; None at first.
    """

    model: str
    max_tokens: int
    complaint: tuple[str, str] | None = None


@dataclass(frozen=True)
class PreparedPost:
    """One post on its way.

    Args:
        source: Its source.
        post_id: The source's own id.
        content_hash: Which text.
        day: Partition.
        event_at: UTC, or None.
        text: Its text columns, masked.
        route: How it is asked.
        tried: Attempts that brought an unusable reply.
        attempt: The attempt to make now.
        request: What to send now; None for a blank post.
    """

    source: str
    post_id: str
    content_hash: str
    day: date
    event_at: datetime | None
    text: PostText
    route: Route
    tried: tuple[Attempt, ...]
    attempt: Attempt
    request: Request | None


class Preparation:
    """Prepares the posts of one task.

    Args:
        warehouse: Where planned posts are; None where posts come as rows (an evaluation reads a file).
        task: The task.
        catalogue: Models by name.
    """

    def __init__(self, warehouse: Warehouse | None, task: Task, catalogue: Catalogue) -> None:
        self._warehouse, self._task, self._catalogue = warehouse, task, catalogue
        self._template = RequestTemplate(task)

    def prepare(self, posts: pl.DataFrame) -> list[PreparedPost]:
        """Reads the texts of planned posts and renders their requests.

        Args:
            posts: Rows of a plan.
        """
        assert self._warehouse is not None
        columns = ", ".join(f'p."{column}"' for column in self._task.text_columns)
        texts = self._warehouse.read(
            f"SELECT i.*, {columns} FROM raw.posts p JOIN planned i USING (source, post_id, revision) "
            "ORDER BY i.day, i.source, i.post_id",
            frames={"planned": posts},
        )
        return [self.of(row) for row in texts.iter_rows(named=True)]

    def of(self, row: dict[str, object]) -> PreparedPost:
        """Prepares one post of a row that has the plan's columns and the text."""
        text = PostText({column: mask(str(row[column])) for column in self._task.text_columns})
        route = self._task.route(int(str(row["chars"])), str(row["source"]), row["board"])  # type: ignore[arg-type]
        first = Attempt(route.use, route.max_tokens)
        return PreparedPost(
            str(row["source"]), str(row["post_id"]), str(row["content_hash"]), row["day"], row["event_at"],  # type: ignore[arg-type]
            text, route, (), first, None if text.is_blank else self._request(text, first),
        )  # fmt: skip

    def after_reply(self, post: PreparedPost, reply: Reply, extraction: Extraction | None) -> PreparedPost | None:
        """The post with its next attempt, if its reply leaves something to be asked.

        Args:
            post: The post.
            reply: Its reply.
            extraction: What could be read of the reply.

        Returns:
            None if the extraction stands, or nothing is left to try: a truncated reply is asked again with twice the
            room, an invalid one with what is wrong with it, each once; what cannot be read goes to the fallbacks.
        """
        if reply.finish == "length":
            return self.next_attempt(post, is_truncated=True)
        if extraction is not None and not extraction.problems:
            return None
        if post.attempt.complaint is None:
            problems = extraction.problems if extraction else ("it is not a JSON object",)
            attempt = replace(post.attempt, complaint=(reply.text, "; ".join(problems)))
            tried = (*post.tried, post.attempt)
            return replace(post, tried=tried, attempt=attempt, request=self._request(post.text, attempt))
        return None if extraction is not None else self.next_attempt(post, is_truncated=False)

    def next_attempt(self, post: PreparedPost, *, is_truncated: bool) -> PreparedPost | None:
        """The post with its next attempt: twice the room once after a truncated reply, then the fallbacks.

        Returns:
            None if there is nothing left to try.
        """
        tried = (*post.tried, post.attempt)
        ways = [Attempt(name, post.route.max_tokens) for name in (post.route.use, *post.route.fallback)]
        wider = Attempt(post.attempt.model, 2 * post.route.max_tokens)
        if is_truncated and wider not in tried:
            ways.insert(0, wider)
        following = next((way for way in ways if way not in tried), None)
        if following is None:
            return None
        return replace(post, tried=tried, attempt=following, request=self._request(post.text, following))

    def _request(self, text: PostText, attempt: Attempt) -> Request:
        identity = self._catalogue.identity(attempt.model)
        return self._template.request(text, identity, attempt.max_tokens, attempt.complaint)


def stored_replies(warehouse: Warehouse, request_hashes: Iterable[str]) -> dict[str, Reply]:
    """Replies of ops.replies by request hash; what was never asked is absent."""
    asked = pl.DataFrame({"request_hash": list(request_hashes)}, schema={"request_hash": pl.String()})
    if not asked.height:
        return {}
    found = warehouse.read(
        "SELECT r.* FROM ops.replies r SEMI JOIN asked USING (request_hash)", frames={"asked": asked}
    )
    return {row["request_hash"]: _reply(row) for row in found.iter_rows(named=True)}


def _reply(row: dict[str, object]) -> Reply:
    return Reply(
        request_hash=str(row["request_hash"]), text=str(row["text"]), finish=row["finish"],  # type: ignore[arg-type]
        input_tokens=row["input_tokens"], output_tokens=row["output_tokens"], cached_tokens=row["cached_tokens"],  # type: ignore[arg-type]
        seconds=row["latency_seconds"], usd=row["usd"], tokens=tokens_of(str(row["tokens"])),  # type: ignore[arg-type]
    )  # fmt: skip
