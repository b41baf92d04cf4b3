"""Examples as batches of token ids, of similar lengths, in an order that follows from the seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, TypedDict

import torch
from torch import Tensor

from langchain_cogenesis.data.examples import (
    CONDITIONS,
    SCOPES,
    SHORT_MIX,
    Condition,
    Example,
    Writer,
    create_conversation,
    create_example,
)
from langchain_cogenesis.data.german_examples import (
    GERMAN_LATE_MIXES,
    GERMAN_MIXES,
    GERMAN_SHORT_MIX,
    create_german_turns,
    draw_conditions,
)
from langchain_cogenesis.training.config import Language, TrainingSettings
from langchain_cogenesis.training.vocabulary import encode, encode_chat, special_id

if TYPE_CHECKING:
    from tokenizers import Tokenizer

CHUNK = 1024
"""Examples that are sorted by length together."""

_STEP = 32


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids of one or more turns.

    Attributes:
        ids: Prompts and answers; each answer ends with `<|end|>`.
        answers: First position of each answer, and the position after its end.
        requests: The same of each request, outline included.
    """

    ids: tuple[int, ...]
    answers: tuple[tuple[int, int], ...]
    requests: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """Token ids, padded on the right.

    Attributes:
        ids: Shape `(examples, positions)`.
        targets: Token to predict after each position; -1 where nothing is learned. Same shape.
        read: The same for the tokens of requests and outlines.
        tokens: Real tokens, prompts included.
    """

    ids: Tensor
    targets: Tensor
    read: Tensor
    tokens: int

    def to(self, device: torch.device) -> Batch:
        """The same on another device."""
        moved = (self.ids.to(device), self.targets.to(device), self.read.to(device))
        return Batch(*moved, self.tokens)


def encode_turns(tokenizer: Tokenizer, turns: Sequence[Example]) -> Encoded:
    """Encodes prompts as the chat template renders them, each with its answer behind it.

    Args:
        tokenizer: The house vocabulary.
        turns: Examples with the same documents; the later ones follow without a system message.
    """
    ids: list[int] = []
    answers: list[tuple[int, int]] = []
    requests: list[tuple[int, int]] = []
    for turn in turns:
        messages = turn.messages()
        ids += encode_chat(tokenizer, messages[1:] if ids else messages)
        # The request's tokens stand before its end and the token that opens the answer.
        start = len(ids)
        requests.append((start - 2 - len(encode(tokenizer, messages[-1][1])), start - 2))
        ids += [*encode(tokenizer, turn.answer), special_id(tokenizer, "<|end|>")]
        answers.append((start, len(ids)))
    return Encoded(tuple(ids), tuple(answers), tuple(requests))


def collate(examples: Sequence[Encoded]) -> Batch:
    """Pads examples to one length."""
    # Few different shapes: the matrix library compiles a kernel for each.
    longest = -(-max(len(example.ids) for example in examples) // _STEP) * _STEP
    ids = torch.zeros(len(examples), longest, dtype=torch.long)
    targets, read = torch.full_like(ids, -1), torch.full_like(ids, -1)
    for row, example in enumerate(examples):
        length = len(example.ids)
        ids[row, :length] = torch.tensor(example.ids)
        for wanted, spans in ((targets, example.answers), (read, example.requests)):
            for start, end in spans:
                wanted[row, start - 1 : end - 1] = torch.tensor(example.ids[start:end])
    return Batch(ids, targets, read, sum(len(example.ids) for example in examples))


def chunk_batches(tokenizer: Tokenizer, settings: TrainingSettings, chunk: int) -> list[Batch]:
    """The batches of one chunk of examples.

    Args:
        tokenizer: The house vocabulary.
        settings: Whose examples, seed, tokens of a batch.
        chunk: Number of the chunk; each has examples of its own.
    """
    first = chunk * CHUNK
    encoded = [
        encode_turns(tokenizer, training_turns(settings, chunk, index))
        for index in range(first, first + CHUNK)
    ]
    groups = list(_groups(_fitting(encoded, settings), settings.batch_tokens))
    Random(f"{settings.seed}/{chunk}").shuffle(groups)
    return [collate(group) for group in groups]


def held_out_batches(tokenizer: Tokenizer, settings: TrainingSettings) -> dict[str, list[Batch]]:
    """Examples with names, wordings and structures that aren't trained on, by condition.

    Args:
        tokenizer: The house vocabulary.
        settings: Tokens of a batch, examples of each condition.
    """
    found: dict[str, list[Batch]] = {}
    for condition in CONDITIONS:
        encoded = [
            encode_turns(tokenizer, (curve_example(condition, number, settings.language),))
            for number in range(settings.curve_examples)
        ]
        groups = _groups(_fitting(encoded, settings), settings.batch_tokens)
        found[condition] = [collate(group) for group in groups]
    return found


def curve_example(condition: Condition, number: int, language: Language = "en") -> Example:
    """The held-out example of that number; the same for every model of a language."""
    if language == "de":
        return create_german_turns(0, number, (condition,), scope="everything")[0]
    return create_example(
        f"curve/{number}",
        condition=condition,
        scope="everything",
        held_out=number % 2 == 0,
        new_names=True,
    )


class _Shared(TypedDict):
    writer: Writer
    made_up: float
    loose: float


def _fitting(encoded: Sequence[Encoded], settings: TrainingSettings) -> list[Encoded]:
    limit = settings.architecture.context_length
    return sorted((e for e in encoded if len(e.ids) <= limit), key=lambda e: len(e.ids))


def training_turns(settings: TrainingSettings, chunk: int, index: int) -> tuple[Example, ...]:
    """The examples of one sequence: requests over one context.

    Args:
        settings: Whose examples.
        chunk: Number of the chunk; the first ones are short.
        index: Number of the sequence, counted over all chunks.
    """
    short = chunk < settings.short_chunks
    if settings.language == "de":
        late = 0 < settings.late_chunk <= chunk
        mixes = GERMAN_LATE_MIXES if late else GERMAN_MIXES
        mix = GERMAN_SHORT_MIX if short else mixes[settings.writer]
        return create_german_turns(
            settings.seed,
            index,
            draw_conditions(settings.seed, index, mix, settings.turns),
            scope=SCOPES[settings.writer],
            made_up=settings.late_made_up if late else settings.made_up,
            loose=settings.loose,
            glimpses=settings.glimpses if late else 0.0,
        )
    seed = f"{settings.seed}/{index}"
    shared = _Shared(writer=settings.writer, made_up=settings.made_up, loose=settings.loose)
    if short:
        return (create_example(seed, mix=SHORT_MIX, **shared),)
    turns = Random(f"turns/{seed}").choice(settings.turns)
    if turns == 1:
        return (create_example(seed, **shared),)
    return create_conversation(seed, turns, **shared)


def vocabulary_examples(settings: TrainingSettings, index: int) -> tuple[Example, ...]:
    """Examples from which the vocabulary is learned."""
    if settings.language == "de":
        mix = GERMAN_MIXES[settings.writer]
        conditions = draw_conditions(settings.seed, index, mix, settings.turns)
        scope = SCOPES[settings.writer]
        return create_german_turns(-1, index, conditions, scope=scope, made_up=settings.made_up)
    return (create_example(f"vocabulary/{index}", writer=settings.writer),)


def _groups(examples: Sequence[Encoded], batch_tokens: int) -> Iterator[list[Encoded]]:
    """Cuts sorted examples into groups whose padded size stays within `batch_tokens`."""
    rest = list(examples)
    while rest:
        # From the longest on, so that the padded length is known before the group is cut.
        padded = -(-len(rest[-1].ids) // _STEP) * _STEP
        size = max(1, batch_tokens // padded)
        yield rest[-size:]
        del rest[-size:]
