"""Logit mode: an answer whose every token is drawn from two distributions, one on either side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk

from langchain_cogenesis.answering import Writers
from langchain_cogenesis.collaboration import Account, OnRemoteError, Request
from langchain_cogenesis.exceptions import ConfigurationError, ModeError, RemoteError
from langchain_cogenesis.fusion.base import Fusion
from langchain_cogenesis.fusion.decoding import OnFault, decode, raise_fault
from langchain_cogenesis.fusion.drafting import BlockLength, BlockReport, decode_blocks
from langchain_cogenesis.fusion.fixed import LinearFusion
from langchain_cogenesis.fusion.prefix import MaskedPrefix, RawPrefix
from langchain_cogenesis.fusion.schedule import EveryStep, Schedule
from langchain_cogenesis.fusion.steps import Admit, Helper, Mixer, Step
from langchain_cogenesis.models.base import NextTokenModel
from langchain_cogenesis.models.chat_llamacpp import ChatLocalLlama
from langchain_cogenesis.models.local_answer import CallOptions, to_chat
from langchain_cogenesis.models.local_next import LocalNextTokenModel
from langchain_cogenesis.models.text_stream import TextStream
from langchain_cogenesis.models.vocabulary import Vocabulary
from langchain_cogenesis.privacy.gate import ClearedText, EgressGate
from langchain_cogenesis.privacy.prefix import PrefixMask
from langchain_cogenesis.privacy.restore import Conversation
from langchain_cogenesis.privacy.transport import metered
from langchain_cogenesis.prompts import public_messages

PrefixPolicy = Literal["masked", "raw"]
Block = int | Literal["auto"] | None


@dataclass(frozen=True, slots=True)
class LogitSettings:
    """How logit mode fuses.

    Attributes:
        fusion: Makes one distribution of the local and the remote one. By default linear, 0.6 of it
            local: what the local model is sure of, as the user's own greeting, then stays.
        schedule: Which steps ask the remote.
        block: Tokens that the remote drafts in one request: a number, `auto` by acceptance and
            round-trip time, or None for one request per token. The text is the same.
        prefix: What the remote sees of the text written so far: `masked`, or `raw` if its endpoint
            is trusted.
    """

    fusion: Fusion = field(default_factory=lambda: LinearFusion((0.6, 0.4)))
    schedule: Schedule = field(default_factory=EveryStep)
    block: Block = "auto"
    prefix: PrefixPolicy = "masked"


class LogitWriter:
    """Writes answers in logit mode.

    Args:
        writers: The local model, the gate, and the user's context.
        remote: Gives next-token log-probabilities.
        settings: How to fuse.

    Raises:
        ModeError: The local model isn't driven by llama.cpp, or `raw` is asked for an endpoint that
            isn't trusted.
        VocabularyMismatchError: The two models don't have the same tokens.
    """

    def __init__(self, writers: Writers, remote: NextTokenModel, settings: LogitSettings) -> None:
        self._writers = writers
        self._remote = remote
        self._settings = settings
        self._chat = require_local(writers.local)
        self._local = LocalNextTokenModel(self._chat.engine)
        trusted = writers.gate.policy.trusts(self._endpoint)
        if settings.prefix == "raw" and not trusted:
            raise ModeError(
                "prefix='raw' would send what was written, private values and all, to an endpoint "
                "that isn't trusted.",
                hint="Use prefix='masked', or declare it with EgressPolicy(trusted=…).",
            )

    @property
    def _endpoint(self) -> str:
        return str(getattr(self._remote, "endpoint", None) or self._writers.endpoint)

    def chunks(
        self,
        request: Request,
        account: Account,
        stop: list[str] | None,
        options: dict[str, Any],
        *,
        on_remote_error: OnRemoteError = "raise",
        attribution: bool = False,
    ) -> Iterator[ChatGenerationChunk]:
        """Yields the answer as text is ready.

        Args:
            request: What was asked.
            account: Noted in: requests, steps by reason, warnings.
            stop: Strings before which the answer ends.
            options: Sampling options of the call.
            on_remote_error: What to do when the remote fails in the middle.
            attribution: Whether the account keeps every step.

        Raises:
            RemoteError: The remote failed, with `raise`.
            EgressDeniedError: The gate refused the instruction.
            ContextLengthError: A prompt leaves no room for an answer.
        """
        call = self._chat._options(stop, options)
        steps = self._steps(request, account, call, options, on_remote_error)
        text, reasons, count = TextStream(call.stop), Counter[str](), 0
        while (step := self._next(steps, account)) is not None:
            count += 1
            reasons[step.why_not or "asked"] += 1
            if attribution:
                account.steps.append(describe_step(step))
            if piece := text.push(step.text):
                yield _chunk(piece)
            if text.stopped:
                break
        steps.close()  # type: ignore[attr-defined]
        if rest := text.finish():
            yield _chunk(rest)
        account.reasons = dict(reasons)
        limit = min(call.max_tokens, self._room)
        account.finish_reason = "length" if count >= limit and not text.stopped else "stop"
        account.add_local(_usage(self._taken, count))

    def _next(self, steps: Iterator[Step], account: Account) -> Step | None:
        # Metered step by step: a context variable must not stay set between two of ours.
        with metered(account.meter):
            return next(steps, None)

    def _steps(
        self,
        request: Request,
        account: Account,
        call: CallOptions,
        options: dict[str, Any],
        on_remote_error: OnRemoteError,
    ) -> Iterator[Step]:
        documents = self._writers.retrieve(request, account, options)
        private = to_chat(list(request.prompts(documents).private))
        with metered(account.meter):
            helper = self._helper(request, account)
        mixer = Mixer(
            self._local,
            self._local.prompt_ids(private),
            [helper],
            fusion=self._settings.fusion,
            sampling=call.sampling,
            schedule=self._settings.schedule,
        )
        self._taken, self._room = len(mixer.prompt), mixer.room(None)
        limit = min(call.max_tokens, self._room)
        on_fault = _noting(account) if on_remote_error == "local" else raise_fault
        return run_steps(mixer, limit, self._settings.block, on_fault, account.blocks)

    def _helper(self, request: Request, account: Account) -> Helper:
        gate, conversation = self._writers.gate, request.conversation
        pair = request.prompts()
        cleared = gate.require(pair.instruction, endpoint=self._endpoint, conversation=conversation)
        account.masked = dict(cleared.masked)
        messages: Sequence[BaseMessage] = public_messages(cleared.text)
        prompt = self._remote.prompt_ids(to_chat(list(messages)))
        if self._settings.prefix == "raw":
            return Helper(self._remote, prompt, RawPrefix())
        mask = PrefixMask(gate.find, conversation.mask, gate.lexicon)
        prefix = MaskedPrefix(self._local.vocabulary, mask)
        admit = admitting(gate, self._endpoint, conversation, self._remote)
        return Helper(self._remote, prompt, prefix, admit)


def run_steps(
    mixer: Mixer, limit: int, block: Block, on_fault: OnFault, report: BlockReport
) -> Iterator[Step]:
    """The loop that a block setting asks for."""
    if block is None or len(mixer.helpers) != 1:
        return decode(mixer, limit, on_fault=on_fault)
    length = BlockLength(None if block == "auto" else block)
    return decode_blocks(mixer, limit, length=length, report=report, on_fault=on_fault)


def admitting(
    gate: EgressGate, endpoint: str, conversation: Conversation, remote: NextTokenModel
) -> Admit:
    """Has the gate look at each sequence before it goes out.

    Args:
        gate: The gate.
        endpoint: The remote's address.
        conversation: Whose placeholders stand in the sequence.
        remote: Says how a sequence reads on the wire.
    """
    read = getattr(remote, "prompt_text", None)

    def admit(ids: Sequence[int]) -> bool:
        # A model in this process sends nothing over a wire: its own reading serves.
        text = read(ids) if read else remote.vocabulary.text(ids).decode("utf-8", "replace")
        found = gate.admit(text, endpoint=endpoint, conversation=conversation)
        return isinstance(found, ClearedText)

    return admit


def require_local(model: Any) -> ChatLocalLlama:
    """Returns a local model whose distributions can be read.

    Raises:
        ModeError: It is some other chat model.
    """
    if not isinstance(model, ChatLocalLlama):
        raise ModeError(
            f"logit mode reads the local model's distributions, and {type(model).__name__} shows "
            "none.",
            hint="Use local=ChatLocalLlama(model=…), or mode='sketch'.",
        )
    return model


def local_vocabulary(model: Any) -> Vocabulary:
    """The tokens of a local model.

    Raises:
        ModeError: It shows none.
    """
    return LocalNextTokenModel(require_local(model).engine).vocabulary


def describe_step(step: Step) -> dict[str, Any]:
    """A step as JSON-able data, for the attribution view. Holds a piece of the answer."""
    return {
        "text": step.text.decode("utf-8", "replace"),
        "logprob": round(step.logprob, 4),
        "logprobs": [None if value is None else round(value, 4) for value in step.logprobs],
        "weights": [round(weight, 4) for weight in step.weights],
        "deferred": round(step.deferred, 4),
        "why_not": step.why_not,
    }


def check_settings(block: object, prefix: object) -> None:
    """Checks options that a user gave.

    Raises:
        ConfigurationError: One is out of range.
    """
    whole = isinstance(block, int) and not isinstance(block, bool) and block > 0
    if not (block is None or block == "auto" or whole):
        raise ConfigurationError(
            f"block={block!r} is no length of a block.",
            hint="Give a number of tokens, 'auto', or None for one request per token.",
        )
    if prefix not in ("masked", "raw"):
        raise ConfigurationError(f"prefix can't be {prefix!r}.", hint="Set 'masked' or 'raw'.")


def _noting(account: Account) -> OnFault:
    def note(error: RemoteError) -> None:
        account.fallback = type(error).__name__
        account.warnings.append(f"The local model went on alone: {error.message}")

    return note


def _chunk(text: str) -> ChatGenerationChunk:
    return ChatGenerationChunk(message=AIMessageChunk(content=text))


def _usage(taken: int, written: int) -> UsageMetadata:
    return UsageMetadata(input_tokens=taken, output_tokens=written, total_tokens=taken + written)
