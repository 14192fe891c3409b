"""Posts a second of an encoder student on the device of this machine, by itself: see docs/benchmarks.md, "Students".

Run alone on a machine with a GPU, with torch, transformers and tokenizers: PYTHONPATH=platform python
benchmarks/student_device.py. Weights are random and of the true shapes; heads are scaled so that made-up posts spread
over the classes. `make bench-student` runs this file for each of the student's ways, in a process of its own.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from madang.distillation.encoder_network import Encoded, StudentNetwork
from madang.distillation.encoder_runtime import Backbone, EncoderRuntime
from madang.distillation.encoder_ways import WayName, make_way
from madang.distillation.on_cores import on_cores
from madang.distillation.packing import ahead, padding_share, token_batches

# Sources: the configurations of all-MiniLM-L6-v2 and gemma-3-270m, of which a student keeps 12 of 18 layers.
SHAPES = ("minilm", "gemma")
MOST_TOKENS, VOCABULARY, CLASSES = 256, 30_522, 6
MEDIAN_TOKENS, SPREAD = 40, 0.8
WINDOW_POSTS = 4_096
# Goals for one H200 with the 12-layer student: posts of 64 tokens a second, and share of the measured matrix rate.
GOAL_TOKENS, GOAL_POSTS, GOAL_SHARE = 64, 40_000, 0.45
_CALIBRATION_POSTS, _WARM_POSTS, _DISTINCT_POSTS = 256, 64, 20_000


@dataclass(frozen=True)
class Kind:
    """The one head: a label of so many classes."""

    field: str = "kind"
    classes: tuple[str, ...] = tuple(f"class {number}" for number in range(CLASSES))
    shape: str = "choice"
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measured:
    """One contender.

    Args:
        name: Which.
        posts: How many.
        tokens: Of all of them, padding left out.
        seconds: From texts to labels.
        device_seconds: Of those with tokens ready; 0 where it was not told apart.
        cpu_seconds: Of the whole process while it read.
        padding: Share of the tokens that went through the encoder, 0 to 1; None where it is not known.
        peak_mib: Most memory: resident of the process, or of the GPU; None where others hold it.
        ceiling_flops: Multiplications and additions a second of large matrices, of the contender's kind of number.
        labels: Class of each post.
    """

    name: str
    posts: int
    tokens: int
    seconds: float
    device_seconds: float
    cpu_seconds: float
    padding: float | None
    peak_mib: float | None
    ceiling_flops: float | None
    labels: list[int]


def main() -> None:
    """Measures one way and prints it as JSON, or all ways of this machine's device and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, help="made-up posts; 512 on a CPU, 200,000 on a GPU")
    parser.add_argument("--tokens", type=int, help="all posts of so many tokens; mixed by default")
    parser.add_argument("--shapes", default=",".join(SHAPES))
    parser.add_argument("--ways", help="separated by commas; those of this device by default")
    parser.add_argument("--folder", type=Path, help="measure one way of the student that lies here")
    options = parser.parse_args()
    if options.folder is not None:
        sys.stdout.write(json.dumps(asdict(measure(options.folder, options.ways))) + "\n")
        return
    is_gpu = torch.cuda.is_available()
    ways = (options.ways or ("exact,compiled bf16" if is_gpu else "exact,packed fp32,packed bf16")).split(",")
    sys.stdout.write(f"{_device_name()}, torch {torch.__version__}\n\n")
    for shape in options.shapes.split(","):
        for tokens in [options.tokens] if options.tokens else [None, GOAL_TOKENS]:
            with tempfile.TemporaryDirectory() as folder:
                posts = made_posts(options.posts or (200_000 if is_gpu else 512), tokens)
                prepare(Path(folder), shape, posts, tokens or MOST_TOKENS)
                found = [measure(Path(folder), way) for way in ways]
            _tell(shape, tokens, found)


def made_posts(count: int, tokens: int | None = None) -> list[str]:
    """Posts of made-up words, their lengths log-normal (median 40 tokens, sigma 0.8, 6 to 256) or all alike."""
    chance = random.Random(7)  # noqa: S311 - posts, no secret
    words = _lexicon()
    posts = []
    for _ in range(min(count, _DISTINCT_POSTS)):
        wanted = tokens or min(max(int(chance.lognormvariate(float(np.log(MEDIAN_TOKENS)), SPREAD)), 6), MOST_TOKENS)
        # A word is 1.5 tokens on average; a post that must be full has more and is cut.
        posts.append(" ".join(chance.choices(words, k=wanted if tokens else max(int(wanted / 1.5), 3))))
    return [posts[number % len(posts)] for number in range(count)]


def prepare(folder: Path, shape: str, posts: Sequence[str], most_tokens: int) -> None:
    """Writes posts, tokenizer and weights that every contender reads.

    Args:
        folder: Where.
        shape: `minilm` or `gemma`.
        posts: Texts.
        most_tokens: Tokens of a post that are read.
    """
    from safetensors.torch import save_file

    _tokenizer().save_pretrained(folder)
    (folder / "posts.json").write_text(json.dumps(list(posts)), encoding="utf-8")
    (folder / "student.json").write_text(json.dumps({"shape": shape, "most_tokens": most_tokens}), encoding="utf-8")
    torch.manual_seed(11)
    network = _network(shape)
    head = network.module["classes"]["kind"]
    backbone = Backbone(network.module["encoder"], _tokenizer(), None)
    runtime = EncoderRuntime(network)
    encoded = list(_encoded(backbone, posts[:_CALIBRATION_POSTS], most_tokens))
    logits = torch.cat([scores.classes["kind"] for _, scores in runtime.scored(encoded)])
    with torch.no_grad():
        spread = logits.std(0)
        head.weight /= spread[:, None]
        head.bias.copy_((head.bias - logits.mean(0)) / spread)
    save_file({name: weight.contiguous() for name, weight in network.module.state_dict().items()},
              folder / "network.safetensors")  # fmt: skip


def load(folder: Path) -> tuple[StudentNetwork, Any, list[str], int]:
    """Network, tokenizer, posts and the tokens of a post that are read, as `prepare` wrote them."""
    from safetensors.torch import load_file
    from transformers import AutoTokenizer

    plain = json.loads((folder / "student.json").read_text("utf-8"))
    network = _network(plain["shape"])
    network.module.load_state_dict(load_file(folder / "network.safetensors"))
    posts = json.loads((folder / "posts.json").read_text("utf-8"))
    return network, AutoTokenizer.from_pretrained(str(folder)), posts, plain["most_tokens"]


def measure(folder: Path, way: WayName) -> Measured:
    """Reads all posts in one way."""
    network, tokenizer, posts, most_tokens = load(folder)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network.module.to(device)
    backbone, runtime = Backbone(network.module["encoder"], tokenizer, None), EncoderRuntime(network)
    runtime.way = make_way(way, runtime.encoder, folder / "exported")
    for _ in range(2):  # a compiler works at the first lengths, and once more for all others
        _labels(runtime, list(_encoded(backbone, posts[:_WARM_POSTS], most_tokens)))
    if device == "cuda":
        _labels(runtime, list(_encoded(backbone, posts[:WINDOW_POSTS], most_tokens)))
        torch.cuda.reset_peak_memory_stats()
    labels, lengths, device_seconds = [], [], 0.0
    started, cpu_started = time.perf_counter(), time.process_time()
    windows = (posts[start : start + WINDOW_POSTS] for start in range(0, len(posts), WINDOW_POSTS))
    for encoded in ahead(windows, lambda window: list(_encoded(backbone, window, most_tokens))):
        before = time.perf_counter()
        labels += _labels(runtime, encoded)
        device_seconds += time.perf_counter() - before
        lengths += [len(one.ids) for one in encoded]
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    return Measured(
        way, len(posts), sum(lengths), seconds, device_seconds, cpu_seconds, _padding(lengths, runtime), peak_mib(),
        matrix_flops(way, device), labels,
    )  # fmt: skip


def encoder_flops(shape: str, lengths_sum: int, posts: int) -> float:
    """Multiplications and additions of an encoder for posts of so many tokens: layers, and attention at the mean."""
    config = _config(shape)
    encoder = _encoder(shape, on="meta")
    weights = sum(layer.weight.numel() for layer in encoder.modules() if isinstance(layer, torch.nn.Linear))
    heads = config.num_attention_heads * getattr(config, "head_dim", config.hidden_size // config.num_attention_heads)
    attention = 4 * heads * config.num_hidden_layers * lengths_sum / posts
    return lengths_sum * (2.0 * weights + attention)


def matrix_flops(way: str, device: str) -> float | None:
    """What the device does of the way's kind of number with large matrices, all cores at once; None for int8."""
    if "int8" in way:
        return None
    kind = torch.bfloat16 if "bf16" in way else torch.float32
    size, count = (8_192, 40) if device == "cuda" else (1_024, 12)
    left, right = (torch.randn(size, size, device=device).to(kind) for _ in range(2))

    def multiply(_number: int) -> None:
        for _ in range(count):
            left @ right
        if device == "cuda":
            torch.cuda.synchronize()

    threads = torch.get_num_threads() if device == "cpu" else 1
    best = 0.0
    for _ in range(3):
        started = time.perf_counter()
        on_cores(multiply, list(range(threads)), is_by_core=threads > 1)
        best = max(best, 2.0 * size**3 * count * threads / (time.perf_counter() - started))
    return best


def peak_mib() -> float:
    """Most memory so far: of the GPU, or resident of this process."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    # Not getrusage's: that begins with what the process held that started this one.
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 2**10


def same_share(labels: Sequence[int], exact: Sequence[int]) -> float:
    """Share of labels that are the same, 0 to 1."""
    return sum(one == two for one, two in zip(labels, exact, strict=True)) / len(exact)


def _labels(runtime: EncoderRuntime, encoded: Sequence[Encoded]) -> list[int]:
    found = np.zeros(len(encoded), np.int64)
    for batch, scores in list(runtime.scored(encoded)):
        found[batch] = scores.classes["kind"].argmax(-1).cpu().numpy()
    return [int(label) for label in found]


def _encoded(backbone: Backbone, posts: Sequence[str], most_tokens: int) -> Iterator[Encoded]:
    for ids, _ in backbone.tokens(posts, most_tokens):
        yield Encoded(ids, {}, {})


def _padding(lengths: Sequence[int], runtime: EncoderRuntime) -> float:
    """Share of padding over all windows, 0 to 1."""
    multiple = 1 if runtime.way.run is None else runtime.way.run.multiple
    shares = []
    for start in range(0, len(lengths), WINDOW_POSTS):
        own = lengths[start : start + WINDOW_POSTS]
        shares.append((padding_share(own, token_batches(own, runtime.way.batch_tokens), multiple), sum(own)))
    return 1.0 - sum(lengths) / sum(real / (1.0 - share) for share, real in shares)


def _config(shape: str) -> Any:
    from transformers import BertConfig, Gemma3TextConfig

    if shape == "minilm":
        return BertConfig(
            vocab_size=VOCABULARY, hidden_size=384, num_hidden_layers=6, num_attention_heads=12,
            intermediate_size=1_536, max_position_embeddings=512,
        )  # fmt: skip
    layers = ["full_attention" if number % 6 == 5 else "sliding_attention" for number in range(12)]
    return Gemma3TextConfig(
        vocab_size=VOCABULARY, hidden_size=640, num_hidden_layers=12, num_attention_heads=4, num_key_value_heads=1,
        head_dim=256, intermediate_size=2_048, sliding_window=512, layer_types=layers, pad_token_id=0,
    )  # fmt: skip


def _encoder(shape: str, on: str = "cpu") -> Any:
    from transformers import BertModel, Gemma3TextModel

    with torch.device(on):
        return (
            BertModel(_config(shape), add_pooling_layer=False) if shape == "minilm" else Gemma3TextModel(_config(shape))
        )


def _network(shape: str) -> StudentNetwork:
    network = StudentNetwork(_encoder(shape), _config(shape).hidden_size, [Kind()], dropout=0.0)  # type: ignore[list-item]
    network.module.eval()
    return network


def _syllables() -> list[str]:
    return [chr(0xAC00 + 28 * number) for number in range(399)]


def _lexicon() -> list[str]:
    """Words of one to three syllables: the 4,000 of the tokenizer, and others that it takes apart."""
    chance = random.Random(3)  # noqa: S311 - words, no secret
    return ["".join(chance.choices(_syllables(), k=chance.randint(1, 3))) for _ in range(8_000)]


def _tokenizer() -> Any:
    """A WordPiece tokenizer that knows every letter and syllable, and half of the made-up words."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    letters = [chr(code) for code in (*range(33, 127), *range(0xAC00, 0xD7A4))]
    pieces = [*special.values(), *letters, *(f"##{one}" for one in letters), *_lexicon()[::2]]
    words = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(words, unk_token=special["unk_token"]))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", words["[CLS]"]), ("[SEP]", words["[SEP]"])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=MOST_TOKENS, model_input_names=["input_ids", "attention_mask"],
        **special,
    )  # fmt: skip


def _device_name() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else f"{torch.get_num_threads()} CPU cores"


def _tell(shape: str, tokens: int | None, found: Sequence[Measured]) -> None:
    """A table as Markdown, and what came of the goals where they are set."""
    lengths = f"{tokens} tokens each" if tokens else "mixed lengths"
    sys.stdout.write(f"{shape}, {found[0].posts:,} posts, {lengths}\n\n")
    heads = ("way", "posts/s", "tokens/s", "device alone, posts/s", "share of its matrix rate", "padding", "peak MiB",
             "same labels")  # fmt: skip
    sys.stdout.write(f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}\n")
    for one in found:
        share = encoder_flops(shape, one.tokens, one.posts) / one.device_seconds / (one.ceiling_flops or np.inf)
        sys.stdout.write(
            f"| {one.name} | {one.posts / one.seconds:,.0f} | {one.tokens / one.seconds:,.0f} | "
            f"{one.posts / one.device_seconds:,.0f} | {share:.2f} | {one.padding or 0:.3f} | "
            f"{one.peak_mib or 0:,.0f} | {same_share(one.labels, found[0].labels):.4f} |\n"
        )
        if shape == "gemma" and tokens == GOAL_TOKENS and torch.cuda.is_available() and one.name != "exact":
            sys.stdout.write(f"\nGoals: {one.posts / one.seconds:,.0f} of {GOAL_POSTS:,} posts/s, "
                             f"{share:.2f} of {GOAL_SHARE} of the matrix rate\n")  # fmt: skip
    sys.stdout.write("\n")


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    main()
