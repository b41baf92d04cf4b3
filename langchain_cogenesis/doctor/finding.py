"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check.

    Attributes:
        check: What was looked at.
        status: `ok`; `warn` if something is worth knowing; `fail` if private text can leave, or
            the package can't work.
        found: What is there: names of variables, files and classes, never the values of secrets.
        advice: What to do about it; empty if nothing.
        place: Where in an app it is, as a Python path; empty for the machine.
    """

    check: str
    status: Status
    found: str
    advice: str = ""
    place: str = ""


def host(address: object) -> str:
    """Host and port of a URL, without user, password, path or query; or nothing.

    Args:
        address: A URL, or what prints as one.
    """
    try:
        parts = urlsplit(str(address))
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    name = parts.hostname or ""
    return (f"[{name}]" if ":" in name else name) + port


def is_loopback(address: object) -> bool:
    """Whether a URL leads to this machine.

    Args:
        address: As for `host`.
    """
    try:
        name = urlsplit(str(address)).hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False
