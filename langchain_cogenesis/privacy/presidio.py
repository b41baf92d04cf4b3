"""Presidio as a detector: its patterns, or an analyzer of the caller's with a model for names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.privacy.lexicon import Match

if TYPE_CHECKING:
    from presidio_analyzer import AnalyzerEngine

_KINDS: Mapping[str, str] = {
    "PERSON": "NAME",
    "LOCATION": "PLACE",
    "GPE": "PLACE",
    "ORGANIZATION": "ORG",
    "ORG": "ORG",
    "NRP": "ITEM",
    "EMAIL_ADDRESS": "EMAIL",
    "PHONE_NUMBER": "PHONE",
    "URL": "URL",
    "IP_ADDRESS": "URL",
    "DATE_TIME": "DATE",
}


class PresidioDetector:
    """Finds private values with Presidio.

    Without an `analyzer`, Presidio's patterns alone are run: no model is loaded, and nothing is
    downloaded. To find names and places, give an `AnalyzerEngine` with a model that is on this
    machine; Presidio's own default downloads one.

    Presidio looks up suffixes of domains, and by its default fetches their list from the net at the
    first e-mail address. In this process that is switched off: the list of the package is used.

    Args:
        analyzer: Does the work; by default, patterns only.
        language: The language that the analyzer is told.
        score_threshold: Between 0 and 1; what Presidio is less sure of is left.

    Raises:
        ConfigurationError: `presidio-analyzer` isn't installed.
    """

    def __init__(
        self,
        analyzer: AnalyzerEngine | None = None,
        *,
        language: str = "en",
        score_threshold: float = 0.4,
    ) -> None:
        self._analyzer = analyzer if analyzer is not None else _patterns_only(language)
        self._language = language
        self._threshold = score_threshold
        _stay_offline()

    def __repr__(self) -> str:
        return f"PresidioDetector(language={self._language!r}, score_threshold={self._threshold})"

    def find(self, text: str) -> Iterable[Match]:
        """Finds what Presidio finds; kinds that the placeholders don't know are `NUMBER`."""
        found = self._analyzer.analyze(
            text=text, language=self._language, score_threshold=self._threshold
        )
        return [Match(r.start, r.end, _KINDS.get(r.entity_type, "NUMBER")) for r in found]


def _patterns_only(language: str) -> AnalyzerEngine:
    try:
        from presidio_analyzer import AnalyzerEngine
        from presidio_analyzer.nlp_engine import NoOpNlpEngine
    except ImportError as error:
        raise ConfigurationError(
            "Presidio isn't installed.",
            hint='Install it by: pip install "langchain-cogenesis[presidio]".',
        ) from error
    engine = NoOpNlpEngine([{"lang_code": language, "model_name": "none"}])
    return AnalyzerEngine(nlp_engine=engine, supported_languages=[language])


def _stay_offline() -> None:
    try:
        from tldextract import TLDExtract, tldextract
    except ImportError:
        return
    tldextract.TLD_EXTRACTOR = TLDExtract(suffix_list_urls=(), cache_dir=None)
