"""Teacher-forced likelihood of references under the rows of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from langchain_cogenesis.evaluation.comparison.world import Case, World
from langchain_cogenesis.exceptions import ContextLengthError, ModeError, VocabularyMismatchError
from langchain_cogenesis.fusion.base import Fusion
from langchain_cogenesis.fusion.prefix import MaskedPrefix
from langchain_cogenesis.fusion.steps import Helper, defer, openers
from langchain_cogenesis.logit_answering import admitting
from langchain_cogenesis.models.base import NextTokenModel
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.local_next import LocalNextTokenModel
from langchain_cogenesis.models.logprobs import Distribution, Logprobs
from langchain_cogenesis.models.vocabulary import require_same
from langchain_cogenesis.privacy.prefix import PrefixMask
from langchain_cogenesis.privacy.restore import Conversation
from langchain_cogenesis.prompts import private_messages, public_messages, role_pairs

Chat = Sequence[tuple[str, str]]
Nats = tuple[float, int]


@dataclass(frozen=True, slots=True, repr=False)
class ForcedStep:
    """What each model expected at a token of the reference.

    Attributes:
        token: Its id.
        local: The local model with context.
        bare: The local model without.
        large: The remote model, what it gives to placeholders handed over to the local one; None
            where it may not be asked.
    """

    token: int
    local: Logprobs
    bare: Logprobs
    large: Distribution | None


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
    prompt = model.prompt_ids(_chat(role_pairs(public_messages(cleared.text))))
    vocabulary = LocalNextTokenModel(world.local.engine).vocabulary
    prefix = MaskedPrefix(vocabulary, PrefixMask(gate.find, conversation.mask, gate.lexicon))
    return Helper(model, prompt, prefix, admitting(gate, endpoint, conversation, model))


def helper_rows(helper: Helper, tokens: Sequence[int]) -> list[Distribution | None]:
    """What a helper expects at each token of a text, as it may see the text.

    Args:
        helper: At the beginning of the text; it is moved to its end.
        tokens: The text.

    Returns:
        A row for each token; None where it may not be asked.
    """
    at: dict[int, int] = {}
    for index, token in enumerate(tokens):
        if helper.prefix.why_not is None:
            at[index] = len(helper.prefix.ids)
        helper.prefix.push(token)
    ids = helper.sequence
    if len(ids) >= helper.model.n_ctx:
        raise ContextLengthError(
            f"a reference doesn't fit the window of {helper.model.name}.", hint="Leave it out."
        )
    rows = helper.model.score(ids, first=len(helper.prompt))
    return [rows[at[i]] if i in at else None for i in range(len(tokens))]


def forced_steps(world: World, case: Case) -> list[ForcedStep]:
    """What all models expect of an example's reference, token by token.

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
    bare = _rows(world.bare, role_pairs(public_messages(case.example.instruction)), tokens)
    other = helper_rows(masked_helper(world, case, large), tokens)
    opening = openers(local.vocabulary)
    found: list[ForcedStep] = []
    for index, token in enumerate(tokens):
        mine, theirs, row = own[index], bare[index], other[index]
        assert isinstance(mine, Logprobs)
        assert isinstance(theirs, Logprobs)
        deferred = None if row is None else defer(mine, row, opening)[0]
        found.append(ForcedStep(token, mine, theirs, deferred))
    return found


def fused_nats(steps: Sequence[ForcedStep], fusion: Fusion, *, three: bool = False) -> Nats:
    """Negative log-likelihood of a reference under a fusion, nats, and its tokens.

    Args:
        steps: Of the reference.
        fusion: The fusion.
        three: Whether it is for three models: local, local without context, large.
    """
    total = 0.0
    for position, step in enumerate(steps):
        values = step.local.values
        if step.large is not None:
            rows: list[Distribution] = [step.local, *([step.bare] if three else []), step.large]
            values = fusion.fuse(rows, position=position).values
        total -= float(values[step.token])
    return total, len(steps)


def chat_nats(engine: LlamaCppEngine, chat: Chat, reference: str) -> Nats:
    """Negative log-likelihood of a reference after a prompt, nats, and its tokens."""
    tokens = engine.tokenize(reference)
    rows = _rows(LocalNextTokenModel(engine), chat, tokens)
    return -sum(_value(row, token) for row, token in zip(rows, tokens, strict=False)), len(tokens)


def _rows(model: NextTokenModel, chat: Chat, tokens: Sequence[int]) -> list[Distribution]:
    prompt = model.prompt_ids(_chat(chat))
    return model.score([*prompt, *tokens], first=len(prompt))


def _value(row: Distribution, token: int) -> float:
    assert isinstance(row, Logprobs)
    return float(row.values[token])


def _chat(messages: Chat) -> list[dict[str, str]]:
    return [{"role": role, "content": text} for role, text in messages]


UNMEASURED = (ModeError, VocabularyMismatchError, ContextLengthError)
"""Why a likelihood can't be measured."""
