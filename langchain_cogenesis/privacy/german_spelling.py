"""Other ways to spell a German name or street."""

from __future__ import annotations

import re
from collections.abc import Iterator

_UMLAUTS = {"ae": "ä", "oe": "ö", "ue": "ü"}
_DIGRAPH = re.compile(r"(?<![aeqAEQ])(?:ae|oe|ue)(?![aeiou])|^(?:Ae|Oe|Ue)")
_STREET = re.compile(r"stra(?:ß|ss)e\b", re.IGNORECASE)
_SHORT_STREET = re.compile(r"str\b\.?", re.IGNORECASE)


def with_umlauts(spelled: str) -> str:
    """A name with umlauts for its digraphs: "Müller" for "Mueller"."""
    return _DIGRAPH.sub(lambda match: _UMLAUTS[match.group().lower()], spelled)


def other_streets(text: str) -> Iterator[str]:
    """A German street in short or in full: "Lindenstr. 4" for "Lindenstraße 4"."""
    if _STREET.search(text):
        yield _STREET.sub(lambda match: match.group()[:3] + ".", text)
    if _SHORT_STREET.search(text):
        yield _SHORT_STREET.sub(lambda match: match.group()[:3] + "aße", text)
