import pytest
from sales import MARKET, write_sales
from scenario import write_task

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'madang[student]'")

from ngram_student import NgramTeaching

from madang.distillation.answering import guessed_answers
from madang.distillation.dataset import LabelFile, make_dataset, read_labels
from madang.distillation.fitting import fit_student
from madang.distillation.heads import heads_of
from madang.settings import Settings
from madang.task import Task

_FIELDS = ("kind", "extras", "price", "shops")


def test_the_baseline_learns_every_shape_of_field(tmp_path):
    write_task(tmp_path / "assets" / "market", MARKET)
    task = Task.load(tmp_path / "assets" / "market")
    settings = Settings(project=tmp_path, home=tmp_path / "home")
    learned, fresh = (
        read_labels(task, settings, [LabelFile(answers, posts, "teacher")])[0]
        for posts, answers in (write_sales(tmp_path, 200), write_sales(tmp_path, 40, 5_000))
    )
    dataset = make_dataset(task, learned)
    fields = {name: task.fields[name] for name in _FIELDS}
    heads = heads_of(fields)
    student = fit_student(dataset, NgramTeaching(dataset.posts, dataset.weights, fields, heads), fields, heads).student
    said = student.says([post.turn for post in fresh])
    guesses = {at: {name: one.guess for name, one in post.items()} for at, post in enumerate(said)}
    answers = guessed_answers(task, _FIELDS, guesses)
    shares = {
        name: sum(answers[name][at] == post.answers[name] for at, post in enumerate(fresh)) / 40 for name in _FIELDS
    }

    assert min(shares.values()) > 0.8
