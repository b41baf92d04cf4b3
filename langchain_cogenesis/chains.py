"""The composed Runnable: an instruction in, the finished text out."""

from __future__ import annotations

from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import Runnable, RunnableLambda, RunnableSequence

from langchain_cogenesis.chat_models import ChatCoGenesis
from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.session import UserSession
from langchain_cogenesis.tracing import UntracedRuns


class CoGenesisChain(UntracedRuns, RunnableSequence[Any, Any]):
    """A sequence whose runs no hosted tracer sees."""


def create_cogenesis_chain(
    session: UserSession,
    *,
    local: BaseChatModel | None = None,
    remote: BaseChatModel | None = None,
    **settings: Any,
) -> Runnable[str | dict[str, Any], str]:
    """Composes instruction, collaborating model and text.

    The chain takes the instruction as a string or as `{"instruction": …}`, streams, and switches
    its mode by `config={"configurable": {"cogenesis_mode": "local"}}`.

    Args:
        session: The user's store and gate.
        local: The local model; by default the small house model.
        remote: The remote model, from `create_remote(…, gate=session.gate)`.
        **settings: Further fields of `ChatCoGenesis`: `mode`, `on_remote_error`, `k`.

    Raises:
        ConfigurationError: The remote's gate is not the session's.
    """
    if local is None:
        from langchain_cogenesis.models.chat_llamacpp import ChatLocalLlama

        local = ChatLocalLlama()
    model = ChatCoGenesis(local=local, remote=remote, session=session, **settings)
    return CoGenesisChain(
        first=RunnableLambda(_instruction), middle=[model], last=StrOutputParser()
    )


def _instruction(given: str | dict[str, Any]) -> str:
    text = given.get("instruction") if isinstance(given, dict) else given
    if not isinstance(text, str):
        raise ConfigurationError(
            f"the chain was given a {type(given).__name__} without an instruction.",
            hint='Pass a string, or {"instruction": "…"}.',
        )
    return text
