"""The rows of the comparison: who writes, from what, and what leaves for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from langchain_core.messages import AIMessageChunk, HumanMessage, SystemMessage

from langchain_cogenesis.chat_fusion import ChatLogitFusion
from langchain_cogenesis.chat_models import ChatCoGenesis
from langchain_cogenesis.collaboration import Mode, message_text
from langchain_cogenesis.evaluation.baselines import DRAFT, KEEP, draft_and_replace
from langchain_cogenesis.evaluation.comparison.forced import View, remote_helper
from langchain_cogenesis.evaluation.comparison.masks import Mask
from langchain_cogenesis.evaluation.comparison.world import Beside, Case, PairSettings, World
from langchain_cogenesis.exceptions import ModeError
from langchain_cogenesis.fusion.base import Fusion
from langchain_cogenesis.fusion.fixed import LinearFusion, LogLinearFusion, MaxFusion, ProxyFusion
from langchain_cogenesis.fusion.learned import LearnedFusion
from langchain_cogenesis.fusion.schedule import EveryStep, Schedule
from langchain_cogenesis.fusion.steps import Mixer
from langchain_cogenesis.logit_answering import local_vocabulary
from langchain_cogenesis.logit_settings import FusionHelper, LogitSettings
from langchain_cogenesis.models.chat_llamacpp import ChatLocalLlama
from langchain_cogenesis.models.local_next import LocalNextTokenModel
from langchain_cogenesis.models.remote import ChatRemote
from langchain_cogenesis.models.text_stream import TextStream
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.prompts import (
    private_messages,
    public_messages,
    render_context,
    role_pairs,
)

Kind = Literal["bound", "local", "sketch", "logits", "baseline"]


@dataclass(slots=True, repr=False)
class Written:
    """What a row came to, filled while it is streamed.

    Attributes:
        account: As in `response_metadata["cogenesis"]`, where there is one.
        usage: Tokens that the remote read and wrote, where it tells.
        sketch: The outline, restored.
    """

    account: dict[str, Any] = field(default_factory=dict)
    usage: dict[str, int] = field(default_factory=dict)

    @property
    def sketch(self) -> tuple[str, ...]:
        """The outline, restored; empty if there was none."""
        return tuple(self.account.get("sketch", ()))


Write = Callable[[World, Case, Written], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Row:
    """A row.

    Attributes:
        key: Its name on the command line and in files.
        label: Its name in tables.
        kind: What it is.
        write: Streams the text for a case.
        fusion: How logits are fused; for the likelihood of references.
        beside: The model between the two, if the fusion is for three.
        trusts: Whether the remote sees what is private.
        pair: Models in place of those of the comparison; a study's rows may differ in them.
        mask: What the gate before the remote masks.
        view: What the remote sees; for the likelihood of references.
        schedule: Which steps ask the remote; likewise.
        at: Where the row stands on a study's axis, if no measure says so.
    """

    key: str
    label: str
    kind: Kind
    write: Write
    fusion: Fusion | None = None
    beside: Beside | None = None
    trusts: bool = False
    pair: PairSettings | None = None
    mask: Mask = "standard"
    view: View = "masked"
    schedule: Schedule = field(default_factory=EveryStep)
    at: float | None = None


def comparison_rows(settings: PairSettings) -> list[Row]:
    """All rows that can be run with these models, in the order of the table.

    Raises:
        ConfigurationError: The learned fusion can't be read, or is for another vocabulary.
    """
    weight = settings.weight
    pair = (weight, 1 - weight)
    rows = [
        Row("llm-context", "LLM with context", "bound", _llm_with_context, trusts=True),
        Row("llm", "LLM without context", "baseline", _llm_alone, trusts=True),
        local_row(),
        Row("sketch", "+ sketch", "sketch", by_mode("sketch")),
        _logits("logits-linear", f"+ logits, linear {weight:g}", LinearFusion(pair)),
        _logits("logits-log-linear", "+ logits, log-linear", LogLinearFusion(pair)),
        _logits("logits-max", "+ logits, maximum", MaxFusion()),
        _three("logits-proxy", "+ logits, proxy", ProxyFusion(1.0)),
        _three(
            "logits-three",
            "+ logits, three models",
            LinearFusion((weight, 0.1, max(0.0, 0.9 - weight))),
        ),
    ]
    if settings.third is not None:
        share = (1 - weight) / 2
        fusion = LinearFusion((weight, share, share))
        rows.append(_three("logits-third", "+ logits, with a third model", fusion, "third"))
    if settings.fusion_file is not None:
        rows.append(_logits("logits-learned", "+ logits, learned", _learned(settings)))
    rows += [
        Row("redact", "redact and restore", "baseline", by_mode("remote")),
        Row("draft", "remote drafts, masked (P³)", "baseline", _drafted(raw=False)),
        Row("draft-raw", "remote drafts, raw (P³)", "baseline", _drafted(raw=True), trusts=True),
    ]
    return [row for row in rows if settings.may_see_all or not row.trusts]


def local_row(at: float | None = None) -> Row:
    """The row that all others are measured against: the local model alone."""
    return Row("slm-context", "SLM with context", "local", by_mode("local"), at=at)


def _learned(settings: PairSettings) -> LearnedFusion:
    assert settings.fusion_file is not None
    engine = ChatLocalLlama(model=settings.local).engine
    digest = LocalNextTokenModel(engine).vocabulary.digest
    return LearnedFusion.load(settings.fusion_file, vocabulary_digest=digest)


def by_mode(mode: Mode, settings: LogitSettings | None = None, *, trusting: bool = False) -> Write:
    """Writes in a mode.

    Args:
        mode: The mode.
        settings: Of logit mode.
        trusting: Whether the remote sees what the user typed as it is.
    """

    def write(world: World, case: Case, written: Written) -> Iterator[str]:
        model = ChatCoGenesis(
            local=world.local,
            remote=trusted_remote(world) if trusting else world.remote,
            retriever=case.retriever,
            logits=settings or LogitSettings(),
        )
        options: dict[str, Any] = {"max_tokens": world.settings.max_tokens, "temperature": 0.0}
        yield from _stream(model.stream(case.example.instruction, mode=mode, **options), written)

    return write


def _logits(key: str, label: str, fusion: Fusion) -> Row:
    return Row(key, label, "logits", by_mode("logits", LogitSettings(fusion)), fusion)


def _three(key: str, label: str, fusion: Fusion, beside: Beside = "bare") -> Row:
    def write(world: World, case: Case, written: Written) -> Iterator[str]:
        # It runs here: it may read the instruction as it is.
        helpers = (
            FusionHelper(world.beside(beside), "instruction"),
            FusionHelper(world.remote.distributions(local_vocabulary(world.local)), "masked"),
        )
        yield from _fused(world, case, written, helpers, world.gate, fusion)

    return Row(key, label, "logits", write, fusion, beside=beside)


def logits_with_context(fusion: Fusion) -> Write:
    """Writes with a trusted remote that reads all that the local model reads."""

    def write(world: World, case: Case, written: Written) -> Iterator[str]:
        remote = trusted_remote(world)
        helper = FusionHelper(remote.distributions(local_vocabulary(world.local)), "context")
        yield from _fused(world, case, written, (helper,), remote.gate, fusion)

    return write


def _fused(
    world: World,
    case: Case,
    written: Written,
    helpers: tuple[FusionHelper, ...],
    gate: EgressGate,
    fusion: Fusion,
) -> Iterator[str]:
    model = ChatLogitFusion(local=world.local, helpers=helpers, gate=gate, fusion=fusion)
    messages = [
        SystemMessage(render_context(case.documents)),
        HumanMessage(case.example.instruction),
    ]
    options: dict[str, Any] = {"max_tokens": world.settings.max_tokens, "temperature": 0.0}
    yield from _stream(model.stream(messages, **options), written)


def _stream(chunks: Iterator[AIMessageChunk], written: Written) -> Iterator[str]:
    for chunk in chunks:
        written.account.update(chunk.response_metadata.get("cogenesis", {}))
        yield message_text(chunk)
    told = written.account.get("usage", {}).get("remote") or {}
    # What is fused is counted at the wire, like the rows of other ways of fusing.
    if told.get("total_tokens") and written.account.get("mode") != "logits":
        written.usage = {"input": told["input_tokens"], "output": told["output_tokens"]}


def _llm_with_context(world: World, case: Case, written: Written) -> Iterator[str]:
    messages = private_messages(case.example.instruction, case.documents)
    yield from _trusted_stream(world, list(messages), written)


def _llm_alone(world: World, case: Case, written: Written) -> Iterator[str]:
    yield from _trusted_stream(world, list(public_messages(case.example.instruction)), written)


def trusted_remote(world: World) -> ChatRemote:
    """The remote that sees what is private.

    Raises:
        ModeError: It isn't trusted.
    """
    if world.open_remote is None:
        raise ModeError(
            "this row would show the remote what is private, and it isn't trusted.",
            hint="Declare it with --trusted, or leave the row out.",
        )
    return world.open_remote


def _trusted_stream(world: World, messages: list[Any], written: Written) -> Iterator[str]:
    usage: Any = None
    for chunk in trusted_remote(world).stream(messages, max_tokens=world.settings.max_tokens):
        usage = chunk.usage_metadata or usage
        yield message_text(chunk)
    if usage:
        written.usage = {"input": usage["input_tokens"], "output": usage["output_tokens"]}


def _drafted(*, raw: bool, draft: int = DRAFT, keep: float = KEEP) -> Write:
    def write(world: World, case: Case, written: Written) -> Iterator[str]:
        mixer = _draft_mixer(world, case, raw=raw)
        limit = min(world.settings.max_tokens, mixer.room(None))
        text, kept, count = TextStream(()), 0, 0
        for step in draft_and_replace(mixer, limit, draft=draft, keep=keep):
            count += 1
            kept += step.weights == (0.0, 1.0)
            yield text.push(step.text)
        yield text.finish()
        written.account["kept"] = (kept, count)

    return write


def _draft_mixer(world: World, case: Case, *, raw: bool) -> Mixer:
    local = world.local.engine
    vocabulary = local_vocabulary(world.local)
    remote = trusted_remote(world) if raw else world.remote
    view: View = "raw" if raw else "masked"
    helper = remote_helper(world, case, remote.distributions(vocabulary), view)
    prompt = local.apply_template(_chat(private_messages(case.example.instruction, case.documents)))
    return Mixer(LocalNextTokenModel(local), prompt, [helper])


def _chat(messages: Any) -> list[dict[str, str]]:
    return [{"role": role, "content": text} for role, text in role_pairs(messages)]
