"""Does choosing the next posts to pay for teach a student more than taking them at random? See docs/benchmarks.md.

Run: make bench-choice DATASETS=folder [ARGS="--tasks places --seeds 10"]. The teacher is simulated: its answers are in
files already and are uncovered as they are bought. Of each task, clusters of near-duplicates are split into 30% to
score on and 70% to buy from; every way begins with the same random 100 posts and buys 100 at a time. Nothing of gold's
part `score` is read. Intervals are of the paired difference to random over seeds, each with a split of its own.
"""

import argparse
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from engine_report import table
from scipy.stats import t
from sklearn.metrics import f1_score

from madang.distillation.calibration import Calibration, Line
from madang.distillation.dataset import Dataset, LabelFile, make_dataset, read_labels
from madang.distillation.deciding import Threshold, is_right
from madang.distillation.diverse import most_telling
from madang.distillation.fitting import fit_student
from madang.distillation.heads import Head, class_of, heads_of
from madang.distillation.linear import LinearStudent, LinearTeaching
from madang.distillation.student import Student
from madang.schema.base import FieldKind
from madang.settings import Settings
from madang.task import load_task

FIRST, STEP = 100, 100
SCORED_SHARE = 0.3
WAYS = ("random", "doubt and unlikeness", "doubt", "unlikeness")


@dataclass(frozen=True)
class Source:
    """Where a task's answers are, and the fields that are learnt: those whose scoring takes milliseconds."""

    files: Sequence[tuple[str, str]]
    fields: Sequence[str]
    most: int


SOURCES = {
    "places": Source([("neighbourhood/places.teacher.jsonl", "neighbourhood/posts.jsonl")], ["post_kind"], 800),
    "goods": Source(
        [("goods_ko/goods.teacher.jsonl", "goods_ko/teacher_posts.jsonl"),
         ("phones_ko/goods.teacher.jsonl", "phones_ko/posts.jsonl")],
        ["category", "condition"], 300,
    ),
}  # fmt: skip


class PartTeaching:
    """Teaches on posts of a part of a dataset, whose features are made once for the whole."""

    def __init__(self, whole: LinearTeaching, own: Sequence[int]) -> None:
        self._whole, self._own = whole, own
        self.settings, self.folds_read = whole.settings, whole.folds_read

    def fit(self, learned: Sequence[int], name: str) -> LinearStudent:
        """See `Teaching`."""
        return self._whole.fit([self._own[at] for at in learned], name)


@dataclass
class Market:
    """A task's posts, and what may be bought of them."""

    dataset: Dataset
    fields: Mapping[str, FieldKind]
    heads: Sequence[Head]
    teaching: LinearTeaching

    def taught(self, bought: Sequence[int], *, is_doubting: bool) -> Student:
        """A student of the bought posts, made as `madang distil` makes it; in a seventh of the time if nobody asks how
        sure it is: what it says of a label rests on no threshold."""
        if not is_doubting:
            names = [head.field for head in self.heads]
            even = Calibration(Line(1.0, 0.0), Line(1.0, 0.0))
            scorer = self.teaching.fit(bought, "all")
            return Student(
                self.fields, tuple(self.heads), scorer, dict.fromkeys(names, Threshold()), dict.fromkeys(names, even)
            )
        first: dict[int, int] = {}
        clusters = tuple(first.setdefault(self.dataset.clusters[at], place) for place, at in enumerate(bought))
        part = replace(self.dataset, posts=tuple(self.dataset.posts[at] for at in bought), clusters=clusters)
        return fit_student(part, PartTeaching(self.teaching, bought), self.fields, self.heads).student

    def scores(self, student: Student, scored: Sequence[int]) -> tuple[float, float]:
        """Accuracy and macro F1 over classes, each the mean over fields."""
        said = student.says([self.dataset.posts[at].turn for at in scored])
        accuracies, f1s = [], []
        for name in self.fields:
            pairs = [
                (self.dataset.posts[at].answers[name], one[name].guess.value)
                for at, one in zip(scored, said, strict=True)
                if name in self.dataset.posts[at].answers
            ]
            accuracies.append(float(np.mean([is_right(guess, gold) for gold, guess in pairs])))
            gold_names, guessed = [class_of(gold) for gold, _ in pairs], [class_of(guess) for _, guess in pairs]
            f1s.append(float(f1_score(gold_names, guessed, average="macro", labels=sorted(set(gold_names)))))
        return float(np.mean(accuracies)), float(np.mean(f1s))


def chosen(way: str, market: Market, student: Student, rest: Sequence[int], chance: random.Random) -> list[int]:
    """The next posts to buy."""
    if way == "random":
        return chance.sample(list(rest), STEP)
    turns = [market.dataset.posts[at].turn for at in rest]
    if way == "unlikeness":
        return [rest[one.at] for one in most_telling(turns, None, STEP)]
    doubts = [1 - min(one.confidence for one in said.values()) for said in student.says(turns)]
    if way == "doubt":
        return [rest[at] for at in np.argsort(-np.array(doubts), kind="stable")[:STEP]]
    return [rest[one.at] for one in most_telling(turns, doubts, STEP)]


def curve(way: str, market: Market, most: int, seed: int) -> dict[int, tuple[float, float]]:
    """Accuracy and macro F1 by number of bought posts."""
    chance = random.Random(seed)  # noqa: S311 - a split
    clusters = sorted(set(market.dataset.clusters))
    chance.shuffle(clusters)
    held = set(clusters[: round(SCORED_SHARE * len(clusters))])
    everything = range(len(market.dataset.posts))
    scored = [at for at in everything if market.dataset.clusters[at] in held]
    rest = [at for at in everything if market.dataset.clusters[at] not in held]
    bought = chance.sample(rest, FIRST)
    found: dict[int, tuple[float, float]] = {}
    while True:
        is_last = len(bought) + STEP > most
        student = market.taught(bought, is_doubting="doubt" in way and not is_last)
        found[len(bought)] = market.scores(student, scored)
        if is_last:
            return found
        rest = sorted(set(rest) - set(bought))
        bought = bought + chosen(way, market, student, rest, chance)


def difference(own: Sequence[float], other: Sequence[float]) -> str:
    """Mean of a paired difference with its 95% interval by Student's t."""
    gaps = np.array(own) - np.array(other)
    half = t.ppf(0.975, len(gaps) - 1) * gaps.std(ddof=1) / len(gaps) ** 0.5
    return f"{gaps.mean():+.3f} ({gaps.mean() - half:+.3f} to {gaps.mean() + half:+.3f})"


def report(name: str, found: Mapping[str, Sequence[Mapping[int, tuple[float, float]]]]) -> str:
    """Tables of a task: accuracy, then macro F1."""
    parts = []
    sizes = list(found["random"][0])
    for place, metric in enumerate(("accuracy", "macro F1")):
        head = ["posts paid for", "random", *(f"{way}, less random" for way in found if way != "random")]
        rows = []
        for size in sizes:
            own = {way: [one[size][place] for one in curves] for way, curves in found.items()}
            rows.append([str(size), f"{np.mean(own['random']):.3f}",
                         *(difference(own[way], own["random"]) for way in found if way != "random")])  # fmt: skip
        mean = {way: [float(np.mean([one[size][place] for size in sizes[1:]])) for one in curves]
                for way, curves in found.items()}  # fmt: skip
        rows.append([f"mean of {sizes[1]} to {sizes[-1]}", f"{np.mean(mean['random']):.3f}",
                     *(difference(mean[way], mean["random"]) for way in found if way != "random")])  # fmt: skip
        parts.append(f"{name}, {metric}, {len(found['random'])} seeds\n\n{table(head, rows)}")
    return "\n".join(parts)


def market_of(name: str, datasets: Path) -> Market:
    """Reads a task's posts and answers."""
    settings, source = Settings.load(), SOURCES[name]
    task = load_task(settings.project, name)
    files = [LabelFile(datasets / answers, datasets / posts, "teacher") for answers, posts in source.files]
    learned, withheld = read_labels(task, settings, files)
    dataset = make_dataset(task, learned, withheld=withheld)
    fields = {field: task.fields[field] for field in source.fields}
    heads = heads_of(fields)
    return Market(dataset, fields, heads, LinearTeaching(dataset.posts, dataset.weights, fields, heads))


def main() -> None:
    """Prints Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("datasets", type=Path)
    parser.add_argument("--tasks", nargs="+", default=list(SOURCES), choices=list(SOURCES))
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--seeds", type=int, default=10)
    options = parser.parse_args()
    for name in options.tasks:
        market = market_of(name, options.datasets)
        found = defaultdict(list)
        for seed in range(options.seeds):
            for way in dict.fromkeys(["random", *options.ways]):
                found[way].append(curve(way, market, SOURCES[name].most, seed))
        print(report(name, found), flush=True)  # noqa: T201 - its output


if __name__ == "__main__":
    main()
