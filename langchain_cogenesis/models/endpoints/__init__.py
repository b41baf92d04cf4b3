"""Next-token models behind HTTP: one adapter for each kind of server."""

from __future__ import annotations

from collections.abc import Mapping

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.models.endpoints.base import RemoteNextTokenModel
from langchain_cogenesis.models.endpoints.client import EndpointClient
from langchain_cogenesis.models.endpoints.completions import (
    CompletionsModel,
    Render,
    template_renderer,
)
from langchain_cogenesis.models.endpoints.llama_server import LlamaServerModel
from langchain_cogenesis.models.endpoints.own import OwnEndpointModel
from langchain_cogenesis.models.endpoints.probe import TOP_K, find_kind, probe
from langchain_cogenesis.models.endpoints.rows import Speller
from langchain_cogenesis.models.endpoints.texts import OPTION_NAMES
from langchain_cogenesis.models.endpoints.vllm import VllmModel
from langchain_cogenesis.models.plain_http import warn_of_plain_http
from langchain_cogenesis.models.vocabulary import Vocabulary
from langchain_cogenesis.privacy.gate import EgressGate

__all__ = ["KINDS", "OPTION_NAMES", "RemoteNextTokenModel", "connect"]

KINDS: Mapping[str, type[RemoteNextTokenModel]] = {
    adapter.kind: adapter
    for adapter in (OwnEndpointModel, LlamaServerModel, VllmModel, CompletionsModel)
}
"""The adapters, by kind of server."""


def connect(
    base_url: str,
    model: str,
    *,
    gate: EgressGate,
    local_vocabulary: Vocabulary,
    api_key: str | None = None,
    kind: str | None = None,
    top_k: int | None = None,
    timeout: float = 60.0,
    max_retries: int = 2,
    n_ctx: int | None = None,
    chat_template: str | None = None,
    render: Render | None = None,
    control_tokens: Mapping[str, int] | None = None,
) -> RemoteNextTokenModel:
    """Connects to a remote model whose next-token log-probabilities can be asked for.

    Asks the server what it is, makes sure that its vocabulary is the local model's, and finds out
    by a prompt of three tokens what it can be asked for. All of that are texts of ours. Plain HTTP
    across a public network is warned of, once for each endpoint.

    Args:
        base_url: An OpenAI-compatible endpoint, as in `https://host/v1`.
        model: The model's name there.
        gate: The egress gate, which must clear what is sent. Give it `OPTION_NAMES` among its
            `public_texts`, so that a private value that is spelled like one does no harm.
        local_vocabulary: The local model's tokens.
        api_key: The endpoint's key, if it wants one. Never read from the environment.
        kind: `own`, `llama-server`, `vllm` or `completions`; found out by default.
        top_k: Tokens to ask for at each position; by default as many as it gives, up to 200.
        timeout: Seconds without a byte after which the endpoint counts as hanging.
        max_retries: How often a request is sent again after a broken connection, a status of 500
            or above, or 429.
        n_ctx: Longest sequence, tokens; for servers that don't tell.
        chat_template: The model's template in Jinja, for servers that render no prompts.
        render: In place of a template, renders a chat as text.
        control_tokens: How the model's control tokens are spelled, with their ids; for servers that
            give tokens as text, where their probability counts as unmapped otherwise.

    Returns:
        The connected model; `close()` it.

    Raises:
        ConfigurationError: An argument is wrong.
        ModeError: The endpoint can't continue a prefix with log-probabilities.
        VocabularyMismatchError: The two models don't have the same tokens.
        RemoteError: The endpoint failed.
        UnclearedRequestError: A text of the probe looks private to the gate.
    """
    if kind is not None and kind not in KINDS:
        raise ConfigurationError(
            f"kind={kind!r} is no kind of server.", hint=f"Kinds: {', '.join(KINDS)}."
        )
    if top_k is not None and top_k < 1:
        raise ConfigurationError(f"top_k={top_k} is out of range.", hint="It must be positive.")
    warn_of_plain_http(base_url)
    speller = Speller(local_vocabulary, control_tokens)
    client = EndpointClient(
        base_url,
        model,
        gate=gate,
        detokenize=speller.text,
        api_key=api_key,
        timeout=timeout,
        max_retries=max_retries,
    )
    try:
        found, card = find_kind(client)
        adapter = KINDS[kind or found]
        remote = adapter(client, speller, card, top_k=top_k or TOP_K[0], n_ctx=n_ctx)
        if isinstance(remote, CompletionsModel):
            remote.render = template_renderer(chat_template) if chat_template else render
        remote.prepare()
        probe(remote, top_k)
    except BaseException:
        client.close()
        raise
    return remote
