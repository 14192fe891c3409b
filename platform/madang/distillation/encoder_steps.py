"""The steps of a training: loss, early stopping by the F1 of values, checkpoints that survive a kill."""

import random
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from madang.distillation.deciding import best_threshold, value_f1
from madang.distillation.encoder import EncoderStudent
from madang.distillation.encoder_network import Encoded, NetworkScores, StudentNetwork
from madang.distillation.heads import Head, class_of
from madang.distillation.labelled import LabelledPost
from madang.evaluation.answers import Answer, MentionAnswer
from madang.schema.base import FieldKind

if TYPE_CHECKING:
    from torch import Tensor

# A value is one stretch among two hundred: unweighted, a head would learn to say nothing.
VALUE_WEIGHT = 3.0
# Heads begin from nothing, the encoder does not.
_HEAD_RATE_FACTOR = 10.0
_CHECKPOINT_BATCHES = 50
_LATEST, _BEST = "latest.pt", "best.pt"


class TrainingSettings(Protocol):
    """See `EncoderSettings`."""

    @property
    def batch_posts(self) -> int: ...
    @property
    def accumulate(self) -> int: ...
    @property
    def epochs(self) -> int: ...
    @property
    def patience(self) -> int: ...
    @property
    def rate(self) -> float: ...
    @property
    def seed(self) -> int: ...


@dataclass(frozen=True)
class Material:
    """What is trained on.

    Args:
        posts: All labelled posts.
        weights: Of each.
        encoded: Each in tokens.
        fields: The fields to answer.
        heads: Their heads.
    """

    posts: Sequence[LabelledPost]
    weights: Sequence[float]
    encoded: Sequence[Encoded]
    fields: Mapping[str, FieldKind]
    heads: Sequence[Head]


@dataclass(frozen=True)
class Progress:
    """Where a training stands.

    Args:
        epoch: Epochs done.
        batch: Batches done of the present one.
        best: Best figure so far, 0 to 1.
        since_best: Epochs since it.
        loss: Sum over the batches of the present epoch.
        curve: Mean loss and figure of each epoch done.
    """

    epoch: int = 0
    batch: int = 0
    best: float = -1.0
    since_best: int = 0
    loss: float = 0.0
    curve: tuple[tuple[float, float], ...] = ()


class Training:
    """One training.

    Args:
        settings: How.
        material: On what.
        student: Which student.
        network: Its network.
        checkpoint: Folder of this training alone, removed when it has ended.
        on_epoch: Called after each epoch.
    """

    def __init__(
        self, settings: TrainingSettings, material: Material, student: EncoderStudent, network: StudentNetwork,
        checkpoint: Path, on_epoch: Callable[[Progress], None],
    ) -> None:  # fmt: skip
        import torch
        from accelerate import Accelerator

        self._settings, self._material, self._student, self._scores = settings, material, student, network
        self._checkpoint, self._on_epoch = checkpoint, on_epoch
        self._accelerator = Accelerator(mixed_precision="bf16" if torch.cuda.is_available() else "no")
        self._network = network.module.to(self._accelerator.device)
        own = [weight for weight in network.module["encoder"].parameters() if weight.requires_grad]
        heads = [weight for name, weight in network.module.named_parameters() if not name.startswith("encoder.")]
        groups = [{"params": own, "lr": settings.rate}, {"params": heads, "lr": settings.rate * _HEAD_RATE_FACTOR}]
        self._optimizer = torch.optim.AdamW([group for group in groups if group["params"]], weight_decay=0.01)

    def run(self, read: Sequence[int], stopping: Sequence[int]) -> tuple[tuple[float, float], ...]:
        """Trains on posts until others no longer gain; leaves the network as it was at its best.

        Args:
            read: Indices of the posts that are learnt from.
            stopping: Of those that say when to stop.

        Returns:
            Mean loss and figure of each epoch.
        """

        import torch

        progress = self._resume()
        while progress.epoch < self._settings.epochs and progress.since_best < self._settings.patience:
            progress = self._epoch(progress, read)
            figure = self._figure(stopping)
            batches = max(progress.batch, 1)
            is_best = figure > progress.best
            progress = Progress(
                progress.epoch + 1, 0, max(figure, progress.best), 0 if is_best else progress.since_best + 1, 0.0,
                (*progress.curve, (progress.loss / batches, figure)),
            )  # fmt: skip
            if is_best:
                self._write(_BEST, self._network.state_dict())
            self._save(progress)
            self._on_epoch(progress)
        self._network.load_state_dict(torch.load(self._checkpoint / _BEST, weights_only=True))
        shutil.rmtree(self._checkpoint)
        return progress.curve

    def _epoch(self, progress: Progress, read: Sequence[int]) -> Progress:
        import torch

        order = list(read)
        random.Random(f"{self._settings.seed} {progress.epoch}").shuffle(order)  # noqa: S311 - an order, no secret
        size = self._settings.batch_posts
        batches = [order[start : start + size] for start in range(0, len(order), size)]
        self._network.train()
        for number, batch in enumerate(batches[progress.batch :], progress.batch + 1):
            # Dropout of a batch depends on nothing before it, so that a resumed training is the one that was killed.
            torch.manual_seed(hash((self._settings.seed, progress.epoch, number)))
            with self._accelerator.autocast():
                loss = self._loss(self._scores([self._material.encoded[at] for at in batch]), batch)
            self._accelerator.backward(loss / self._settings.accumulate)
            if number % self._settings.accumulate == 0 or number == len(batches):
                torch.nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)
                self._optimizer.step()
                self._optimizer.zero_grad()
            progress = replace(progress, batch=number, loss=progress.loss + loss.item())
            is_whole_step = number % self._settings.accumulate == 0
            if is_whole_step and number % _CHECKPOINT_BATCHES < self._settings.accumulate:
                self._save(progress)
        return progress

    def _loss(self, scores: NetworkScores, batch: Sequence[int]) -> "Tensor":
        import torch

        total = torch.zeros((), device=self._accelerator.device)
        for head in self._material.heads:
            for row, at in enumerate(batch):
                if head.field in self._material.posts[at].answers:
                    answer = self._material.posts[at].answers[head.field]
                    total = total + self._material.weights[at] * self._head_loss(head, scores, row, at, answer)
        return total / (len(batch) * len(self._material.heads))

    def _head_loss(self, head: Head, scores: NetworkScores, row: int, at: int, answer: Answer) -> "Tensor":
        import torch
        from torch.nn import functional

        device = self._accelerator.device
        if head.shape == "choice":
            wanted = torch.tensor(head.classes.index(class_of(answer)), device=device)
            return functional.cross_entropy(scores.classes[head.field][row].float(), wanted)
        loss = torch.zeros((), device=device)
        if head.classes:
            said = answer if isinstance(answer, frozenset) else {answer}
            classes = torch.tensor([float(name in said) for name in head.classes], device=device)
            given = scores.classes[head.field][row].float()
            loss = loss + functional.binary_cross_entropy_with_logits(given, classes, reduction="sum")
        stretches = self._material.encoded[at].stretches.get(head.field, ())
        if not stretches:
            return loss
        mentions = {one.text: one for one in answer if isinstance(one, MentionAnswer)} if isinstance(
            answer, frozenset
        ) else None  # fmt: skip
        right = torch.tensor(
            [float(one.value in mentions if mentions is not None else one.value == answer) for one in stretches],
            device=device,
        )
        given = scores.stretches[head.field][row].float()
        weights = 1.0 + (VALUE_WEIGHT - 1.0) * right
        loss = loss + functional.binary_cross_entropy_with_logits(given[:, 0], right, weights, reduction="sum")
        if mentions:
            for column, name in enumerate(head.flags, 1):
                true = torch.tensor(
                    [float(bool(getattr(mentions.get(str(one.value)), name, False))) for one in stretches],
                    device=device,
                )
                loss = loss + functional.binary_cross_entropy_with_logits(
                    given[:, column], true, right, reduction="sum"
                )  # fmt: skip
        return loss

    def _figure(self, stopping: Sequence[int]) -> float:
        """Mean over the fields of the F1 of values, 0 to 1."""
        scored = self._student.scores_of([self._material.encoded[at] for at in stopping])
        found = []
        for head in self._material.heads:
            pairs = [
                (scores[head.field], self._material.posts[at].answers[head.field], self._material.weights[at])
                for scores, at in zip(scored, stopping, strict=True)
                if head.field in self._material.posts[at].answers
            ]
            if pairs:
                own, answers, weights = zip(*pairs, strict=True)
                field = self._material.fields[head.field]
                threshold = best_threshold(head, field, own, answers, weights)
                found.append(value_f1(head, field, own, answers, weights, threshold))
        return sum(found) / max(len(found), 1)

    def _resume(self) -> Progress:
        import torch

        latest = self._checkpoint / _LATEST
        if not latest.is_file():
            return Progress()
        state = torch.load(latest, weights_only=True, map_location=self._accelerator.device)
        self._network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        curve = tuple((loss, figure) for loss, figure in state["progress"].pop("curve"))
        return Progress(**state["progress"], curve=curve)

    def _save(self, progress: Progress) -> None:
        plain = {**vars(progress), "curve": [list(point) for point in progress.curve]}
        state = {"network": self._network.state_dict(), "optimizer": self._optimizer.state_dict(), "progress": plain}
        self._write(_LATEST, state)

    def _write(self, name: str, state: Any) -> None:
        """A file that is there whole, or as it was before."""

        import torch

        self._checkpoint.mkdir(parents=True, exist_ok=True)
        draft = self._checkpoint / f".{name}"
        torch.save(state, draft)
        draft.replace(self._checkpoint / name)
