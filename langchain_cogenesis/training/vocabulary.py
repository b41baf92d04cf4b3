"""The house vocabulary: byte-level BPE with roles and placeholders as single tokens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.privacy.placeholders import house_placeholders
from langchain_cogenesis.training.config import CONTROL_TOKENS, VOCABULARY_SIZE


def train_vocabulary(texts: Iterable[str], size: int = VOCABULARY_SIZE) -> Tokenizer:
    """Learns merges from texts.

    Args:
        texts: Prompts and targets, without control tokens.
        size: Number of entries in all.

    Returns:
        A tokenizer with the control tokens first, then the placeholders, then bytes and merges.
    """
    special = [*CONTROL_TOKENS, *house_placeholders()]
    tokenizer = Tokenizer(models.BPE())
    # The regular expression behind `use_regex` is the one that GGUF calls `gpt-2`.
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=size,
            special_tokens=[AddedToken(text, special=True) for text in special],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return tokenizer


def load_vocabulary(path: Path) -> Tokenizer:
    """Reads a vocabulary that `Tokenizer.save` wrote."""
    return Tokenizer.from_file(str(path))


def special_id(tokenizer: Tokenizer, token: str) -> int:
    """Id of a control token.

    Raises:
        ConfigurationError: The vocabulary doesn't have it.
    """
    found: int | None = tokenizer.token_to_id(token)
    if found is None:
        raise ConfigurationError(
            f"The vocabulary has no token {token!r}.",
            hint="Make it anew with the stage `vocabulary`.",
        )
    return found


def encode(tokenizer: Tokenizer, text: str) -> list[int]:
    """Token ids of a text; nothing is added."""
    ids: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
    return ids


def encode_chat(tokenizer: Tokenizer, messages: Sequence[tuple[str, str]]) -> list[int]:
    """Token ids of a prompt as the chat template renders it, ready for the answer.

    Args:
        tokenizer: The house vocabulary.
        messages: Role (`system`, `user` or `assistant`) and content of each.
    """
    end = special_id(tokenizer, "<|end|>")
    ids: list[int] = []
    for role, content in messages:
        ids += [special_id(tokenizer, f"<|{role}|>"), *encode(tokenizer, content), end]
    return [*ids, special_id(tokenizer, "<|assistant|>")]
