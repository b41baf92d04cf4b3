"""A language model as a judge of texts (Zhang et al. 2024, section 4.2).

What it reads is egress: profile, request and text go through the user's gate, which masks them for
any endpoint that isn't trusted. A model in this process reads them as they are.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from langchain_cogenesis.collaboration import message_text
from langchain_cogenesis.evaluation.judge_prompts import (
    PAIR_PROMPT,
    QUESTION_PROMPTS,
    RESPONSE_FORMAT,
    Judgement,
    Preference,
    Question,
    Verdict,
    read_judgement,
    render_case,
)
from langchain_cogenesis.exceptions import ConfigurationError, RemoteResponseError
from langchain_cogenesis.models.chat_llamacpp import ChatLocalLlama
from langchain_cogenesis.models.remote import ChatRemote
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.restore import Conversation

_MAX_TOKENS = 512


class Judge:
    """Asks a chat model for its judgement of texts.

    Args:
        model: Any chat model; one from `create_remote()` is guarded at the wire as well.
        gate: Must know the private values of whoever's texts are judged, and have
            `JUDGE_TEMPLATES` among its `public_texts`. Not needed for a model in this process.
        structured: Whether to ask for JSON where the model can give it.

    Attributes:
        unscored: Judgements that couldn't be read, by question. They count for nothing.

    Raises:
        ConfigurationError: The model isn't in this process and there is no gate, or another one.
    """

    def __init__(
        self, model: BaseChatModel, gate: EgressGate | None = None, *, structured: bool = True
    ) -> None:
        self._model = model
        self._here = isinstance(model, ChatLocalLlama)
        self._gate = gate or getattr(model, "gate", None)
        if self._gate is None and not self._here:
            raise ConfigurationError(
                "the judge would read what is private, and no egress gate stands before it.",
                hint="Pass the user's gate: Judge(model, session.gate).",
            )
        if getattr(model, "gate", self._gate) is not self._gate:
            raise ConfigurationError(
                "the judge's model has another egress gate than the judge.",
                hint="Create it with create_remote(…, gate=gate).",
            )
        self._structured = structured
        self.unscored: Counter[str] = Counter()

    def __repr__(self) -> str:
        return f"Judge({type(self._model).__name__}, unscored={sum(self.unscored.values())})"

    @property
    def endpoint(self) -> str:
        """The judge's address; for a model without one, a name that stands for it."""
        given = getattr(self._model, "endpoint", None)
        return str(given or f"https://{type(self._model).__name__.lower()}.invalid")

    @property
    def masks(self) -> bool:
        """Whether the judge sees placeholders in the place of private values."""
        return not self._here and not (self._gate and self._gate.policy.trusts(self.endpoint))

    def rate(self, question: Question, instruction: str, text: str, profile: str = "") -> Judgement:
        """Asks for a rating from 1 to 10.

        Args:
            question: Which of the three.
            instruction: What the user asked for.
            text: What was written.
            profile: What is known of the user; not shown for `overall without profile`.

        Returns:
            The judgement; its `rating` is None where none could be read.

        Raises:
            EgressDeniedError: The gate refused.
            RemoteError: The endpoint failed.
        """
        shown = None if question == "overall without profile" else profile
        case = render_case(instruction, [text], shown)
        found = self._ask(QUESTION_PROMPTS[question], case)
        if found.rating is None:
            self.unscored[question] += 1
        return found

    def compare(
        self, instruction: str, first: str, second: str, profile: str = ""
    ) -> Preference | None:
        """Asks which of two texts is better, in both orders.

        Args:
            instruction: What the user asked for.
            first: One text.
            second: The other.
            profile: What is known of the user.

        Returns:
            The one that is preferred in both orders, else `tie`; None if an answer couldn't be
            read.

        Raises:
            EgressDeniedError: The gate refused.
            RemoteError: The endpoint failed.
        """
        votes: list[str] = []
        for texts, names in (((first, second), "AB"), ((second, first), "BA")):
            said = self._ask(PAIR_PROMPT, render_case(instruction, texts, profile)).verdict
            if said not in ("A", "B", "C"):
                self.unscored["pair"] += 1
                return None
            votes.append({names[0]: "first", names[1]: "second"}.get(said, "tie"))
        if votes[0] != votes[1] or votes[0] == "tie":
            return "tie"
        return "first" if votes[0] == "first" else "second"

    def _ask(self, system: str, case: str) -> Judgement:
        conversation = Conversation()
        if not self._here and self._gate is not None:
            case = self._gate.require(case, endpoint=self.endpoint, conversation=conversation).text
        reply = self._reply([SystemMessage(system), HumanMessage(case)])
        found = read_judgement(reply)
        return Judgement(found.verdict, conversation.restore(found.explanation))

    def _reply(self, messages: list[BaseMessage]) -> str:
        from langsmith import tracing_context

        # No tracer may carry off what the judge reads.
        config: dict[str, Any] = {"callbacks": []}
        with tracing_context(enabled=False):
            asked = self._structured_model() if self._structured else None
            if asked is not None:
                try:
                    return _reply_text(asked.invoke(messages, config))
                except RemoteResponseError:
                    # The endpoint doesn't know this way of asking: it isn't tried again.
                    self._structured = False
            return message_text(self._model.invoke(messages, config, **self._limits()))  # type: ignore[arg-type]

    def _structured_model(self) -> Any:
        """The model that answers in JSON; None if it can't."""
        if isinstance(self._model, ChatRemote):
            return self._model.bind(response_format=RESPONSE_FORMAT, **self._limits())
        try:
            return self._model.with_structured_output(Verdict, include_raw=True)
        except (NotImplementedError, ValueError, TypeError):
            self._structured = False
            return None

    def _limits(self) -> dict[str, Any]:
        ours = isinstance(self._model, ChatRemote | ChatLocalLlama)
        return {"max_tokens": _MAX_TOKENS, "temperature": 0.0} if ours else {}


def _reply_text(reply: Any) -> str:
    """The text of a structured reply: its parsed verdict as JSON, else what the model wrote."""
    if isinstance(reply, AIMessage):
        return message_text(reply)
    parsed, raw = reply.get("parsed"), reply.get("raw")
    if isinstance(parsed, Verdict):
        return parsed.model_dump_json()
    return message_text(raw) if isinstance(raw, AIMessage) else ""
