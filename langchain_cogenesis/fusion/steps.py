"""What one step of fused decoding knows, and how its distribution is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from langchain_cogenesis.exceptions import ConfigurationError, ContextLengthError
from langchain_cogenesis.fusion.base import Fused, Fusion
from langchain_cogenesis.fusion.fixed import LinearFusion
from langchain_cogenesis.fusion.prefix import MaskedPrefix, RawPrefix
from langchain_cogenesis.fusion.sampling import KeyedSampler
from langchain_cogenesis.fusion.schedule import EveryStep, Schedule
from langchain_cogenesis.models.base import NextTokenModel
from langchain_cogenesis.models.logprobs import Distribution, Logprobs
from langchain_cogenesis.models.sampling import SamplingParams
from langchain_cogenesis.models.vocabulary import Vocabulary, require_same
from langchain_cogenesis.privacy.placeholders import house_placeholders

Admit = Callable[[Sequence[int]], bool]
"""Asks the gate whether a whole sequence may go to a helper."""


_UNSEEN = Logprobs(np.empty(0, dtype=np.float32))


def _always(ids: Sequence[int]) -> bool:
    return True


@dataclass(slots=True, repr=False)
class Helper:
    """A model besides the local one, and what it sees.

    Attributes:
        model: Same vocabulary as the local one.
        prompt: Ids of its own prompt, made by its own template.
        prefix: The text written so far as it may see it.
        admit: Asks the gate before a sequence goes out.
        private: Whether it sees context, so that it may be asked in private spans too.
    """

    model: NextTokenModel
    prompt: Sequence[int]
    prefix: MaskedPrefix | RawPrefix
    admit: Admit = _always

    @property
    def sequence(self) -> list[int]:
        """What it is asked about."""
        return [*self.prompt, *self.prefix.ids]


@dataclass(frozen=True, slots=True, repr=False)
class Step:
    """One token of the answer and how it came about.

    Attributes:
        position: Its number in the answer, from 0.
        token: Its id.
        text: Its bytes.
        logprob: Its natural-log probability under the fused distribution.
        logprobs: The same under each model, the local one first; None for one that wasn't asked.
        weights: Share of each model.
        deferred: Probability that a helper gave to a placeholder, which counts as 'the local model
            decides'; 0 to 1.
        why_not: Why no helper was asked, or None if one was.
    """

    position: int
    token: int
    text: bytes
    logprob: float
    logprobs: tuple[float | None, ...]
    weights: tuple[float, ...]
    deferred: float = 0.0
    why_not: str | None = None

    def __repr__(self) -> str:
        return f"Step(<withheld>, position={self.position}, why_not={self.why_not!r})"


@dataclass(slots=True, repr=False)
class Mixer:
    """Makes the steps of one answer.

    Args:
        local: The model that sees private context; it alone decides where no helper may be asked.
        prompt: Ids of its prompt.
        helpers: The others.
        fusion: For as many models as there are.
        sampling: How to sample.
        schedule: Which steps may ask.

    Raises:
        VocabularyMismatchError: A helper has other tokens.
        ContextLengthError: A prompt leaves no room for an answer.
    """

    local: NextTokenModel
    prompt: Sequence[int]
    helpers: Sequence[Helper]
    fusion: Fusion = field(default_factory=LinearFusion)
    sampling: SamplingParams = field(default_factory=SamplingParams)
    schedule: Schedule = field(default_factory=EveryStep)
    ids: list[int] = field(default_factory=list)
    sampler: KeyedSampler = field(init=False)
    _openers: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        for helper in self.helpers:
            require_same(
                self.local.vocabulary,
                self.local.name,
                helper.model.vocabulary,
                helper.model.name,
            )
        self.sampler = KeyedSampler(self.sampling)
        self._openers = openers(self.local.vocabulary)
        self.room(1)

    def room(self, wanted: int | None) -> int:
        """How many tokens the answer may have, by all models' windows.

        Args:
            wanted: Tokens that were asked for; None takes what there is.

        Raises:
            ContextLengthError: There isn't room for what was asked for.
        """
        spaces = [(self.local, len(self.prompt))]
        spaces += [(helper.model, len(helper.prompt)) for helper in self.helpers]
        model, taken = min(spaces, key=lambda space: space[0].n_ctx - space[1])
        left = model.n_ctx - taken
        if left < 1 or (wanted is not None and wanted > left):
            raise ContextLengthError(
                f"the prompt of {model.name} has {taken} tokens and its window holds "
                f"{model.n_ctx}, which leaves {max(0, left)} for the answer.",
                hint="Ask for fewer tokens, shorten the instruction, or retrieve less.",
            )
        return left if wanted is None else wanted

    @property
    def asks_blindly(self) -> bool:
        """Whether the next step asks, whatever the local model expects there."""
        by_position: bool = getattr(self.schedule, "by_position", False)
        return by_position and self.why_not(_UNSEEN) is None

    def why_not(self, local: Logprobs) -> str | None:
        """Why the next step asks no helper, or None if it asks."""
        if not self.helpers:
            return "no helper"
        for helper in self.helpers:
            if reason := helper.prefix.why_not:
                return reason
        if not self.schedule.asks(len(self.ids), local):
            return "schedule"
        if not all(helper.admit(helper.sequence) for helper in self.helpers):
            return "gate"
        return None

    def fused_step(self, local: Logprobs, rows: Sequence[Distribution]) -> Step:
        """The next step with a row of every helper."""
        masked = [defer(local, row, self._openers) for row in rows]
        fused = self.fusion.fuse([local, *(row for row, _ in masked)], position=len(self.ids))
        return self._step(local, fused, rows, deferred=max(mass for _, mass in masked))

    def local_step(self, local: Logprobs, why_not: str) -> Step:
        """The next step by the local model alone."""
        weights = (1.0, *(0.0 for _ in self.helpers))
        return self._step(local, Fused(local.values, weights), (), why_not=why_not)

    def take(self, step: Step) -> None:
        """Makes a step part of the answer."""
        self.ids.append(step.token)
        self.sampler.note(step.token)
        for helper in self.helpers:
            helper.prefix.push(step.token)

    def _step(
        self,
        local: Logprobs,
        fused: Fused,
        rows: Sequence[Distribution],
        *,
        deferred: float = 0.0,
        why_not: str | None = None,
    ) -> Step:
        position = len(self.ids)
        token = self.sampler.pick(fused.values, position)
        own: list[float | None] = [float(local.values[token])]
        own += [_logprob(row, token) for row in rows] or [None for _ in self.helpers]
        return Step(
            position,
            token,
            self.local.vocabulary.piece(token),
            float(fused.values[token]),
            tuple(own),
            fused.weights,
            deferred,
            why_not,
        )


def defer(
    local: Logprobs, row: Distribution, opening_ids: np.ndarray
) -> tuple[Distribution, float]:
    """Hands what a helper gives to placeholders over to the local distribution.

    A helper that expects a placeholder says that a private span begins here, of which it knows
    nothing: that part of its probability is decided as the local model decides.

    Args:
        local: What the local model expects.
        row: What the helper expects.
        opening_ids: Tokens that open a placeholder; see `openers`.

    Returns:
        The helper's distribution without placeholders, and how much of it was handed over.
    """
    if isinstance(row, Logprobs):
        opening = float(np.exp(row.values[opening_ids].astype(np.float64)).sum())
    else:
        opens = np.isin(row.ids, opening_ids)
        opening = float(np.exp(row.logprobs[opens].astype(np.float64)).sum())
    if opening <= 0:
        return row, 0.0
    opening = min(opening, 1.0)
    spread = row if isinstance(row, Logprobs) else row.spread(local)
    values = spread.values.copy()
    values[opening_ids] = -np.inf
    with np.errstate(divide="ignore"):
        mixed = np.logaddexp(values, local.values + np.float32(np.log(opening)))
    return Logprobs(mixed), opening


def _logprob(row: Distribution, token: int) -> float | None:
    if isinstance(row, Logprobs):
        return float(row.values[token])
    at = np.flatnonzero(row.ids == token)
    return float(row.logprobs[at[0]]) if len(at) else None


_OPENERS: dict[str, np.ndarray] = {}


def openers(vocabulary: Vocabulary) -> np.ndarray:
    """Ids of the tokens that open a placeholder in a vocabulary, `(k,)` int64."""
    if vocabulary.digest not in _OPENERS:
        _OPENERS[vocabulary.digest] = np.array(sorted(_opening(vocabulary)), dtype=np.int64)
    return _OPENERS[vocabulary.digest]


def _opening(vocabulary: Vocabulary) -> set[int]:
    marks = [vocabulary.tokenize(mark) for mark in house_placeholders()]
    if all(len(ids) == 1 for ids in marks):
        # As special tokens, they follow a space that stands alone before nothing else.
        return {*vocabulary.tokenize(" "), *(ids[0] for ids in marks)}
    return {
        token
        for piece, token in vocabulary.by_piece.items()
        if piece.strip() == b"[" or piece.lstrip().startswith(b"[NAME")
    }


def check_block(length: int) -> int:
    """Returns a block length if it is one.

    Raises:
        ConfigurationError: It is below 1.
    """
    if length < 1:
        raise ConfigurationError(f"a block can't have {length} tokens.", hint="Give 1 or more.")
    return length
