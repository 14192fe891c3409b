"""Gold: right answers of a file of JSON lines, or of a key in the posts themselves, joined to their posts."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from madang.errors import InputError
from madang.evaluation.answers import UnreadableError
from madang.evaluation.gold_map import GoldAnswer, GoldMap, MappedKey
from madang.task import Task

GoldFrom = Literal["form", "categories", "mentions"]
PostKey = tuple[str, str]
_IDENTITY = ("source", "post_id")


@dataclass(frozen=True)
class GoldPost:
    """A post that has gold.

    Args:
        row: The post, as `read_posts` gives it.
        answers: Right answers by gold's own key; a key without an answer is absent.
    """

    row: dict[str, object]
    answers: dict[str, GoldAnswer]

    @property
    def key(self) -> PostKey:
        """Source and post id."""
        return str(self.row["source"]), str(self.row["post_id"])


@dataclass(frozen=True)
class Gold:
    """Gold joined to posts.

    Args:
        name: File name, or the key of the posts.
        posts: Posts that have gold, in the order of gold.
        keys: Keys that a field answers, by name, in the order in which they come.
        unmapped: Keys that none answers.
        is_form: Whether it was typed beside the text, so that the text need not state it.
    """

    name: str
    posts: list[GoldPost]
    keys: dict[str, MappedKey]
    unmapped: tuple[str, ...]
    is_form: bool


def gold_of_file(task: Task, file: Path, posts: pl.DataFrame, place: Path) -> Gold:
    """Reads a file of gold and joins it to posts on post_id, and on source where gold has it.

    Args:
        task: The task.
        file: JSON lines, each with `post_id` and answers; null is an answer: the text does not say.
        posts: What `read_posts` gave.
        place: File of the posts, for messages.

    Raises:
        InputError: The file is missing, a line is broken (its number is named), no post joins, or no key is a field's.
        DeclarationError: The task's map of this gold is wrong.
    """
    reader = _Reader(GoldMap.load(task, _map_of_file(task, file), is_open=True))
    by_id: dict[str, list[dict[str, object]]] = defaultdict(list)
    for row in _current(posts).values():
        by_id[str(row["post_id"])].append(row)
    joined: dict[PostKey, GoldPost] = {}
    seen: dict[tuple[str | None, str], int] = {}
    for number, line in _lines(file):
        source = None if line.get("source") is None else str(line["source"])
        post_id = str(line["post_id"])
        if (source, post_id) in seen:
            first = seen[source, post_id]
            raise InputError(f"{file}:{number}", f"post {post_id!r} stands in line {first} too", "Remove one of them")
        seen[source, post_id] = number
        answers = reader.answers(line, f"{file}:{number}")
        for row in by_id[post_id]:
            if source in (None, row["source"]):
                post = GoldPost(row, answers)
                joined[post.key] = post
    if not joined:
        raise InputError(file, f"none of its {len(seen)} posts is in {place}", "Give the posts that it is about")
    if not reader.keys:
        keys = ", ".join(reader.unmapped) or "it has none"
        raise InputError(file, f"no field of {task.name!r} answers any of its keys ({keys})",
                         "Give the gold of this task, or map its keys in gold_<name>.yaml")  # fmt: skip
    return Gold(file.name, list(joined.values()), reader.keys, tuple(reader.unmapped), is_form=False)


def gold_of_posts(task: Task, key: GoldFrom, posts: pl.DataFrame, place: Path) -> Gold:
    """Takes gold from a key of the posts. What somebody typed there and no field can say is not scored.

    Args:
        task: The task; its `gold_<key>.yaml` says which field answers what. Without one, the field called like the key.
        key: Key of the posts.
        posts: What `read_posts` gave.
        place: File of the posts, for messages.

    Raises:
        InputError: The task has no such map, or no post has such a key.
        DeclarationError: The map is wrong.
    """
    file = task.folder / f"gold_{key}.yaml"
    if not file.is_file() and key not in task.fields:
        raise InputError(f"--gold-from {key}", f"task {task.name!r} has no {file.name} that maps its answers",
                         f"Write {file}, or give answers with --gold")  # fmt: skip
    reader = _Reader(GoldMap.load(task, file if file.is_file() else None, is_open=not file.is_file()))
    found = []
    for row in _current(posts).values():
        extra = json.loads(str(row["extra"])) if row["extra"] else {}
        typed = extra.get(key)
        if typed is None:
            continue
        answers = reader.typed(typed if isinstance(typed, dict) else {key: typed})
        if answers:
            found.append(GoldPost(row, answers))
    if not found:
        raise InputError(place, f"no post has an answer under {key!r} that {file.name} maps",
                         "Give posts that have it, or correct the map")  # fmt: skip
    return Gold(key, found, reader.keys, tuple(reader.unmapped), is_form=True)


class _Reader:
    """Reads answers by a map, and remembers which keys came."""

    def __init__(self, mapping: GoldMap) -> None:
        self._map = mapping
        self.keys: dict[str, MappedKey] = {}
        self.unmapped: dict[str, None] = {}

    def answers(self, line: dict[str, object], place: str) -> dict[str, GoldAnswer]:
        """Answers of an annotator: one that cannot be an answer is an error of the file."""
        found = {}
        for key in self._mapped(line):
            try:
                found[key.name] = key.gold(line[key.name])
            except UnreadableError as error:
                raise InputError(place, f"{key.name}: {error}", "Correct it, or map it in gold_<name>.yaml") from error
        return found

    def typed(self, form: dict[str, object]) -> dict[str, GoldAnswer]:
        """Answers that somebody typed: one that cannot be an answer is left out, as is one that was left empty."""
        found = {}
        for key in self._mapped(form):
            if form[key.name] in (None, ""):
                continue
            try:
                found[key.name] = key.gold(form[key.name])
            except UnreadableError:
                continue
        return found

    def _mapped(self, line: dict[str, object]) -> Iterator[MappedKey]:
        for name in line:
            if name in _IDENTITY:
                continue
            key = self.keys.get(name) or self._map.key(name)
            if key is None:
                self.unmapped[name] = None
            else:
                self.keys[name] = key
                yield key


def _map_of_file(task: Task, gold: Path) -> Path | None:
    own = f"gold_{gold.stem.removesuffix('.gold')}.yaml"
    return next((file for name in (own, "gold_default.yaml") if (file := task.folder / name).is_file()), None)


def _current(posts: pl.DataFrame) -> dict[PostKey, dict[str, object]]:
    """The last state of each undeleted post, in file order."""
    rows = {(row["source"], row["post_id"]): row for row in posts.iter_rows(named=True)}
    return {key: row for key, row in rows.items() if not row["deleted"]}


def _lines(file: Path) -> Iterator[tuple[int, dict[str, object]]]:
    if not file.is_file():
        raise InputError(file, "there is no such file", "Give the path of a file of JSON lines with --gold")
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            # NaN and Infinity are Python's, not JSON's: an answer that is not there.
            row = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"), parse_constant=lambda _: None)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{file}:{number}", f"the line is not JSON ({error.__class__.__name__})",
                             "Repair the line") from error  # fmt: skip
        if not isinstance(row, dict) or row.get("post_id") in (None, ""):
            raise InputError(f"{file}:{number}", "the line is not an object with a post_id", "Write {post_id, answers}")
        yield number, row
