"""Logit mode: an answer whose every token is drawn from two distributions, one on either side."""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from typing import Any

from langchain_core.messages import AIMessageChunk
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk

from langchain_cogenesis.account import Account
from langchain_cogenesis.answering import Writers
from langchain_cogenesis.collaboration import OnRemoteError, Request
from langchain_cogenesis.exceptions import ModeError, RemoteError
from langchain_cogenesis.fusion.decoding import OnFault, decode, raise_fault
from langchain_cogenesis.fusion.drafting import BlockLength, BlockReport, decode_blocks
from langchain_cogenesis.fusion.local_drafting import decode_local_blocks
from langchain_cogenesis.fusion.prefix import MaskedPrefix, RawPrefix
from langchain_cogenesis.fusion.steps import Admit, Helper, Mixer, Step
from langchain_cogenesis.logit_settings import FusionHelper, LogitSettings, check_trust
from langchain_cogenesis.models.answer_plan import CallOptions
from langchain_cogenesis.models.base import NextTokenModel
from langchain_cogenesis.models.call_format import flatten
from langchain_cogenesis.models.chat_llamacpp import ChatLocalLlama
from langchain_cogenesis.models.local_next import LocalNextTokenModel
from langchain_cogenesis.models.messages import to_chat
from langchain_cogenesis.models.pending_logprobs import PendingLogprobs, logprob_entry
from langchain_cogenesis.models.text_stream import TextStream
from langchain_cogenesis.models.vocabulary import Vocabulary
from langchain_cogenesis.privacy.gate import ClearedText, EgressGate
from langchain_cogenesis.privacy.metering import metered
from langchain_cogenesis.privacy.prefix import PrefixMask
from langchain_cogenesis.privacy.restore import Conversation
from langchain_cogenesis.prompts import public_messages


class LogitWriter:
    """Writes answers in logit mode.

    Args:
        writers: The local model, the gate, and the user's context.
        helpers: The other models.
        settings: How to fuse.

    Raises:
        ModeError: The local model isn't driven by llama.cpp, or an endpoint that isn't trusted
            would see what is private.
        VocabularyMismatchError: Two models don't have the same tokens.
    """

    def __init__(
        self, writers: Writers, helpers: Sequence[FusionHelper], settings: LogitSettings
    ) -> None:
        self._writers = writers
        self._helpers = tuple(helpers)
        self._settings = settings
        self._chat = require_local(writers.local)
        self._local = LocalNextTokenModel(self._chat.engine)
        for helper in self._helpers:
            check_trust(helper, writers.gate)

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
        if call.top_logprobs:
            account.warnings.append("Logit mode reports each token's own log-probability only.")
        mixer = self._mixer(request, account, call, options)
        limit = min(call.max_tokens, mixer.room(None))
        on_fault = _noting(account) if on_remote_error == "local" else raise_fault
        steps = run_steps(mixer, limit, self._settings, on_fault, account.blocks)
        text, reasons, count = TextStream(call.stop), Counter[str](), 0
        pending = PendingLogprobs()
        # A character that is spread over several tokens is shown with the last of them.
        characters = codecs.getincrementaldecoder("utf-8")("replace")
        while (step := self._next(steps, account)) is not None:
            count += 1
            reasons[step.why_not or "asked"] += 1
            if attribution:
                account.steps.append(describe_step(step, characters.decode(step.text)))
            if call.logprobs:
                pending.push(step.text, logprob_entry(step.text, step.logprob))
            if piece := text.push(step.text):
                yield _chunk(piece, pending.shown(text.n_bytes))
            if text.stopped:
                break
        steps.close()
        if account.steps:
            account.steps[-1]["text"] += characters.decode(b"", final=True)
        rest = text.finish()
        entries = pending.shown(text.n_bytes) if text.stopped else pending.rest()
        if rest or entries:
            yield _chunk(rest, entries)
        for helper in mixer.helpers:
            account.note_masked(getattr(helper.prefix, "marks", ()))
        account.reasons = dict(reasons)
        account.finish_reason = "length" if count >= limit and not text.stopped else "stop"
        account.add_local(_usage(len(mixer.prompt), count))

    def _next(self, steps: Generator[Step, None, None], account: Account) -> Step | None:
        # Metered step by step: a context variable must not stay set between two of ours.
        with metered(account.meter):
            return next(steps, None)

    def _mixer(
        self, request: Request, account: Account, call: CallOptions, options: dict[str, Any]
    ) -> Mixer:
        documents = self._writers.retrieve(request, account, options)
        private = flatten(to_chat(list(request.prompts(documents).private)))
        with metered(account.meter):
            helpers = [self._made(helper, request, account, private) for helper in self._helpers]
        return Mixer(
            self._local,
            self._local.prompt_ids(private),
            helpers,
            fusion=self._settings.fusion,
            sampling=call.sampling,
            schedule=self._settings.schedule,
        )

    def _made(
        self,
        helper: FusionHelper,
        request: Request,
        account: Account,
        private: Sequence[dict[str, str]],
    ) -> Helper:
        model, instruction = helper.model, request.typed
        if helper.trust == "context":
            return Helper(model, model.prompt_ids(private), RawPrefix())
        gate, conversation = self._writers.gate, request.conversation
        where = str(getattr(model, "endpoint", None) or self._writers.endpoint)
        raw = helper.trust == "instruction"
        if not (raw and getattr(model, "endpoint", None) is None):
            cleared = gate.require(instruction, endpoint=where, conversation=conversation)
            account.note_masked(conversation.marks)
            instruction = cleared.text
        prompt = model.prompt_ids(to_chat(list(public_messages(instruction))))
        if raw:
            return Helper(model, prompt, RawPrefix())
        mask = PrefixMask(gate.find, conversation.mask, gate.lexicon, gate.grows)
        prefix = MaskedPrefix(self._local.vocabulary, mask)
        return Helper(model, prompt, prefix, admitting(gate, where, conversation, model))


def run_steps(
    mixer: Mixer, limit: int, settings: LogitSettings, on_fault: OnFault, report: BlockReport
) -> Generator[Step, None, None]:
    """The loop that the settings ask for."""
    block = settings.block
    if block is None or len(mixer.helpers) != 1:
        return decode(mixer, limit, on_fault=on_fault)
    length = BlockLength(None if block == "auto" else block)
    loop = decode_local_blocks if settings.draft == "local" else decode_blocks
    return loop(mixer, limit, length=length, report=report, on_fault=on_fault)


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

    admitted: ClearedText | None = None

    def admit(ids: Sequence[int]) -> bool:
        nonlocal admitted
        # A model in this process sends nothing over a wire: its own reading serves.
        text = read(ids) if read else remote.vocabulary.text(ids).decode("utf-8", "replace")
        # A prefix only grows: what was admitted at the last step isn't looked at again.
        known = admitted if admitted is not None and text.startswith(admitted.text) else None
        found = gate.admit(
            text,
            endpoint=endpoint,
            conversation=conversation,
            since=len(known.text) if known else 0,
            before=known.masked if known else None,
        )
        if isinstance(found, ClearedText):
            admitted = found
            return True
        return False

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


def describe_step(step: Step, text: str) -> dict[str, Any]:
    """A step as JSON-able data, for the attribution view. Holds a piece of the answer.

    Args:
        step: The step.
        text: Its text.
    """
    return {
        "text": text,
        "logprob": round(step.logprob, 4),
        "logprobs": [None if value is None else round(value, 4) for value in step.logprobs],
        "weights": [round(weight, 4) for weight in step.weights],
        "deferred": round(step.deferred, 4),
        "why_not": step.why_not,
    }


def _noting(account: Account) -> OnFault:
    def note(error: RemoteError) -> None:
        account.fallback = type(error).__name__
        account.warnings.append(f"The local model went on alone: {error.message}")

    return note


def _chunk(text: str, entries: list[dict[str, Any]]) -> ChatGenerationChunk:
    return ChatGenerationChunk(
        message=AIMessageChunk(content=text),
        generation_info={"logprobs": {"content": entries}} if entries else None,
    )


def _usage(taken: int, written: int) -> UsageMetadata:
    return UsageMetadata(input_tokens=taken, output_tokens=written, total_tokens=taken + written)
