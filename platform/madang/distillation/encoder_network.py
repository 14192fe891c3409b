"""One encoder and a head for each field, compiled from the declaration.

A choice and choices are read off the mean over tokens. A stretch is scored by its first and last token and the mean
between them: it is the linear student's own list of stretches that is scored, so that a number or an amount is one that
the field can read, and so that both kinds of student decide alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from madang.distillation.heads import Head
from madang.distillation.stretches import Stretch


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

    classes: Mapping[str, Tensor]
    stretches: Mapping[str, Sequence[Tensor]]


class StudentNetwork(nn.Module):  # type: ignore[misc]  # torch is not everywhere installed, and then it is Any
    """Encoder and heads.

    Args:
        encoder: A model of transformers that gives `last_hidden_state`.
        width: Of its hidden states.
        heads: The heads.
        dropout: Share of the hidden states' parts that training drops.
    """

    def __init__(self, encoder: nn.Module, width: int, heads: Sequence[Head], dropout: float) -> None:
        super().__init__()
        self.encoder, self._heads = encoder, tuple(heads)
        self.norm, self.dropout = nn.LayerNorm(width), nn.Dropout(dropout)
        self.classes = nn.ModuleDict(
            {head.field: nn.Linear(width, len(head.classes)) for head in heads if head.classes}
        )
        self.spans = nn.ModuleDict(
            {
                head.field: nn.Linear(3 * width, 1 + len(head.flags))
                for head in heads
                if head.shape in ("stretch", "stretches")
            }
        )

    def forward(self, batch: Sequence[Encoded]) -> NetworkScores:
        """Scores a batch of posts."""
        device = self.norm.weight.device
        longest = max(len(one.ids) for one in batch)
        ids = torch.zeros((len(batch), longest), dtype=torch.long)
        mask = torch.zeros((len(batch), longest), dtype=torch.long)
        for row, one in enumerate(batch):
            ids[row, : len(one.ids)] = torch.from_numpy(one.ids)
            mask[row, : len(one.ids)] = 1
        ids, mask = ids.to(device), mask.to(device)
        hidden = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        hidden = self.dropout(self.norm(hidden.to(self.norm.weight.dtype)))
        seen = mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * seen).sum(1) / seen.sum(1)
        # Sums up to each token, so that the mean over a stretch is one difference.
        sums = torch.cat([torch.zeros_like(hidden[:, :1]), (hidden * seen).cumsum(1)], 1)
        return NetworkScores(
            {name: layer(mean) for name, layer in self.classes.items()},
            {name: [self._spans(name, hidden[row], sums[row], one) for row, one in enumerate(batch)]
             for name in self.spans},
        )  # fmt: skip

    def _spans(self, name: str, hidden: Tensor, sums: Tensor, post: Encoded) -> Tensor:
        places = torch.from_numpy(post.places[name]).to(hidden.device)
        first, last = places[:, 0], places[:, 1]
        inner = (sums[last + 1] - sums[first]) / (last + 1 - first).unsqueeze(-1)
        scored: Tensor = self.spans[name](torch.cat([hidden[first], hidden[last], inner], -1))
        return scored
