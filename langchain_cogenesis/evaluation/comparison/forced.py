"""Teacher-forced likelihood of references under the rows of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from langchain_cogenesis.evaluation.comparison.world import Beside, Case, World
from langchain_cogenesis.exceptions import ContextLengthError, ModeError, VocabularyMismatchError
from langchain_cogenesis.fusion.base import Fusion
from langchain_cogenesis.fusion.prefix import MaskedPrefix, RawPrefix, push_all
from langchain_cogenesis.fusion.schedule import EveryStep, Schedule
from langchain_cogenesis.fusion.steps import Helper, defer, openers
from langchain_cogenesis.logit_answering import admitting
from langchain_cogenesis.models.base import NextTokenModel
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.local_next import LocalNextTokenModel
from langchain_cogenesis.models.logprobs import Distribution, Logprobs
from langchain_cogenesis.models.vocabulary import require_same
from langchain_cogenesis.privacy.prefix import PrefixMask
from langchain_cogenesis.privacy.restore import Conversation
from langchain_cogenesis.prompts import chat_of, private_messages, public_messages, role_pairs

Chat = Sequence[tuple[str, str]]
Nats = tuple[float, int]
View = Literal["masked", "raw", "context"]
"""What the remote sees in logit mode: placeholders in instruction and text; both as they are; both
and private context."""


@dataclass(frozen=True, slots=True, repr=False)
class ForcedStep:
    """What each model expected at a token of the reference.

    Attributes:
        token: Its id.
        local: The local model with context.
        beside: The local model without, and a third model if there is one; both see the
            instruction alone.
        large: The remote model, what it gives to placeholders handed over to the local one; None
            where it may not be asked.
    """

    token: int
    local: Logprobs
    beside: dict[Beside, Logprobs]
    large: Distribution | None


@dataclass(frozen=True, repr=False)
class ForcedSteps:
    """What all models expected of a reference.

    Attributes:
        steps: One for each token.
    """

    steps: tuple[ForcedStep, ...]

    @cached_property
    def remote_nats(self) -> Nats | None:
        """Negative log-likelihood under the remote alone where it is asked, nats, and its tokens.

        What it gives to placeholders is the local model's there, too.
        """
        rows = [(step.token, step.large) for step in self.steps if step.large is not None]
        return (-sum(_value(row, token) for token, row in rows), len(rows)) if rows else None

    @cached_property
    def apart(self) -> Nats | None:
        """Jensen-Shannon divergence of local and remote where that is asked, nats, and its tokens.

        0 for each token on which they agree, ln 2 where no next token is possible for both.
        """
        rows = [(step.local, step.large) for step in self.steps if step.large is not None]
        return (sum(_divergence(*pair) for pair in rows), len(rows)) if rows else None


def remote_helper(world: World, case: Case, model: NextTokenModel, view: View) -> Helper:
    """A model as the remote of logit mode, with the view of instruction and text that it has.

    Args:
        world: Whose gate masks.
        case: The example, which the gate knows.
        model: The model, in this process or behind an endpoint.
        view: What it sees; only a trusted one may see more than what is masked.
    """
    if view == "masked":
        return masked_helper(world, case, model)
    instruction = case.example.instruction
    public = view == "raw"
    seen = public_messages(instruction) if public else private_messages(instruction, case.documents)
    return Helper(model, model.prompt_ids(chat_of(role_pairs(seen))), RawPrefix())


def masked_helper(world: World, case: Case, model: NextTokenModel) -> Helper:
    """A model as the remote of logit mode: it sees placeholders in instruction and text.

    Args:
        world: Whose gate masks.
        case: The example, which the gate knows.
        model: The model, in this process or behind an endpoint.
    """
    conversation, gate = Conversation(), world.gate
    endpoint = world.remote.endpoint
    cleared = gate.require(case.example.instruction, endpoint=endpoint, conversation=conversation)
    prompt = model.prompt_ids(chat_of(role_pairs(public_messages(cleared.text))))
    vocabulary = LocalNextTokenModel(world.local.engine).vocabulary
    mask = PrefixMask(gate.find, conversation.mask, gate.lexicon, gate.grows)
    prefix = MaskedPrefix(vocabulary, mask)
    return Helper(model, prompt, prefix, admitting(gate, endpoint, conversation, model))


def helper_rows(helper: Helper, tokens: Sequence[int]) -> list[Distribution | None]:
    """What a helper expects at each token of a text, as it may see the text.

    Args:
        helper: At the beginning of the text; it is moved to its end.
        tokens: The text.

    Returns:
        A row for each token; None where it may not be asked.
    """
    at = push_all(helper.prefix, tokens)
    ids = helper.sequence
    if len(ids) >= helper.model.n_ctx:
        raise ContextLengthError(
            f"a reference doesn't fit the window of {helper.model.name}.", hint="Leave it out."
        )
    rows = helper.model.score(ids, first=len(helper.prompt))
    return [rows[at[i]] if i in at else None for i in range(len(tokens))]


def forced_steps(world: World, case: Case, view: View = "masked") -> ForcedSteps:
    """What all models expect of an example's reference, token by token.

    Args:
        world: The models, started on the example.
        case: The example.
        view: What the remote sees.

    Raises:
        ModeError: The remote's weights aren't here.
        VocabularyMismatchError: The two models don't have the same tokens.
        ContextLengthError: It doesn't fit a window.
    """
    if world.large is None:
        raise ModeError("the remote's weights aren't here.", hint="Name a model, not an address.")
    local, large = LocalNextTokenModel(world.local.engine), LocalNextTokenModel(world.large)
    require_same(local.vocabulary, local.name, large.vocabulary, large.name)
    tokens = world.local.engine.tokenize(case.example.reference)
    private = role_pairs(private_messages(case.example.instruction, case.documents))
    own = _rows(local, private, tokens)
    public = role_pairs(public_messages(case.example.instruction))
    kinds: tuple[Beside, ...] = ("bare",) if world.third is None else ("bare", "third")
    beside = {kind: _rows(world.beside(kind), public, tokens) for kind in kinds}
    other = helper_rows(remote_helper(world, case, large, view), tokens)
    opening = openers(local.vocabulary)
    found: list[ForcedStep] = []
    for index, token in enumerate(tokens):
        mine, row = _dense(own[index]), other[index]
        theirs = {kind: _dense(rows[index]) for kind, rows in beside.items()}
        deferred = None if row is None else defer(mine, row, opening)[0]
        found.append(ForcedStep(token, mine, theirs, deferred))
    return ForcedSteps(tuple(found))


def fused_nats(
    forced: ForcedSteps,
    fusion: Fusion,
    *,
    beside: Beside | None = None,
    schedule: Schedule = EveryStep(),
) -> Nats:
    """Negative log-likelihood of a reference under a fusion, nats, and its tokens.

    Args:
        forced: Of the reference.
        fusion: The fusion.
        beside: The model between local and large, if it is for three.
        schedule: At which tokens the remote is asked.
    """
    total = 0.0
    for position, step in enumerate(forced.steps):
        values = step.local.values
        if step.large is not None and schedule.asks(position, step.local):
            between = [] if beside is None else [step.beside[beside]]
            rows: list[Distribution] = [step.local, *between, step.large]
            values = fusion.fuse(rows, position=position).values
        total -= float(values[step.token])
    return total, len(forced.steps)


def chat_nats(engine: LlamaCppEngine, chat: Chat, reference: str) -> Nats:
    """Negative log-likelihood of a reference after a prompt, nats, and its tokens."""
    tokens = engine.tokenize(reference)
    rows = _rows(LocalNextTokenModel(engine), chat, tokens)
    return -sum(_value(row, token) for row, token in zip(rows, tokens, strict=False)), len(tokens)


def _rows(model: NextTokenModel, chat: Chat, tokens: Sequence[int]) -> list[Distribution]:
    prompt = model.prompt_ids(chat_of(chat))
    return model.score([*prompt, *tokens], first=len(prompt))


def _value(row: Distribution, token: int) -> float:
    return float(_dense(row).values[token])


def _dense(row: Distribution) -> Logprobs:
    assert isinstance(row, Logprobs)
    return row


def _divergence(one: Logprobs, other: Distribution) -> float:
    assert isinstance(other, Logprobs)
    mean = np.logaddexp(one.values, other.values) - np.float32(np.log(2))
    return (_excess(one.values, mean) + _excess(other.values, mean)) / 2


def _excess(values: np.ndarray, mean: np.ndarray) -> float:
    """Kullback-Leibler divergence from a mean, nats."""
    possible = values > -np.inf
    terms = np.exp(values[possible]) * (values[possible] - mean[possible])
    return float(terms.sum(dtype=np.float64))


UNMEASURED = (ModeError, VocabularyMismatchError, ContextLengthError)
"""Why a likelihood can't be measured."""
