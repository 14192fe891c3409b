"""Does a student's promise hold on posts that it was not calibrated on? On real posts; see docs/benchmarks.md.

Run: make bench-promise DATASETS=folder [ARGS="--tasks places --splits 200"]. Heads score every labelled post by a
student that had not read it (five folds), once. Then, as often as told, half of the clusters is drawn: on it decision
thresholds, calibration and promise are made anew, as `madang distil` makes them, and the other half is measured. Two
figures: how often the share of right answers among the kept posts of the other half is at least what was promised; and,
since a hundred kept posts miss 95% by luck where 96% are right, how often that half does not contradict it (its upper
bound at 95% certainty is at least what was promised). Of rentals and groups a half has fewer than the 158 posts without
which nothing is promised. Nothing of gold's part `score` is read.
"""

import argparse
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from engine_report import table
from numpy.typing import NDArray

from madang.distillation.calibration import calibrate
from madang.distillation.dataset import Dataset, LabelFile, make_dataset, read_labels
from madang.distillation.deciding import HeadScores, best_threshold, decide, is_right
from madang.distillation.fitting import FOLDS
from madang.distillation.heads import Head, heads_of
from madang.distillation.labelled import Origin
from madang.distillation.linear import LinearTeaching
from madang.distillation.promise import PRECISION, Records, lower_bound, make_promise, upper_bound
from madang.schema.base import FieldKind
from madang.settings import Settings
from madang.task import load_task

FILES: dict[str, list[tuple[str, str, Origin]]] = {
    "places": [("neighbourhood/places.teacher.jsonl", "neighbourhood/posts.jsonl", "teacher")],
    "goods": [
        ("goods_ko/goods.teacher.jsonl", "goods_ko/teacher_posts.jsonl", "teacher"),
        ("phones_ko/goods.teacher.jsonl", "phones_ko/posts.jsonl", "teacher"),
        ("goods_ko/goods.gold.jsonl", "goods_ko/posts.jsonl", "gold"),
    ],
}
LEAST_STATED = 10


@dataclass(frozen=True)
class Labelled:
    """A task's labelled posts with what heads think of them that had not read them."""

    dataset: Dataset
    fields: Mapping[str, FieldKind]
    heads: Sequence[Head]
    scored: Mapping[int, Mapping[str, HeadScores]]


@dataclass
class Tally:
    """What became of splits."""

    promised: int = 0
    held: int = 0
    uncontradicted: int = 0
    kept: float = 0.0

    def count(self, made: Records, measured: Records) -> None:
        """Promises on one half, measures on the other."""
        threshold = make_promise(made, PRECISION).threshold
        if threshold is None:
            return
        members = measured.sureness >= threshold
        right = measured.right[members]
        known = (~np.isnan(right)).sum(axis=0)
        counts = [(int(one), int(n)) for one, n in zip(np.nansum(right, axis=0), known, strict=True) if n]
        self.promised += 1
        self.kept += float(members.mean())
        self.held += all(one >= PRECISION * n for one, n in counts)
        self.uncontradicted += all(upper_bound(one, n) >= PRECISION for one, n in counts)

    def cells(self, splits: int) -> list[str]:
        """As cells of a table."""
        kept = f"{self.kept / self.promised:.0%}" if self.promised else "–"
        shares = (_share(count, self.promised) for count in (self.held, self.uncontradicted))
        return [f"{self.promised} of {splits}", kept, *shares]


def labelled_posts(name: str, datasets: Path) -> Labelled:
    """Reads a task's labels, and has heads that have not read them score its posts."""
    settings = Settings.load()
    task = load_task(settings.project, name)
    files = [LabelFile(datasets / answers, datasets / posts, origin) for answers, posts, origin in FILES[name]]
    learned, withheld = read_labels(task, settings, files)
    dataset = make_dataset(task, learned, withheld=withheld)
    fields = {field: task.fields[field] for field in dataset.keys if _stated(dataset, field) >= LEAST_STATED}
    heads = heads_of(fields)
    teaching, folds = LinearTeaching(dataset.posts, dataset.weights, fields, heads), np.array(dataset.folds(FOLDS))
    scored: dict[int, dict[str, HeadScores]] = {}
    for fold in range(FOLDS):
        held = np.flatnonzero(folds == fold).tolist()
        student = teaching.fit(np.flatnonzero(folds != fold).tolist(), f"fold{fold}")
        scored |= dict(zip(held, student.scores([dataset.posts[at].turn for at in held]), strict=True))
    return Labelled(dataset, {head.field: fields[head.field] for head in heads}, heads, scored)


def judged(own: Labelled, head: Head, learnt: Sequence[int], rest: Sequence[int]) -> list[NDArray[np.float64]]:
    """A field's confidences and what is right, of both halves; threshold and calibration come of the first."""
    dataset, name, field = own.dataset, head.field, own.fields[head.field]
    known = [at for at in learnt if name in dataset.posts[at].answers]
    threshold = best_threshold(
        head, field, [own.scored[at][name] for at in known], [dataset.posts[at].answers[name] for at in known],
        [dataset.weights[at] for at in known],
    )  # fmt: skip
    guesses = {at: decide(head, field, own.scored[at][name], threshold) for at in (*learnt, *rest)}

    def right(at: int) -> float:
        answers = dataset.posts[at].answers
        return float(is_right(guesses[at].value, answers[name])) if name in answers else float("nan")

    line = calibrate([guesses[at] for at in known], [bool(right(at)) for at in known])
    return [np.array([[line.confidence(guesses[at]), right(at)] for at in half]) for half in (learnt, rest)]


def records(columns: Mapping[str, Sequence[NDArray[np.float64]]], names: Sequence[str], half: int) -> Records:
    """A half's records of some fields."""
    confidences, right = (np.column_stack([columns[name][half][:, kind] for name in names]) for kind in (0, 1))
    return Records(tuple(names), confidences, right)


def tallies(own: Labelled, splits: int) -> dict[str, Tally]:
    """What became of each field's own promise, and of the promise of all together."""
    names = list(own.fields)
    sets = {name: [name] for name in names} | ({"all together": names} if len(names) > 1 else {})
    found = {told: Tally() for told in sets}
    first = {cluster: at for at, cluster in reversed(list(enumerate(own.dataset.clusters)))}
    chance = random.Random(7)  # noqa: S311 - splits
    for _ in range(splits):
        chosen = chance.sample(sorted(first.values()), len(first))
        learnt, rest = chosen[: len(chosen) // 2], chosen[len(chosen) // 2 :]
        columns = {head.field: judged(own, head, learnt, rest) for head in own.heads}
        for told, some in sets.items():
            found[told].count(records(columns, some, 0), records(columns, some, 1))
    return found


def _stated(dataset: Dataset, field: str) -> int:
    return sum(post.answers.get(field) not in (None, frozenset()) for post in dataset.posts)


def _share(count: int, n: int) -> str:
    if not n:
        return "–"
    return f"{count / n:.3f} ({lower_bound(count, n, 0.975):.3f} to {upper_bound(count, n, 0.975):.3f})"


def main() -> None:
    """Prints Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("datasets", type=Path)
    parser.add_argument("--tasks", nargs="+", default=list(FILES), choices=list(FILES))
    parser.add_argument("--splits", type=int, default=200)
    options = parser.parse_args()
    head = ["task", "promise of", "posts", "promised", "kept", "held as measured", "not contradicted"]
    rows = []
    for name in options.tasks:
        own = labelled_posts(name, options.datasets)
        for told, tally in tallies(own, options.splits).items():
            rows.append([name, told, str(len(own.dataset.posts)), *tally.cells(options.splits)])
    print(f"{options.splits} resampled splits, promised {PRECISION:.0%}\n\n{table(head, rows)}")  # noqa: T201 - its output


if __name__ == "__main__":
    main()
