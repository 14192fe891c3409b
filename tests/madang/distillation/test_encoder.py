"""The encoder student, on a small encoder with random weights: what it says is of no use, how it works is the same."""

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
from madang.distillation.encoder_settings import EncoderSettings  # noqa: E402
from madang.distillation.encoder_training import EncoderTeaching  # noqa: E402
from madang.distillation.heads import heads_of  # noqa: E402

CHECKPOINTS = ("students", "market", "checkpoints")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory) -> str:
    return small_encoder(tmp_path_factory.mktemp("encoder"))


def settings(encoder: str, **changes: object) -> EncoderSettings:
    return EncoderSettings(encoder=encoder, licence="none: random weights", rate=2e-3, **{"epochs": 3, **changes})


def test_an_encoder_goes_from_labels_to_a_stored_student(market, encoder):
    made = distil(
        market.task, market.settings(), [market.labels(80)], fields=["kind", "price"], encoder=settings(encoder)
    )
    turns = [post.turn for post in market.dataset(market.labels(20, first=900)).posts]
    said = made.student.load().says(turns)

    assert made.student.manifest.kind == "encoder"
    assert made.curve is not None
    assert (made.student.folder / "curve.svg").read_text("utf-8") == made.curve
    assert "none: random weights" in made.card
    assert len(said) == 20
    assert not (market.settings().home.joinpath(*CHECKPOINTS) / "fold0").exists()


def test_a_loaded_encoder_scores_as_it_did(market, encoder, tmp_path):
    dataset = market.dataset(market.labels(60))
    fields = {name: market.task.fields[name] for name in ("kind", "extras", "shops", "price")}
    teaching = EncoderTeaching(dataset, fields, heads_of(fields), settings(encoder, epochs=2), tmp_path)
    student = teaching.fit(range(60), "all")
    (first, _), (second, _) = teaching.curves["all"]
    (tmp_path / "kept").mkdir()
    student.save(tmp_path / "kept")
    again = type(student).load(tmp_path / "kept", fields, heads_of(fields))
    turns = [post.turn for post in dataset.posts[:8]]

    assert second < first
    for one, other in zip(student.scores(turns), again.scores(turns), strict=True):
        for name in fields:
            np.testing.assert_allclose(one[name].classes, other[name].classes, atol=1e-5)
            assert [at.stretch for at in one[name].stretches] == [at.stretch for at in other[name].stretches]


@pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing` is deprecated"
)  # peft asks transformers by the old name
def test_small_matrices_may_learn_in_the_encoders_stead(market, encoder, tmp_path):
    pytest.importorskip("peft", reason="peft is not installed: pip install 'madang[student]'")
    dataset = market.dataset(market.labels(60))
    fields = {"kind": market.task.fields["kind"]}
    own = settings(encoder, epochs=1, lora_rank=2)
    student = EncoderTeaching(dataset, fields, heads_of(fields), own, tmp_path).fit(range(60), "all")
    (tmp_path / "kept").mkdir()
    student.save(tmp_path / "kept")
    turns = [post.turn for post in dataset.posts[:4]]
    again = type(student).load(tmp_path / "kept", fields, heads_of(fields)).scores(turns)

    np.testing.assert_allclose(student.scores(turns)[0]["kind"].classes, again[0]["kind"].classes, atol=1e-5)


KILLED = """
import os, signal, sys
from pathlib import Path
from conftest import make_market
from test_encoder import settings
from madang.distillation.encoder_steps import Training
from madang.distillation.encoder_training import EncoderTeaching
from madang.distillation.heads import heads_of

market, home, kill_at = make_market(Path(sys.argv[1])), Path(sys.argv[3]), sys.argv[4]
dataset = market.dataset(market.labels(80))
fields = {"kind": market.task.fields["kind"]}


def killed(progress):
    if progress.epoch == 2 and kill_at == "epoch":
        os.kill(os.getpid(), signal.SIGKILL)


class Killed(Training):
    def _save(self, progress):
        super()._save(progress)
        if progress.batch and kill_at == "batch":
            os.kill(os.getpid(), signal.SIGKILL)


sys.modules[EncoderTeaching.__module__].Training = Killed
teaching = EncoderTeaching(dataset, fields, heads_of(fields), settings(sys.argv[2], batch_posts=1), home, killed)
student = teaching.fit(range(80), "all")
print(teaching.curves["all"], student.scores([post.turn for post in dataset.posts[:3]])[2]["kind"].classes.tolist())
"""


@pytest.mark.parametrize("kill_at", ["batch", "epoch"])
def test_a_killed_training_goes_on_and_ends_as_if_it_had_not_been(encoder, tmp_path, kill_at):
    def train(home: str, kill_at: str) -> subprocess.CompletedProcess:
        paths = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
        command = [sys.executable, "-c", KILLED, str(tmp_path / "market"), encoder, str(tmp_path / home), kill_at]
        environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    whole, killed, resumed = train("one", "never"), train("two", kill_at), train("two", "never")

    assert whole.returncode == 0, whole.stderr
    assert killed.returncode == -signal.SIGKILL
    assert resumed.stdout == whole.stdout
    assert resumed.stdout.count("(") >= 3
