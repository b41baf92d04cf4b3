"""What the egress gate does with a text, told without doing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from langchain_cogenesis.exceptions import EgressDeniedError
from langchain_cogenesis.privacy.lexicon import Match


@dataclass(frozen=True, slots=True)
class Denied:
    """The egress gate's refusal: which kinds of values a text holds that may not leave.

    Attributes:
        endpoint: The origin of the endpoint that it was for.
        kinds: Kinds of values, with counts.
        reason: Why; names no value.
        hint: What to do next.
        asked: How often each answer was given, by kind and decision.
    """

    endpoint: str
    kinds: Mapping[str, int]
    reason: str
    hint: str = "Take these values out of the instruction, or let the policy mask them."
    asked: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def error(self) -> EgressDeniedError:
        """The refusal as an error."""
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.kinds.items()))
        return EgressDeniedError(
            f"nothing was sent to {self.endpoint}: {self.reason} ({kinds}).", hint=self.hint
        )


@dataclass(frozen=True, slots=True, repr=False)
class Replacement:
    """A private value in a text, and what would leave in its place (None: it is let through)."""

    start: int
    end: int
    kind: str
    mark: str | None


@dataclass(frozen=True, slots=True, repr=False)
class Preview:
    """What the gate would do with a text. Sends nothing and remembers nothing.

    Attributes:
        original: The text as it was given.
        masked: The text as it would leave, or None where the gate would refuse.
        replacements: Spans of `original` with their placeholders, from left to right.
        denied: The refusal, or None.
        noted: Spans that may be private and are left, because they are common words too: values
            that are, and words of facts and notes, days in mails, an age without its unit.
        asked: How often each answer was given, by kind and decision.
    """

    original: str
    masked: str | None
    replacements: tuple[Replacement, ...]
    denied: Denied | None
    noted: tuple[Match, ...] = ()
    asked: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Preview(<withheld: {len(self.replacements)} replacements>)"
