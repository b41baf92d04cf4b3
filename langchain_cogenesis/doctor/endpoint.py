"""Whether an endpoint can serve as the remote. Asked with texts of the package's own only."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from langchain_cogenesis.doctor.finding import Finding, host, is_loopback
from langchain_cogenesis.exceptions import (
    CoGenesisError,
    ModeError,
    VocabularyMismatchError,
)

_CHECK = "endpoint"


def check_endpoint(
    base_url: str,
    *,
    local: str,
    model: str | None = None,
    api_key: str | None = None,
    timeout: float = 20.0,
) -> Iterator[Finding]:
    """Asks an endpoint for its models, and for log-probabilities after a beginning of three tokens.

    Nothing private is sent: there is no private context here at all.

    Args:
        base_url: An OpenAI-compatible endpoint.
        local: The local model, whose vocabulary logit mode needs at the endpoint too.
        model: The model's name there; None takes the first that is listed.
        api_key: The endpoint's key.
        timeout: Seconds after which a silent endpoint counts as hanging.
    """
    from langchain_cogenesis.models.remote import create_remote

    try:
        asking = create_remote(
            base_url, model or "", api_key=api_key, timeout=timeout, max_retries=0
        )
        try:
            names = asking.list_models()
        finally:
            asking.close()
    except CoGenesisError as error:
        yield Finding(_CHECK, "fail", error.message, error.hint or "")
        return
    if urlsplit(base_url).scheme != "https" and not is_loopback(base_url):
        yield Finding(
            "encryption", "warn", f"{host(base_url)} is asked over plain HTTP", "Use https."
        )
    name = model or (names[0] if names else None)
    if name is None:
        yield Finding(_CHECK, "fail", "it lists no model", "Name one with --remote-model.")
        return
    if names and name not in names:
        yield Finding(_CHECK, "warn", f"{host(base_url)} does not list {name}", "Check the name.")
    else:
        yield Finding(_CHECK, "ok", f"{host(base_url)} serves {name[:80]}: sketch and remote mode")
    yield _logprobs(base_url, name, local, api_key, timeout)


def _logprobs(base_url: str, name: str, local: str, api_key: str | None, timeout: float) -> Finding:
    from langchain_cogenesis.models.endpoints import OPTION_NAMES, connect
    from langchain_cogenesis.models.llamacpp import LlamaCppEngine
    from langchain_cogenesis.models.local_next import LocalNextTokenModel
    from langchain_cogenesis.privacy.gate import EgressGate
    from langchain_cogenesis.prompts import PUBLIC_TEMPLATES

    check = "log-probabilities"
    engine = LlamaCppEngine(local, n_ctx=64)
    try:
        remote = connect(
            base_url,
            name,
            gate=EgressGate(public_texts=(*PUBLIC_TEMPLATES, *OPTION_NAMES)),
            local_vocabulary=LocalNextTokenModel(engine).vocabulary,
            api_key=api_key,
            timeout=timeout,
            max_retries=0,
        )
    except (ModeError, VocabularyMismatchError) as error:
        return Finding(check, "warn", error.message, "Use sketch mode with this endpoint.")
    except CoGenesisError as error:
        return Finding(check, "warn", error.message, error.hint or "")
    finally:
        engine.close()
    told = f"{remote.kind}, top {remote.capabilities.top_k}: logit mode"
    remote.close()
    return Finding(check, "ok", told)
