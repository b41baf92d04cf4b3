"""How logit mode fuses, and with whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from langchain_cogenesis.exceptions import ConfigurationError, ModeError
from langchain_cogenesis.fusion.base import Fusion
from langchain_cogenesis.fusion.fixed import LinearFusion
from langchain_cogenesis.fusion.schedule import EveryStep, Schedule
from langchain_cogenesis.models.base import NextTokenModel
from langchain_cogenesis.privacy.gate import EgressGate

PrefixPolicy = Literal["masked", "raw"]
Trust = Literal["masked", "instruction", "context"]
Block = int | Literal["auto"] | None
Drafter = Literal["remote", "local"]


@dataclass(frozen=True, slots=True)
class LogitSettings:
    """How logit mode fuses.

    Attributes:
        fusion: Makes one distribution of the local and the remote one. By default linear, 0.6 of it
            local: what the local model is sure of, as the user's own greeting, then stays.
        schedule: Which steps ask the remote.
        block: Tokens of a block, which is one request: a number, `auto` by acceptance and
            round-trip time, or None for one request per token. The text is the same.
        draft: Who drafts blocks. With `remote` nothing leaves but accepted text; with `local` there
            are fewer requests, and drafts leave too that are then rejected, masked like all else.
        prefix: What the remote sees of the text written so far: `masked`, or `raw` if its endpoint
            is trusted.

    Raises:
        ConfigurationError: One of them is out of range.
    """

    fusion: Fusion = field(default_factory=lambda: LinearFusion((0.6, 0.4)))
    schedule: Schedule = field(default_factory=EveryStep)
    block: Block = "auto"
    draft: Drafter = "remote"
    prefix: PrefixPolicy = "masked"

    def __post_init__(self) -> None:
        block = self.block
        whole = isinstance(block, int) and not isinstance(block, bool) and block > 0
        if not (block is None or block == "auto" or whole):
            raise ConfigurationError(
                f"block={block!r} is no length of a block.",
                hint="Give a number of tokens, 'auto', or None for one request per token.",
            )
        for name, value, known in (
            ("draft", self.draft, get_args(Drafter)),
            ("prefix", self.prefix, get_args(PrefixPolicy)),
        ):
            if value not in known:
                raise ConfigurationError(
                    f"{name} can't be {value!r}.", hint=f"Set it to {' or '.join(known)}."
                )


@dataclass(frozen=True, slots=True)
class FusionHelper:
    """A model besides the local one, and what it may see.

    Attributes:
        model: Gives next-token log-probabilities; same vocabulary as the local model.
        trust: `masked`: instruction and text with placeholders. `instruction`: both as they are, no
            context. `context`: everything. The last two are for models in this process and for
            endpoints that are declared trusted.
    """

    model: NextTokenModel
    trust: Trust = "masked"


def check_trust(helper: FusionHelper, gate: EgressGate) -> None:
    """Checks that nothing private would go to an endpoint that isn't trusted.

    Raises:
        ModeError: It would.
    """
    endpoint = getattr(helper.model, "endpoint", None)
    if helper.trust != "masked" and endpoint is not None and not gate.policy.trusts(endpoint):
        raise ModeError(
            f"{helper.model.name} would be sent what is private, and its endpoint isn't trusted.",
            hint="Let it see what is masked (prefix='masked', trust='masked'), or declare the "
            "endpoint with EgressPolicy(trusted=…).",
        )
