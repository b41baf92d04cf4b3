"""Many texts are looked for in one pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def automaton_of(values: Mapping[str, object]) -> Any:
    """An automaton that finds the keys in a text and gives their values."""
    import ahocorasick

    automaton = ahocorasick.Automaton()
    for canonical, value in values.items():
        automaton.add_word(canonical, value)
    automaton.make_automaton()
    return automaton
