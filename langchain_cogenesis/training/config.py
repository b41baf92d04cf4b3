"""All settings of the house models' training, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from langchain_cogenesis.data.examples import Writer

HouseName = Literal["house-small", "house-large", "house-small-de", "house-large-de"]
Language = Literal["en", "de"]

CONTROL_TOKENS: tuple[str, ...] = (
    "<|pad|>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|end|>",
    *(f"<|reserved_{number}|>" for number in range(1, 12)),
)
"""Control tokens in id order; the reserved ones keep the vocabulary stable for what comes later."""

VOCABULARY_SIZE = 3072
"""Control tokens, placeholders, 256 bytes and merges, together."""

CONTEXT_LENGTH = 1024
"""Tokens the models can read and write together."""

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


@dataclass(frozen=True, slots=True)
class Architecture:
    """Shape of a Llama-like decoder with tied embeddings.

    Attributes:
        width: Size of the residual stream.
        layers: Number of blocks.
        heads: Attention heads; `heads * head_width == width`.
        hidden: Width of the gated feed-forward layer; a multiple of 32, for Q8_0.
        head_width: Size of one head. The structured start needs at least 64.
        rope_base: Base of the rotary frequencies. Large, so that half of a head's pairs turn so
            slowly that they compare content whatever the distance.
        vocabulary: Number of tokens.
        context_length: Longest sequence in tokens.
        epsilon: Added under the root of the RMS norm.
    """

    width: int
    layers: int
    heads: int
    hidden: int
    head_width: int = 64
    rope_base: float = 5e5
    vocabulary: int = VOCABULARY_SIZE
    context_length: int = CONTEXT_LENGTH
    epsilon: float = 1e-5


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """How one house model is trained.

    Attributes:
        architecture: The model's shape.
        writer: Whose mix of conditions it reads, and within whose scope of tasks and sentences.
        seed: Of weights and examples.
        language: Of requests and texts; models of one language share a vocabulary.
        tokens: Prompt and answer tokens in all.
        turns: Numbers of requests over one context to draw from; more than one is private. A
            context is long: with several requests to it there is more to learn from as many tokens.
        short_chunks: Chunks of examples at the beginning that have no context: sentences, and what
            they have to do with a request, are learned faster where there is less to read.
        read_weight: Weight of the tokens of requests and outlines in the loss; an answer's have 1.
            Who learns to foresee an outline learns what belongs to a task.
        grown_from: The model whose state after its short chunks this one starts from, with more
            layers; None starts with the structured weights.
        made_up: Share of personas whose names are spelled in a way made up on the spot; from names
            of a few families alone a model learns to copy the letters that they are made of.
        loose: Share of the outlines that follow no structure of their task. Tried: 0.7 over 13.5 M
            tokens more lowered the small model's held-out loss with an outline from 2.52 to 1.80
            nats, but it lost count of the points, and wrote fewer facts (57 %, before 71 %).
        late_chunk: Chunk from which on the later mix holds, and with it `glimpses` and
            `late_made_up`; 0 for never.
        glimpses: Share of the texts, from then on, whose sentences are drawn from what the larger
            model is shown: a writer who has never met a wording finds it impossible.
        late_made_up: The same as `made_up`, from then on.
        batch_tokens: Tokens of one step, padding included.
        muon_lr: Learning rate of the matrices; 0.007 already wears the structured start off.
        embedding_lr: Learning rate of the embedding, whose entries are about 0.08. After 1.5 M
            tokens of short examples the loss was 1.44 at 1e-4, 1.33 at 4e-4 and 1.30 at 1.2e-3.
        gain_lr: Learning rate of the norms' gains.
        warmup: Steps with a rising learning rate.
        decay: Last share of the training in which the learning rate falls.
        curve_steps: Steps between two points of the held-out curves.
        curve_examples: Held-out examples of each condition behind a point.
    """

    architecture: Architecture
    writer: Writer
    seed: int
    tokens: int
    language: Language = "en"
    turns: tuple[int, ...] = (1,)
    short_chunks: int = 0
    read_weight: float = 0.3
    grown_from: HouseName | None = None
    made_up: float = 0.35
    loose: float = 0.0
    late_chunk: int = 0
    glimpses: float = 0.0
    late_made_up: float = 0.0
    batch_tokens: int = 1728
    muon_lr: float = 0.0028
    embedding_lr: float = 1e-3
    gain_lr: float = 2e-3
    warmup: int = 30
    decay: float = 0.95
    curve_steps: int = 500
    curve_examples: int = 32


SETTINGS: dict[HouseName, TrainingSettings] = {
    "house-small": TrainingSettings(
        architecture=Architecture(width=192, layers=4, heads=3, hidden=512),
        writer="small",
        seed=11,
        tokens=22_500_000,
        turns=(1, 1, 2, 3, 3),
        short_chunks=32,
    ),
    "house-large": TrainingSettings(
        architecture=Architecture(width=192, layers=7, heads=3, hidden=512),
        writer="large",
        seed=12,
        tokens=12_500_000,
        short_chunks=16,
        grown_from="house-small",
    ),
    "house-small-de": TrainingSettings(
        architecture=Architecture(width=192, layers=4, heads=3, hidden=512),
        writer="small",
        seed=21,
        tokens=7_000_000,
        language="de",
        turns=(1, 1, 2, 3, 3),
        short_chunks=6,
        loose=0.35,
        late_chunk=11,
        glimpses=0.35,
        late_made_up=0.85,
    ),
    "house-large-de": TrainingSettings(
        architecture=Architecture(width=192, layers=7, heads=3, hidden=512),
        writer="large",
        seed=22,
        tokens=3_400_000,
        language="de",
        late_chunk=10,
        late_made_up=0.85,
        grown_from="house-small-de",
    ),
}
"""All models; one vocabulary for each language."""

VOCABULARY_EXAMPLES = 4000
"""Examples of each writer from which the merges are learned."""


def models_of(language: Language) -> tuple[HouseName, ...]:
    """The models of a language, the small one first."""
    return tuple(n for n, s in SETTINGS.items() if s.language == language)
