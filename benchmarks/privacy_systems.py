"""What is compared: each takes a record and gives the spans of its text that it would mask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib.util import find_spec

from benchmarks.privacy_records import Record
from langchain_cogenesis.privacy.detectors import PatternDetector
from langchain_cogenesis.privacy.echo import EchoDetector
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.lexicon import PrivateLexicon
from langchain_cogenesis.privacy.restore import Conversation

Spans = list[tuple[int, int]]
Masker = Callable[[], Spans | None]
"""Looks at one text: what it would mask, or None if it would send nothing."""

System = Callable[[Record], Masker]
"""Prepares for one user; what this takes isn't measured."""

_ENDPOINT = "https://remote.example/v1"


def raw(record: Record) -> Masker:
    """The text as it was typed."""
    return lambda: []


def detectors_alone(record: Record) -> Masker:
    """Our patterns, with no context."""
    detector, text = PatternDetector(), record.text
    return lambda: [(match.start, match.end) for match in detector.find(text)]


def gate_with_context(record: Record) -> Masker:
    """Our gate, that knows the user's values, and looks for echoes of them as the pipeline does."""
    echoes = EchoDetector(value.text for value in record.values)
    gate = EgressGate(PrivateLexicon(record.values), detectors=(PatternDetector(), echoes))

    def mask() -> Spans | None:
        preview = gate.preview(record.text, endpoint=_ENDPOINT, conversation=Conversation())
        if preview.masked is None:
            return None
        return [(r.start, r.end) for r in preview.replacements if r.mark is not None]

    return mask


def pii_middleware() -> System:
    """LangChain's PIIMiddleware with each of its kinds, as an agent would run them in turn."""
    from langchain.agents.middleware import PIIMiddleware

    kinds = ("email", "credit_card", "ip", "mac_address", "url")
    rules = [PIIMiddleware(kind, strategy="redact") for kind in kinds]

    def system(record: Record) -> Masker:
        return lambda: [
            (found["start"], found["end"]) for rule in rules for found in rule.detector(record.text)
        ]

    return system


def presidio() -> System | None:
    """Presidio's patterns, without a model of language; None if it isn't installed."""
    if find_spec("presidio_analyzer") is None:
        return None
    from langchain_cogenesis.privacy.presidio import PresidioDetector

    detector = PresidioDetector(score_threshold=0.0)

    def system(record: Record) -> Masker:
        return lambda: [(match.start, match.end) for match in detector.find(record.text)]

    return system


def piighost() -> System | None:
    """Piighost's exact matching of the user's values; None if it isn't installed.

    Its patterns come from a catalogue on the net and aren't in the package: not measured.
    """
    if find_spec("piighost") is None:
        return None
    from piighost.components.detector import ExactMatchDetector

    def system(record: Record) -> Masker:
        detector = ExactMatchDetector({value.text: value.kind for value in record.values})

        def mask() -> Spans:
            found = asyncio.run(detector.detect(record.text))
            return [(d.span.start, d.span.end) for d in found]

        return mask

    return system


def systems() -> dict[str, System | None]:
    """All that is compared, by the name in the table; None for what isn't installed."""
    return {
        "raw text": raw,
        "PIIMiddleware": pii_middleware(),
        "Presidio, patterns": presidio(),
        "ours, detectors alone": detectors_alone,
        "piighost, values given": piighost(),
        "ours, values given": gate_with_context,
    }
