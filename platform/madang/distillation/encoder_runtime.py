"""An encoder student's device at work: posts in tokens go in, what the network scores comes out.

It knows nothing of schemas, so that a machine with a GPU and no more than torch and transformers can measure it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from madang.distillation.encoder_network import Encoded, NetworkScores, StudentNetwork
from madang.distillation.encoder_ways import EXACT, Way
from madang.distillation.on_cores import on_cores
from madang.distillation.overflow import without_overflow
from madang.distillation.packing import token_batches


@dataclass
class Backbone:
    """An encoder with its tokenizer.

    Args:
        model: A model of transformers.
        tokenizer: Its tokenizer, a fast one: it tells where tokens stand, and reads many posts on all cores.
        lookup: The encoder's id of each of the tokenizer's; None where they are the same.
    """

    model: Any
    tokenizer: Any
    lookup: NDArray[np.int64] | None

    @property
    def width(self) -> int:
        """Of its hidden states."""
        return int(self.model.config.hidden_size)

    def tokens(
        self, turns: Sequence[str], most_tokens: int, *, has_offsets: bool = False
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Posts in tokens.

        Args:
            turns: What a model is shown of each post.
            most_tokens: Tokens of a post that are read.
            has_offsets: Whether to tell where tokens stand.

        Returns:
            Of each post its ids, shape `(n_tokens,)`, and if asked the first code point of each token and one past its
            last, shape `(n_tokens, 2)`.
        """
        coded = self.tokenizer(
            list(turns), truncation=True, max_length=most_tokens, return_offsets_mapping=has_offsets,
            return_attention_mask=False, return_token_type_ids=False,
        )  # fmt: skip
        for at in range(len(turns)):
            ids = np.array(coded["input_ids"][at], np.int64)
            offsets = np.array(coded["offset_mapping"][at] if has_offsets else [], np.int64).reshape(-1, 2)
            yield ids if self.lookup is None else self.lookup[ids], offsets


class EncoderRuntime:
    """Runs a network over posts of mixed lengths.

    Args:
        network: The encoder with the heads, on its device.
    """

    def __init__(self, network: StudentNetwork) -> None:
        self.network = network
        self.way: Way = EXACT

    @property
    def device(self) -> str:
        """`cpu` or `cuda`."""
        return str(self.network.module["norm"].weight.device.type)

    @property
    def encoder(self) -> Any:
        """The encoder alone, a model of transformers."""
        return self.network.module["encoder"]

    def scored(self, encoded: Sequence[Encoded]) -> Iterator[tuple[list[int], NetworkScores]]:
        """Scores of all posts, in batches of like length, with the indices of each batch's posts.

        A batch that does not fit the memory is cut in two. On a GPU scores may still be being computed when they are
        given: nothing here waits for it.

        Raises:
            MemoryError: A single post does not fit.
        """
        self.network.module.eval()
        batches = token_batches([len(one.ids) for one in encoded], self.way.batch_tokens)

        def score(batch: Sequence[int]) -> list[tuple[list[int], NetworkScores]]:
            return [(list(batch), self._scores([encoded[at] for at in batch]))]

        for parts in on_cores(lambda batch: without_overflow(score, batch), batches, self.way.is_by_core):
            yield from parts

    def _scores(self, batch: Sequence[Encoded]) -> NetworkScores:
        import torch

        with torch.inference_mode():
            return self.network(batch, self.way.run)
