"""How a request is answered by a local and a remote model, each on its side of the gate."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableConfig

from langchain_cogenesis.account import Account
from langchain_cogenesis.answer_chunks import direct_chunks
from langchain_cogenesis.collaboration import Request, message_text
from langchain_cogenesis.exceptions import ModeError, RemoteResponseError, RemoteUnavailableError
from langchain_cogenesis.models.any_remote import note_messages, remote_faults
from langchain_cogenesis.models.text_stream import TextStream
from langchain_cogenesis.privacy.gate import ClearedText, EgressGate
from langchain_cogenesis.privacy.metering import metered
from langchain_cogenesis.privacy.restore import StreamRestorer
from langchain_cogenesis.prompts import public_messages
from langchain_cogenesis.session import UserSession
from langchain_cogenesis.sketch import Sketch, SketchNode
from langchain_cogenesis.tracing import unheard, untraced

_BUDGET_MARGIN = 16
_LONGEST_ANSWER = 200_000
_REMOTE_OPTIONS = ("temperature", "top_p", "seed", "max_tokens")


@dataclass(frozen=True, slots=True, repr=False)
class Writers:
    """The two models, the gate between them, and the private context of the local one.

    Attributes:
        local: Reads private context; None where only context is retrieved.
        remote: Gets what the gate cleared, and nothing else; or None.
        gate: The egress gate.
        session: The user's, or None.
        retriever: Private context; by default that of the session.
        k: At most so many items of context.
    """

    local: BaseChatModel | None
    remote: BaseChatModel | None
    gate: EgressGate
    session: UserSession | None
    retriever: BaseRetriever | None
    k: int

    def __repr__(self) -> str:
        return "Writers(<withheld>)"

    @property
    def endpoint(self) -> str:
        """The remote's address; for a model without one, a name that stands for it."""
        return endpoint_of(self.remote)

    def load_local(self) -> None:
        """Loads the local model, so that one that can't be loaded costs no request.

        Raises:
            ModelError: It can't be loaded.
        """
        engine = getattr(self.local, "engine", None)
        if engine is not None:
            engine.load()

    def ask_sketch(self, request: Request, account: Account) -> None:
        """Asks the remote for an outline and notes its points, restored, in the account.

        Raises:
            RemoteError: The endpoint failed, or gave no outline.
            EgressDeniedError: The gate refused the instruction.
            ModeError: There is no remote.
        """
        cleared = self._clear(request, account)

        def ask() -> Sketch:
            with metered(account.meter):
                return SketchNode(self._remote()).invoke(cleared, _without_callbacks())

        sketch = unheard().run(ask)
        account.add_remote(sketch.usage)
        conversation = request.conversation
        for point in sketch.points:
            account.note_marks(conversation.unknown(point), conversation.bent(point))
        account.sketch = tuple(conversation.restore(point) for point in sketch.points)

    def _clear(self, request: Request, account: Account) -> ClearedText:
        self._remote()
        cleared = self.gate.require(
            request.typed, endpoint=self.endpoint, conversation=request.conversation
        )
        account.note_masked(request.conversation.marks)
        return cleared

    def _remote(self) -> BaseChatModel:
        if self.remote is None:
            raise ModeError(
                "this mode needs a remote model, and none is configured.",
                hint="Pass remote=create_remote(…), or use mode='local'.",
            )
        return self.remote

    def remote_pieces(
        self, request: Request, account: Account, stop: list[str] | None, options: dict[str, Any]
    ) -> Iterator[str]:
        """Yields the remote's answer, restored, as text is ready; stop strings are cut here.

        Stop strings stay on the device: they may hold private values.

        Raises:
            RemoteError: The endpoint failed, before or after some text was yielded.
            EgressDeniedError: The gate refused the instruction.
            ModeError: There is no remote.
        """
        cleared = self._clear(request, account)
        if options.get("logprobs") or options.get("top_logprobs"):
            account.warnings.append(
                "Remote mode reports no log-probabilities: private values are put back in its text."
            )
        restorer, text = StreamRestorer(request.conversation), TextStream(stop or ())
        finished = False
        for chunk in self._remote_chunks(cleared, account, options):
            if reason := chunk.response_metadata.get("finish_reason"):
                account.finish_reason, finished = str(reason), True
            if piece := text.push(restorer.push(message_text(chunk)).encode()):
                yield piece
            if text.stopped:
                account.finish_reason = "stop"
                return
        if not finished and getattr(self.remote, "endpoint", None):
            raise RemoteUnavailableError(
                "the remote's answer broke off before its end.",
                hint="Try again, or set on_remote_error='local'.",
            )
        rest = text.push(restorer.finish().encode()) + text.finish()
        account.note_marks(restorer.unknown, restorer.bent)
        if rest:
            yield rest

    def _remote_chunks(
        self, cleared: ClearedText, account: Account, options: dict[str, Any]
    ) -> Iterator[BaseMessage]:
        known = {name: options[name] for name in _REMOTE_OPTIONS if name in options}
        messages = list(public_messages(cleared.text, "text"))
        remote = self._remote()
        with metered(account.meter):
            note_messages(remote, cleared, messages)
        with remote_faults(remote):
            chunks = iter(remote.stream(messages, _without_callbacks(), **known))
        context, total = unheard(), 0

        def advance() -> AIMessageChunk | None:
            with metered(account.meter), remote_faults(remote):
                return next(chunks, None)

        while (chunk := context.run(advance)) is not None:
            account.add_remote(chunk.usage_metadata)
            total += len(message_text(chunk))
            if total > _LONGEST_ANSWER:
                raise RemoteResponseError("the remote's answer has no end.", hint="Set max_tokens.")
            yield chunk

    def local_chunks(
        self, request: Request, account: Account, stop: list[str] | None, options: dict[str, Any]
    ) -> Generator[ChatGenerationChunk, None, None]:
        """Yields the local model's answer from private context and the account's outline.

        Calls of tools come as LangChain's `tool_call_chunks`.
        """
        documents = self.retrieve(request, account, options)
        messages = list(request.prompts(documents, account.sketch).private)
        account.finish_reason = "stop"
        assert self.local is not None
        for chunk in direct_chunks(self.local, messages, stop, options):
            message = chunk.message
            account.add_local(getattr(message, "usage_metadata", None))
            told = {**message.response_metadata, **(chunk.generation_info or {})}
            reason = told.get("finish_reason")
            account.finish_reason = str(reason or account.finish_reason)
            account.model_name = told.get("model_name") or account.model_name
            text = message_text(message)
            calls = list(getattr(message, "tool_call_chunks", ()))
            if text or calls or (chunk.generation_info or {}).get("logprobs"):
                yield ChatGenerationChunk(
                    message=AIMessageChunk(content=text, tool_call_chunks=calls),
                    generation_info=chunk.generation_info,
                )

    def spent(
        self, request: Request, account: Account, options: dict[str, Any]
    ) -> UsageMetadata | None:
        """What it took the local model to begin an answer that was then not written."""
        count = getattr(self.local, "get_num_tokens_from_messages", None)
        if count is None or getattr(self.local, "engine", None) is None:
            return None
        documents = self.retrieve(request, account, options)
        messages = list(request.prompts(documents, account.sketch).private)
        taken = count(messages, tools=options.get("tools"))
        return UsageMetadata(input_tokens=taken, output_tokens=1, total_tokens=taken + 1)

    def retrieve(
        self, request: Request, account: Account, options: dict[str, Any]
    ) -> list[Document]:
        """Private context for a request, within what the local model's window leaves for it.

        Args:
            request: What was asked.
            account: Notes which items were found.
            options: Of the call; `max_tokens` is kept free.
        """
        documents = self._retrieved(request, account, options)
        account.context_pieces = len(documents)
        account.context_ids = tuple(id_ for document in documents for id_ in _ids(document))
        return documents

    def _retrieved(
        self, request: Request, account: Account, options: dict[str, Any]
    ) -> list[Document]:
        if self.k == 0 or (self.retriever is None and self.session is None):
            return []
        from langsmith import tracing_context

        budget, count = self._token_budget(request, account, options)
        if budget == 0:
            account.warnings.append("The instruction leaves no room for private context.")
            return []
        retriever = self.retriever
        if retriever is None:
            assert self.session is not None
            retriever = self.session.retriever(k=self.k, token_budget=budget, count_tokens=count)
        # Documents are private: no tracer may carry them off.
        with tracing_context(enabled=False):
            return retriever.invoke(request.query, config={"callbacks": []})

    def _token_budget(
        self, request: Request, account: Account, options: dict[str, Any]
    ) -> tuple[int | None, Callable[[str], int] | None]:
        """What the local model's window leaves for context, tokens, and how they are counted."""
        engine = getattr(self.local, "engine", None)
        if engine is None:
            return None, None
        bare = request.prompts((), account.sketch).private
        taken = sum(engine.count_tokens(message.text) + 4 for message in bare)
        shapes = [options[name] for name in ("tools", "response_format") if options.get(name)]
        taken += engine.count_tokens(json.dumps(shapes, ensure_ascii=False)) if shapes else 0
        answer = options.get("max_tokens") or getattr(self.local, "max_tokens", None) or 0
        # A long answer may not crowd the context out: it gets half of the window at most.
        answer = min(int(answer), engine.n_ctx // 2)
        return max(0, engine.n_ctx - taken - answer - _BUDGET_MARGIN), engine.count_tokens


def _without_callbacks() -> RunnableConfig:
    """A config for the remote's call.

    Callbacks around ours would be told of the remote's answer as if it were one of the app's: an
    agent that streams messages would show the outline, placeholders and all, before the letter.
    """
    return {"callbacks": untraced([], private=False)}


def endpoint_of(remote: BaseChatModel | None) -> str:
    """A remote's address; for a model without one, a name that stands for it."""
    given = getattr(remote, "endpoint", None)
    return str(given or f"https://{type(remote).__name__.lower()}.invalid")


def _ids(document: Document) -> list[str]:
    """The ids of the items in a document: the core of a profile is several in one."""
    return list(document.metadata.get("ids") or [str(document.metadata.get("id", ""))])
