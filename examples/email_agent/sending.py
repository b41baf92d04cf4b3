"""Makes the reply's mail, and sends it by SMTP or lays it into a folder."""

from __future__ import annotations

import re
import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, localtime, make_msgid
from pathlib import Path
from urllib.parse import unquote, urlsplit

from examples.email_agent.mailboxes import LOOPBACK, Mail
from langchain_cogenesis.exceptions import ConfigurationError

_SECONDS = 30.0
# A greeting without the name of this machine.
_NAME = "[127.0.0.1]"


def make_reply(mail: Mail, text: str, own_name: str, own_address: str) -> EmailMessage:
    """A reply, in its thread.

    Args:
        mail: What is answered.
        text: The reply.
        own_name: The user's name.
        own_address: The user's address.
    """
    reply = EmailMessage()
    reply["From"] = formataddr((own_name, own_address))
    named = mail.name != mail.address
    reply["To"] = formataddr((mail.name, mail.address)) if named else mail.address
    reply["Subject"] = mail.subject if mail.subject.lower().startswith("re:") else _re(mail)
    reply["Date"] = format_datetime(localtime())
    # By default it would name this machine.
    reply["Message-ID"] = make_msgid(domain=own_address.rpartition("@")[2])
    if mail.id.startswith("<"):
        reply["In-Reply-To"] = mail.id
        reply["References"] = " ".join((*mail.references, mail.id))
    reply.set_content(f"{text}\n")
    return reply


def send_smtp(server: str, reply: EmailMessage, password: str | None) -> str:
    """Sends a mail; without TLS only on this machine.

    Args:
        server: `smtp[s]://[user@]host[:port]`.
        reply: The mail.
        password: Of the account, if the server names a user.

    Returns:
        Where it went.

    Raises:
        ConfigurationError: The server can't be reached, or refuses.
    """
    address = urlsplit(server)
    host = address.hostname or ""
    if address.scheme not in ("smtp", "smtps") or not host:
        raise ConfigurationError(
            "the address of the mail server can't be read.", hint="Write smtp://user@host:587."
        )
    try:
        if address.scheme == "smtps":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                host, address.port or 465, _NAME, timeout=_SECONDS
            )
        else:
            smtp = smtplib.SMTP(host, address.port or 587, _NAME, timeout=_SECONDS)
        with smtp:
            if address.scheme == "smtp" and host not in LOOPBACK:
                smtp.starttls(context=ssl.create_default_context())
            if address.username:
                smtp.login(unquote(address.username), password or "")
            smtp.send_message(reply)
    except (OSError, smtplib.SMTPException) as error:
        raise ConfigurationError(
            f"the mail server at {host} did not take the mail ({type(error).__name__}).",
            hint="Check address, user and MAIL_PASSWORD; the draft was not sent.",
        ) from None
    return f"sent to {reply['To']}"


def write_outbox(folder: Path, reply: EmailMessage) -> str:
    """Lays a mail into a folder that only the user can read.

    Returns:
        Where it lies.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = re.sub(r"[^A-Za-z0-9]+", "-", str(reply["Message-ID"])).strip("-")
    path = folder / f"{name}.eml"
    path.touch(mode=0o600)
    path.write_bytes(reply.as_bytes(policy=SMTP))
    return f"written to {path}"


def _re(mail: Mail) -> str:
    return f"Re: {mail.subject}".strip()
