"""An encoder run by ONNX Runtime on the CPU: for cores without bf16, where int8 is what is left."""

import hashlib
import logging
import os
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from madang.errors import ModelFileError

if TYPE_CHECKING:
    from torch import Tensor

_EXPORTED, _QUANTISED = "encoder.onnx", "encoder-int8.onnx"


def onnx_encoder(encoder: Any, folder: Path, kind: Literal["fp32", "int8"]) -> "Callable[[Tensor, Tensor], Tensor]":
    """An encoder as ONNX Runtime runs it, on one core a call.

    Args:
        encoder: A model of transformers.
        folder: Where the exported files lie, or are written.
        kind: Of the weights; int8 ones are multiplied by activations that each call quantises.

    Raises:
        ModelFileError: ONNX Runtime is not installed, or the encoder cannot be exported.
    """
    missing = next((name for name in ("onnxruntime", "onnx", "onnxscript") if find_spec(name) is None), None)
    if missing is not None:
        raise ModelFileError(missing, "it is not installed", "Run: pip install 'madang[student]'")
    import onnxruntime
    import torch

    exported, quantised = folder / _EXPORTED, folder / _QUANTISED
    folder.mkdir(parents=True, exist_ok=True)
    if not _is_whole(exported):
        _export(encoder, exported)
    if kind == "int8" and not _is_whole(quantised):
        _quantise(exported, quantised)
    file = exported if kind == "fp32" else quantised
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def encode(ids: "Tensor", mask: "Tensor") -> "Tensor":
        (hidden,) = session.run(None, {"ids": ids.numpy(), "mask": mask.numpy()})
        return torch.from_numpy(np.asarray(hidden))

    return encode


def _is_whole(file: Path) -> bool:
    """Whether a file is there and as it was written; one that was changed is made anew."""
    digest = file.with_suffix(".sha256")
    return file.is_file() and digest.is_file() and digest.read_text("ascii") == _digest(file)


def _keep(draft: Path, file: Path) -> None:
    file.with_suffix(".sha256").write_text(_digest(draft), encoding="ascii")
    draft.replace(file)


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _export(encoder: Any, file: Path) -> None:
    import torch

    class Hidden(torch.nn.Module):  # type: ignore[misc]  # torch is not there when types are checked
        def __init__(self) -> None:
            super().__init__()
            self.encoder = encoder

        def forward(self, ids: "Tensor", mask: "Tensor") -> "Tensor":
            hidden: Tensor = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
            return hidden

    posts, tokens = torch.export.Dim("posts", min=1, max=65_536), torch.export.Dim("tokens", min=2, max=8_192)
    ids = torch.ones((3, 7), dtype=torch.long)
    draft = file.with_suffix(f".{os.getpid()}.onnx")
    # The exporter warns of its own work, and tells of it at length.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        try:
            torch.onnx.export(
                Hidden().eval(), (ids, torch.ones_like(ids)), str(draft), dynamo=True, verbose=False,
                input_names=["ids", "mask"], output_names=["hidden"], external_data=False,
                dynamic_shapes=({0: posts, 1: tokens}, {0: posts, 1: tokens}),
            )  # fmt: skip
        except (torch.onnx.errors.OnnxExporterError, ImportError) as error:
            raise ModelFileError(file.name, f"the encoder cannot be exported ({type(error).__name__})",
                                 "Use another way") from error  # fmt: skip
    _keep(draft, file)


def _quantise(exported: Path, file: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    draft = file.with_suffix(f".{os.getpid()}.onnx")
    level = logging.root.level
    logging.root.setLevel(logging.ERROR)  # it advises preprocessing through the root logger
    try:
        quantize_dynamic(
            exported, draft, per_channel=True, weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul", "Gemm"]
        )
    finally:
        logging.root.setLevel(level)
    _keep(draft, file)
