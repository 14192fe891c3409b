"""Which replies are about a post. A reply bears no post's name, because posts of one text share it.

Three ways, because none finds all: the rows of the post name the reply that they were made of; rendering the post anew
finds what an invalid or pending answer left; what an older recipe left of it, which cannot be rendered any more, is
found among the replies of its day to which no row refers. The last may take some that were another post's: those
would be asked again at most, and only by going back to that recipe.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import polars as pl
from pydantic import JsonValue

from madang.erasure.receipt import Post
from madang.erasure.tables import tables_by_post
from madang.errors import MadangError
from madang.evaluation.replies import ReplyStore
from madang.extraction.extract import Extraction, Extractor
from madang.extraction.prepared import Preparation, PreparedPost, stored_replies
from madang.models.catalogue import Catalogue
from madang.models.protocol import Reply
from madang.ops import LEDGER, PLANS, RECIPES, REPLIES
from madang.posts.masking import mask
from madang.posts.table import RAW_POSTS, TEXT_COLUMNS, chars_sql, content_hash_sql
from madang.readers.registry import ReaderFailed
from madang.recipe import recipe_of
from madang.schema import asked_schema
from madang.task import Task
from madang.warehouse.protocol import Warehouse
from madang.warehouse.sql_text import quote

_LEAST_QUOTED_CHARS = 4
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_SAYS_SOMETHING = re.compile(r"[^\W\d_x]")


@dataclass(frozen=True)
class AboutPost:
    """Requests about a post.

    Args:
        own: Hashes of those that no other post refers to.
        shared: Hashes of those that posts of the same text refer to.
    """

    own: frozenset[str]
    shared: frozenset[str]


class Requests:
    """Finds requests about a post.

    Args:
        warehouse: Where the post is.
        tasks: The project's tasks; one that cannot be loaded is treated as an older recipe.
        catalogue: Models by name.
        evaluations: Replies that evaluations keep; None if there are none.
    """

    def __init__(
        self, warehouse: Warehouse, tasks: Collection[Task], catalogue: Catalogue, evaluations: ReplyStore | None
    ) -> None:
        self._warehouse, self._tasks, self._catalogue = warehouse, tasks, catalogue
        self._evaluations = evaluations

    def about(self, post: Post) -> AboutPost:
        """Requests whose replies are in the warehouse or in the spool, or were."""
        rendered = set[str]()
        recipes = set[tuple[str, str]]()
        for task in self._tasks:
            try:
                rendered |= self._rendered(task, post)
                recipes |= self._recipe(task)
            except MadangError:  # a model's file is gone, or it sees no images: as for an older recipe
                continue
        found = self._named(post) | rendered
        found |= self._of_older_recipes(post, recipes)
        shared = self._named_by_others(post, found)
        return AboutPost(frozenset(found - shared), frozenset(shared))

    def quoting(self, post: Post) -> frozenset[str]:
        """Replies of evaluations that quote the post, whatever was asked."""
        if self._evaluations is None:
            return frozenset()
        columns = ", ".join(TEXT_COLUMNS)
        revisions = self._read_post(f"SELECT {columns} FROM raw.posts", post)
        texts = [text for row in revisions.iter_rows() for text in row if text]
        texts += [mask(text) for text in texts]
        labels = {label for task in self._tasks for label in _labels(asked_schema(task.fields))}
        return frozenset(
            request_hash
            for request_hash, reply in self._evaluations.texts()
            if any(quoted in text for quoted in _quotes(reply) if quoted not in labels for text in texts)
        )

    def _named(self, post: Post) -> set[str]:
        found = set[str]()
        for name, columns in tables_by_post(self._warehouse).items():
            if "request_hash" in columns:
                rows = self._read_post(f"SELECT DISTINCT request_hash FROM {quote(name)}", post)
                found |= set(rows["request_hash"].drop_nulls())
        return found

    def _named_by_others(self, post: Post, request_hashes: set[str]) -> set[str]:
        if not request_hashes:
            return set()
        hashes = pl.DataFrame({"request_hash": sorted(request_hashes)}, schema={"request_hash": pl.String()})
        found = set[str]()
        for name, columns in tables_by_post(self._warehouse).items():
            if "request_hash" in columns:
                rows = self._warehouse.read(
                    f"SELECT DISTINCT request_hash FROM {quote(name)} SEMI JOIN hashes USING (request_hash) "
                    "WHERE NOT (source = ? AND post_id = ?)",
                    [post.source, post.post_id], {"hashes": hashes},
                )  # fmt: skip
                found |= set(rows["request_hash"])
        return found

    def _rendered(self, task: Task, post: Post) -> set[str]:
        """Requests of every attempt under the recipe that the folder declares now."""
        texts = task.text_columns
        content_hash = content_hash_sql(texts, images=task.most_images)
        rows = self._read_post(
            f"SELECT *, {chars_sql(texts)} AS chars, {content_hash} AS content_hash FROM {RAW_POSTS.name}", post
        )
        preparation, extractor = Preparation(self._warehouse, task, self._catalogue), Extractor(task)
        found: dict[str, PreparedPost] = {}
        waiting = [preparation.of(row) for row in rows.iter_rows(named=True)]
        while waiting:
            fresh = {one.request.hash: one for one in waiting if one.request and one.request.hash not in found}
            found |= fresh
            replies = self._stored(fresh)
            waiting = [
                following
                for request_hash, one in fresh.items()
                for following in _following(preparation, extractor, one, replies.get(request_hash))
            ]
        return set(found)

    def _stored(self, request_hashes: Mapping[str, object]) -> dict[str, Reply]:
        found = stored_replies(self._warehouse, request_hashes) if self._warehouse.has(REPLIES.name) else {}
        return found | (self._evaluations.read(request_hashes) if self._evaluations else {})

    def _recipe(self, task: Task) -> set[tuple[str, str]]:
        """The task's name and that of its recipe, if a run has used it."""
        if not self._warehouse.has(RECIPES.name):
            return set()
        recipe = recipe_of(task, self._catalogue.identity)
        found = self._warehouse.read(
            "SELECT task, recipe FROM ops.recipes WHERE task = ? AND recipe_hash = ?", [task.name, recipe.hash]
        )
        return set(found.iter_rows())

    def _of_older_recipes(self, post: Post, rendered: set[tuple[str, str]]) -> set[str]:
        """Replies of the post's days under recipes that planned it and cannot be rendered, to which no row refers."""
        if not all(self._warehouse.has(table.name) for table in (PLANS, LEDGER, REPLIES)):
            return set()
        planned = self._read_post("SELECT DISTINCT task, recipe, day FROM ops.plans", post)
        older = planned.filter(~pl.struct("task", "recipe").is_in([
            {"task": task, "recipe": recipe} for task, recipe in rendered
        ])) if rendered else planned  # fmt: skip
        if older.is_empty():
            return set()
        replies = self._warehouse.read(
            "SELECT DISTINCT r.request_hash FROM ops.replies r JOIN ops.ledger l USING (request_hash) "
            "SEMI JOIN older o ON l.task = o.task AND l.recipe = o.recipe AND l.day = o.day",
            frames={"older": older},
        )
        found = set(replies["request_hash"])
        return found - self._named_by_others(post, found)

    def _read_post(self, sql: str, post: Post) -> pl.DataFrame:
        return self._warehouse.read(f"{sql} WHERE source = ? AND post_id = ?", [post.source, post.post_id])


def _following(
    preparation: Preparation, extractor: Extractor, post: PreparedPost, reply: Reply | None
) -> Iterator[PreparedPost]:
    """Every next attempt that some outcome of this one could have brought."""
    follows = [preparation.next_attempt(post, is_truncated=cut) for cut in (True, False)]
    if reply is not None:
        follows.append(preparation.after_reply(post, reply, _extraction(extractor, post, reply)))
    yield from (one for one in follows if one is not None)


def _extraction(extractor: Extractor, post: PreparedPost, reply: Reply) -> Extraction | None:
    try:
        return extractor.extract(post.text, reply)
    except ReaderFailed:
        return None


def _quotes(reply: str) -> set[str]:
    """Texts in a reply that somebody may have written: its string values, or whatever is quoted where it is no JSON."""
    try:
        found = set(_strings(json.loads(reply)))
    except json.JSONDecodeError:
        found = set(_QUOTED.findall(reply))
    return {text for text in found if len(text) >= _LEAST_QUOTED_CHARS and _SAYS_SOMETHING.search(text)}


def _strings(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


def _labels(schema: JsonValue) -> Iterator[str]:
    """Every label that a schema allows."""
    if isinstance(schema, dict):
        labels = schema.get("enum")
        yield from (label for label in labels if isinstance(label, str)) if isinstance(labels, list) else ()
        for value in schema.values():
            yield from _labels(value)
