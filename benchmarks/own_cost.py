"""What a fused step costs besides the models: time and memory, by size of the vocabulary."""

from __future__ import annotations

import statistics
import time
import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from langchain_cogenesis.fusion.drafting import BlockLength, decode_blocks
from langchain_cogenesis.fusion.prefix import MaskedPrefix, RawPrefix
from langchain_cogenesis.fusion.steps import Helper, Mixer
from langchain_cogenesis.logit_answering import admitting
from langchain_cogenesis.models.base import Capabilities, Draft
from langchain_cogenesis.models.logprobs import Logprobs, TopLogprobs
from langchain_cogenesis.models.vocabulary import Vocabulary
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.lexicon import PrivateLexicon, PrivateValue
from langchain_cogenesis.privacy.prefix import PrefixMask
from langchain_cogenesis.privacy.restore import Conversation

SIZES = (32_000, 151_936)
CONTEXT = 4096


def own_cost() -> dict[str, float]:
    """Microseconds a step and megabytes, for each vocabulary."""
    found: dict[str, float] = {}
    for size in SIZES:
        found[f"{size} tokens, fuse and pick, µs a step"] = own_time(size, masked=False)
        found[f"{size} tokens, with mask and gate, µs a step"] = own_time(size, masked=True)
    found[f"{SIZES[-1]} tokens, {CONTEXT} of context, MB"] = own_memory(SIZES[-1])
    return found


def own_time(n_vocab: int, *, masked: bool, steps: int = 400) -> float:
    """Median microseconds of a greedy fused step without any model: fuse, pick, record.

    Args:
        n_vocab: Size of the vocabulary.
        masked: Whether mask and gate look at each step too, with 200 private names.
        steps: Steps to time.
    """
    model = Still.of(n_vocab)
    mixer = make_mixer(model, masked=masked)
    times = []
    for _ in range(steps):
        began = time.perf_counter()
        mixer.why_not(model.local)
        mixer.take(mixer.fused_step(model.local, [model.row]))
        times.append(time.perf_counter() - began)
    return round(statistics.median(times) * 1e6, 1)


def own_memory(n_vocab: int) -> float:
    """Peak megabytes that an answer takes which fills the window, in blocks of 8, masked.

    The rows that the models return are counted; what the models hold themselves is not.
    """
    model = Still.of(n_vocab)
    tracemalloc.start()
    try:
        mixer = make_mixer(model, masked=True)
        for _ in decode_blocks(mixer, CONTEXT - 2, length=BlockLength(8)):
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return round(peak / 2**20, 1)


@dataclass(frozen=True)
class Still:
    """A model that expects the same at every position, at no cost."""

    vocabulary: Vocabulary
    local: Logprobs
    row: TopLogprobs
    name: str = "still"
    n_ctx: int = CONTEXT
    eog_ids: frozenset[int] = frozenset({0})
    capabilities: Capabilities = field(default_factory=lambda: Capabilities(top_k=20))

    @classmethod
    def of(cls, n_vocab: int) -> Still:
        """One with so many tokens, each a word of letters."""
        random = np.random.default_rng(0)
        values = random.normal(0, 4, n_vocab).astype(np.float32)
        values -= np.float32(np.logaddexp.reduce(values.astype(np.float64)))
        best = np.argsort(-values)[:20].astype(np.int64)
        words = Vocabulary(n_vocab, _word, _no_tokens, frozenset({0}), digest=f"bench-{n_vocab}")
        return cls(words, Logprobs(values), TopLogprobs(best, values[best], n_vocab))

    def score(self, ids: Sequence[int], *, first: int) -> list[Logprobs]:
        """The row, as often as asked."""
        return [Logprobs(self.local.values.copy()) for _ in range(len(ids) - first + 1)]

    def draft(self, ids: Sequence[int], count: int) -> Draft:
        """The likeliest token, as often as asked."""
        return Draft((int(self.row.ids[0]),) * count, (self.row,) * count)


def make_mixer(model: Still, *, masked: bool) -> Mixer:
    """Both sides the same model; with the mask and the gate, 200 private names."""
    stand_in: Any = model
    if not masked:
        return Mixer(stand_in, [1], [Helper(stand_in, [1], RawPrefix())])
    gate, conversation = EgressGate(_names()), Conversation()
    mask = PrefixMask(gate.find, conversation.mask, gate.lexicon, gate.grows)
    admit = admitting(gate, "http://127.0.0.1:1/v1", conversation, stand_in)
    helper = Helper(stand_in, [1], MaskedPrefix(model.vocabulary, mask), admit)
    return Mixer(stand_in, [1], [helper])


@cache
def _word(token: int) -> bytes:
    """A word of letters for each token, the space before it."""
    letters = "".join(chr(97 + int(digit)) for digit in str(token))
    return f" {letters}".encode()


def _no_tokens(text: str) -> list[int]:
    return [1, 2]


def _names() -> PrivateLexicon:
    names = (f"Zarn{chr(97 + n // 26)}{chr(97 + n % 26)} Vexmoor" for n in range(200))
    return PrivateLexicon(PrivateValue("NAME", name) for name in names)
