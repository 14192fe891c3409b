"""How an encoder student is trained; known without torch."""

from dataclasses import dataclass

from madang.models.specs import PACKAGED_FILE

_GEMMA = "Gemma Terms of Use (ai.google.dev/gemma/terms), which bind weights derived from Gemma, these among them"


@dataclass(frozen=True)
class EncoderSettings:
    """How an encoder is trained.

    Args:
        encoder: `hf:` and a name or folder that transformers knows, or the embedded model's file.
        layers: Layers kept of the embedded model.
        trained_layers: How many of the last layers learn; the others stay as they are. All where it is None; at 0 the
            encoder is read once, and its states go beside the linear student's scores (distillation/hybrid.py).
        lora_rank: Rank of the small matrices that learn in their stead (peft); 0 trains the weights themselves.
        most_tokens: Tokens of a post that are read.
        batch_posts: Posts of a step.
        accumulate: Batches between two steps.
        epochs: Most times that every post is read.
        patience: Epochs without a better figure after which it stops.
        rate: Learning rate of the encoder; heads learn ten times as fast.
        dropout: Share of the hidden states' parts that training drops.
        seed: Of order and dropout.
        licence: Terms of the encoder's weights; known of the embedded one.
    """

    encoder: str = PACKAGED_FILE
    layers: int = 12
    trained_layers: int | None = None
    lora_rank: int = 0
    most_tokens: int = 256
    batch_posts: int = 8
    accumulate: int = 2
    epochs: int = 6
    patience: int = 2
    rate: float = 5e-5
    dropout: float = 0.1
    seed: int = 20_241_127
    licence: str = ""

    @property
    def is_frozen(self) -> bool:
        """Whether the encoder stays as it is."""
        return self.trained_layers == 0 and not self.lora_rank

    @property
    def terms(self) -> str:
        """Terms of the student's weights."""
        return self.licence or (_GEMMA if self.encoder == PACKAGED_FILE else f"that of {self.encoder}")
