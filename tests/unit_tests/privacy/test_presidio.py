"""Presidio stands in a detector's place, without a model and without the net."""

from __future__ import annotations

import sys

import pytest

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.privacy.detectors import Detector
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.presidio import PresidioDetector
from langchain_cogenesis.privacy.restore import Conversation

TEXT = "Write to jo@mail.example.org from 10.0.0.7, IBAN GB82 WEST 1234 5698 7654 32."


def test_without_presidio_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the extra."""
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    with pytest.raises(ConfigurationError, match=r"langchain-cogenesis\[presidio\]"):
        PresidioDetector()


def test_patterns_alone_find_values_without_the_net() -> None:
    """No model is loaded; the tests' sockets are closed, and nothing asks for one."""
    pytest.importorskip("presidio_analyzer", reason="presidio-analyzer isn't installed")
    detector = PresidioDetector()
    assert isinstance(detector, Detector)
    found = {(TEXT[m.start : m.end], m.kind) for m in detector.find(TEXT)}
    assert {
        ("jo@mail.example.org", "EMAIL"),
        ("10.0.0.7", "URL"),
        ("GB82 WEST 1234 5698 7654 32", "NUMBER"),
    } <= found
    conversation = Conversation()
    preview = EgressGate(detectors=[detector]).preview(
        TEXT, endpoint="https://remote.example", conversation=conversation
    )
    assert preview.masked is not None
    assert "jo@mail" not in preview.masked
    assert conversation.restore(preview.masked) == TEXT
