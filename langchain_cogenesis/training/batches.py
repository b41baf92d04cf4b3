"""Examples as batches of token ids, of similar lengths, in an order that follows from the seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from langchain_cogenesis.data.examples import Example, create_example
from langchain_cogenesis.training.config import TrainingSettings
from langchain_cogenesis.training.vocabulary import encode, encode_chat, special_id

if TYPE_CHECKING:
    from tokenizers import Tokenizer

CHUNK = 1024
"""Examples that are sorted by length together."""

_STEP = 32


@dataclass(frozen=True, slots=True)
class Encoded:
    """One example's token ids; the answer begins at `start` and ends with `<|end|>`."""

    ids: tuple[int, ...]
    start: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Token ids, padded on the right.

    Attributes:
        ids: Shape `(examples, positions)`.
        targets: Token to predict after each position; -1 where nothing is learned. Same shape.
        tokens: Real tokens, prompts included.
    """

    ids: Tensor
    targets: Tensor
    tokens: int


def encode_example(tokenizer: Tokenizer, example: Example) -> Encoded:
    """Encodes the prompt as the chat template renders it, then the answer."""
    prompt = encode_chat(tokenizer, example.messages())
    answer = [*encode(tokenizer, example.answer), special_id(tokenizer, "<|end|>")]
    return Encoded((*prompt, *answer), len(prompt))


def collate(examples: Sequence[Encoded]) -> Batch:
    """Pads examples to one length."""
    # Few different shapes: the matrix library compiles a kernel for each.
    longest = -(-max(len(example.ids) for example in examples) // _STEP) * _STEP
    ids = torch.zeros(len(examples), longest, dtype=torch.long)
    targets = torch.full_like(ids, -1)
    for row, example in enumerate(examples):
        length = len(example.ids)
        ids[row, :length] = torch.tensor(example.ids)
        targets[row, example.start - 1 : length - 1] = torch.tensor(example.ids[example.start :])
    return Batch(ids, targets, sum(len(example.ids) for example in examples))


def chunk_batches(tokenizer: Tokenizer, settings: TrainingSettings, chunk: int) -> list[Batch]:
    """The batches of one chunk of examples.

    Args:
        tokenizer: The house vocabulary.
        settings: Kind of examples, seed, tokens of a batch.
        chunk: Number of the chunk; each has examples of its own.
    """
    first = chunk * CHUNK
    encoded = [
        encode_example(tokenizer, create_example(f"{settings.seed}/{index}", kind=settings.kind))
        for index in range(first, first + CHUNK)
    ]
    limit = settings.architecture.context_length
    fitting = sorted((e for e in encoded if len(e.ids) <= limit), key=lambda e: len(e.ids))
    groups = list(_groups(fitting, settings.batch_tokens))
    Random(f"{settings.seed}/{chunk}").shuffle(groups)
    return [collate(group) for group in groups]


def _groups(examples: Sequence[Encoded], batch_tokens: int) -> Iterator[list[Encoded]]:
    """Cuts sorted examples into groups whose padded size stays within `batch_tokens`."""
    rest = list(examples)
    while rest:
        # From the longest on, so that the padded length is known before the group is cut.
        padded = -(-len(rest[-1].ids) // _STEP) * _STEP
        size = max(1, batch_tokens // padded)
        yield rest[-size:]
        del rest[-size:]
