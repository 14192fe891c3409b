"""The ways in which an encoder can be run for bulk work; heads and decisions are the same in all of them.

On a CPU each core has its own batch: no layer waits for the slower of two cores, and a batch of a few hundred tokens
stays in a core's own cache. On a GPU there is one batch, as large as fills it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from madang.distillation.encoder_network import Run
from madang.distillation.onnx_encoder import onnx_encoder
from madang.distillation.packed_layers import can_pack, has_fast_bf16, packed

if TYPE_CHECKING:
    from torch import Tensor

WayName = Literal["exact", "packed fp32", "packed bf16", "onnx fp32", "onnx int8", "compiled bf16"]
# Padding included. On a core 512 and 1,024 tokens measured alike, 8,192 at two thirds of their rate.
_CORE_TOKENS, _EXACT_TOKENS, _GPU_TOKENS = 1_024, 4_096, 65_536
# Few lengths, of which tensor cores like each.
_GPU_MULTIPLE = 16


@dataclass(frozen=True)
class Way:
    """A way of running an encoder.

    Args:
        name: Which.
        batch_tokens: Most tokens of a batch, padding included.
        is_by_core: Whether each core has its own batch.
        run: How a batch is run; None as the network does it itself.
    """

    name: WayName
    batch_tokens: int
    is_by_core: bool
    run: Run | None


EXACT = Way("exact", _EXACT_TOKENS, is_by_core=False, run=None)


def way_names(device: str) -> tuple[WayName, ...]:
    """The ways worth trying on a device beside the exact one, the likely best first.

    Args:
        device: `cpu` or `cuda`.
    """
    if device == "cuda":
        return ("compiled bf16",)
    if not can_pack():
        return ("onnx int8", "onnx fp32")
    # Of a wide encoder ONNX Runtime's fp32 is the fastest that keeps every answer, of a narrow one oneDNN's.
    return ("packed bf16" if has_fast_bf16() else "onnx int8", "onnx fp32", "packed fp32")


def make_way(name: WayName, encoder: Any, folder: Path) -> Way:
    """Makes an encoder ready to be run in a way.

    Args:
        name: The way.
        encoder: A model of transformers, on its device.
        folder: Where exported files lie.

    Raises:
        ModelFileError: ONNX Runtime is not installed, or the encoder cannot be exported.
    """
    import torch

    match name:
        case "exact":
            return EXACT
        case "compiled bf16":
            return Way(name, _GPU_TOKENS, is_by_core=False, run=_compiled(encoder))
        case "packed fp32" | "packed bf16":
            own = packed(encoder, torch.float32 if name == "packed fp32" else torch.bfloat16)
            return Way(name, _CORE_TOKENS, is_by_core=True, run=Run(_encode(own)))
        case "onnx fp32" | "onnx int8":
            encode = onnx_encoder(encoder, folder, "fp32" if name == "onnx fp32" else "int8")
            return Way(name, _CORE_TOKENS, is_by_core=True, run=Run(encode))


def _compiled(encoder: Any) -> Run:
    import copy

    import torch

    own = copy.deepcopy(encoder).eval()
    for weight in own.parameters():
        weight.data = weight.data.bfloat16()
    return Run(_encode(torch.compile(own, dynamic=True)), _GPU_MULTIPLE, is_pinned=True)


def _encode(encoder: Any) -> "Callable[[Tensor, Tensor], Tensor]":
    """Padding stands at the end, where no token of a causal encoder sees it: such a one needs no mask."""
    is_causal = any(getattr(layer, "is_causal", False) for layer in encoder.modules())

    def encode(ids: "Tensor", mask: "Tensor") -> "Tensor":
        own = None if is_causal else mask
        hidden: Tensor = encoder(input_ids=ids, attention_mask=own, **without_cache).last_hidden_state
        return hidden

    without_cache = {"use_cache": False} if is_causal else {}
    return encode
