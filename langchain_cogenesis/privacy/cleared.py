"""Text that the egress gate let through, and what it remembers of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from langchain_cogenesis.exceptions import PrivacyError
from langchain_cogenesis.privacy.asking import Answers

if TYPE_CHECKING:
    from langchain_cogenesis.privacy.gate import EgressGate

SEAL = object()
"""The gate's own; nothing else may use it."""


@dataclass(frozen=True, slots=True)
class Clearance:
    """What the gate remembers of a text that it cleared.

    Attributes:
        masked: Kinds of the values that were masked, with counts.
        answers: The conversation's, by which some values may stand in it.
        asked: How often each answer was given, by kind and decision.
    """

    masked: Mapping[str, int]
    answers: Answers | None = None
    asked: Mapping[tuple[str, str], int] = field(default_factory=dict)


class ClearedText:
    """A text that the egress gate let through, for one endpoint. Only the gate can make one.

    Attributes:
        text: What may leave, private values masked.
        endpoint: The origin of the endpoint that it was cleared for.
        masked: Kinds of the values that were masked, with counts.
        gate: The gate that cleared it, in whose ledger its way out is noted.
    """

    __slots__ = ("endpoint", "gate", "masked", "text")

    text: str
    endpoint: str
    masked: Mapping[str, int]
    gate: EgressGate

    def __init__(
        self,
        text: str,
        endpoint: str,
        masked: Mapping[str, int],
        *,
        seal: object,
        gate: EgressGate,
    ) -> None:
        if seal is not SEAL:
            raise PrivacyError(
                "a ClearedText can be made by the egress gate only.",
                hint="Call EgressGate.clear(text, endpoint=…, conversation=…).",
            )
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "endpoint", endpoint)
        object.__setattr__(self, "masked", MappingProxyType(dict(masked)))
        object.__setattr__(self, "gate", gate)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"ClearedText is immutable; can't set {name!r}")

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a ClearedText can't be pickled: a clearance holds in its process only")

    def __repr__(self) -> str:
        return (
            f"ClearedText(<{len(self.text)} characters for {self.endpoint}>, "
            f"masked={dict(self.masked)})"
        )
