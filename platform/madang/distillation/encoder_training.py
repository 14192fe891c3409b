"""Training of an encoder student: it stops early, says how it goes, and goes on where it was killed.

A tenth of what may be read decides when to stop, so that the posts by which the student is judged decide nothing.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from madang.distillation.curve_plot import Curve
from madang.distillation.dataset import Dataset
from madang.distillation.encoder import KIND, EncoderStudent, load_backbone
from madang.distillation.encoder_network import StudentNetwork
from madang.distillation.encoder_settings import EncoderSettings
from madang.distillation.encoder_steps import VALUE_WEIGHT, Material, Progress, Training
from madang.distillation.heads import Head, StudentKind
from madang.schema.base import FieldKind

_STOPPING_FOLDS = 10


class EncoderTeaching:
    """Trains encoder students on parts of one dataset.

    Args:
        dataset: The labelled posts.
        fields: The fields to answer.
        heads: Their heads.
        settings: How it is trained.
        home: The state's folder; checkpoints lie in it until a training has ended.
        on_epoch: Called after each epoch.
    """

    def __init__(
        self, dataset: Dataset, fields: Mapping[str, FieldKind], heads: Sequence[Head], settings: EncoderSettings,
        home: Path, on_epoch: Callable[[Progress], None] = lambda _progress: None,
    ) -> None:  # fmt: skip
        self._dataset, self._fields, self._heads = dataset, fields, tuple(heads)
        self._settings, self._home, self._on_epoch = settings, home, on_epoch
        self._stopping = np.array(dataset.folds(_STOPPING_FOLDS)) == _STOPPING_FOLDS - 1
        self.curves: dict[str, Curve] = {}

    @property
    def kind(self) -> StudentKind:
        """Encoder."""
        return KIND

    @property
    def curve(self) -> Curve:
        """Of the first fold's student, which is kept."""
        return next(iter(self.curves.values()), ())

    @property
    def settings(self) -> dict[str, object]:
        """Everything that decides what is learnt besides the posts."""
        return {"kind": KIND, "value_weight": VALUE_WEIGHT, **asdict(self._settings)}

    @property
    def folds_read(self) -> int:
        """One: a fit takes minutes, and what was measured is kept."""
        return 1

    def fit(self, learned: Sequence[int], name: str) -> EncoderStudent:
        """Trains on the posts of these indices, or goes on with a training of the same name that was killed."""
        import torch

        torch.manual_seed(self._settings.seed)
        student, network = self._build()
        encoded = student.encode([post.turn for post in self._dataset.posts])
        read = [at for at in learned if not self._stopping[at]]
        stopping = [at for at in learned if self._stopping[at]]
        material = Material(self._dataset.posts, self._dataset.weights, encoded, self._fields, self._heads)
        training = Training(self._settings, material, student, network, self._checkpoint(learned, name), self._on_epoch)
        self.curves[name] = training.run(read, stopping)
        if self._settings.lora_rank:
            network.module["encoder"] = network.module["encoder"].merge_and_unload()
        return student

    def forget(self) -> None:
        """Nothing is left: a training that has ended removes its checkpoints."""

    def _build(self) -> tuple[EncoderStudent, StudentNetwork]:
        own = self._settings
        backbone = load_backbone(own.encoder, own.layers, [post.turn for post in self._dataset.posts], self._home)
        if own.trained_layers is not None:
            _freeze(backbone.model, own.trained_layers)
        network = StudentNetwork(backbone.model, backbone.width, self._heads, own.dropout)
        if own.lora_rank:
            from peft import LoraConfig, get_peft_model

            config = LoraConfig(r=own.lora_rank, lora_alpha=2 * own.lora_rank, target_modules="all-linear")
            network.module["encoder"] = get_peft_model(backbone.model, config)
        return EncoderStudent(self._fields, self._heads, backbone, network, own.most_tokens), network

    def _checkpoint(self, learned: Sequence[int], name: str) -> Path:
        plain = [self._dataset.identity, list(learned), self.settings, [head.field for head in self._heads]]
        digest = hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
        return self._home / "students" / self._dataset.task / "checkpoints" / f"{name}-{digest[:16]}"


def _freeze(model: Any, trained_layers: int) -> None:
    """Keeps everything as it is but the last layers."""
    for weight in model.parameters():
        weight.requires_grad = False
    layers = model.layers if hasattr(model, "layers") else model.encoder.layer
    for layer in list(layers)[len(layers) - trained_layers :]:
        for weight in layer.parameters():
            weight.requires_grad = True
