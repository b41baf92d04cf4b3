"""A user's own mailbox as examples: answer this mail, as the user did."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from langchain_cogenesis.context.importers.mail import (
    Mail,
    as_activity,
    as_sample,
    own_address,
    people_met,
    read_mails,
)
from langchain_cogenesis.context.importers.result import ImportOptions, add_contacts
from langchain_cogenesis.context.schema import Activity, PrivateContext, UserProfile, WritingSample
from langchain_cogenesis.data.task.example import TaskExample
from langchain_cogenesis.data.task.facts import facts_in
from langchain_cogenesis.exceptions import SourceError

_PREFIX = re.compile(r"^(?:\s*(?:re|aw|sv|fwd?|wg)\s*:)+\s*", re.IGNORECASE)
_MIN_WORDS = 3


@dataclass(frozen=True, slots=True, repr=False)
class MailboxOptions:
    """Whose mailbox it is, and how much of it an example sees.

    Attributes:
        user: What the user is called in the examples; by default the file's name.
        profile: What is known of the user besides. It is taken as known from the first mail on.
        own_address: The user's address; by default the profile's, or who takes part most.
        max_items: Mails written, and mails received, that the context of an example holds at
            most: the latest before it.
    """

    user: str | None = None
    profile: UserProfile | None = None
    own_address: str | None = None
    max_items: int = 1000


def read_mailbox(
    path: Path, problems: list[SourceError], options: MailboxOptions | None = None
) -> Iterator[TaskExample]:
    """Yields one example for each mail with which the user answered another, oldest first.

    The reference is what the user wrote, without quotations and signature. The context holds what
    was sent and received strictly before; a mail without a date is in no context, since nobody
    knows that it was there before. A mail is answered if the answer names its message id, or
    else if it is the latest with the same subject from the one who is answered.

    Args:
        path: An mbox file.
        problems: Takes what can't be read; such a mail is left out.
        options: Whose it is.

    Raises:
        SourceError: The file can't be read, or is no mailbox.
    """
    options = options or MailboxOptions()
    profile = options.profile
    known = ImportOptions(
        own_address=options.own_address or (profile.email if profile else None),
        own_name=profile.name if profile else None,
    )
    mails = read_mails(path, known, problems)
    own = own_address(mails, known)
    past = _Past(own, _own_profile(mails, own, profile))
    pending: list[Mail] = []
    for mail in _in_order(mails):
        # Mails of one moment don't know of each other.
        if pending and _sent(pending[0]) < _sent(mail):
            for other in pending:
                past.add(other)
            pending = []
        pending.append(mail)
        asked = past.answered(mail) if mail.sender[1] == own else None
        if asked is not None and len(mail.text.split()) >= _MIN_WORDS:
            yield _example(mail, asked, past.context(asked, options.max_items), options, path)


def _in_order(mails: Iterable[Mail]) -> list[Mail]:
    """Mails with a date, oldest first, each once: exports hold some in two folders."""
    known: dict[object, Mail] = {}
    for mail in mails:
        if mail.sent is not None:
            known.setdefault(mail.key or (mail.sender[1], mail.sent, mail.text), mail)
    return sorted(known.values(), key=_sent)


def _sent(mail: Mail) -> datetime:
    return mail.sent or datetime.min.replace(tzinfo=UTC)


class _Past:
    """What was known at some moment; it only grows."""

    def __init__(self, own: str, profile: UserProfile | None) -> None:
        self._own = own
        self._profile = profile
        self._writings: list[WritingSample] = []
        self._received: list[tuple[Mail, Activity]] = []
        self._by_key: dict[str, tuple[Mail, Activity]] = {}

    def add(self, mail: Mail) -> None:
        """Takes the next mail in."""
        if self._profile is not None:
            self._profile = add_contacts(self._profile, people_met([mail], self._own))
        if not mail.text:
            return
        if mail.sender[1] == self._own:
            self._writings.append(as_sample(mail, self._own))
            return
        entry = mail, as_activity(mail)
        self._received.append(entry)
        if mail.key:
            self._by_key[mail.key] = entry

    def answered(self, mail: Mail) -> tuple[Mail, Activity] | None:
        """The mail that a mail answers, if it is there."""
        for key in reversed(mail.answers):
            if key in self._by_key:
                return self._by_key[key]
        subject = mail.subject or ""
        if mail.answers or not _PREFIX.match(subject):
            return None
        topic = _PREFIX.sub("", subject).casefold()
        to = {address for _, address in mail.recipients}
        for entry in reversed(self._received):
            other = entry[0]
            same = _PREFIX.sub("", other.subject or "").casefold() == topic
            if same and other.sender[1] in to:
                return entry
        return None

    def context(self, asked: tuple[Mail, Activity], max_items: int) -> PrivateContext:
        """The latest of what was written and received, and the mail that is answered."""
        kept = self._received[-max_items:]
        if not any(entry is asked for entry in kept):
            kept = [asked, *kept[1:]]
        return PrivateContext(
            profile=self._profile,
            activities=tuple(activity for _, activity in kept),
            writings=tuple(self._writings[-max_items:]),
        )


def _own_profile(mails: Iterable[Mail], own: str, known: UserProfile | None) -> UserProfile | None:
    if known is not None:
        return known
    # One's own name is no news of the future, whichever mail it is read from.
    names = (mail.sender[0] for mail in mails if mail.sender[1] == own)
    name = next((name for name in names if name and "@" not in name), None)
    return UserProfile(name=name, email=own) if name else None


def _example(
    mail: Mail,
    asked: tuple[Mail, Activity],
    context: PrivateContext,
    options: MailboxOptions,
    path: Path,
) -> TaskExample:
    return TaskExample(
        id=f"{path.stem}-{mail.line}",
        user=options.user or path.stem,
        instruction=_instruction(asked[0]),
        context=context,
        reference=mail.text,
        facts=facts_in(context, mail.text),
        task="reply",
    )


def _instruction(asked: Mail) -> str:
    sender = asked.sender[0] or asked.sender[1]
    about = f' "{_PREFIX.sub("", asked.subject)}"' if asked.subject else ""
    return f"Answer the e-mail{about} from {sender}."
