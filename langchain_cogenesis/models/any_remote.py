"""Remotes that are chat models of any make, whose HTTP client isn't ours.

`ChatRemote` notes its requests at the wire and raises `RemoteError`s. For any other model, what it
is about to be handed is noted here, and what it raises becomes a `RemoteError`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import NoReturn

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, convert_to_openai_messages

from langchain_cogenesis.exceptions import (
    ConfigurationError,
    PrivacyError,
    RemoteError,
    RemoteUnavailableError,
)
from langchain_cogenesis.privacy.at_message import submit_messages
from langchain_cogenesis.privacy.cleared import ClearedText

_KEPT = (PrivacyError, ConfigurationError, RemoteError)
_AWAY = ("Timeout", "Connect", "Unavailable")


def note_messages(
    remote: BaseChatModel, cleared: ClearedText, messages: Sequence[BaseMessage]
) -> None:
    """Notes what a remote is about to be handed; of a `ChatRemote`, its transport does that.

    Args:
        remote: Who is about to be called.
        cleared: The cleared text in the messages.
        messages: The messages; besides the cleared text they hold constant templates only.

    Raises:
        LedgerError: The ledger can't be written; the remote must not be called.
    """
    recorded = _submitted(remote, cleared, messages)
    if recorded is not None:
        recorded.result()


async def anote_messages(
    remote: BaseChatModel, cleared: ClearedText, messages: Sequence[BaseMessage]
) -> None:
    """Like `note_messages`, while the event loop goes on."""
    recorded = _submitted(remote, cleared, messages)
    if recorded is not None:
        await asyncio.shield(asyncio.wrap_future(recorded))


@contextmanager
def remote_faults(remote: BaseChatModel) -> Iterator[None]:
    """Raises whatever a remote raises inside the block as a fault of the remote.

    Errors of ours that say what may leave, or how it is set up, stay what they are.

    Raises:
        RemoteError: The remote failed. It names the type of what it raised and never its text,
            which may quote what was sent.
    """
    around = sys.exception()
    try:
        yield
    except _KEPT:
        raise
    except Exception as error:  # noqa: BLE001  (whatever a remote raises is its fault)
        _raise_as_fault(error, around, remote)


def _raise_as_fault(
    error: Exception, around: BaseException | None, remote: BaseChatModel
) -> NoReturn:
    # A client may wrap what is raised inside of it: a refusal of ours stays a refusal. What was
    # being handled before the call is none of its causes.
    inner: BaseException | None = error
    while inner is not None and inner is not around:
        if isinstance(inner, _KEPT):
            raise inner
        inner = inner.__cause__ or inner.__context__
    raise _as_fault(error, type(remote).__name__) from None


def _as_fault(error: Exception, name: str) -> RemoteError:
    kind = type(error).__name__
    away = isinstance(error, ConnectionError | TimeoutError) or any(w in kind for w in _AWAY)
    if away:
        return RemoteUnavailableError(
            f"the remote ({name}) can't be reached: it raised {kind}.",
            hint="Check its address and that it runs, or set on_remote_error='local'.",
        )
    return RemoteError(
        f"the remote ({name}) failed with {kind}.",
        hint="Call it by itself with a text of no importance to see more, or set "
        "on_remote_error='local'.",
    )


def _submitted(
    remote: BaseChatModel, cleared: ClearedText, messages: Sequence[BaseMessage]
) -> Future[int] | None:
    from langchain_cogenesis.models.remote import ChatRemote

    if isinstance(remote, ChatRemote):
        return None
    told = convert_to_openai_messages(list(messages))
    return submit_messages(cleared, [{"role": m["role"], "content": m["content"]} for m in told])
