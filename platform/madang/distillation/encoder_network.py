"""One encoder and a head for each field, compiled from the declaration.

A choice and choices are read off the mean over tokens. A stretch is scored by its first and last token and the mean
between them: it is the linear student's own list of stretches that is scored, so that a number or an amount is one that
the field can read, and so that both kinds of student decide alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from madang.distillation.heads import Head
from madang.distillation.stretches import Stretch

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class Encoded:
    """A post in tokens.

    Args:
        ids: Token ids, shape `(n_tokens,)`.
        places: First and last token of each stretch, by field, shape `(n_stretches, 2)`.
        stretches: The stretches, by field.
    """

    ids: NDArray[np.int64]
    places: Mapping[str, NDArray[np.int64]]
    stretches: Mapping[str, Sequence[Stretch]]


@dataclass(frozen=True)
class NetworkScores:
    """Scores of a batch.

    Args:
        classes: By field, shape `(n_posts, n_classes)`.
        stretches: By field, one for each post, shape `(n_stretches, 1 + n_flags)`.
    """

    classes: "Mapping[str, Tensor]"
    stretches: "Mapping[str, Sequence[Tensor]]"


class StudentNetwork:
    """Encoder and heads: one module of torch, which is loaded only where a network is made.

    Args:
        encoder: A model of transformers that gives `last_hidden_state`.
        width: Of its hidden states.
        heads: The heads.
        dropout: Share of the hidden states' parts that training drops.
    """

    def __init__(self, encoder: "nn.Module", width: int, heads: Sequence[Head], dropout: float) -> None:
        from torch import nn

        classes = {head.field: nn.Linear(width, len(head.classes)) for head in heads if head.classes}
        spans = {
            head.field: nn.Linear(3 * width, 1 + len(head.flags))
            for head in heads
            if head.shape in ("stretch", "stretches")
        }
        self.module = nn.ModuleDict(
            {
                "encoder": encoder,
                "norm": nn.LayerNorm(width),
                "dropout": nn.Dropout(dropout),
                "classes": nn.ModuleDict(classes),
                "spans": nn.ModuleDict(spans),
            }
        )

    def __call__(self, batch: Sequence[Encoded]) -> NetworkScores:
        """Scores a batch of posts."""
        import torch

        norm = self.module["norm"]
        device = norm.weight.device
        longest = max(len(one.ids) for one in batch)
        ids = torch.zeros((len(batch), longest), dtype=torch.long)
        mask = torch.zeros((len(batch), longest), dtype=torch.long)
        for row, one in enumerate(batch):
            ids[row, : len(one.ids)] = torch.from_numpy(one.ids)
            mask[row, : len(one.ids)] = 1
        ids, mask = ids.to(device), mask.to(device)
        hidden = self.module["encoder"](input_ids=ids, attention_mask=mask).last_hidden_state
        hidden = self.module["dropout"](norm(hidden.to(norm.weight.dtype)))
        seen = mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * seen).sum(1) / seen.sum(1)
        # Sums up to each token, so that the mean over a stretch is one difference.
        sums = torch.cat([torch.zeros_like(hidden[:, :1]), (hidden * seen).cumsum(1)], 1)
        return NetworkScores(
            {name: layer(mean) for name, layer in self.module["classes"].items()},
            {name: [self._spans(name, hidden[row], sums[row], one) for row, one in enumerate(batch)]
             for name in self.module["spans"]},
        )  # fmt: skip

    def _spans(self, name: str, hidden: "Tensor", sums: "Tensor", post: Encoded) -> "Tensor":
        import torch

        places = torch.from_numpy(post.places[name]).to(hidden.device)
        first, last = places[:, 0], places[:, 1]
        inner = (sums[last + 1] - sums[first]) / (last + 1 - first).unsqueeze(-1)
        scored: Tensor = self.module["spans"][name](torch.cat([hidden[first], hidden[last], inner], -1))
        return scored
