"""Mailboxes (`.mbox`) and single mails (`.eml`).

What the user wrote becomes writing samples; what they received, activities.
"""

from __future__ import annotations

import email
import email.policy
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import getaddresses, parsedate_to_datetime
from pathlib import Path

from langchain_cogenesis.context.importers.mail_text import message_text, own_words
from langchain_cogenesis.context.importers.result import ImportOptions, Parsed
from langchain_cogenesis.context.importers.sources import MAX_MAILBOX_BYTES, read_bytes
from langchain_cogenesis.context.lexical import words
from langchain_cogenesis.context.schema import Activity, Contact, PrivateContext, WritingSample
from langchain_cogenesis.exceptions import SourceError

_SHORT = 500
_MACHINE = re.compile(
    r"(?:no-?reply|do-?not-?reply|mailer-daemon|notifications?|bounces?)[@+-]", re.I
)
_START = re.compile(rb"(?:\A|(?<=\n\n)|(?<=\n\r\n))From ")
_DATED_START = re.compile(_START.pattern + rb"[^\n]*\d\d:\d\d")
_Person = tuple[str, str]


@dataclass(frozen=True, slots=True, repr=False)
class _Mail:
    """One message: people are pairs of name and lower-case address."""

    sender: _Person
    recipients: tuple[_Person, ...]
    subject: str | None
    when: str | None
    text: str


def read(path: Path, options: ImportOptions) -> Parsed:
    """Reads a mailbox, or one mail.

    The user is who has `options.own_address`, else `options.own_name`; else whoever takes part in
    most of the messages.

    Raises:
        SourceError: The file can't be read, or is no mailbox.
    """
    parsed = Parsed()
    content = read_bytes(path, options.max_bytes or MAX_MAILBOX_BYTES)
    mails = []
    for line, raw in _messages(content, path, parsed):
        try:
            mail = _parse(raw)
        except Exception as error:  # noqa: BLE001 - the parser raises many kinds on broken mails
            problem = f"the mail that begins here can't be read ({type(error).__name__})."
        else:
            if mail is not None:
                mails.append(mail)
                continue
            problem = "no mail begins here: it has no sender."
        parsed.problems.append(
            SourceError(path.name, problem, line=line, hint="The mail was left out.")
        )
    own = _own_address(mails, options)
    sent = [mail for mail in mails if mail.sender[1] == own and mail.text]
    received = [mail for mail in mails if mail.sender[1] != own and mail.text]
    parsed.contexts[None] = PrivateContext(
        activities=tuple(_activity(mail) for mail in received),
        writings=tuple(_sample(mail, own) for mail in sent),
    )
    parsed.contacts += _contacts(mails, own)
    return parsed


def _messages(content: bytes, path: Path, parsed: Parsed) -> Iterator[tuple[int, bytes]]:
    """Yields each message with the line on which it begins."""
    if path.suffix.lower() == ".eml":
        yield 1, content
        return
    # A line of prose may begin with "From " too: one with a time is believed first.
    found = list(_DATED_START.finditer(content)) or list(_START.finditer(content))
    starts = [start.start() for start in found]
    if not starts:
        raise SourceError(
            path.name,
            "is no mailbox: no line begins a message (`From …`).",
            line=1,
            hint="Export it as mbox, or import single mails as .eml.",
        )
    if content[: starts[0]].strip():
        problem = "there is text before the first message."
        parsed.problems.append(SourceError(path.name, problem, line=1, hint="It was left out."))
    line, last = 1, 0
    for start, end in zip(starts, [*starts[1:], len(content)], strict=True):
        line, last = line + content.count(b"\n", last, start), start
        body = content[start:end].split(b"\n", 1)
        yield line, body[1] if len(body) > 1 else b""


def _parse(raw: bytes) -> _Mail | None:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    senders = _people(message, "From")
    if not senders:
        return None
    when = None
    if message["Date"]:
        try:
            when = parsedate_to_datetime(str(message["Date"])).strftime("%Y-%m-%dT%H:%M")
        except (ValueError, TypeError):
            when = None
    subject = re.sub(r"\s+", " ", str(message["Subject"] or "")).strip()
    return _Mail(
        sender=senders[0],
        recipients=_people(message, "To", "Cc"),
        subject=subject or None,
        when=when,
        text=own_words(re.sub(r"^>(>*From )", r"\1", message_text(message), flags=re.MULTILINE)),
    )


def _people(message: EmailMessage, *headers: str) -> tuple[_Person, ...]:
    values = [str(value) for header in headers for value in message.get_all(header, [])]
    pairs = getaddresses(values)
    return tuple((name.strip(), address.casefold()) for name, address in pairs if "@" in address)


def _own_address(mails: Sequence[_Mail], options: ImportOptions) -> str:
    if options.own_address:
        return options.own_address.strip().casefold()
    name = words(options.own_name or "")
    for mail in mails:
        for person in (mail.sender, *mail.recipients):
            if name and words(person[0]) == name:
                return person[1]
    # The owner takes part in every message of a mailbox; friends only in their own.
    present: Counter[str] = Counter()
    for mail in mails:
        present.update({mail.sender[1], *(address for _, address in mail.recipients)})
    wrote = Counter(mail.sender[1] for mail in mails)
    return max(present, key=lambda address: (present[address], wrote[address]), default="")


def _sample(mail: _Mail, own: str) -> WritingSample:
    others = [name or address for name, address in mail.recipients if address != own]
    return WritingSample(
        text=mail.text, title=mail.subject, recipient=", ".join(others) or None, when=mail.when
    )


def _activity(mail: _Mail) -> Activity:
    text = mail.text if len(mail.text) <= _SHORT else _shorten(mail.text)
    if mail.subject:
        text = f"{mail.subject}: {text}"
    return Activity(
        kind="message", when=mail.when, text=text, people=(mail.sender[0] or mail.sender[1],)
    )


def _shorten(text: str) -> str:
    start = text[:_SHORT]
    end = max(start.rfind(mark) for mark in (". ", "! ", "? ", "\n"))
    return start[: end + 1].strip() if end > _SHORT // 2 else f"{start.rsplit(' ', 1)[0]} …"


def _contacts(mails: Iterable[_Mail], own: str) -> list[Contact]:
    met: dict[str, str] = {}
    for mail in mails:
        for name, address in (mail.sender, *mail.recipients):
            if name and "@" not in name and address != own and not _MACHINE.search(address):
                met.setdefault(address, name)
    return [Contact(name=name, email=address) for address, name in met.items()]
