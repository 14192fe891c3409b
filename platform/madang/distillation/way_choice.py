"""Which way of running its encoder a student takes on this machine: the fastest of those that hardly change an answer.

Tried once a machine, on the first posts that the student is asked about, which are answered in the exact way. What
came of it is kept beside the student, so that every later process on the same machine runs it in the same way.
"""

import hashlib
import json
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from madang.distillation.deciding import HeadScores
from madang.distillation.encoder_network import Encoded
from madang.distillation.encoder_ways import EXACT, Way, WayName, make_way, way_names
from madang.distillation.packed_layers import can_pack, has_fast_bf16
from madang.errors import ModelFileError
from madang.evaluation.answers import Answer

# Of all answers, field by field: what a way may not fall below.
LEAST_SAME = 0.99
# So many that 99% and 98% are told apart. They are read four times more.
SAMPLE_POSTS = 512
# Before the clock starts: a compiler works at the first call, and memory is asked for.
_WARM_POSTS = 64


class Runnable(Protocol):
    """What an encoder student offers here."""

    @property
    def device(self) -> str: ...
    @property
    def encoder(self) -> Any: ...
    def use(self, way: Way) -> None: ...
    def encode(self, turns: Sequence[str]) -> list[Encoded]: ...
    def scores_of(self, encoded: Sequence[Encoded]) -> list[dict[str, HeadScores]]: ...


Answering = Callable[[Sequence[dict[str, HeadScores]]], list[dict[str, Answer]]]


@dataclass(frozen=True)
class Trial:
    """A way that was tried.

    Args:
        way: Which.
        posts_per_second: Of all cores together, by their time, or of a GPU.
        same_share: Share of its answers that are those of the exact way, field by field, 0 to 1.
    """

    way: WayName
    posts_per_second: float
    same_share: float


class WayChoice:
    """Chooses a student's way, or knows the one that was chosen before.

    Args:
        scorer: The student's encoder, which is told.
        folder: Of this student's choices and exported files.
    """

    def __init__(self, scorer: Runnable, folder: Path) -> None:
        self._scorer, self._folder, self._turns = scorer, folder, list[str]()
        self._file = folder / f"{_device_key(scorer.device)}.json"
        self.is_made = False
        if self._file.is_file():
            with suppress(ModelFileError):  # what ran it is not installed any more: chosen anew
                scorer.use(make_way(json.loads(self._file.read_text("utf-8"))["way"], scorer.encoder, folder))
                self.is_made = True

    def saw(self, turns: Sequence[str], answers: Answering) -> None:
        """Takes note of posts that were answered in the exact way; chooses once they are enough.

        Args:
            turns: What a model is shown of them.
            answers: What the student says by what its heads score.
        """
        if self.is_made:
            return
        self._turns += turns[: SAMPLE_POSTS - len(self._turns)]
        if len(self._turns) < SAMPLE_POSTS:
            return
        trials = try_ways(self._scorer, self._turns, answers, self._folder)
        self._turns, self.is_made = [], True
        way = fastest(trials)
        self._scorer.use(make_way(way, self._scorer.encoder, self._folder))
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_suffix(f".{os.getpid()}")
        plain = {"way": way, "least_same": LEAST_SAME, "posts": SAMPLE_POSTS, "trials": [asdict(one) for one in trials]}
        draft.write_text(json.dumps(plain, indent=1), encoding="utf-8")
        draft.replace(self._file)


def try_ways(scorer: Runnable, turns: Sequence[str], answers: Answering, folder: Path) -> tuple[Trial, ...]:
    """Reads the same posts in every way that may be worth it on the scorer's device; the exact one comes first."""
    encoded = scorer.encode(turns)
    exact: list[dict[str, Answer]] = []
    trials = []
    for name in ("exact", *way_names(scorer.device)):
        try:
            scorer.use(make_way(name, scorer.encoder, folder))
            scorer.scores_of(encoded[:_WARM_POSTS])
            seconds, scores = _timed(scorer, encoded)
        except (ModelFileError, MemoryError, RuntimeError):
            # ONNX Runtime or a compiler is missing or cannot run this encoder, or a copy does not fit the memory.
            if name == "exact":
                raise
            continue
        said = answers(scores)
        exact = exact or said
        trials.append(Trial(name, len(turns) / seconds, same_share(said, exact)))
    scorer.use(EXACT)
    return tuple(trials)


def fastest(trials: Sequence[Trial]) -> WayName:
    """The fastest way of those that hardly change an answer."""
    fit = [trial for trial in trials if trial.same_share >= LEAST_SAME]
    return max(fit, key=lambda trial: trial.posts_per_second).way


def same_share(said: Sequence[Mapping[str, Answer]], exact: Sequence[Mapping[str, Answer]]) -> float:
    """Share of answers that are the same, field by field, 0 to 1."""
    pairs = [(one[name], two[name]) for one, two in zip(said, exact, strict=True) for name in two]
    return sum(one == two for one, two in pairs) / max(len(pairs), 1)


def _timed(scorer: Runnable, encoded: Sequence[Encoded]) -> tuple[float, list[dict[str, HeadScores]]]:
    """Seconds of a GPU; of a CPU its cores' own time, which says nothing of what else the machine does."""
    import torch

    is_cpu = scorer.device == "cpu"
    clock = time.process_time if is_cpu else time.perf_counter
    started = clock()
    scores = scorer.scores_of(encoded)
    return (clock() - started) / (torch.get_num_threads() if is_cpu else 1), scores


def _device_key(device: str) -> str:
    """The same for processes that would choose alike: device and torch."""
    import torch

    told = torch.cuda.get_device_name() if device == "cuda" else f"{platform.machine()} {has_fast_bf16()} {can_pack()}"
    return f"{device}-{hashlib.sha256(f'{told} {torch.__version__}'.encode()).hexdigest()[:12]}"
