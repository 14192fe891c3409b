"""Small linear classifiers over hashed features.

Features are named by strings and kept only as places in a table of weights: no text that they were learned from can be
read back, which is what lets weights learned from posts travel with the package. Training: benchmarks/train_places.py.
"""

import math
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

BITS = 16


@dataclass(frozen=True)
class HashedLinear:
    """A logistic classifier.

    Args:
        weights: Shape `(n_labels, 2 ** BITS)`; with one label the score is that of "yes".
        bias: Shape `(n_labels,)`.
        threshold: Log-odds above which "yes" is best, on posts not learned from.
        slope: Of the score, in the log-odds that a "yes" is right; measured likewise.
        offset: Added to it.
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    threshold: float = 0.0
    slope: float = 1.0
    offset: float = 0.0

    def scores(self, features: Iterable[int]) -> NDArray[np.float32]:
        """Log-odds of each label, shape `(n_labels,)`; a feature counts once."""
        total: NDArray[np.float32] = self.weights[:, list(set(features))].sum(axis=1) + self.bias
        return total

    def score(self, features: Iterable[int]) -> float:
        """Log-odds of the only label, above the threshold; a feature counts once."""
        return float(self.weights[0, list(set(features))].sum() + self.bias[0]) - self.threshold

    def confidence(self, score: float) -> float:
        """How sure a "yes" of a score is, 0 to 1."""
        return probability(self.slope * score + self.offset)


def place_of(feature: str) -> int:
    """Where a feature stands in the table."""
    return zlib.crc32(feature.encode("utf-8", "surrogatepass")) & ((1 << BITS) - 1)


def probability(score: float) -> float:
    """Log-odds as a probability."""
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, score))))


@cache
def load(name: str) -> HashedLinear:
    """A classifier that comes with the package, from `data/<name>.npz`."""
    with np.load(BytesIO(files("madang.readers").joinpath(f"data/{name}.npz").read_bytes())) as stored:
        labels = len(stored["bias"])
        weights = np.zeros((labels, 1 << BITS), np.float32)
        weights[:, stored["places"]] = stored["weights"].astype(np.float32) * stored["scale"][:, None]
        threshold, slope, offset = (float(one) for one in stored["calibration"])
        return HashedLinear(weights, stored["bias"], threshold, slope, offset)


def pack(model: HashedLinear) -> Mapping[str, NDArray[np.generic]]:
    """Arrays to store: weights in 8 bits a label, without the places that no feature has."""
    scale = np.abs(model.weights).max(axis=1) / 127
    small = np.round(model.weights / scale[:, None]).astype(np.int8)
    places = np.flatnonzero(small.any(axis=0)).astype(np.uint16)
    calibration = np.array([model.threshold, model.slope, model.offset], np.float32)
    return {"places": places, "weights": small[:, places], "scale": scale.astype(np.float32),
            "bias": model.bias.astype(np.float32), "calibration": calibration}  # fmt: skip
