"""The modes of collaboration, and the way down from one that can't be served."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk

from langchain_cogenesis.account import Account
from langchain_cogenesis.answer_chunks import last_chunk, sketch_chunk
from langchain_cogenesis.answering import Writers
from langchain_cogenesis.collaboration import Mode, OnRemoteError, Request
from langchain_cogenesis.exceptions import (
    CoGenesisError,
    EgressDeniedError,
    ModeError,
    RemoteError,
    RemoteUnavailableError,
    VocabularyMismatchError,
)
from langchain_cogenesis.logit_answering import LogitWriter
from langchain_cogenesis.logit_settings import FusionHelper, LogitSettings, Trust
from langchain_cogenesis.models.base import NextTokenModel
from langchain_cogenesis.privacy.metering import metered

_ANSWERABLE = (RemoteError, EgressDeniedError, ModeError, VocabularyMismatchError)
"""Faults that a lower mode can answer for."""

_FREE_TEXT: tuple[Mode, ...] = ("remote", "logits")
"""Modes in which the remote writes too; no grammar keeps it to a schema."""


@dataclass(frozen=True, slots=True)
class CallSettings:
    """What a call says besides its messages.

    Attributes:
        stop: Strings before which the answer ends.
        options: Sampling options, and the shape of the answer.
        tools: The tools that the local model can call, and whether it has to; empty for none.
        on_remote_error: Whether a fault of the remote is raised or answered for.
        whole: Show nothing before everything is there, so that a remote that breaks off can still
            be answered for.
        attribution: Whether the account keeps every step of logit mode.
    """

    stop: list[str] | None
    options: dict[str, Any]
    on_remote_error: OnRemoteError = "raise"
    whole: bool = False
    attribution: bool = False
    tools: dict[str, Any] = field(default_factory=dict)

    @property
    def shaped(self) -> bool:
        """Whether the answer has to be JSON."""
        return self.options.get("response_format") not in (None, {"type": "text"})


@dataclass(frozen=True, slots=True, repr=False)
class Modes:
    """All modes over one pair of models.

    Attributes:
        writers: The pair, and the gate between them.
        logits: How logit mode fuses.
        distributions: Gives the remote's distributions, or raises `ModeError`.
    """

    writers: Writers
    logits: LogitSettings
    distributions: Callable[[], NextTokenModel]

    def answer(
        self, request: Request, account: Account, call: CallSettings
    ) -> Iterator[ChatGenerationChunk]:
        """Yields the answer; the last chunk carries usage and the account.

        Tools are called by the local model, in every mode: where it calls one, that is the answer.
        Where the remote would write too, it answers alone if the answer has to keep to a schema.

        With `on_remote_error="local"` a mode that can't be served is answered for by the next one
        down, `logits` by `sketch` and that by `local`, unless text was shown already.

        Raises:
            RemoteError: The endpoint failed.
            EgressDeniedError: The gate refused the instruction.
            ModeError: The mode can't be served with what is configured.
            VocabularyMismatchError: Logit mode was asked for and the models' tokens differ.
        """
        if account.mode in _FREE_TEXT and call.shaped:
            account.answer_here()
        if call.tools and (yield from self._called(request, account, call)):
            account.mode = "local"
            yield last_chunk(account, self.writers.local)
            return
        while True:
            shown = False
            try:
                for chunk in self._in_mode(account.mode, request, account, call):
                    shown = True
                    yield chunk
                break
            except _ANSWERABLE as error:
                if shown or call.on_remote_error != "local" or account.mode == "local":
                    raise
                account.fall_back(error, _next_down(account.mode, error))
        yield last_chunk(account, self._author(account))

    def _called(
        self, request: Request, account: Account, call: CallSettings
    ) -> Generator[ChatGenerationChunk, None, bool]:
        """Has the local model call a tool, or not; in local mode its text is the answer too.

        Returns:
            Whether what was yielded is the answer.
        """
        self.writers.load_local()
        options, called = {**call.options, **call.tools}, False
        chunks = self.writers.local_chunks(request, account, call.stop, options)
        for chunk in chunks:
            message = chunk.message
            called = called or bool(getattr(message, "tool_call_chunks", None))
            if not called and account.mode != "local":
                if not chunk.text:
                    continue
                # It began to write, so it calls none: who writes is a matter of the mode.
                chunks.close()
                account.add_local(self.writers.spent(request, account, options))
                return False
            yield chunk
        return called or account.mode == "local"

    def _in_mode(
        self, mode: Mode, request: Request, account: Account, call: CallSettings
    ) -> Iterator[ChatGenerationChunk]:
        if mode == "remote":
            pieces = self.writers.remote_pieces(request, account, call.stop, call.options)
            for piece in list(pieces) if call.whole else pieces:
                yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
            return
        self.writers.load_local()
        if mode == "logits":
            yield from self._fused(request, account, call)
            return
        if mode == "sketch":
            self.writers.ask_sketch(request, account)
            yield sketch_chunk(account)
        yield from self.writers.local_chunks(request, account, call.stop, call.options)

    def _fused(
        self, request: Request, account: Account, call: CallSettings
    ) -> Iterator[ChatGenerationChunk]:
        trust: Trust = "instruction" if self.logits.prefix == "raw" else "masked"
        # The first answer is the one for which the endpoint is asked what it can do.
        with metered(account.probe):
            helper = FusionHelper(self.distributions(), trust)
        yield from LogitWriter(self.writers, [helper], self.logits).chunks(
            request,
            account,
            call.stop,
            call.options,
            on_remote_error=call.on_remote_error,
            attribution=call.attribution,
        )

    def _author(self, account: Account) -> BaseChatModel | None:
        return self.writers.remote if account.mode == "remote" else self.writers.local


def _next_down(mode: Mode, error: CoGenesisError) -> Mode:
    """The mode that answers for one that failed."""
    # What is down, or was refused the instruction, won't give an outline either.
    hopeless = isinstance(error, RemoteUnavailableError | EgressDeniedError)
    return "sketch" if mode == "logits" and not hopeless else "local"
