"""Which kind of server is it, and what can it be asked for? Found out by asking, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from langchain_cogenesis.exceptions import (
    ConfigurationError,
    DistributionError,
    ModeError,
    RemoteResponseError,
    VocabularyMismatchError,
)
from langchain_cogenesis.models.endpoints.base import RemoteNextTokenModel
from langchain_cogenesis.models.endpoints.client import EndpointClient, RequestRefusedError
from langchain_cogenesis.models.endpoints.texts import PROBES
from langchain_cogenesis.models.logprobs import Distribution, TopLogprobs
from langchain_cogenesis.privacy.restore import Conversation

TOP_K = (200, 100, 50, 20, 10, 5, 1)
"""Tokens a row that are asked for, one after the other, until the server agrees."""

_TOKENS = 3
# Kernels for batches differ from those for single steps in the last bits; a row of a neighbouring
# position differs by far more.
_DIFFERENCE = 0.25
_MOST_UNMAPPED = 0.5
_NO_COMPLETIONS = (400, 404, 405, 415, 422, 501)
_CHAT_ONLY_HOSTS = ("api.anthropic.com",)
_OLLAMA_OWNERS = ("library", "ollama")


def find_kind(client: EndpointClient) -> tuple[str, Mapping[str, Any]]:
    """Tells the kind of server by its list of models.

    Args:
        client: Asks.

    Returns:
        `own`, `llama-server`, `vllm` or `completions`, and what the list says of the model.

    Raises:
        ConfigurationError: It doesn't serve a model of this name.
        ModeError: It is a kind that can't continue a prefix.
        RemoteError: The endpoint failed.
    """
    if urlsplit(client.base_url).hostname in _CHAT_ONLY_HOSTS:
        raise no_prefix(client)
    answer = client.get(f"{client.base_url}/models")
    listed = answer.get("data") if isinstance(answer, Mapping) else None
    cards = [card for card in listed or () if isinstance(card, Mapping)]
    named = [card for card in cards if card.get("id") == client.model]
    card: Mapping[str, Any] = next(iter(named or (cards if len(cards) == 1 else ())), {})
    owner, meta = card.get("owned_by"), card.get("meta")
    if owner == "llamacpp":
        return "llama-server", card  # which takes any name
    own = isinstance(meta, Mapping) and "vocab_digest" in meta
    if own or owner == "vllm":
        _check_name(client, card)
        return "own" if own else "vllm", card
    if owner in _OLLAMA_OWNERS:
        # Its /v1 wraps what it is given in the model's template.
        raise no_prefix(client)
    return "completions", card


def _check_name(client: EndpointClient, card: Mapping[str, Any]) -> None:
    if card.get("id") != client.model:
        raise ConfigurationError(
            f"{client.source} doesn't serve a model {client.model!r}.",
            hint=f"It serves {str(card.get('id'))[:80]!r}; give that name.",
        )


def no_prefix(client: EndpointClient) -> ModeError:
    """The refusal of an endpoint that can't be a next-token model."""
    return ModeError(
        f"{client.source} can't continue a given beginning with log-probabilities, "
        "so mode 'logits' can't be served with it; mode 'sketch' can.",
        hint="Use mode='sketch', or an endpoint with /v1/completions and logprobs: cogenesis "
        "serve, llama-server or vLLM.",
    )


def probe(model: RemoteNextTokenModel, top_k: int | None) -> None:
    """Finds out what a model can be asked for, by a prompt of three tokens; sets `capabilities`.

    Args:
        model: The model; its vocabulary has been compared.
        top_k: Tokens a row to ask for at most; by default as many as the server gives, up to 200.

    Raises:
        ModeError: It gives no log-probabilities after a given beginning.
        VocabularyMismatchError: Most of what it expects isn't in the local vocabulary.
        RemoteError: The endpoint failed.
    """
    ids = model.vocabulary.tokenize(model.harmless(PROBES))[:_TOKENS]
    for end in range(1, len(ids) + 1):
        _clear(model, ids[:end])
    model.capabilities = replace(model.capabilities, scores_prompt=False, drafts=False)
    last = _find_top_k(model, ids, top_k)
    steps = [*(model.score(ids[:end], first=end)[0] for end in range(1, len(ids))), last]
    unmapped = max(step.unmapped for step in steps if isinstance(step, TopLogprobs))
    if unmapped > _MOST_UNMAPPED:
        raise VocabularyMismatchError(
            f"{model.client.source} expects tokens that the local model doesn't have, so their "
            "distributions can't be fused.",
            hint="Use two models of one family, or mode='sketch', which works with any remote.",
        )
    model.capabilities = replace(model.capabilities, scores_prompt=True)
    model.capabilities = replace(model.capabilities, scores_prompt=_scores(model, ids, steps))
    model.capabilities = replace(model.capabilities, drafts=True)
    model.capabilities = replace(model.capabilities, drafts=_drafts(model, ids, last))


def _find_top_k(model: RemoteNextTokenModel, ids: list[int], top_k: int | None) -> TopLogprobs:
    """Asks for fewer and fewer tokens a row until the server agrees."""
    limit = min(top_k or TOP_K[0], model.vocabulary.size)
    for asked in dict.fromkeys([limit, *(k for k in TOP_K if k < limit)]):
        model.top_k = asked
        try:
            row = model.score(ids, first=len(ids))[0]
        except RequestRefusedError as error:
            if error.status not in _NO_COMPLETIONS:
                raise
            if error.status in (404, 405, 501):
                break
            continue
        except DistributionError:
            raise
        except RemoteResponseError:
            if model.takes_ids:
                raise
            # An option that a server doesn't know is ignored: an answer without a row.
            break
        assert isinstance(row, TopLogprobs)
        model.capabilities = replace(model.capabilities, top_k=min(asked, len(row.ids)))
        return row
    raise no_prefix(model.client)


def _scores(model: RemoteNextTokenModel, ids: list[int], steps: list[Distribution]) -> bool:
    try:
        rows = model.score(ids, first=1)
    except RemoteResponseError:
        return False
    return all(_alike(row, step) for row, step in zip(rows, steps, strict=True))


def _drafts(model: RemoteNextTokenModel, ids: list[int], last: TopLogprobs) -> bool:
    try:
        draft = model.draft(ids, 2)
    except RemoteResponseError:
        return False
    best = int(last.ids[int(np.argmax(last.logprobs))])
    begins = draft.ids[:1] in ((best,), ()) if best in model.eog_ids else draft.ids[:1] == (best,)
    return begins and len(draft.rows) >= len(draft.ids) and _alike(draft.rows[0], last)


def _alike(row: Distribution, other: Distribution) -> bool:
    if not isinstance(row, TopLogprobs) or not isinstance(other, TopLogprobs):
        return False
    values = dict(zip(row.ids.tolist(), row.logprobs.tolist(), strict=True))
    best = np.argsort(-other.logprobs)[:3]
    found = [(values.get(int(other.ids[at])), float(other.logprobs[at])) for at in best]
    # Where probabilities are close, a server may cut the list off before either.
    told = [abs(value - expected) for value, expected in found if value is not None]
    return len(told) >= min(2, len(found), len(values)) and max(told) < _DIFFERENCE


def _clear(model: RemoteNextTokenModel, ids: list[int]) -> None:
    text = model.prompt_text(ids)
    model.gate.clear(text, endpoint=model.endpoint, conversation=Conversation(), may_ask=False)
