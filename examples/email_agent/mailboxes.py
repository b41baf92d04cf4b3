"""Reads mails that wait for an answer, from an mbox file, a Maildir or an IMAP server."""

from __future__ import annotations

import email
import email.policy
import imaplib
import mailbox
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import getaddresses, parsedate_to_datetime
from hashlib import sha256
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from langchain_cogenesis.context.importers.mail_text import message_text, own_words
from langchain_cogenesis.exceptions import ConfigurationError

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_MACHINE = re.compile(
    r"(?:no-?reply|do-?not-?reply|mailer-daemon|notifications?|bounces?)[@+-]", re.I
)
_SECONDS = 30.0


@dataclass(frozen=True, slots=True, repr=False)
class Mail:
    """A mail that waits for an answer. Everything in it is private.

    Attributes:
        id: Its Message-ID; a digest where it has none.
        name: Who sent it; the address where no name is given.
        address: Where the answer goes.
        subject: The subject, or nothing.
        when: When it was sent, as `YYYY-MM-DDTHH:MM`, or None.
        text: What its sender wrote, without quotations and signature.
        references: Message-IDs of the thread before it.
        uid: Its number in an IMAP folder, or None.
    """

    id: str
    name: str
    address: str
    subject: str
    when: str | None
    text: str
    references: tuple[str, ...]
    uid: str | None = None

    def __repr__(self) -> str:
        return f"Mail(<withheld: {len(self.text)} characters>)"


def read_mailbox(
    source: str, own_address: str | None, *, password: str | None = None, limit: int = 10
) -> list[Mail]:
    """The mails of a mailbox that nobody has answered, newest first.

    Left out are the user's own mails, those that they answered, and what machines and lists send.

    Args:
        source: An mbox file, a Maildir, or `imap[s]://user@host[:port][/folder]`.
        own_address: The user's address.
        password: Of the IMAP account.
        limit: At most so many.

    Raises:
        ConfigurationError: There is no such mailbox, or it can't be read.
    """
    found = _imap(source, password) if "://" in source else _files(Path(source))
    own = (own_address or "").casefold()
    waiting: dict[str, Mail] = {}
    answered: set[str] = set()
    for uid, message in found:
        address = _sender(message)[1]
        if address.casefold() == own:
            answered.update(_references(message))
        elif address and not _is_automatic(message, address):
            mail = _mail(message, uid)
            waiting.setdefault(mail.id, mail)
    open_ones = [mail for mail in waiting.values() if mail.text and mail.id not in answered]
    return sorted(open_ones, key=lambda mail: mail.when or "", reverse=True)[:limit]


def mark_answered(source: str, mail: Mail, password: str | None) -> None:
    """Marks a mail on an IMAP server as answered; one from a file stays as it is.

    Raises:
        ConfigurationError: The server can't be used.
    """
    if mail.uid is None or "://" not in source:
        return
    with _folder(source, password, readonly=False) as server:
        server.uid("STORE", mail.uid, "+FLAGS", r"(\Answered)")


def connect_imap(address: SplitResult, password: str | None) -> imaplib.IMAP4:
    """Logs in; without TLS only on this machine.

    Raises:
        ConfigurationError: The server can't be reached, has no TLS, or refuses the login.
    """
    host, user = address.hostname or "", unquote(address.username or "")
    if not user or password is None:
        raise ConfigurationError(
            "the mail server wants a user and a password.",
            hint="Write imaps://user@host, and put the password into MAIL_PASSWORD.",
        )
    try:
        server = _secured(address)
        try:
            server.login(user, password)
        except BaseException:
            server.shutdown()
            raise
    except (OSError, imaplib.IMAP4.error) as error:
        raise ConfigurationError(
            f"the mail server at {host} can't be used ({type(error).__name__}).",
            hint="Check address, user and MAIL_PASSWORD.",
        ) from None
    return server


def _secured(address: SplitResult) -> imaplib.IMAP4:
    host = address.hostname or ""
    if address.scheme == "imaps":
        context = ssl.create_default_context()
        return imaplib.IMAP4_SSL(host, address.port or 993, ssl_context=context, timeout=_SECONDS)
    server = imaplib.IMAP4(host, address.port or 143, timeout=_SECONDS)
    try:
        if "STARTTLS" in server.capabilities:
            server.starttls(ssl.create_default_context())
        elif host not in LOOPBACK:
            raise ConfigurationError(f"{host} offers no TLS.", hint="Use imaps://.")
    except BaseException:
        server.shutdown()
        raise
    return server


@contextmanager
def _folder(source: str, password: str | None, *, readonly: bool) -> Iterator[imaplib.IMAP4]:
    address = urlsplit(source)
    if address.scheme not in ("imap", "imaps"):
        raise ConfigurationError(
            f"there is no mailbox at {address.scheme}://.", hint="Use imap:// or imaps://."
        )
    folder = unquote(address.path.strip("/")) or "INBOX"
    server = connect_imap(address, password)
    try:
        status, _ = server.select(f'"{folder}"', readonly=readonly)
        if status != "OK":
            raise ConfigurationError(f"there is no folder {folder!r}.", hint="Try INBOX.")
        yield server
    finally:
        with suppress(OSError, imaplib.IMAP4.error):
            server.logout()


def _imap(source: str, password: str | None) -> Iterator[tuple[str, EmailMessage]]:
    with _folder(source, password, readonly=True) as server:
        _, found = server.uid("SEARCH", "UNANSWERED")
        for uid in (found[0] or b"").decode().split():
            # PEEK: reading doesn't mark a mail as seen.
            _, parts = server.uid("FETCH", uid, "(BODY.PEEK[])")
            raw = next((part[1] for part in parts if isinstance(part, tuple)), b"")
            yield uid, _parsed(raw)


def _files(path: Path) -> Iterator[tuple[None, EmailMessage]]:
    if not path.exists():
        raise ConfigurationError(f"there is no mailbox {path}.", hint="Check the path.")
    if path.is_dir():
        if not (path / "cur").is_dir():
            raise ConfigurationError(f"{path} is no Maildir: it has no folder cur.")
        box: mailbox.Mailbox[mailbox.Message] = mailbox.Maildir(path, create=False)
    else:
        box = mailbox.mbox(path, create=False)
    try:
        for key in box.iterkeys():
            yield None, _parsed(box.get_bytes(key))
    finally:
        box.close()


def _parsed(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=email.policy.default)


def _is_automatic(message: EmailMessage, address: str) -> bool:
    """Whether a machine or a list sent a mail."""
    automatic = str(message["Auto-Submitted"] or "no").casefold() != "no"
    return automatic or bool(message["List-Id"] or _MACHINE.search(address))


def _sender(message: EmailMessage) -> tuple[str, str]:
    """Name and address to which an answer goes."""
    for header in ("Reply-To", "From"):
        values = [str(value) for value in message.get_all(header, [])]
        for name, address in getaddresses(values):
            if "@" in address:
                return " ".join(name.split()) or address, address
    return "", ""


def _mail(message: EmailMessage, uid: str | None) -> Mail:
    name, address = _sender(message)
    when = None
    with suppress(TypeError, ValueError):
        when = parsedate_to_datetime(str(message["Date"])).strftime("%Y-%m-%dT%H:%M")
    return Mail(
        id=str(message["Message-ID"] or "").strip() or sha256(bytes(message)).hexdigest(),
        name=name,
        address=address,
        subject=" ".join(str(message["Subject"] or "").split()),
        when=when,
        text=own_words(message_text(message)).strip(),
        references=_references(message),
        uid=uid,
    )


def _references(message: EmailMessage) -> tuple[str, ...]:
    headers = f"{message['References'] or ''} {message['In-Reply-To'] or ''}"
    return tuple(dict.fromkeys(re.findall(r"<[^<>\s]+>", headers)))
