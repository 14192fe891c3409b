"""Posts ready to be asked: text masked, route chosen, request rendered, and the replies that are there already."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import polars as pl

from madang.declaration import Route
from madang.extraction.extract import Extraction
from madang.extraction.grounding import PostText
from madang.extraction.images import ImageUnreadable, PostImages, refuse_blind_models
from madang.extraction.requests import RequestTemplate
from madang.models.catalogue import Catalogue
from madang.models.protocol import Image, Reply, Request, StoredImage, tokens_of
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


_NO_ATTEMPT = Attempt("", 0)


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
        route: How it is asked; None where readers find all fields.
        tried: Attempts that brought an unusable reply.
        attempt: The attempt to make now; it names no model where nothing is asked.
        request: What to send now; None where nothing is asked: a blank post, or readers find all fields.
        images: What the model sees of its images.
        failure: Class and message of what makes it impossible to ask; None if nothing does.
    """

    source: str
    post_id: str
    content_hash: str
    day: date
    event_at: datetime | None
    text: PostText
    route: Route | None
    tried: tuple[Attempt, ...]
    attempt: Attempt
    request: Request | None
    images: tuple[Image | StoredImage, ...] = ()
    failure: tuple[str, str] | None = None


class Preparation:
    """Prepares the posts of one task.

    Args:
        warehouse: Where planned posts are; None where posts come as rows (an evaluation reads a file).
        task: The task.
        catalogue: Models by name.
        beside: Folder of the file in which the posts came, where their images may lie too; None if it is not known.

    Raises:
        DeclarationError: The task shows images to a model that sees none.
    """

    def __init__(
        self, warehouse: Warehouse | None, task: Task, catalogue: Catalogue, *, beside: Path | None = None
    ) -> None:
        self._warehouse, self._task, self._catalogue = warehouse, task, catalogue
        refuse_blind_models(task, catalogue.spec)
        self._template = RequestTemplate(task)
        self._images = PostImages(task, beside)

    def texts(self, posts: pl.DataFrame) -> pl.DataFrame:
        """Rows of a plan with the posts' texts, by day, source and id."""
        assert self._warehouse is not None
        wanted = [*self._task.text_columns, *(["images"] if self._task.most_images else [])]
        columns = ", ".join(f'p."{column}"' for column in wanted)
        return self._warehouse.read(
            f"SELECT i.*, {columns} FROM raw.posts p JOIN planned i USING (source, post_id, revision) "
            "WHERE p.day BETWEEN ? AND ? ORDER BY i.day, i.source, i.post_id",
            [posts["day"].min(), posts["day"].max()], {"planned": posts},
        )  # fmt: skip

    def prepare(self, posts: pl.DataFrame) -> list[PreparedPost]:
        """Reads the texts of planned posts and renders their requests.

        Args:
            posts: Rows of a plan.
        """
        return self.of_texts(self.texts(posts))

    def of_texts(self, texts: pl.DataFrame) -> list[PreparedPost]:
        """Masks the texts that `texts` read, and renders requests."""
        return [self.of(row) for row in texts.iter_rows(named=True)]

    def of(self, row: dict[str, object]) -> PreparedPost:
        """Prepares one post of a row that has the plan's columns and the text."""
        text = PostText({column: mask(str(row[column])) for column in self._task.text_columns})
        route = self._task.route(int(str(row["chars"])), str(row["source"]), row["board"])  # type: ignore[arg-type]
        first = _NO_ATTEMPT if route is None else Attempt(route.use, route.max_tokens)
        post = PreparedPost(
            str(row["source"]), str(row["post_id"]), str(row["content_hash"]), row["day"], row["event_at"],  # type: ignore[arg-type]
            text, route, (), first, None,
        )  # fmt: skip
        if route is None:
            return post
        try:
            images = self._images.of(row.get("images"))
        except ImageUnreadable as error:
            return replace(post, failure=(error.failure, str(error)))
        if text.is_blank and not images:
            return post
        post = replace(post, images=images)
        return replace(post, request=self._request(post, first))

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
            problems = extraction.problems if extraction else ("it is not a JSON object with the keys of the schema",)
            attempt = replace(post.attempt, complaint=(reply.text, "; ".join(problems)))
            tried = (*post.tried, post.attempt)
            return replace(post, tried=tried, attempt=attempt, request=self._request(post, attempt))
        return None if extraction is not None else self.next_attempt(post, is_truncated=False)

    def next_attempt(self, post: PreparedPost, *, is_truncated: bool) -> PreparedPost | None:
        """The post with its next attempt: twice the room once after a truncated reply, then the fallbacks.

        Returns:
            None if there is nothing left to try.
        """
        tried = (*post.tried, post.attempt)
        route = post.route
        assert route is not None
        ways = [Attempt(name, route.max_tokens) for name in (route.use, *route.fallback)]
        wider = Attempt(post.attempt.model, 2 * route.max_tokens)
        if is_truncated and wider not in tried:
            ways.insert(0, wider)
        following = next((way for way in ways if way not in tried), None)
        if following is None:
            return None
        return replace(post, tried=tried, attempt=following, request=self._request(post, following))

    def _request(self, post: PreparedPost, attempt: Attempt) -> Request:
        identity = self._catalogue.identity(attempt.model)
        return self._template.request(post.text, identity, attempt.max_tokens, attempt.complaint, post.images)


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
