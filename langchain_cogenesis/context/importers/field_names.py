"""Names of fields that a file has and nobody knows, and which known ones are meant.

Anything can stand where a name is expected, a friend's or an illness's among them. So a name is
told in full only if it is a usual one ("city"), or nearly a known one ("ocupation"); of another one
its first letters are told, unless it stands among the file's values too.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

_MEANT = {
    "name": "full_name fullname first_name last_name surname username user",
    "age": "years age_years birthday birthdate date_of_birth born dob",
    "occupation": "job job_title profession position work title role",
    "company": "employer organisation organization workplace firm",
    "location": "city town place country home residence region based_in",
    "email": "mail e_mail email_address mail_address",
    "phone": "telephone mobile tel phone_number cell number",
    "address": "street postal_address home_address",
    "traits": "personality character characteristics qualities",
    "style": "tone voice writing_style",
    "contacts": "friends family people relations colleagues",
    "facts": "hobbies interests likes dislikes skills education languages pets about bio notes",
    "activity": "activities events calendar history",
    "relation": "relationship role type kind",
    "text": "description summary note title content",
    "when": "date time day",
    "place": "location where",
    "people": "with who person attendees",
    "kind": "type category",
}
_MEANT_BY = {known: frozenset(usual.split()) for known, usual in _MEANT.items()}
_USUAL = frozenset().union(*_MEANT_BY.values(), _MEANT_BY)
_ALIKE = 0.75
_LONG_ENOUGH = 5
_TOLD = 2
_TOLD_OF = 4
_NAME = re.compile(r"[A-Za-z][\w -]{0,39}")


def shown_name(name: Any, known: Collection[str], values: Any = ()) -> str:
    """An unknown field's name as it may be told: `city`, or what it begins with.

    Args:
        name: The name.
        known: Names of the fields that there are.
        values: What the file holds; a name that stands there isn't told.

    Returns:
        The name or its first letters between backticks, or an empty text.
    """
    text = str(name)
    plain = _plain(text)
    if plain in _USUAL or meant_name(text, known):
        return f"`{text}`"
    among = any(plain in _plain(value) for value in _texts(values))
    if among or len(text) < _TOLD_OF or not _NAME.fullmatch(text):
        return ""
    return f"`{text[:_TOLD]}…`"


def meant_name(name: Any, known: Collection[str]) -> str | None:
    """The known field that an unknown one probably stands for, or None."""
    plain = _plain(str(name))
    for meant in known:
        if plain in _MEANT_BY.get(meant, ()) or plain.rstrip("s") == meant.rstrip("s"):
            return meant
    # "Sage" is a friend's name, and one letter from a field's.
    alike = get_close_matches(plain, known, 1, _ALIKE) if len(plain) >= _LONG_ENOUGH else []
    return next(iter(alike), None)


def describe_unknown(names: Sequence[Any], known: Collection[str], values: Any = ()) -> str:
    """Says which fields nobody knows, which ones are meant, and which there are.

    Example:
        >>> describe_unknown(["mail", "since"], ["name", "email"])
        'unknown fields `mail` (perhaps `email`), `si…`; known are name, email.'
    """
    told = []
    for name in names:
        meant = meant_name(name, known)
        shown = shown_name(name, known, values) or "one that is withheld"
        told.append(f"{shown} (perhaps `{meant}`)" if meant else shown)
    fields = "field" if len(told) == 1 else "fields"
    return f"unknown {fields} {', '.join(told)}; known are {', '.join(known)}."


def _plain(text: str) -> str:
    return re.sub(r"[\s-]+", "_", text.strip().lower())


def _texts(values: Any) -> Iterator[str]:
    if isinstance(values, Mapping):
        for value in values.values():
            yield from _texts(value)
    elif isinstance(values, list | tuple):
        for value in values:
            yield from _texts(value)
    else:
        yield str(values)
