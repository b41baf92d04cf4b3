"""Readers that turn files into private context, one per format.

A broken file or record is reported by file and line, and the rest is imported; reading stores
nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_cogenesis.context.importers.result import ImportResult

if TYPE_CHECKING:
    from langchain_cogenesis.context.importers.result import ImportOptions, Parsed
    from langchain_cogenesis.context.schema import UserProfile

__all__ = ["ImportResult", "import_file", "import_files"]


def import_file(
    path: str | os.PathLike[str], format: str | None = None, *, own_address: str | None = None
) -> ImportResult:
    """Reads one file; see `import_files`."""
    return import_files([path], format, own_address=own_address)


def import_files(
    paths: Iterable[str | os.PathLike[str]],
    format: str | None = None,
    *,
    own_address: str | None = None,
    own_name: str | None = None,
    profile: UserProfile | None = None,
    max_bytes: int | None = None,
) -> ImportResult:
    """Reads files of one user and joins what they hold.

    Profiles are read first: the address in one tells what the user wrote in a mailbox, the name
    what they wrote in a chat, and people met in mails are added to its contacts.

    Args:
        paths: The files.
        format: `profile`, `notes`, `mail`, `calendar`, `whatsapp`, `telegram` or `cogenesis`; by
            extension and content if left out.
        own_address: The user's e-mail address, if no profile tells it.
        own_name: The user's name as in chats, if no profile tells it.
        profile: What is known of the user already; people met are added to a copy of it, which is
            then part of the result.
        max_bytes: Size up to which a file is read; by default 512 MiB for mailboxes, 2 MiB for
            YAML, 32 MiB for others.

    Returns:
        Contexts by user (None for the user whom the caller names), and what could not be read.

    Raises:
        ConfigurationError: There is no format of this name.
    """
    from langchain_cogenesis.context.importers.registry import find_reader
    from langchain_cogenesis.context.importers.result import ImportOptions, Parsed
    from langchain_cogenesis.exceptions import SourceError

    total = Parsed()
    readable = []
    for path in map(Path, paths):
        try:
            readable.append((path, *find_reader(path, format)))
        except SourceError as problem:
            total.problems.append(problem)
    options = ImportOptions(own_address, own_name, max_bytes)
    first = sorted(readable, key=lambda entry: entry[1] != "profile")
    known = profile
    for path, name, reader in first:
        if name != "profile":
            options = _know(options, known)
        try:
            _join(total, reader(path, options))
        except SourceError as problem:
            total.problems.append(problem)
        if None in total.contexts:
            known = total.contexts[None].profile or profile
    _meet(total, profile)
    contexts = {user: context for user, context in total.contexts.items() if context.items()}
    return ImportResult(contexts, tuple(total.problems))


def _know(options: ImportOptions, profile: UserProfile | None) -> ImportOptions:
    if profile is None:
        return options
    return replace(
        options,
        own_address=options.own_address or profile.email,
        own_name=options.own_name or profile.name,
    )


def _join(total: Parsed, parsed: Parsed) -> None:
    from langchain_cogenesis.context.importers.result import merge_contexts

    total.problems += parsed.problems
    total.contacts += parsed.contacts
    for user, context in parsed.contexts.items():
        known = total.contexts.get(user)
        total.contexts[user] = merge_contexts(known, context) if known else context


def _meet(total: Parsed, profile: UserProfile | None) -> None:
    """Adds people met to the profile in the result, or to the one known before."""
    from langchain_cogenesis.context.importers.result import add_contacts

    context = total.contexts.get(None)
    known = (context.profile if context else None) or profile
    if context is not None and known is not None and total.contacts:
        updated = add_contacts(known, total.contacts)
        total.contexts[None] = context.model_copy(update={"profile": updated})
