"""What a student learns from: corrections, gold, a teacher's file, rows of the released recipe; and how it is split.

Gold that others measure by is read in its part `tune` only, and a post that is nearly one of the part `score` is left
out whoever labelled it: a student that has read what is quoted later would be measured by its memory.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from madang.distillation.clusters import near_duplicates
from madang.distillation.labelled import LabelledPost, Origin
from madang.errors import InputError
from madang.evaluation.answers import Answer, MentionAnswer, answer_kind
from madang.evaluation.gold import Gold, GoldPost, PostKey, gold_of_file
from madang.evaluation.gold_map import GoldKey, MappedKey
from madang.evaluation.sampling import part_of
from madang.extraction.grounding import PostText
from madang.posts.masking import mask
from madang.posts.reading import ColumnMap, read_posts
from madang.settings import Settings
from madang.task import Task

# A careful annotator's label is worth more than what a teacher read once.
WEIGHTS: Mapping[Origin, float] = {"correction": 3.0, "gold": 3.0, "teacher": 1.0, "extraction": 1.0}
_RANK: Mapping[Origin, int] = {"gold": 0, "teacher": 1, "extraction": 2}


@dataclass(frozen=True)
class Dataset:
    """Labelled posts in the order of their keys, each post once.

    Args:
        task: Name of the task.
        posts: The posts.
        clusters: Cluster of near-duplicates of each.
        keys: How the answers of each labelled field compare.
        left_out: Why posts were left out, with their number.
        recipe: The recipe whose rows are among them; None if there are none.
    """

    task: str
    posts: tuple[LabelledPost, ...]
    clusters: tuple[int, ...]
    keys: Mapping[str, MappedKey]
    left_out: Mapping[str, int]
    recipe: str | None = None

    @property
    def weights(self) -> list[float]:
        """Of each post: what its origin is worth, shared among the posts of a cluster."""
        sizes = Counter(self.clusters)
        pairs = zip(self.posts, self.clusters, strict=True)
        return [WEIGHTS[post.origin] / sizes[cluster] ** 0.5 for post, cluster in pairs]

    @property
    def identity(self) -> str:
        """SHA-256 over every post's text and answers, and what these point at."""
        plain = [[post.key, post.turn, post.origin, _plain(post.answers), _plain(post.pointers)] for post in self.posts]
        return hashlib.sha256(json.dumps(plain, ensure_ascii=False).encode()).hexdigest()

    @property
    def origins(self) -> dict[str, int]:
        """Posts by who labelled them."""
        return dict(Counter(post.origin for post in self.posts))

    def classes(self, field: str) -> dict[str, int]:
        """How often each answer stands, the most frequent first; open answers count as stated or not."""
        counts: Counter[str] = Counter()
        for post in self.posts:
            if field in post.answers:
                answer = post.answers[field]
                if self.keys[field].kind in ("label", "flag"):
                    counts[str(answer)] += 1
                elif self.keys[field].kind == "labels" and isinstance(answer, frozenset):
                    counts.update(map(str, answer))
                else:
                    counts["stated" if answer else "not stated"] += 1
        return dict(counts.most_common())

    def folds(self, count: int) -> list[int]:
        """A fold for each post: near-duplicates are in one, and each fold holds about as many posts."""
        members = Counter(self.clusters)
        sizes = [0] * count
        fold_of: dict[int, int] = {}
        ordered = sorted(members, key=lambda cluster: hashlib.sha256(repr(self.posts[cluster].key).encode()).digest())
        for cluster in ordered:
            fold_of[cluster] = sizes.index(min(sizes))
            sizes[fold_of[cluster]] += members[cluster]
        return [fold_of[cluster] for cluster in self.clusters]

    def newest(self, share: float) -> list[bool]:
        """Whether each post is in the newest clusters that hold a share of the posts; none where times are unknown."""
        latest: dict[int, float] = defaultdict(lambda: float("-inf"))
        for post, cluster in zip(self.posts, self.clusters, strict=True):
            if post.event_at is not None:
                latest[cluster] = max(latest[cluster], post.event_at.timestamp())
        known = sorted((at, cluster) for cluster, at in latest.items())
        if len({at for at, _ in known}) < 2:
            return [False] * len(self.posts)
        members, wanted, held = Counter(self.clusters), share * len(self.posts), set[int]()
        for _, cluster in reversed(known):
            if sum(members[one] for one in held) + members[cluster] > wanted:
                break
            held.add(cluster)
        return [cluster in held for cluster in self.clusters]


def make_dataset(
    task: Task,
    labelled: Iterable[LabelledPost],
    *,
    withheld: Sequence[LabelledPost] = (),
    recipe: str | None = None,
) -> Dataset:
    """Brings labelled posts together.

    Args:
        task: The task.
        labelled: Posts; of one that several labelled, gold stands before a teacher, and a teacher before a recipe. A
            correction names single fields, and stands before whatever else is known of them.
        withheld: Posts that are quoted later: they, and what is nearly one of them, are left out.
        recipe: The recipe whose rows are among them.

    Raises:
        InputError: No post is left; or gold of the part `score` is among them.
    """
    left_out: Counter[str] = Counter()
    best: dict[PostKey, LabelledPost] = {}
    corrections: list[LabelledPost] = []
    for post in labelled:
        if post.origin == "gold" and part_of(post.key[1]) != "tune":
            raise InputError(task.name, "gold of the part score is no material for a student", "Give its part tune")
        if post.text.is_blank:
            left_out["blank"] += 1
        elif post.origin == "correction":
            corrections.append(post)
        elif post.key not in best or _RANK[post.origin] < _RANK[best[post.key].origin]:
            best[post.key] = post
    for post in corrections:
        best[post.key] = _corrected(best.get(post.key, post), post)
    posts = [best[key] for key in sorted(best)]
    clusters = near_duplicates([post.turn for post in (*withheld, *posts)])
    quoted = set(clusters[: len(withheld)])
    kept = [post for post, cluster in zip(posts, clusters[len(withheld) :], strict=True) if cluster not in quoted]
    if len(kept) < len(posts):
        left_out["nearly a post of the part score"] = len(posts) - len(kept)
    if not kept:
        raise InputError(task.name, "there is no labelled post to learn from", "Give --teacher and --posts, or --gold")
    return Dataset(
        task.name, tuple(kept), tuple(near_duplicates([post.turn for post in kept])), _labelled_keys(task, kept),
        dict(left_out), recipe,
    )  # fmt: skip


def _corrected(post: LabelledPost, correction: LabelledPost) -> LabelledPost:
    """A post with some answers put right; what pointed at the old ones is forgotten."""
    pointers = {name: own for name, own in post.pointers.items() if name not in correction.answers}
    return replace(post, answers={**post.answers, **correction.answers}, origin="correction", pointers=pointers)


@dataclass(frozen=True)
class LabelFile:
    """A file of labels.

    Args:
        file: JSON lines in the form of gold.
        posts: The posts that it is about.
        origin: Who labelled them.
    """

    file: Path
    posts: Path
    origin: Origin


def read_labels(
    task: Task, settings: Settings, files: Sequence[LabelFile]
) -> tuple[list[LabelledPost], list[LabelledPost]]:
    """Reads files of labels.

    Returns:
        Posts to learn from, and posts of gold's part `score`.

    Raises:
        InputError: A file is missing or broken.
        DeclarationError: The task's map of a file is wrong.
    """
    learned: list[LabelledPost] = []
    withheld: list[LabelledPost] = []
    for one in files:
        gold = gold_of_file(task, one.file, read_posts(one.posts, ColumnMap(timezone=settings.timezone)), one.posts)
        for post in gold.posts:
            labelled = labelled_post(task, post.row, _answers(gold, post), one.origin)
            is_quoted = one.origin == "gold" and part_of(labelled.key[1]) != "tune"
            (withheld if is_quoted else learned).append(labelled)
    return learned, withheld


def labelled_post(
    task: Task, row: Mapping[str, object], answers: Mapping[str, Answer], origin: Origin,
    pointers: Mapping[str, frozenset[str]] | None = None,
) -> LabelledPost:  # fmt: skip
    """A post as a model of the task is shown it."""
    text = PostText({column: mask(str(row[column] or "")) for column in task.text_columns})
    return LabelledPost(row, text, task.render_turn(text.parts), answers, origin, pointers or {})


def _answers(gold: Gold, post: GoldPost) -> dict[str, Answer]:
    """By field: several keys answer a field of money, one a currency, and at most one of them says something."""
    found: dict[str, Answer] = {}
    for name, answer in post.answers.items():
        field = gold.keys[name].spec.field
        if found.get(field) is None:
            found[field] = without_places(answer.value)
    return found


def without_places(answer: Answer) -> Answer:
    """Mentions by their text alone: a student's gold says where they stand as often as not."""
    if not isinstance(answer, frozenset):
        return answer
    return frozenset(replace(one, place=None) if isinstance(one, MentionAnswer) else one for one in answer)  # type: ignore[return-value]  # all are of one kind


def field_keys(task: Task) -> dict[str, MappedKey]:
    """How the answers of every declared field compare, by field."""
    return {
        name: MappedKey(name, GoldKey(field=name), kind, field.unstated() is None)
        for name, field in task.fields.items()
        if (kind := answer_kind(field)) is not None
    }


def _labelled_keys(task: Task, posts: Sequence[LabelledPost]) -> dict[str, MappedKey]:
    there = {name for post in posts for name in post.answers}
    return {name: key for name, key in field_keys(task).items() if name in there}


def _plain(answers: Mapping[str, Answer] | Mapping[str, frozenset[str]]) -> dict[str, object]:
    return {
        name: sorted(map(repr, answer)) if isinstance(answer, frozenset) else answer
        for name, answer in sorted(answers.items())
    }
