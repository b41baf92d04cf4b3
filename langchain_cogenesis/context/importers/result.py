"""What an import gives, and how it is put together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from langchain_cogenesis.context.schema import Contact, PrivateContext, UserProfile
from langchain_cogenesis.exceptions import SourceError

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What is known of the user before a file is read.

    Attributes:
        own_address: The user's e-mail address; tells what the user wrote in a mailbox.
        own_name: The user's name; tells what the user wrote in a chat.
        max_bytes: Size up to which a file is read; None for the default of its format.
    """

    own_address: str | None = None
    own_name: str | None = None
    max_bytes: int | None = None

    def __repr__(self) -> str:
        return f"ImportOptions(<withheld>, max_bytes={self.max_bytes})"


@dataclass(slots=True, repr=False)
class Parsed:
    """What one reader found in one file.

    Attributes:
        contexts: By user; None for the user whom the caller names.
        problems: What could not be read.
        contacts: People met, to be added to a profile if there is one.
    """

    contexts: dict[str | None, PrivateContext] = field(default_factory=dict)
    problems: list[SourceError] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)


@dataclass(frozen=True, slots=True, repr=False)
class ImportResult:
    """What an import found.

    Attributes:
        contexts: By user, as the files name them; None for the user whom the caller names.
        problems: What could not be read: file, line and reason, without content.
    """

    contexts: Mapping[str | None, PrivateContext]
    problems: tuple[SourceError, ...] = ()

    def __repr__(self) -> str:
        return f"ImportResult({len(self.contexts)} contexts, {len(self.problems)} problems)"


def merge_contexts(first: PrivateContext, second: PrivateContext) -> PrivateContext:
    """Joins two contexts of one user; where both profiles fill a single field, the first counts."""
    return PrivateContext(
        profile=_merge_profiles(first.profile, second.profile),
        activities=_unique((*first.activities, *second.activities)),
        writings=_unique((*first.writings, *second.writings)),
    )


def add_contacts(profile: UserProfile, met: Iterable[Contact]) -> UserProfile:
    """Adds people who are new to a profile, and the address of one who had none.

    The user is not among them. Somebody is known by address or by name.
    """
    contacts = list(profile.contacts)
    for person in met:
        own = {_key(profile.name), _key(profile.email)} - {""}
        if {_key(person.name), _key(person.email)} & own:
            continue
        if person.email and any(_key(known.email) == _key(person.email) for known in contacts):
            continue
        same = [i for i, known in enumerate(contacts) if _key(known.name) == _key(person.name)]
        if not same:
            contacts.append(person)
        elif contacts[same[0]].email is None:
            contacts[same[0]] = contacts[same[0]].model_copy(update={"email": person.email})
    return profile.model_copy(update={"contacts": tuple(contacts)})


def _merge_profiles(first: UserProfile | None, second: UserProfile | None) -> UserProfile | None:
    if first is None or second is None:
        return first or second
    merged = {}
    for name in UserProfile.model_fields:
        mine, other = getattr(first, name), getattr(second, name)
        merged[name] = _unique((*mine, *other)) if isinstance(mine, tuple) else mine or other
    return UserProfile.model_validate(merged)


def _unique(values: tuple[_T, ...]) -> tuple[_T, ...]:
    seen: list[_T] = []
    known: set[object] = set()
    for value in values:
        if value not in known:
            known.add(value)
            seen.append(value)
    return tuple(seen)


def _key(value: str | None) -> str:
    return (value or "").strip().casefold()
