"""A chat model of several models whose distributions are fused token by token."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from pydantic import ConfigDict, Field, PrivateAttr

from langchain_cogenesis.account import Account
from langchain_cogenesis.answer_chunks import last_chunk
from langchain_cogenesis.answering import Writers
from langchain_cogenesis.chat_base import CollaboratingChatModel, name_of
from langchain_cogenesis.collaboration import OnRemoteError, Request, check_on_remote_error
from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.fusion.base import Fusion
from langchain_cogenesis.fusion.fixed import LinearFusion
from langchain_cogenesis.fusion.schedule import EveryStep, Schedule
from langchain_cogenesis.logit_answering import LogitWriter
from langchain_cogenesis.logit_settings import Block, Drafter, FusionHelper, LogitSettings
from langchain_cogenesis.models.chat_llamacpp import ChatLocalLlama
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.prompts import PUBLIC_TEMPLATES


class ChatLogitFusion(CollaboratingChatModel):
    """Two or more models that write one text together, each token from all their distributions.

    The local model reads the messages as they are. What each of the others sees is its trust: with
    placeholders for private values, as they are without system messages, or everything. Where a
    helper sees placeholders, private spans are written by the local model alone.

    Example:
        ```python
        large = connect("http://127.0.0.1:8080/v1", "large", gate=gate, local_vocabulary=…)
        model = ChatLogitFusion(local=ChatLocalLlama(), helpers=(FusionHelper(large),), gate=gate)
        ```

    Attributes:
        local: The local model.
        helpers: The others.
        gate: The egress gate, which must be that of the helpers' endpoints; by default one that
            finds private values by their shape.
        fusion: For as many models as there are, the local one first; by default their mean.
        schedule: Which steps ask the helpers.
        block: Tokens of a block with a single helper: a number, `auto`, or None.
        draft: Who drafts blocks, `remote` or `local`; see `LogitSettings`.
        on_remote_error: Whether a helper that fails is an error, or the local model goes on alone.
        temperature: Of every call; `seed`, `max_tokens` and `stop` likewise. `None` leaves them to
            the local model's own settings.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, hide_input_in_errors=True)

    local: ChatLocalLlama = Field(exclude=True, repr=False)
    helpers: tuple[FusionHelper, ...] = Field(exclude=True, repr=False)
    gate: EgressGate | None = Field(default=None, exclude=True, repr=False)
    fusion: Any = Field(default=None, exclude=True)
    schedule: Any = Field(default_factory=EveryStep, exclude=True)
    block: Any = "auto"
    draft: Drafter = "remote"
    on_remote_error: OnRemoteError = "raise"

    _writer: LogitWriter = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Checks that the models fit together.

        Raises:
            ConfigurationError: There is no helper, or an endpoint has another gate.
            ModeError: An endpoint that isn't trusted would see what is private.
        """
        super().model_post_init(context)
        if not self.helpers:
            raise ConfigurationError(
                "there is nothing to fuse with.", hint="Give at least one FusionHelper."
            )
        gates = {id(g): g for h in self.helpers if (g := getattr(h.model, "gate", None))}
        own = self.gate or next(iter(gates.values()), None)
        if any(gate is not own for gate in gates.values()):
            raise ConfigurationError(
                "the helpers' endpoints have other egress gates.",
                hint="Pass one and the same gate to connect() and to ChatLogitFusion.",
            )
        gate = own or EgressGate(public_texts=PUBLIC_TEMPLATES)
        writers = Writers(self.local, None, gate, None, None, 0)
        self._writer = LogitWriter(writers, self.helpers, self._settings())

    def _settings(self) -> LogitSettings:
        fusion: Fusion = self.fusion or LinearFusion((1.0,) * (1 + len(self.helpers)))
        schedule: Schedule = self.schedule
        block: Block = self.block
        return LogitSettings(fusion, schedule, block, self.draft)

    @property
    def _llm_type(self) -> str:
        return "cogenesis-logit-fusion"

    def _model_names(self) -> str:
        return "+".join([name_of(self.local), *(helper.model.name for helper in self.helpers)])

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {
            **self._defaults(),
            "local": self.local._identifying_params,
            "helpers": [
                [h.model.name, str(getattr(h.model, "endpoint", "")), h.trust] for h in self.helpers
            ],
            "settings": repr(self._settings()),
        }

    def _answer(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        *,
        whole: bool,
        on_remote_error: str | None = None,
        attribution: bool = False,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        if kwargs.get("model"):
            raise ConfigurationError(
                "a call can't choose another model: all must have one vocabulary.",
                hint="Make another ChatLogitFusion.",
            )
        choice = check_on_remote_error(on_remote_error or self.on_remote_error)
        account = Account(requested="logits", mode="logits")
        yield from self._writer.chunks(
            Request(messages),
            account,
            self._stops(stop),
            self._with_defaults(kwargs),
            on_remote_error=choice,
            attribution=attribution,
        )
        yield last_chunk(account, self.local)
