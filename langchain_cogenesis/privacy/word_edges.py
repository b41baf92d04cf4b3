"""Whether a value stands as a word, or within a longer one where it counts too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from langchain_cogenesis.privacy import german
from langchain_cogenesis.privacy.forms import IN_GERMAN, JOINED_ANYWHERE, Form, Rule
from langchain_cogenesis.privacy.german_endings import is_compound, is_ending
from langchain_cogenesis.privacy.normalize import CanonicalText
from langchain_cogenesis.privacy.rarity import is_known

_COMPOUNDED = frozenset(("NAME", "PLACE", "ORG"))


def standing(
    spans: Iterable[tuple[int, int, list[Form]]], canonical: CanonicalText
) -> Iterator[tuple[int, int, Form]]:
    """The forms that stand as words, or joined with others where they may."""
    for begin, end, forms in spans:
        first, last = canonical.begins_word(begin), canonical.begins_word(end)
        for form in forms:
            long = len(form.canonical) >= JOINED_ANYWHERE
            joined = form.joined and not (form.german in IN_GERMAN and canonical.is_german)
            if (first and last) or (joined and (first or last or long)):
                yield begin, end, form
            elif first and (stop := _end_within_word(form, canonical, begin, end)):
                yield begin, stop, form


def _end_within_word(form: Form, canonical: CanonicalText, begin: int, end: int) -> int | None:
    """Where a value ends that a word begins with and goes on; None if it doesn't count there.

    A German ending and the rest of a compound stay outside ("Ninas", "Reylfamilie"); else all of a
    word that no dictionary has is taken ("Zarnholtan").
    """
    word = form.german in IN_GERMAN and canonical.is_german
    if not word and form.rule not in (Rule.ALWAYS, Rule.CASED):
        return None
    stop = end
    while not canonical.begins_word(stop):
        stop += 1
    rest = canonical.text[end:stop]
    if word and rest != "s" and form.kind != "PLACE":
        return None
    if is_ending(form.kind, form.canonical, rest, german_text=canonical.is_german):
        return end
    if word:
        return None
    in_compound = form.kind in _COMPOUNDED and (canonical.is_german or not form.fuzzy)
    if in_compound and is_compound(form.canonical, rest):
        return end
    if not form.fuzzy or is_known(canonical.text[begin:stop]):
        return None
    return None if canonical.is_german and german.is_known(canonical.text[begin:stop]) else stop
