"""The student's peers over the posts and weights of benchmarks/student_device.py, one in a process; prints JSON.

Run by benchmarks/student.py. All of them run the student's own encoder and head in fp32, as their documentation shows.
"""

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import student_device
import torch
from student_device import Measured, load, matrix_flops, peak_mib

BATCH_POSTS = 32


def pipeline(folder: Path) -> tuple[list[int], float, float]:
    """`transformers.pipeline(batch_size=32)`.

    Returns:
        Labels, seconds and CPU seconds.
    """
    import transformers
    from transformers.modeling_outputs import SequenceClassifierOutput

    network, tokenizer, posts, most_tokens = load(folder)
    config = network.module["encoder"].config
    config.id2label = {number: str(number) for number in range(student_device.CLASSES)}

    class Classifier(transformers.PreTrainedModel):
        _supports_sdpa = True

        def __init__(self) -> None:
            super().__init__(config)
            self.student = network.module

        def forward(self, input_ids: Any, attention_mask: Any, **_options: Any) -> Any:
            return SequenceClassifierOutput(logits=_logits(self.student, input_ids, attention_mask))

    logging.getLogger("transformers").setLevel(logging.CRITICAL)  # "not supported": it knows its own classes by name
    classify = transformers.pipeline(
        "text-classification", model=Classifier(), tokenizer=tokenizer, batch_size=BATCH_POSTS
    )
    options = {"truncation": True, "max_length": most_tokens}
    classify(posts[:BATCH_POSTS], **options)
    return _timed(lambda: [int(one["label"]) for one in classify(posts, **options)])


def sentence_transformers(folder: Path) -> tuple[list[int], float, float]:
    """sentence-transformers' `encode`, which sorts by length; our head on its vectors."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling

    network, tokenizer, posts, most_tokens = load(folder)

    class Tokens(torch.nn.Module):
        """Our encoder as its first module."""

        def __init__(self) -> None:
            super().__init__()
            self.student = network.module

        def tokenize(self, texts: list[str], **_options: Any) -> Any:
            return tokenizer(texts, padding=True, truncation=True, max_length=most_tokens, return_tensors="pt")

        preprocess = tokenize

        def forward(self, features: dict[str, Any], **_options: Any) -> dict[str, Any]:
            hidden = self.student["encoder"](
                input_ids=features["input_ids"], attention_mask=features["attention_mask"]
            ).last_hidden_state
            features["token_embeddings"] = self.student["norm"](hidden)
            return features

    model = SentenceTransformer(modules=[Tokens(), Pooling(network.module["norm"].normalized_shape[0])])
    model.encode(posts[:BATCH_POSTS], batch_size=BATCH_POSTS)

    def read() -> list[int]:
        vectors = model.encode(posts, batch_size=BATCH_POSTS, convert_to_tensor=True, show_progress_bar=False)
        with torch.inference_mode():
            return [int(label) for label in network.module["classes"]["kind"](vectors).argmax(-1)]

    return _timed(read)


def ray_data(folder: Path) -> tuple[list[int], float, float]:
    """Ray Data: `map_batches` with an actor for each core; from the first batch's begin to the last one's end."""
    import numpy as np
    import ray

    cores = max(torch.get_num_threads(), 1)
    ray.init(num_cpus=cores, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False
    sources = [str(Path(__file__).resolve().parent), *sys.path]

    class Reader:
        def __init__(self) -> None:
            sys.path[:0] = sources
            from student_peers import _logits, load

            torch.set_num_threads(1)
            self.network, self.tokenizer, _, self.most_tokens = load(folder)
            self.logits = _logits

        def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
            started = time.time()
            cpu_started = time.process_time()
            coded = self.tokenizer(
                list(batch["text"]), padding=True, truncation=True, max_length=self.most_tokens, return_tensors="pt"
            )
            with torch.inference_mode():
                labels = self.logits(self.network.module, coded["input_ids"], coded["attention_mask"]).argmax(-1)
            count = len(labels)
            return {
                "number": batch["number"], "label": labels.numpy(), "started": np.full(count, started),
                "ended": np.full(count, time.time()),
                "cpu_seconds": np.full(count, (time.process_time() - cpu_started) / count),
            }  # fmt: skip

    posts = load(folder)[2]
    rows = ray.data.from_items([{"number": number, "text": text} for number, text in enumerate(posts)])
    found = rows.map_batches(Reader, batch_size=BATCH_POSTS, concurrency=cores, num_cpus=1).to_pandas()
    ray.shutdown()
    ordered = found.sort_values("number")
    seconds = float(found["ended"].max() - found["started"].min())
    return [int(label) for label in ordered["label"]], seconds, float(found["cpu_seconds"].sum())


PEERS: dict[str, Callable[[Path], tuple[list[int], float, float]]] = {
    "transformers.pipeline": pipeline, "sentence-transformers": sentence_transformers, "Ray Data": ray_data,
}  # fmt: skip


def main() -> None:
    """Measures one peer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--peer", choices=PEERS, required=True)
    options = parser.parse_args()
    _, tokenizer, posts, most_tokens = load(options.folder)
    lengths = [len(ids) for ids in tokenizer(posts, truncation=True, max_length=most_tokens)["input_ids"]]
    labels, seconds, cpu_seconds = PEERS[options.peer](options.folder)
    # Ray's readers and sentence-transformers batch as they see fit; the pipeline takes posts as they come.
    padding = None
    if options.peer == "transformers.pipeline":
        batches = [list(range(at, min(at + BATCH_POSTS, len(posts)))) for at in range(0, len(posts), BATCH_POSTS)]
        padding = student_device.padding_share(lengths, batches)
    told = Measured(
        options.peer, len(posts), sum(lengths), seconds, 0.0, cpu_seconds, padding,
        None if options.peer == "Ray Data" else peak_mib(), matrix_flops("exact", "cpu"), labels,
    )  # fmt: skip
    sys.stdout.write(json.dumps(asdict(told)) + "\n")


def _logits(student: Any, ids: Any, mask: Any) -> Any:
    """The student's head over its encoder."""
    hidden = student["norm"](student["encoder"](input_ids=ids, attention_mask=mask).last_hidden_state)
    seen = mask.unsqueeze(-1).to(hidden.dtype)
    return student["classes"]["kind"]((hidden * seen).sum(1) / seen.sum(1))


def _timed(read: Callable[[], list[int]]) -> tuple[list[int], float, float]:
    started, cpu_started = time.perf_counter(), time.process_time()
    labels = read()
    return labels, time.perf_counter() - started, time.process_time() - cpu_started


if __name__ == "__main__":
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    main()
