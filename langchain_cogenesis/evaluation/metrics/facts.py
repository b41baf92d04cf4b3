"""How many of the facts that a reference uses a text uses."""

from __future__ import annotations

from collections.abc import Iterable

from langchain_cogenesis.evaluation.metrics.german import holds_german
from langchain_cogenesis.evaluation.metrics.matching import holds


def facts_used(text: str, values: Iterable[str]) -> tuple[int, int]:
    """Values that stand in a text letter for letter, and values in all.

    Args:
        text: What was written.
        values: The facts; one that comes twice counts once.
    """
    wanted = list(dict.fromkeys(values))
    return sum(value in text for value in wanted), len(wanted)


def facts_used_normalised(
    text: str, values: Iterable[str], language: str = "en"
) -> tuple[int, int]:
    """Values whose words stand in a text in their order, and values in all.

    Args:
        text: What was written.
        values: The facts; one that comes twice counts once.
        language: With `de`, words may be inflected, dates and hours written in any way; see
            `holds_german`, and `holds` for any other.
    """
    wanted = list(dict.fromkeys(values))
    says = holds_german if language == "de" else holds
    return sum(says(text, value) for value in wanted), len(wanted)
