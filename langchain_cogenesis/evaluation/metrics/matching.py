"""When a text holds a value: as it is, or word for word whatever its case and punctuation."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"\w+")


def words_of(text: str) -> list[str]:
    """The words of a text, folded: `Café-Bar, 7 PM` gives `café`, `bar`, `7`, `pm`."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def holds(text: str, value: str) -> bool:
    """Whether a value's words stand in a text one after the other.

    Case, punctuation and white space between the words don't matter; `Ann` is not in `Anna`.

    Args:
        text: The text.
        value: What to look for; one without a letter or digit is looked for as it is.
    """
    wanted = words_of(value)
    if not wanted:
        return bool(value.strip()) and value.strip() in text
    return f" {' '.join(wanted)} " in f" {' '.join(words_of(text))} "
