"""The encoder student: any encoder of transformers, or the first layers of the embedded language model.

Gemma's terms apply to weights derived from it; a student of it says so in its card.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from madang.distillation.deciding import HeadScores, ScoredStretch
from madang.distillation.encoder_network import Encoded, StudentNetwork
from madang.distillation.heads import Head
from madang.distillation.stretches import stretches_of
from madang.errors import ModelFileError
from madang.models.specs import PACKAGED_FILE, PACKAGED_SHA256
from madang.schema.base import FieldKind

if TYPE_CHECKING:
    from torch import Tensor

KIND = "encoder"
_WEIGHTS, _CONFIG, _TOKENIZER = "network.safetensors", "encoder.json", "tokenizer"
# Tokens of a batch, padding included: batches of like length waste little of it.
BATCH_TOKENS = 4_096
_LEAST_SCORE = -5.0


@dataclass
class Backbone:
    """An encoder with its tokenizer.

    Args:
        model: A model of transformers.
        tokenizer: Its tokenizer, a fast one: it tells where tokens stand.
        lookup: The encoder's id of each of the tokenizer's; None where they are the same.
    """

    model: Any
    tokenizer: Any
    lookup: NDArray[np.int64] | None

    @property
    def width(self) -> int:
        """Of its hidden states."""
        return int(self.model.config.hidden_size)

    def encode(self, turn: str, fields: Mapping[str, FieldKind], heads: Sequence[Head], most_tokens: int) -> Encoded:
        """A post in tokens, with the stretches that heads may point at and that the tokens reach."""
        coded = self.tokenizer(turn, truncation=True, max_length=most_tokens, return_offsets_mapping=True)
        ids = np.array(coded["input_ids"], np.int64)
        if self.lookup is not None:
            ids = self.lookup[ids]
        token_at = np.full(len(turn) + 1, -1, np.int64)
        for token, (start, end) in enumerate(coded["offset_mapping"]):
            token_at[start:end] = token
        places, stretches = {}, {}
        for head in heads:
            if head.shape not in ("stretch", "stretches"):
                continue
            found = [
                one for one in stretches_of(turn, fields[head.field])
                if token_at[one.start] >= 0 and token_at[one.end - 1] >= 0
            ]  # fmt: skip
            pairs = [(token_at[one.start], token_at[one.end - 1]) for one in found]
            places[head.field] = np.array(pairs, np.int64).reshape(-1, 2)
            stretches[head.field] = found
        return Encoded(ids, places, stretches)


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
        self._fields, self._heads, self._backbone, self._network = fields, tuple(heads), backbone, network
        self._most_tokens = most_tokens

    def encode(self, turns: Sequence[str]) -> list[Encoded]:
        """Posts in tokens."""
        return [self._backbone.encode(turn, self._fields, self._heads, self._most_tokens) for turn in turns]

    def scores(self, turns: Sequence[str]) -> list[dict[str, HeadScores]]:
        """What every head thinks of every post."""
        return self.scores_of(self.encode(turns))

    def scores_of(self, encoded: Sequence[Encoded]) -> list[dict[str, HeadScores]]:
        """The same of posts in tokens; batches are of like length."""
        import torch

        self._network.module.eval()
        found: list[dict[str, HeadScores]] = [{} for _ in encoded]
        for batch in token_batches([len(one.ids) for one in encoded], BATCH_TOKENS):
            own = [encoded[at] for at in batch]
            with torch.inference_mode():
                scored = self._network(own)
            for row, at in enumerate(batch):
                for head in self._heads:
                    classes = np.zeros(0, np.float32)
                    if head.field in scored.classes:
                        classes = scored.classes[head.field][row].float().cpu().numpy()
                    found[at][head.field] = HeadScores(classes, self._likely(head, own[row], scored.stretches, row))
        return found

    def _likely(
        self, head: Head, post: Encoded, scored: "Mapping[str, Sequence[Tensor]]", row: int
    ) -> tuple[ScoredStretch, ...]:
        if head.field not in scored:
            return ()
        rows = scored[head.field][row].float().cpu().tolist()
        return tuple(
            ScoredStretch(stretch, score, tuple(flags))
            for stretch, (score, *flags) in zip(post.stretches[head.field], rows, strict=True)
            if score > _LEAST_SCORE
        )

    def save(self, folder: Path) -> None:
        """Writes weights, configuration and tokenizer into a folder."""
        from safetensors.torch import save_file

        state = {
            name: weight.detach().cpu().contiguous().clone()
            for name, weight in self._network.module.state_dict().items()
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
        """Reads what `save` wrote."""
        from safetensors.torch import load_file
        from transformers import AutoConfig, AutoModel, AutoTokenizer

        plain = json.loads((folder / _CONFIG).read_text("utf-8"))
        config = plain["config"]
        model = AutoModel.from_config(AutoConfig.for_model(config.pop("model_type"), **config))
        lookup = np.load(folder / plain["lookup"]).astype(np.int64) if plain["lookup"] else None
        backbone = Backbone(model, AutoTokenizer.from_pretrained(str(folder / _TOKENIZER)), lookup)
        network = StudentNetwork(model, backbone.width, heads, dropout=0.0)
        network.module.load_state_dict(load_file(folder / _WEIGHTS))
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


def token_batches(lengths: Sequence[int], most_tokens: int) -> list[list[int]]:
    """Indices in batches of like length, none of more tokens with its padding, unless a post alone has more."""
    batches: list[list[int]] = []
    for at in sorted(range(len(lengths)), key=lambda at: -lengths[at]):
        if batches and lengths[batches[-1][0]] * (len(batches[-1]) + 1) <= most_tokens:
            batches[-1].append(at)
        else:
            batches.append([at])
    return batches


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
