"""Drafts a reply in the user's voice. The mail itself goes to the local model alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from examples.email_agent.mailboxes import Mail
from langchain_cogenesis import Activity, ChatCoGenesis, PrivateContext, UserSession


@dataclass(frozen=True, slots=True, repr=False)
class Draft:
    """A reply, not yet sent.

    Attributes:
        text: The reply.
        left: What left the device for it: the request, private values masked; or None.
        account: How it was written; see `ChatCoGenesis`.
    """

    text: str
    left: str | None
    account: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Draft(<withheld: {len(self.text)} characters>)"


class Drafter:
    """Writes replies.

    What came in becomes private context of the user first: its sender is then known to the egress
    gate, and masked like everybody else. The remote is asked about one sentence, such as `Reply to
    [NAME_1]'s message`; the mail is a system message, which only the local model reads.

    Args:
        session: The user's.
        model: Writes.
        mode: In which mode.
        max_tokens: Length of a reply, tokens.
    """

    def __init__(
        self, session: UserSession, model: ChatCoGenesis, *, mode: str, max_tokens: int = 200
    ) -> None:
        self._session = session
        self._model = model
        self._mode = mode
        self._max_tokens = max_tokens

    def learn(self, mails: Sequence[Mail]) -> None:
        """Adds mails to the user's private context; one that is known changes nothing."""
        activities = tuple(
            Activity(
                kind="message",
                when=mail.when,
                text=f"{mail.subject}: {mail.text}" if mail.subject else mail.text,
                people=(mail.name,),
            )
            for mail in mails
        )
        self._session.add(PrivateContext(activities=activities))

    def draft(self, mail: Mail, wish: str = "", *, seed: int | None = None) -> Draft:
        """Writes a reply.

        Args:
            mail: What to answer.
            wish: What to say, in the user's words; it is masked before it leaves.
            seed: Makes another draft, by sampling; None takes the likeliest.
        """
        asked = f"Reply to {mail.name}'s message. {wish}".strip()
        received = f"Message from {mail.name}: {mail.subject}\n{mail.text}"
        messages: list[BaseMessage] = [SystemMessage(received), HumanMessage(asked)]
        sampling = {} if seed is None else {"seed": seed, "temperature": 0.8}
        answer = self._model.invoke(
            messages, mode=self._mode, max_tokens=self._max_tokens, **sampling
        )
        left = None if self._mode == "local" else self._model.preview(messages).masked
        return Draft(str(answer.content).strip(), left, answer.response_metadata["cogenesis"])
