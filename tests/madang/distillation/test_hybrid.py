"""The hybrid student, on a small encoder with random weights: what it reads is of no use, how it works is the same."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'madang[student]'")
pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'madang[student]'")
pytest.importorskip("transformers", reason="transformers is not installed: pip install 'madang[student]'")

from small_encoder import small_encoder  # noqa: E402

from madang.distillation.distil import distil  # noqa: E402
from madang.distillation.encoder import load_backbone  # noqa: E402
from madang.distillation.encoder_settings import EncoderSettings  # noqa: E402
from madang.distillation.frozen_encoder import Projection, ReadPost, read_states  # noqa: E402
from madang.distillation.heads import heads_of  # noqa: E402
from madang.distillation.hybrid import LinearCorrection  # noqa: E402
from madang.distillation.hybrid_training import HybridTeaching  # noqa: E402
from madang.distillation.stretches import Stretch  # noqa: E402

FIELDS = ("kind", "shops", "price", "extras")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory) -> str:
    return small_encoder(tmp_path_factory.mktemp("encoder"))


def settings(encoder: str) -> EncoderSettings:
    return EncoderSettings(encoder=encoder, licence="none: random weights", trained_layers=0)


def test_a_hybrid_goes_from_labels_to_a_stored_student(market, encoder):
    made = distil(
        market.task, market.settings(), [market.labels(120)], fields=["kind", "price"], encoder=settings(encoder)
    )
    turns = [post.turn for post in market.dataset(market.labels(20, first=900)).posts]

    assert made.student.manifest.kind == "hybrid"
    assert made.curve is None
    assert "none: random weights" in made.card
    assert len(made.student.load().says(turns)) == 20


def test_what_the_encoder_read_is_removed_once_the_student_is_stored(market, encoder):
    distil(market.task, market.settings(), [market.labels(60)], fields=["kind"], encoder=settings(encoder))
    left = market.settings().home / "students" / "market" / "states"

    assert list(left.iterdir()) == []


def test_a_loaded_hybrid_scores_as_it_did(market, encoder, tmp_path):
    dataset = market.dataset(market.labels(120))
    fields = {name: market.task.fields[name] for name in FIELDS}
    teaching = HybridTeaching(dataset, fields, heads_of(fields), settings(encoder), tmp_path)
    student = teaching.fit(range(120), "all")
    (tmp_path / "kept").mkdir()
    student.save(tmp_path / "kept")
    again = type(student).load(tmp_path / "kept", fields, heads_of(fields))
    turns = [post.turn for post in dataset.posts[:8]]

    for one, other in zip(student.scores(turns), again.scores(turns), strict=True):
        for name in fields:
            np.testing.assert_allclose(one[name].classes, other[name].classes, atol=0.05)  # weights are kept as halves
            assert {at.stretch for at in one[name].stretches} == {at.stretch for at in other[name].stretches}


def test_a_correction_that_does_not_help_is_left_out(market, encoder, tmp_path):
    """The linear student of this market is always right: a correction could only harm."""
    dataset = market.dataset(market.labels(200))
    fields = {"price": market.task.fields["price"]}
    student = HybridTeaching(dataset, fields, heads_of(fields), settings(encoder), tmp_path).fit(range(200), "all")
    student.save(tmp_path)

    with np.load(tmp_path / "hybrid.npz") as stored:
        assert stored.files == []


def test_states_of_a_batch_are_those_of_each_post_alone(market, encoder):
    turns = [post.turn for post in market.dataset(market.labels(12)).posts]
    backbone = load_backbone(encoder, 2, turns, Path())
    together = dict(
        pair for batch, states in read_states(backbone, turns, 64) for pair in zip(batch, states, strict=True)
    )

    for at, turn in enumerate(turns):
        ((_, (alone,)),) = read_states(backbone, [turn], 64)
        np.testing.assert_allclose(together[at], alone, atol=2e-3)


def test_axes_have_a_mean_of_nothing_and_a_variance_of_one():
    generator = np.random.default_rng(3)
    scales = np.array([1, 1000, 0.1, 5, 20, 3], np.float32)
    states = [(generator.normal(size=(50, 6)) * scales).astype(np.float16) for _ in range(20)]
    tokens = Projection.fit(states, 3).of(np.concatenate(states).astype(np.float32))

    assert tokens.shape == (1000, 3)
    np.testing.assert_allclose(tokens.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(tokens.std(0), 1, atol=1e-2)


def test_a_stretch_beyond_the_tokens_that_were_read_is_scored_by_the_linear_student_alone():
    post = ReadPost(np.ones((3, 2), np.float32), np.array([[0, 0], [0, 4], [4, 8]]))

    assert post.stretch(Stretch(6, 12, "beyond", "beyond")) is None
    assert post.stretch(Stretch(1, 4, "one", "one")).tolist() == [1.0] * 10


def test_a_correction_takes_what_was_not_reached_for_the_mean():
    correction = LinearCorrection(np.array([2.0]), np.array([1.0]), np.array([[3.0, 1.0]]), np.array([0.5]))
    read, linear = np.array([[np.nan], [2.0], [3.0]]), np.array([[1.0], [1.0], [1.0]])

    assert correction.scores(read, linear)[:, 0].tolist() == [1.5, 1.5, 4.5]


KILLED = """
import os, signal, sys
from pathlib import Path
from conftest import make_market
from madang.distillation.encoder import load_backbone
from madang.distillation.frozen_encoder import kept_states

market, folder, kill_at = make_market(Path(sys.argv[1])), Path(sys.argv[3]), int(sys.argv[4])
turns = [post.turn for post in market.dataset(market.labels(80)).posts]


def killed(done, _all):
    print(done, flush=True)
    if kill_at and done >= kill_at:
        os.kill(os.getpid(), signal.SIGKILL)


states = kept_states(load_backbone(sys.argv[2], 2, turns, folder), turns, 64, folder, killed)
print(sum(float(abs(one.astype("float32")).sum()) for one in states))
"""


def test_a_killed_reading_goes_on_at_the_batch(encoder, tmp_path):
    def read(folder: str, kill_at: int) -> subprocess.CompletedProcess:
        paths = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
        command = [
            sys.executable,
            "-c",
            KILLED,
            str(tmp_path / "market"),
            encoder,
            str(tmp_path / folder),
            str(kill_at),
        ]
        environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    whole, killed, resumed = read("one", 0), read("two", 30), read("two", 0)
    steps = resumed.stdout.split()

    assert whole.returncode == 0, whole.stderr
    assert killed.returncode == -signal.SIGKILL
    assert int(steps[0]) > 30
    assert float(steps[-1]) == pytest.approx(float(whole.stdout.split()[-1]), rel=1e-4)
