"""An encoder of random weights, made in a moment."""

from pathlib import Path


def small_encoder(folder: Path) -> str:
    """A two-layer BERT with random weights, and a tokenizer that takes every character for a token."""
    import torch
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    chars = [chr(code) for code in [*range(32, 127), *range(0xAC00, 0xD7A4)]]
    words = {word: number for number, word in enumerate(["[PAD]", "[UNK]", *chars])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(folder)
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=256,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    return f"hf:{folder}"
