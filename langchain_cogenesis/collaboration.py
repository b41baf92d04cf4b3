"""What one call to a collaborating model asks: modes, and the messages seen from both sides."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, get_args

from langchain_core.documents import Document
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_cogenesis.exceptions import ConfigurationError, ModeError
from langchain_cogenesis.privacy.restore import Conversation
from langchain_cogenesis.prompts import (
    PRIVATE_SYSTEM,
    PromptPair,
    PublicTask,
    public_messages,
    render_context,
    with_outline,
)

Mode = Literal["local", "remote", "sketch", "logits"]
MODES: tuple[Mode, ...] = get_args(Mode)
OnRemoteError = Literal["raise", "local"]


def check_mode(mode: str) -> Mode:
    """Returns a mode's name if there is such a mode.

    Raises:
        ModeError: There is none.
    """
    for known in MODES:
        if mode == known:
            return known
    raise ModeError(f"there is no mode {mode!r}.", hint=f"Modes: {', '.join(MODES)}.")


def check_on_remote_error(choice: str) -> OnRemoteError:
    """Returns what to do on a remote's fault if it is known.

    Raises:
        ConfigurationError: It is not.
    """
    for known in get_args(OnRemoteError):
        if choice == known:
            return choice  # type: ignore[return-value]
    raise ConfigurationError(
        f"on_remote_error can't be {choice!r}.", hint="Set it to 'raise' or 'local'."
    )


class Request:
    """The messages of one call, seen from both sides.

    The private side is the whole history. The public side is what the human typed, and nothing
    else: earlier answers, summaries, system prompts and tool results may hold private context.
    Results of tools that are shared are part of it too; like what was typed, they pass the gate.

    Args:
        messages: The call's messages.
        shared_tools: Names of tools whose results the remote may read, masked.

    Raises:
        ConfigurationError: No message is from a human.
    """

    def __init__(self, messages: Sequence[BaseMessage], shared_tools: Sequence[str] = ()) -> None:
        self._messages = tuple(messages)
        for message in messages:
            if isinstance(message, HumanMessage):
                _check_text_only(message)
        said = [m for m in messages if isinstance(m, HumanMessage) and m.text.strip()]
        if not said:
            raise ConfigurationError(
                "the messages hold no text from a human, so there is nothing to write.",
                hint="Pass an instruction as a string or a HumanMessage.",
            )
        public = _public_texts(messages, frozenset(shared_tools))
        self._typed = "\n\n".join(text for text in public if text.strip())
        self.query = next((m.text for m in reversed(said) if _is_typed(m)), said[-1].text)
        # A history grows from its first message: that tells that calls belong together.
        first = said[0].text
        self.conversation = Conversation(
            hashlib.sha256(first.encode("utf-8", "replace")).hexdigest()
        )

    def __repr__(self) -> str:
        return f"Request(<withheld: {len(self._messages)} messages>)"

    @property
    def messages(self) -> tuple[BaseMessage, ...]:
        """The call's messages; private."""
        return self._messages

    @property
    def typed(self) -> str:
        """What the human typed, which the remote may be asked about once the gate cleared it.

        Raises:
            ModeError: All of it stands in a summary by now.
        """
        if not self._typed:
            raise ModeError(
                "what the human typed stands in a summary by now, and summaries don't leave.",
                hint="Use mode='local' or on_remote_error='local', or summarise later.",
            )
        return self._typed

    def prompts(
        self,
        documents: Iterable[Document] = (),
        sketch: Sequence[str] = (),
        task: PublicTask = "text",
    ) -> PromptPair:
        """Both halves of the prompt.

        Args:
            documents: Retrieved private context; the private half alone holds it.
            sketch: The outline's points, restored; appended to the last human message of the
                private half.
            task: What the public half asks for.
        """
        private = tuple(self._private_messages(documents, sketch))
        return PromptPair(private, public_messages(self._typed, task), task)

    def _private_messages(
        self, documents: Iterable[Document], sketch: Sequence[str]
    ) -> list[BaseMessage]:
        # A prompt that a chain made of parts has our own line already.
        own = [
            m.text.removeprefix(PRIVATE_SYSTEM).lstrip("\n")
            for m in self._messages
            if isinstance(m, SystemMessage)
        ]
        system = "\n".join(
            text for text in (PRIVATE_SYSTEM, *own, render_context(documents)) if text
        )
        rest = [m for m in self._messages if not isinstance(m, SystemMessage)]
        last = max(n for n, m in enumerate(rest) if isinstance(m, HumanMessage))
        rest[last] = HumanMessage(with_outline(rest[last].text, sketch)) if sketch else rest[last]
        return [SystemMessage(system), *rest]


def _public_texts(messages: Sequence[BaseMessage], shared: frozenset[str]) -> Iterator[str]:
    names = {
        call["id"]: call["name"]
        for message in messages
        if isinstance(message, AIMessage)
        for call in message.tool_calls
    }
    for message in messages:
        if _is_typed(message):
            yield message.text
        elif isinstance(message, ToolMessage):
            name = message.name or names.get(message.tool_call_id)
            if name in shared:
                yield f"Result of {name}:\n{message.text}"


def is_typed(messages: Iterable[BaseMessage]) -> bool:
    """Whether a human typed a text in one of these messages."""
    return any(_is_typed(message) for message in messages)


def _is_typed(message: BaseMessage) -> bool:
    # LangChain's middleware puts summaries of a conversation into human messages, and marks them:
    # what they sum up may be private.
    own = isinstance(message, HumanMessage) and "lc_source" not in message.additional_kwargs
    return own and bool(message.text.strip())


def _check_text_only(message: HumanMessage) -> None:
    blocks = message.content if isinstance(message.content, list) else []
    for block in blocks:
        kind = block.get("type", "text") if isinstance(block, dict) else "text"
        if kind != "text":
            raise ConfigurationError(
                f"a message holds a block of type {kind!r}, and only text can be read.",
                hint="Take it out, or put what it shows into words.",
            )


def message_text(message: BaseMessage) -> str:
    """The text of a model's answer, whatever shape its content has."""
    return message.content if isinstance(message.content, str) else str(message.text)
