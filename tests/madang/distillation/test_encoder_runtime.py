"""An encoder that reads many posts: in any way, in any batches, it says the same of each, in the order of the posts.

Its weights are random: what it says is of no use, how it is run is the same.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'madang[student]'")
pytest.importorskip("transformers", reason="transformers is not installed: pip install 'madang[student]'")

from small_encoder import small_encoder  # noqa: E402

from madang.distillation.calibration import Calibration, Line  # noqa: E402
from madang.distillation.deciding import Threshold  # noqa: E402
from madang.distillation.encoder import EncoderStudent, load_backbone  # noqa: E402
from madang.distillation.encoder_network import Encoded, Run, StudentNetwork  # noqa: E402
from madang.distillation.encoder_ways import EXACT, make_way  # noqa: E402
from madang.distillation.heads import heads_of  # noqa: E402
from madang.distillation.packed_layers import can_pack, has_fast_bf16  # noqa: E402
from madang.distillation.student import Student  # noqa: E402
from madang.distillation.way_choice import SAMPLE_POSTS, Trial, WayChoice, fastest  # noqa: E402

FIELDS = ("kind", "extras", "price", "shops")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory) -> str:
    return small_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture
def scorer(market, encoder, tmp_path) -> EncoderStudent:
    fields = {name: market.task.fields[name] for name in FIELDS}
    backbone = load_backbone(encoder, 0, [], tmp_path)
    torch.manual_seed(2)
    network = StudentNetwork(backbone.model, backbone.width, heads_of(fields), dropout=0.0)
    return EncoderStudent(fields, heads_of(fields), backbone, network, most_tokens=64)


def student_of(scorer: EncoderStudent, market, choice: WayChoice | None = None) -> Student:
    fields = {name: market.task.fields[name] for name in FIELDS}
    heads = heads_of(fields)
    even = Calibration(Line(1.0, 0.0), Line(1.0, 0.0))
    thresholds = {head.field: Threshold(0.0, (0.0,) * len(head.flags)) for head in heads}
    return Student(fields, heads, scorer, thresholds, dict.fromkeys(FIELDS, even), choice)


@pytest.fixture
def turns(market) -> list[str]:
    posts = market.dataset(market.labels(40)).posts
    return [post.turn * (1 + number % 4) for number, post in enumerate(posts)]


def same(one: list, other: list, tolerance: float) -> None:
    assert len(one) == len(other)
    for first, second in zip(one, other, strict=True):
        for name in FIELDS:
            np.testing.assert_allclose(first[name].classes, second[name].classes, atol=tolerance)
            scores = [[at.score for at in found[name].stretches] for found in (first, second)]
            np.testing.assert_allclose(*scores, atol=tolerance)


def test_batches_of_mixed_posts_come_back_in_the_order_of_the_posts(scorer, turns):
    alone = [scorer.scores([turn])[0] for turn in turns]

    same(scorer.scores(turns), alone, 1e-5)


def test_a_stretch_is_scored_by_its_first_and_last_token_and_the_mean_between(scorer, turns):
    (post,) = scorer.encode(turns[:1])
    network = scorer._runtime.network
    with torch.inference_mode():
        scored = network([post]).stretches["shops"][0]
        hidden = network.module["norm"](network.module["encoder"](torch.from_numpy(post.ids)[None]).last_hidden_state)
        wanted = [
            network.module["spans"]["shops"](
                torch.cat([hidden[0, first], hidden[0, last], hidden[0, first : last + 1].mean(0)])
            )
            for first, last in post.places["shops"]
        ]

    assert len(wanted) > 3
    np.testing.assert_allclose(scored, torch.stack(wanted), atol=1e-5)


@pytest.mark.parametrize(("way", "tolerance"), [("packed fp32", 1e-5), ("packed bf16", 0.05)])
def test_packed_weights_score_as_the_encoder_does(scorer, turns, way, tolerance, tmp_path):
    if not can_pack():
        pytest.skip("this torch is built without oneDNN")
    exact = scorer.scores(turns)
    scorer.use(replace(make_way(way, scorer.encoder, tmp_path), batch_tokens=256))

    same(scorer.scores(turns), exact, tolerance)


def test_onnx_runtime_scores_as_the_encoder_does_and_a_changed_file_is_made_anew(scorer, turns, tmp_path):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: pip install 'madang[student]'")
    pytest.importorskip("onnxscript", reason="onnxscript is not installed: pip install 'madang[student]'")
    exact = scorer.scores(turns)
    encoder = scorer.encoder
    scorer.use(make_way("onnx fp32", encoder, tmp_path))
    file = tmp_path / "encoder.onnx"
    written = file.read_bytes()
    same(scorer.scores(turns), exact, 1e-4)
    file.write_bytes(written[:-1] + b"!")
    scorer.use(make_way("onnx int8", encoder, tmp_path))

    assert file.read_bytes()[-1:] != b"!"
    same(scorer.scores(turns), exact, 0.2)


def test_a_causal_encoder_needs_no_mask(tmp_path):
    from transformers import Gemma3TextConfig, Gemma3TextModel

    torch.manual_seed(3)
    config = Gemma3TextConfig(
        vocab_size=50, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1, head_dim=16,
        intermediate_size=64, layer_types=["sliding_attention", "full_attention"],
    )  # fmt: skip
    encoder = Gemma3TextModel(config).eval()
    network = StudentNetwork(encoder, 32, [], dropout=0.0)
    posts = [Encoded(np.arange(1, count + 1), {}, {}) for count in (20, 7)]
    run = make_way("packed fp32", encoder, tmp_path).run
    seen: list[torch.Tensor] = []

    def encode(ids, mask):
        hidden = run.encode(ids, mask)
        exact = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        seen.extend([hidden[mask > 0], exact[mask > 0]])
        return hidden

    with torch.inference_mode():
        network(posts, Run(encode))

    np.testing.assert_allclose(seen[0], seen[1], atol=1e-5)


def test_a_batch_for_which_the_allocator_has_no_room_is_cut_and_nothing_is_lost(scorer, turns):
    exact, sizes = scorer.scores(turns), []
    encoder = scorer.encoder

    def encode(ids, mask):
        if len(ids) > 3:
            torch.empty(1 << 60)  # the allocator's own error
        sizes.append(len(ids))
        return encoder(input_ids=ids, attention_mask=mask).last_hidden_state

    scorer.use(replace(EXACT, run=Run(encode)))

    same(scorer.scores(turns), exact, 1e-5)
    assert sum(sizes) == len(turns)


def test_a_post_that_alone_does_not_fit_says_so(scorer, turns):
    def encode(_ids, _mask):
        raise torch.OutOfMemoryError("CUDA out of memory")

    scorer.use(replace(EXACT, run=Run(encode)))

    with pytest.raises(MemoryError, match="a single post"):
        scorer.scores(turns)


def test_a_stream_says_what_whole_lists_say_without_reading_all_of_it(scorer, market, turns, monkeypatch):
    monkeypatch.setattr("madang.distillation.student._WINDOW_POSTS", 16)
    student = student_of(scorer, market)
    read = 0

    def endless():
        nonlocal read
        while True:
            read += 1
            yield turns[(read - 1) % len(turns)]

    stream = student.stream(endless())
    said = [next(stream) for _ in range(50)]
    stream.close()

    whole = student.says([turns[number % len(turns)] for number in range(50)])
    assert [{name: one[name].guess.answer for name in FIELDS} for one in said] == [
        {name: one[name].guess.answer for name in FIELDS} for one in whole
    ]
    assert read == 5 * 16  # the fiftieth is in the fourth window, and a fifth is being read


def test_the_fastest_way_is_taken_of_those_that_keep_the_answers():
    exact, lossy = Trial("exact", 10.0, 1.0), Trial("onnx int8", 90.0, 0.948)

    assert fastest([exact, lossy]) == "exact"
    assert fastest([exact, lossy, Trial("packed bf16", 60.0, 0.994)]) == "packed bf16"


def test_a_way_is_chosen_once_from_what_was_asked_and_taken_again_at_the_next_load(scorer, market, turns, tmp_path):
    choice = WayChoice(scorer, tmp_path / "ways")
    student = student_of(scorer, market, choice)
    many = [turns[number % len(turns)] for number in range(SAMPLE_POSTS)]
    first = student.says(many[:-1])
    assert not choice.is_made
    assert scorer.way == EXACT
    student.says(many[-1:])
    chosen = scorer.way.name
    assert choice.is_made
    (file,) = (tmp_path / "ways").glob("cpu-*.json")
    scorer.use(EXACT)
    again = WayChoice(scorer, tmp_path / "ways")

    assert again.is_made
    assert scorer.way.name == chosen
    assert f'"way": "{chosen}"' in file.read_text("utf-8")
    assert '"same_share": 1.0' in file.read_text("utf-8")
    assert turns[0] not in file.read_text("utf-8")
    assert len(first) == SAMPLE_POSTS - 1


def test_a_machine_with_bf16_takes_it(scorer, tmp_path: Path):
    if not (can_pack() and has_fast_bf16()):
        pytest.skip("this CPU has no bf16")

    way = make_way("packed bf16", scorer.encoder, tmp_path)

    assert way.is_by_core
    assert way.run is not None
