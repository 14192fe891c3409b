"""The encoder student: any encoder of transformers, or the first layers of the embedded language model.

Gemma's terms apply to weights derived from it; a student of it says so in its card.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from madang.distillation.deciding import HeadScores, ScoredStretch
from madang.distillation.encoder_network import Encoded, NetworkScores, StudentNetwork
from madang.distillation.encoder_runtime import Backbone, EncoderRuntime
from madang.distillation.encoder_ways import Way
from madang.distillation.heads import Head, StudentKind
from madang.distillation.stretches import Stretch, stretches_of
from madang.errors import ModelFileError
from madang.models.specs import PACKAGED_FILE, PACKAGED_SHA256
from madang.schema.base import FieldKind

if TYPE_CHECKING:
    from torch import Tensor

KIND: StudentKind = "encoder"
_WEIGHTS, _CONFIG, _TOKENIZER = "network.safetensors", "encoder.json", "tokenizer"
_LEAST_SCORE = -5.0
_NO_CLASSES = np.zeros(0, np.float32)


class EncoderStudent:
    """A student of one encoder.

    Args:
        fields: The fields that it answers.
        heads: Their heads.
        backbone: Encoder and tokenizer.
        network: The encoder with the heads.
        most_tokens: Tokens of a post that are read.
    """

    def __init__(
        self, fields: Mapping[str, FieldKind], heads: Sequence[Head], backbone: Backbone, network: StudentNetwork,
        most_tokens: int,
    ) -> None:  # fmt: skip
        self._fields, self._heads, self._backbone, self._most_tokens = fields, tuple(heads), backbone, most_tokens
        self._runtime = EncoderRuntime(network)

    @property
    def device(self) -> str:
        """`cpu` or `cuda`."""
        return self._runtime.device

    @property
    def encoder(self) -> Any:
        """The encoder alone, a model of transformers."""
        return self._runtime.encoder

    @property
    def backbone(self) -> Backbone:
        """The encoder with its tokenizer."""
        return self._backbone

    @property
    def way(self) -> Way:
        """In which the encoder is run."""
        return self._runtime.way

    def use(self, way: Way) -> None:
        """Runs the encoder in another way from now on."""
        self._runtime.way = way

    def encode(self, turns: Sequence[str]) -> list[Encoded]:
        """Posts in tokens, with the stretches that heads may point at and that the tokens reach."""
        pointing = [head for head in self._heads if head.shape in ("stretch", "stretches")]
        found = []
        read = self._backbone.tokens(turns, self._most_tokens, has_offsets=bool(pointing))
        for turn, (ids, offsets) in zip(turns, read, strict=True):
            token_at = _token_at(offsets, len(turn))
            reached = {head.field: _reached(turn, self._fields[head.field], token_at) for head in pointing}
            found.append(
                Encoded(
                    ids,
                    {name: places for name, (places, _) in reached.items()},
                    {name: stretches for name, (_, stretches) in reached.items()},
                )
            )
        return found

    def scores(self, turns: Sequence[str]) -> list[dict[str, HeadScores]]:
        """What every head thinks of every post."""
        return self.scores_of(self.encode(turns))

    def scores_of(self, encoded: Sequence[Encoded]) -> list[dict[str, HeadScores]]:
        """The same of posts in tokens, in their order. A batch that does not fit the memory is cut in two.

        Raises:
            MemoryError: A single post does not fit.
        """
        found: list[dict[str, HeadScores]] = [{} for _ in encoded]
        # A list: a GPU is given all batches before the first scores are waited for.
        for batch, scored in list(self._runtime.scored(encoded)):
            for at, one in zip(batch, self._ready([encoded[at] for at in batch], scored), strict=True):
                found[at] = one
        return found

    def _ready(self, posts: Sequence[Encoded], scored: NetworkScores) -> list[dict[str, HeadScores]]:
        """Scores of posts as they are decided by, in this machine's memory."""
        classes = {name: some.float().cpu().numpy() for name, some in scored.classes.items()}
        stretches = {name: _likely(name, posts, some) for name, some in scored.stretches.items()}
        return [
            {
                head.field: HeadScores(
                    classes[head.field][row] if head.field in classes else _NO_CLASSES,
                    stretches[head.field][row] if head.field in stretches else (),
                )
                for head in self._heads
            }
            for row in range(len(posts))
        ]

    def save(self, folder: Path) -> None:
        """Writes weights, configuration and tokenizer into a folder."""
        from safetensors.torch import save_file

        state = {
            name: weight.detach().cpu().contiguous().clone()
            for name, weight in self._runtime.network.module.state_dict().items()
        }
        save_file(state, folder / _WEIGHTS)
        lookup = self._backbone.lookup
        plain = {
            "config": self._backbone.model.config.to_dict(), "most_tokens": self._most_tokens,
            "lookup": None if lookup is None else "lookup.npy",
        }  # fmt: skip
        (folder / _CONFIG).write_text(json.dumps(plain, default=str), encoding="utf-8")
        if lookup is not None:
            np.save(folder / "lookup.npy", lookup.astype(np.int32))
        self._backbone.tokenizer.save_pretrained(str(folder / _TOKENIZER))

    @classmethod
    def load(cls, folder: Path, fields: Mapping[str, FieldKind], heads: Sequence[Head]) -> "EncoderStudent":
        """Reads what `save` wrote, onto the process's own GPU if there is one."""
        import torch
        from safetensors.torch import load_file
        from transformers import AutoConfig, AutoModel, AutoTokenizer

        plain = json.loads((folder / _CONFIG).read_text("utf-8"))
        config = plain["config"]
        model = AutoModel.from_config(AutoConfig.for_model(config.pop("model_type"), **config))
        lookup = np.load(folder / plain["lookup"]).astype(np.int64) if plain["lookup"] else None
        backbone = Backbone(model, AutoTokenizer.from_pretrained(str(folder / _TOKENIZER)), lookup)
        network = StudentNetwork(model, backbone.width, heads, dropout=0.0)
        network.module.load_state_dict(load_file(folder / _WEIGHTS))
        if torch.cuda.is_available():
            network.module.to("cuda")
        return cls(fields, heads, backbone, network, plain["most_tokens"])


def load_backbone(name: str, layers: int, turns: Sequence[str], home: Path) -> Backbone:
    """Loads an encoder.

    Args:
        name: `hf:` and a name or folder that transformers knows, or the embedded model's file.
        layers: How many of the embedded model's layers are kept; another encoder is kept whole.
        turns: The corpus: of the embedded model's 262,144 tokens those that stand in it are kept.
        home: The state's folder.

    Raises:
        ModelFileError: It cannot be loaded.
    """
    import torch
    from transformers import AutoModel, AutoTokenizer

    kind, _, place = name.partition(":")
    if kind == "hf":
        try:
            tokenizer = AutoTokenizer.from_pretrained(place)
            return Backbone(AutoModel.from_pretrained(place, dtype=torch.float32), tokenizer, None)
        except (OSError, ValueError) as error:
            raise ModelFileError(name, f"transformers cannot load it ({type(error).__name__})",
                                 "Check the name and the network") from error  # fmt: skip
    from madang.models.gguf_file import find_gguf

    path = find_gguf(name, home, PACKAGED_SHA256 if name == PACKAGED_FILE else None)
    tokenizer = AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name, padding_side="right")
    model = AutoModel.from_pretrained(str(path.parent), gguf_file=path.name, dtype=torch.float32)
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config  # else a saved configuration asks for the file again
    model.layers = model.layers[:layers]
    model.config.num_hidden_layers = layers
    model.config.layer_types = model.config.layer_types[:layers]
    return Backbone(model, tokenizer, _cut_vocabulary(model, tokenizer, turns))


def _token_at(offsets: NDArray[np.int64], chars: int) -> NDArray[np.int64]:
    """The token of each code point, -1 where there is none.

    Args:
        offsets: First code point of each token, and one past its last, shape `(n_tokens, 2)`.
        chars: Code points of the text.
    """
    found = np.full(chars + 1, -1, np.int64)
    lengths = offsets[:, 1] - offsets[:, 0]
    before = np.cumsum(lengths) - lengths
    found[np.repeat(offsets[:, 0] - before, lengths) + np.arange(lengths.sum())] = np.repeat(
        np.arange(len(offsets)), lengths
    )
    return found


def _reached(turn: str, field: FieldKind, token_at: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[Stretch]]:
    """First and last token of each stretch that tokens reach, and the stretches."""
    stretches = stretches_of(turn, field)
    places = np.array([(one.start, one.end - 1) for one in stretches], np.int64).reshape(-1, 2)
    places = token_at[places]
    is_reached = (places[:, 0] >= 0) & (places[:, 1] >= 0)
    return places[is_reached], [one for one, is_kept in zip(stretches, is_reached.tolist(), strict=True) if is_kept]


def _likely(name: str, posts: Sequence[Encoded], scored: "Sequence[Tensor]") -> list[tuple[ScoredStretch, ...]]:
    """The stretches of each post that a head may say, in the order of the text."""
    import torch

    # One copy from the device for all posts.
    rows = torch.cat(list(scored)).float().cpu().numpy()
    found, start = [], 0
    for post in posts:
        stretches = post.stretches[name]
        own = rows[start : start + len(stretches)]
        start += len(stretches)
        found.append(
            tuple(
                ScoredStretch(stretches[at], float(own[at, 0]), tuple(own[at, 1:].tolist()))
                for at in np.flatnonzero(own[:, 0] > _LEAST_SCORE).tolist()
            )
        )
    return found


def _cut_vocabulary(model: Any, tokenizer: Any, turns: Sequence[str]) -> NDArray[np.int64]:
    """Keeps the embeddings of tokens that the corpus has; gives the new id of each token, that of the unknown else."""
    import torch

    size = model.config.vocab_size
    kept = sorted({*tokenizer.all_special_ids, *(one for turn in turns for one in tokenizer(turn)["input_ids"])})
    lookup = np.full(size, kept.index(tokenizer.unk_token_id), np.int64)
    lookup[kept] = np.arange(len(kept))
    embedding = model.get_input_embeddings()
    embedding.weight = torch.nn.Parameter(embedding.weight.detach()[kept].clone())
    embedding.num_embeddings = len(kept)
    model.config.vocab_size = len(kept)
    for token in ("pad_token_id", "bos_token_id", "eos_token_id"):
        old = getattr(tokenizer, token)
        setattr(model.config, token, None if old is None else int(lookup[old]))
    embedding.padding_idx = model.config.pad_token_id
    return lookup
