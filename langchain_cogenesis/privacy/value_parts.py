"""The parts of a private value that count by themselves."""

from __future__ import annotations

import re

from langchain_cogenesis.privacy import rarity
from langchain_cogenesis.privacy.german_spelling import other_streets
from langchain_cogenesis.privacy.normalize import canonical_form

_LEGAL_FORMS = frozenset(
    (
        "inc", "ltd", "llc", "llp", "plc", "gmbh", "ag", "kg", "se", "sa", "sas", "bv", "nv",
        "ab", "oy", "co", "corp", "company", "ohg", "gbr", "ug", "ev", "eg", "mbh",
    )
)  # fmt: skip
_AND = ("and", "und")
_MAIL_HOSTS = frozenset(
    (
        "gmail", "googlemail", "outlook", "hotmail", "live", "yahoo", "icloud", "proton",
        "protonmail", "gmx", "web", "aol", "mail", "example",
    )
)  # fmt: skip


def parts_of(kind: str, text: str) -> list[str]:
    """A value and its parts that count by themselves, by its kind."""
    return _PARTS.get(kind, _whole)(text)


def _whole(text: str) -> list[str]:
    return [text]


def _place_parts(text: str) -> list[str]:
    parts = [text, *(part for part in pieces_of(text) if len(part) > 1)]
    return [*parts, *map(_without_article, parts), *_rare_words(text)]


def pieces_of(text: str) -> list[str]:
    """The parts of a place between commas."""
    return [part.strip() for part in re.split(r"[,;/()]", text)]


def rare_parts(text: str) -> frozenset[str]:
    """Words that count only because English doesn't have them."""
    return frozenset(_rare_words(text)).difference(pieces_of(text))


def _organisation_parts(text: str) -> list[str]:
    kept = [word for word in text.split() if canonical_form(word) not in _LEGAL_FORMS]
    named = [" ".join(kept)] if kept else []
    named += [name.replace("&", f" {word} ") for name in named if "&" in name for word in _AND]
    return [text, *named, *map(_without_article, named), *_rare_words(text)]


def _address_parts(text: str) -> list[str]:
    """The parts of an address between commas or lines, and a street without its number."""
    parts = [part.strip() for part in re.split(r"[,;\n]", text)]
    streets = [" ".join(re.sub(r"\b\d+\w?\b", " ", part).split()) for part in parts]
    # A number alone ("12", "24103") is too common to be a part.
    named = [part for part in (*parts, *streets) if re.search(r"[^\W\d]{2}", part)]
    return [text, *(other for part in named for other in (part, *other_streets(part)))]


def _email_parts(text: str) -> list[str]:
    """An address, its local part and its host, where these say who it is."""
    local, _, host = text.partition("@")
    parts = [text]
    if len(canonical_form(local)) >= 6 and not rarity.is_known(canonical_form(local)):
        parts.append(local)
    labels = host.lower().split(".")[:-1]
    own = labels[-1] if labels else ""
    if len(own) >= 5 and own not in _MAIL_HOSTS and not rarity.is_known(own):
        parts += [host, own]
    return parts


def _phone_parts(text: str) -> list[str]:
    """A number as it is dialled at home and from abroad."""
    parts = [text]
    match = re.match(r"(?:\+|00)(\d{1,3})\D+(?:\(0\)\D*)?", text)
    if match:
        rest = text[match.end() :]
        parts.append(f"00{match[1]} {rest}")
        if len(re.sub(r"\D", "", rest)) >= 7:
            parts += [rest, f"0{rest}"]
    return parts


def _number_parts(text: str) -> list[str]:
    return [text, *re.findall(r"\d{5,}", text)]


def _url_parts(text: str) -> list[str]:
    bare = re.sub(r"^(?:[a-z]+://)?(?:www\.)?", "", text, flags=re.IGNORECASE).rstrip("/")
    return [text, bare] if re.search(r"\W\w{2,}\W\w", bare) else [text]


def _without_article(text: str) -> str:
    return re.sub(r"^(?:the|der|die|das)\s+", "", text, flags=re.IGNORECASE)


def _rare_words(text: str) -> list[str]:
    """The words of a name that no dictionary has: "Saltmarsh" of "Saltmarsh Hall"."""
    words = re.findall(r"[^\W\d_]{5,}", text)
    return [word for word in words if word[0].isupper() and not rarity.is_known(word.lower())]


_PARTS = {
    "PLACE": _place_parts,
    "ORG": _organisation_parts,
    "ADDRESS": _address_parts,
    "EMAIL": _email_parts,
    "PHONE": _phone_parts,
    "NUMBER": _number_parts,
    "URL": _url_parts,
}
