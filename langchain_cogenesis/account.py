"""The account of how a call was answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages.ai import UsageMetadata, add_usage

from langchain_cogenesis.collaboration import Mode
from langchain_cogenesis.exceptions import CoGenesisError
from langchain_cogenesis.fusion.drafting import BlockReport
from langchain_cogenesis.privacy.metering import EgressMeter
from langchain_cogenesis.privacy.placeholders import kind_of


@dataclass(slots=True, repr=False)
class Account:
    """How a call was answered; becomes `response_metadata["cogenesis"]`.

    Attributes:
        requested: The mode that was asked for.
        mode: The mode that answered.
        sketch: The outline's points, restored.
        context_ids: Keyed digests of the context that the local model read.
        context_pieces: In how many documents that context came; a profile's core is one of several
            items.
        marks: The placeholders that stood for values in what was for the remote.
        warnings: Sentences for the user.
        meter: Requests and bytes that left for this answer, and tokens that were sent in logit
            mode.
        probe: The same for what had to be found out about the endpoint before.
        fallback: The first error that another mode answered for, by its class; or None.
        finish_reason: Why the answer ended: `stop`, `length` or `tool_calls`.
        model_name: The local model that wrote, where a call chose another than its own.
        reasons: In logit mode, how many tokens were fused (`asked`), and why others weren't.
        blocks: In logit mode, what the blocks came to.
        steps: In logit mode, every step, if they were asked for.
    """

    requested: Mode
    mode: Mode
    sketch: tuple[str, ...] = ()
    context_ids: tuple[str, ...] = ()
    context_pieces: int = 0
    marks: dict[str, None] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    meter: EgressMeter = field(default_factory=EgressMeter)
    probe: EgressMeter = field(default_factory=EgressMeter)
    fallback: str | None = None
    finish_reason: str = "stop"
    model_name: str | None = None
    reasons: dict[str, int] = field(default_factory=dict)
    blocks: BlockReport = field(default_factory=BlockReport)
    steps: list[dict[str, Any]] = field(default_factory=list)
    local_usage: UsageMetadata | None = None
    remote_usage: UsageMetadata | None = None

    def __repr__(self) -> str:
        return f"Account(requested={self.requested!r}, mode={self.mode!r}, <withheld>)"

    def fall_back(self, error: CoGenesisError, mode: Mode) -> None:
        """Notes which mode answers instead, and why."""
        self.mode, self.blocks = mode, BlockReport()
        self.fallback = self.fallback or type(error).__name__
        instead = "by the local model alone" if mode == "local" else f"in {mode} mode"
        self.warnings.append(f"Answered {instead}: {error.message}")

    def answer_here(self) -> None:
        """Notes that the local model answers alone, because nobody else keeps to a schema."""
        self.warnings.append(
            f"Answered by the local model alone: in {self.mode} mode the remote keeps to no schema."
        )
        self.mode = "local"

    def note_marks(self, unknown: Sequence[str], bent: Sequence[str]) -> None:
        """Notes placeholders that the remote made up, and what looks like a bent one."""
        if unknown:
            self.warnings.append(
                f"The remote wrote {', '.join(unknown)}, which stands for nothing; left as it is."
            )
        if bent:
            self.warnings.append(
                f"The remote bent a placeholder into {', '.join(bent)}; left as it is, because "
                "which value was meant would be a guess."
            )

    def note_masked(self, marks: Iterable[str]) -> None:
        """Notes placeholders that stood for values in what was for the remote."""
        self.marks.update(dict.fromkeys(marks))

    @property
    def masked(self) -> dict[str, int]:
        """Kinds of the values for which they stood, with counts; each value counts once."""
        return dict(Counter(map(kind_of, self.marks)))

    def add_local(self, usage: UsageMetadata | None) -> None:
        """Adds tokens of the local model."""
        self.local_usage = add_usage(self.local_usage, usage)

    def add_remote(self, usage: UsageMetadata | None) -> None:
        """Adds tokens of the remote model."""
        self.remote_usage = add_usage(self.remote_usage, usage)

    @property
    def usage(self) -> UsageMetadata:
        """Tokens of both models together."""
        return add_usage(self.local_usage, self._remote_usage())

    def _remote_usage(self) -> UsageMetadata | None:
        """What the remote told, and what it was sent and asked for in logit mode."""
        sent, rows = self.meter.tokens, self.meter.rows
        if not rows:
            return self.remote_usage
        asked = UsageMetadata(input_tokens=sent, output_tokens=rows, total_tokens=sent + rows)
        return add_usage(self.remote_usage, asked)

    def _remote_counts(self) -> dict[str, int] | None:
        usage = self._remote_usage()
        # An endpoint that tells no usage has not worked for nothing.
        asked = self.meter.requests or self.mode in ("remote", "sketch")
        return None if usage is None and asked else _counts(usage)

    def metadata(self) -> dict[str, Any]:
        """The account as JSON-able data."""
        return {
            "mode": self.mode,
            "requested_mode": self.requested,
            "fallback": self.fallback,
            "sketch": list(self.sketch),
            "usage": {"local": _counts(self.local_usage), "remote": self._remote_counts()},
            "remote_calls": self.meter.requests,
            "remote_bytes": self.meter.bytes,
            "probe_calls": self.probe.requests,
            "probe_bytes": self.probe.bytes,
            "context_ids": list(self.context_ids),
            "context_pieces": self.context_pieces,
            "masked": dict(self.masked),
            "warnings": list(self.warnings),
            **({"tokens": dict(self.reasons)} if self.reasons else {}),
            **({"blocks": list(self.blocks.used)} if self.blocks.used else {}),
            **({"steps": list(self.steps)} if self.steps else {}),
        }


def _counts(usage: UsageMetadata | None) -> dict[str, int]:
    usage = add_usage(None, usage)
    return {key: usage[key] for key in ("input_tokens", "output_tokens", "total_tokens")}
