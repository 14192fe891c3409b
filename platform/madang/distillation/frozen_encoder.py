"""An encoder that stays as it is: what it makes of a post is read once, and any heads learn from that in seconds.

Hidden states are wide and of very unequal scale, a few parts a thousand times the others: each part is scaled, each
token brought to one length, and the main axes over all tokens are kept. Axes are found without labels.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from madang.distillation.encoder import EncoderStudent
from madang.distillation.encoder_runtime import Backbone
from madang.distillation.overflow import without_overflow
from madang.distillation.packing import token_batches
from madang.distillation.stretches import Stretch

# Padding included; a batch is one step of what can be resumed.
_BATCH_TOKENS = 2_048
_LEAST_SCALE = 1e-3
_FILE = "axes.npz"


@dataclass(frozen=True)
class Projection:
    """From hidden states to their main axes.

    Args:
        scale: Of each part of a state, shape `(width,)`.
        mean: Of scaled states of one length, shape `(width,)`.
        axes: Shape `(width, n_axes)`; what comes out has a variance of one on each.
    """

    scale: NDArray[np.float32]
    mean: NDArray[np.float32]
    axes: NDArray[np.float32]

    @classmethod
    def fit(cls, states: Sequence[NDArray[np.float16]], count: int) -> "Projection":
        """The main axes of the tokens of all posts."""
        centre = _mean(states, lambda own: own)
        scale = np.maximum(np.sqrt(_mean(states, lambda own: (own - centre) ** 2)), _LEAST_SCALE)
        plain = cls(scale, np.zeros_like(scale), np.eye(len(scale), dtype=np.float32))
        mean = _mean(states, plain.of)
        centred = cls(scale, mean, plain.axes)
        total, tokens = np.zeros((len(scale), len(scale)), np.float64), 0
        for own in states:
            rows = centred.of(own.astype(np.float32))
            total, tokens = total + rows.T @ rows, tokens + len(rows)
        spread, axes = np.linalg.eigh(total / max(tokens, 1))
        kept = axes[:, ::-1][:, :count] / np.sqrt(np.maximum(spread[::-1][:count], 1e-6))
        return cls(scale, mean, kept.astype(np.float32))

    def of(self, states: NDArray[np.float32]) -> NDArray[np.float32]:
        """States on the axes, shape `(n_tokens, n_axes)`."""
        scaled = states / self.scale
        lengths = np.linalg.norm(scaled, axis=1, keepdims=True) / np.sqrt(scaled.shape[1])
        found: NDArray[np.float32] = (scaled / np.maximum(lengths, _LEAST_SCALE) - self.mean) @ self.axes
        return found


@dataclass(frozen=True)
class ReadPost:
    """A post as a frozen encoder read it.

    Args:
        tokens: On the axes, shape `(n_tokens, n_axes)`.
        offsets: First code point of each token and one past its last, shape `(n_tokens, 2)`.
    """

    tokens: NDArray[np.float32]
    offsets: NDArray[np.int64]

    def whole(self, title_chars: int) -> NDArray[np.float32]:
        """The post: mean over its tokens, mean over those of its title, and its last token, shape `(3 * n_axes,)`."""
        is_text = self.offsets[:, 1] > self.offsets[:, 0]
        own = self.tokens[is_text] if is_text.any() else self.tokens
        title = self.tokens[is_text & (self.offsets[:, 0] < title_chars)]
        return np.concatenate([own.mean(0), (title if len(title) else own).mean(0), own[-1]])

    def stretch(self, one: Stretch) -> NDArray[np.float32] | None:
        """A stretch: the token before it, its first, its last, their mean, and the token behind it.

        Returns:
            Shape `(5 * n_axes,)`; None where the tokens that were read do not reach it.
        """
        inside = np.flatnonzero((self.offsets[:, 0] < one.end) & (self.offsets[:, 1] > one.start))
        if not len(inside) or self.offsets[inside[-1], 1] < one.end:
            return None
        first, last = int(inside[0]), int(inside[-1])
        nothing = np.zeros(self.tokens.shape[1], np.float32)
        before = self.tokens[first - 1] if first else nothing
        behind = self.tokens[last + 1] if last + 1 < len(self.tokens) else nothing
        own = self.tokens[first : last + 1]
        return np.concatenate([before, own[0], own[-1], own.mean(0), behind])


class FrozenEncoder:
    """An encoder with the axes of its states.

    Args:
        encoder: The encoder, a student without heads.
        most_tokens: Tokens of a post that are read.
        projection: The axes.
    """

    def __init__(self, encoder: EncoderStudent, most_tokens: int, projection: Projection) -> None:
        self._encoder, self._most_tokens, self._projection = encoder, most_tokens, projection

    def read(self, turns: Sequence[str]) -> list[ReadPost]:
        """Posts as it reads them."""
        found: dict[int, NDArray[np.float16]] = {}
        for batch, states in read_states(self._encoder.backbone, turns, self._most_tokens):
            found |= dict(zip(batch, states, strict=True))
        return self.placed(turns, [found[at] for at in range(len(turns))])

    def placed(self, turns: Sequence[str], states: Sequence[NDArray[np.float16]]) -> list[ReadPost]:
        """Posts whose states were read before."""
        offsets = self._encoder.backbone.tokens(turns, self._most_tokens, has_offsets=True)
        return [
            ReadPost(self._projection.of(own.astype(np.float32)), places)
            for own, (_, places) in zip(states, offsets, strict=True)
        ]

    def save(self, folder: Path) -> None:
        """Writes encoder, tokenizer and axes into a folder."""
        self._encoder.save(folder)
        own = self._projection
        np.savez_compressed(
            folder / _FILE, scale=own.scale, mean=own.mean, axes=own.axes, most_tokens=self._most_tokens
        )

    @classmethod
    def load(cls, folder: Path) -> "FrozenEncoder":
        """Reads what `save` wrote."""
        with np.load(folder / _FILE) as stored:
            projection = Projection(stored["scale"], stored["mean"], stored["axes"])
            return cls(EncoderStudent.load(folder, {}, ()), int(stored["most_tokens"]), projection)


def read_states(
    backbone: Backbone, turns: Sequence[str], most_tokens: int
) -> Iterator[tuple[list[int], list[NDArray[np.float16]]]]:
    """Hidden states of posts, batches of like length: indices, and of each post shape `(n_tokens, 2 * width)`.

    The states of the last layer, and of one before it: what a word is fades where the next one is foretold.
    """
    import torch

    if not turns:
        return
    backbone.model.eval()
    device = next(backbone.model.parameters()).device
    ids = [own for own, _ in backbone.tokens(turns, most_tokens)]

    def states(batch: Sequence[int]) -> list[NDArray[np.float16]]:
        longest = max(len(ids[at]) for at in batch)
        padded, mask = (torch.zeros((len(batch), longest), dtype=torch.long) for _ in range(2))
        for row, at in enumerate(batch):
            padded[row, : len(ids[at])] = torch.from_numpy(ids[at])
            mask[row, : len(ids[at])] = 1
        with torch.inference_mode():
            layers = backbone.model(
                input_ids=padded.to(device), attention_mask=mask.to(device), output_hidden_states=True
            ).hidden_states  # fmt: skip
        hidden = torch.cat([layers[_two_thirds(len(layers) - 1)], layers[-1]], -1)
        # Some parts of a state pass what a half can hold; beyond it they say nothing more.
        plain = hidden.float().clamp(-65_000, 65_000).cpu().numpy().astype(np.float16)
        return [plain[row, : len(ids[at])] for row, at in enumerate(batch)]

    for batch in token_batches([len(own) for own in ids], _BATCH_TOKENS):
        yield batch, without_overflow(states, batch)


def kept_states(
    backbone: Backbone, turns: Sequence[str], most_tokens: int, folder: Path,
    on_batch: Callable[[int, int], None] = lambda _done, _all: None,
) -> list[NDArray[np.float16]]:  # fmt: skip
    """Hidden states of posts, kept in a folder batch by batch: who is killed goes on at the batch.

    Args:
        backbone: The encoder.
        turns: What a model is shown of each post.
        most_tokens: Tokens of a post that are read.
        folder: Of these states alone: its name stands for encoder and posts.
        on_batch: Called with the posts read so far, and all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[int, NDArray[np.float16]] = {}
    for file in sorted(folder.glob("*.npz")):
        with np.load(file) as stored:
            found |= {int(name): stored[name] for name in stored.files}
    missing = [at for at in range(len(turns)) if at not in found]
    for batch, states in read_states(backbone, [turns[at] for at in missing], most_tokens):
        own = {missing[at]: state for at, state in zip(batch, states, strict=True)}
        draft = folder / ".draft"
        with draft.open("wb") as opened:
            np.savez(opened, **{str(at): state for at, state in own.items()})  # type: ignore[arg-type]  # names are not its options
        draft.replace(folder / f"{min(own)}.npz")
        found |= own
        on_batch(len(found), len(turns))
    return [found[at] for at in range(len(turns))]


def digest_of(parts: Mapping[str, object], turns: Sequence[str]) -> str:
    """What tells the states of one encoder and one list of posts from all others."""
    digest = hashlib.sha256(repr(sorted(parts.items())).encode())
    for turn in turns:
        digest.update(hashlib.sha256(turn.encode("utf-8", "surrogatepass")).digest())
    return digest.hexdigest()[:16]


def _two_thirds(layers: int) -> int:
    return max(round(2 * layers / 3), 1)


def _mean(
    states: Sequence[NDArray[np.float16]], part: Callable[[NDArray[np.float32]], NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Mean of a part over all tokens."""
    sums = sum(part(own.astype(np.float32)).sum(0, dtype=np.float64) for own in states)
    return np.asarray(sums / max(sum(map(len, states)), 1), np.float32)
