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
from datetime import UTC, datetime
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
_ID = re.compile(r"<[^<>\s]+>")
_Person = tuple[str, str]


@dataclass(frozen=True, slots=True, repr=False)
class Mail:
    """One message.

    Attributes:
        sender: Name and lower-case address.
        recipients: The same of each one it went to, copies included.
        subject: Its subject on one line, or None.
        when: ISO 8601 date and time by the sender's clock; None if it has none.
        text: What the sender wrote: without quotations and signature.
        line: On which line of the file it begins, from 1.
        sent: The same moment, comparable between senders; a clock without a zone counts as UTC.
        key: Its message id; empty if it has none.
        answers: Message ids that it refers to, the one it answers last.
    """

    sender: _Person
    recipients: tuple[_Person, ...]
    subject: str | None
    when: str | None
    text: str
    line: int = 1
    sent: datetime | None = None
    key: str = ""
    answers: tuple[str, ...] = ()


def read(path: Path, options: ImportOptions) -> Parsed:
    """Reads a mailbox, or one mail.

    The user is who has `options.own_address`, else `options.own_name`; else whoever takes part in
    most of the messages.

    Raises:
        SourceError: The file can't be read, or is no mailbox.
    """
    parsed = Parsed()
    mails = read_mails(path, options, parsed.problems)
    own = own_address(mails, options)
    sent = [mail for mail in mails if mail.sender[1] == own and mail.text]
    received = [mail for mail in mails if mail.sender[1] != own and mail.text]
    parsed.contexts[None] = PrivateContext(
        activities=tuple(as_activity(mail) for mail in received),
        writings=tuple(as_sample(mail, own) for mail in sent),
    )
    parsed.contacts += people_met(mails, own)
    return parsed


def read_mails(path: Path, options: ImportOptions, problems: list[SourceError]) -> list[Mail]:
    """Reads all messages of a mailbox, in the order of the file.

    Args:
        path: A mailbox, or one mail (`.eml`).
        options: Of these, `max_bytes`.
        problems: Takes what could not be read.

    Raises:
        SourceError: The file can't be read, or is no mailbox.
    """
    content = read_bytes(path, options.max_bytes or MAX_MAILBOX_BYTES)
    mails = []
    for line, raw in _messages(content, path, problems):
        try:
            mail = _parse(raw, line)
        except Exception as error:  # noqa: BLE001 - the parser raises many kinds on broken mails
            problem = f"the mail that begins here can't be read ({type(error).__name__})."
        else:
            if mail is not None:
                mails.append(mail)
                continue
            problem = "no mail begins here: it has no sender."
        problems.append(SourceError(path.name, problem, line=line, hint="The mail was left out."))
    return mails


def _messages(
    content: bytes, path: Path, problems: list[SourceError]
) -> Iterator[tuple[int, bytes]]:
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
        problems.append(SourceError(path.name, problem, line=1, hint="It was left out."))
    line, last = 1, 0
    for start, end in zip(starts, [*starts[1:], len(content)], strict=True):
        line, last = line + content.count(b"\n", last, start), start
        body = content[start:end].split(b"\n", 1)
        yield line, body[1] if len(body) > 1 else b""


def _parse(raw: bytes, line: int) -> Mail | None:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    senders = _people(message, "From")
    if not senders:
        return None
    when = _date(message)
    subject = re.sub(r"\s+", " ", str(message["Subject"] or "")).strip()
    return Mail(
        sender=senders[0],
        recipients=_people(message, "To", "Cc"),
        subject=subject or None,
        when=when.strftime("%Y-%m-%dT%H:%M") if when else None,
        text=own_words(re.sub(r"^>(>*From )", r"\1", message_text(message), flags=re.MULTILINE)),
        line=line,
        sent=_comparable(when),
        key=(_ids(message, "Message-ID") or ("",))[0],
        answers=_ids(message, "References", "In-Reply-To"),
    )


def _date(message: EmailMessage) -> datetime | None:
    if not message["Date"]:
        return None
    try:
        return parsedate_to_datetime(str(message["Date"]))
    except (ValueError, TypeError):
        return None


def _comparable(when: datetime | None) -> datetime | None:
    if when is None:
        return None
    try:
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except OverflowError:
        return None


def _ids(message: EmailMessage, *headers: str) -> tuple[str, ...]:
    values = [str(value) for header in headers for value in message.get_all(header, [])]
    return tuple(found for value in values for found in _ID.findall(value))


def _people(message: EmailMessage, *headers: str) -> tuple[_Person, ...]:
    values = [str(value) for header in headers for value in message.get_all(header, [])]
    pairs = getaddresses(values)
    return tuple((name.strip(), address.casefold()) for name, address in pairs if "@" in address)


def own_address(mails: Sequence[Mail], options: ImportOptions) -> str:
    """The user's address, lower-case: as told, else as named, else of who takes part most."""
    if options.own_address:
        return options.own_address.strip().casefold()
    name = words(options.own_name or "")
    for mail in mails:
        for person in (mail.sender, *mail.recipients):
            if name and words(person[0]) == name:
                return person[1]
    # The owner takes part in every message of a mailbox; friends only in their own. In a tie it is
    # the one who answered: what was answered came in.
    present: Counter[str] = Counter()
    for mail in mails:
        present.update(sorted({mail.sender[1], *(address for _, address in mail.recipients)}))
    wrote = Counter(mail.sender[1] for mail in mails)
    replied = Counter(mail.sender[1] for mail in mails if mail.answers)
    return max(present, key=lambda who: (present[who], wrote[who], replied[who]), default="")


def as_sample(mail: Mail, own: str) -> WritingSample:
    """A mail that the user wrote, as a writing sample."""
    others = [name or address for name, address in mail.recipients if address != own]
    return WritingSample(
        text=mail.text, title=mail.subject, recipient=", ".join(others) or None, when=mail.when
    )


def as_activity(mail: Mail) -> Activity:
    """A mail that the user received, as an activity; a long one is cut."""
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


def people_met(mails: Iterable[Mail], own: str) -> list[Contact]:
    """People with name and address who take part in mails, machines and the user left out."""
    met: dict[str, str] = {}
    for mail in mails:
        for name, address in (mail.sender, *mail.recipients):
            if name and "@" not in name and address != own and not _MACHINE.search(address):
                met.setdefault(address, name)
    return [Contact(name=name, email=address) for address, name in met.items()]
