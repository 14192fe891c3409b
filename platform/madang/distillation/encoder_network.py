"""One encoder and a head for each field, compiled from the declaration.

A choice and choices are read off the mean over tokens. A stretch is scored by its first and last token and the mean
between them: it is the linear student's own list of stretches that is scored, so that a number or an amount is one that
the field can read, and so that both kinds of student decide alike.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from madang.distillation.packing import rounded

if TYPE_CHECKING:
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
    stretches: "Mapping[str, Sequence[Stretch]]"


@dataclass(frozen=True)
class Run:
    """How the encoder is run.

    Args:
        encode: Hidden states, shape `(n_posts, n_tokens, width)`, of ids and mask, both `(n_posts, n_tokens)`.
        multiple: A batch's length is padded to a multiple of it.
        is_pinned: Whether batches wait in pinned memory.
    """

    encode: "Callable[[Tensor, Tensor], Tensor]"
    multiple: int = 1
    is_pinned: bool = False


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

    def __init__(self, encoder: "nn.Module", width: int, heads: "Sequence[Head]", dropout: float) -> None:
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

    def __call__(self, batch: Sequence[Encoded], run: Run | None = None) -> NetworkScores:
        """Scores a batch of posts.

        Args:
            batch: The posts.
            run: Another way of running the encoder.
        """
        run = run or Run(lambda ids, mask: self.module["encoder"](input_ids=ids, attention_mask=mask).last_hidden_state)
        norm = self.module["norm"]
        ids, mask = (part.to(norm.weight.device, non_blocking=True) for part in _padded(batch, run))
        hidden = run.encode(ids, mask)
        hidden = self.module["dropout"](norm(hidden.to(norm.weight.dtype)))
        seen = mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * seen).sum(1) / seen.sum(1)
        return NetworkScores(
            {name: layer(mean) for name, layer in self.module["classes"].items()},
            {name: self._spans(name, hidden, seen, batch) for name in self.module["spans"]},
        )

    def _spans(self, name: str, hidden: "Tensor", seen: "Tensor", batch: Sequence[Encoded]) -> "Sequence[Tensor]":
        """Scores the stretches of all posts at once.

        A post has more stretches than tokens: the layer reads each token as a stretch's first, as its last and as one
        within it, and a stretch adds up what its tokens are worth.
        """
        import torch
        from torch.nn import functional

        layer = self.module["spans"][name]
        counts = [len(one.places[name]) for one in batch]
        places = np.concatenate([one.places[name] for one in batch])
        row, first, last = (
            torch.from_numpy(part).to(hidden.device, non_blocking=True)
            for part in (np.repeat(np.arange(len(batch)), counts), places[:, 0].copy(), places[:, 1].copy())
        )
        weights = layer.weight.view(layer.out_features, 3, -1).transpose(0, 1)
        as_first, as_last, within = (functional.linear(hidden, weight) for weight in weights)
        # Sums up to each token, so that the mean over a stretch is one difference.
        sums = torch.cat([torch.zeros_like(within[:, :1]), (within * seen).cumsum(1)], 1)
        mean = (sums[row, last + 1] - sums[row, first]) / (last + 1 - first).unsqueeze(-1)
        scored = as_first[row, first] + as_last[row, last] + mean + layer.bias
        found: Sequence[Tensor] = torch.split(scored, counts)
        return found


def _padded(batch: Sequence[Encoded], run: Run) -> "tuple[Tensor, Tensor]":
    """Ids and mask, shape `(n_posts, n_tokens)`; in memory that a device copies without waiting, if there is one."""
    import torch

    lengths = np.array([len(one.ids) for one in batch])
    seen = np.arange(rounded(int(lengths.max()), run.multiple)) < lengths[:, None]
    ids = np.zeros(seen.shape, np.int64)
    ids[seen] = np.concatenate([one.ids for one in batch])
    both = torch.from_numpy(ids), torch.from_numpy(seen.astype(np.int64))
    return (both[0].pin_memory(), both[1].pin_memory()) if run.is_pinned else both
