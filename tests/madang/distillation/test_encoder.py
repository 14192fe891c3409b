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

from madang.distillation.distil import distil  # noqa: E402
from madang.distillation.encoder import token_batches  # noqa: E402
from madang.distillation.encoder_settings import EncoderSettings  # noqa: E402
from madang.distillation.encoder_training import EncoderTeaching  # noqa: E402
from madang.distillation.heads import heads_of  # noqa: E402
from madang.distillation.student import without_overflow  # noqa: E402

CHECKPOINTS = ("students", "market", "checkpoints")


def small_encoder(folder: Path) -> str:
    """A two-layer BERT with random weights, and a tokenizer that takes every character for a token."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    chars = [chr(code) for code in [*range(32, 127), *range(0xAC00, 0xD7A4)]]
    words = {word: number for number, word in enumerate(["[PAD]", "[UNK]", *chars])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(folder)
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=256,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    return f"hf:{folder}"


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
from madang.distillation.encoder_training import EncoderTeaching
from madang.distillation.heads import heads_of

market, home, kill_at = make_market(Path(sys.argv[1])), Path(sys.argv[3]), int(sys.argv[4])
dataset = market.dataset(market.labels(80))
fields = {"kind": market.task.fields["kind"]}


def killed(progress):
    if progress.epoch == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)


teaching = EncoderTeaching(dataset, fields, heads_of(fields), settings(sys.argv[2]), home, killed)
student = teaching.fit(range(80), "all")
print(teaching.curves["all"], student.scores([post.turn for post in dataset.posts[:3]])[2]["kind"].classes.tolist())
"""


def test_a_killed_training_goes_on_and_ends_as_if_it_had_not_been(encoder, tmp_path):
    def train(home: str, kill_at: int) -> subprocess.CompletedProcess:
        paths = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
        command = [sys.executable, "-c", KILLED, str(tmp_path / "market"), encoder, str(tmp_path / home), str(kill_at)]
        environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    whole, killed, resumed = train("one", 0), train("two", 2), train("two", 0)

    assert whole.returncode == 0, whole.stderr
    assert killed.returncode == -signal.SIGKILL
    assert resumed.stdout == whole.stdout
    assert resumed.stdout.count("(") >= 3


def test_a_batch_that_does_not_fit_the_memory_is_cut_in_two():
    seen: list[int] = []

    def score(turns):
        if len(turns) > 3:
            raise torch.OutOfMemoryError("out of memory")
        seen.append(len(turns))
        return [{} for _ in turns]

    assert len(without_overflow(score, ["post"] * 10)) == 10
    assert seen == [2, 3, 2, 3]


def test_batches_are_of_like_length_and_keep_to_their_tokens():
    batches = token_batches([5, 90, 10, 80, 7, 300], 200)

    assert batches == [[5], [1, 3], [2, 4, 0]]
