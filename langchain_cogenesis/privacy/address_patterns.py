"""Addresses of the net, by their shape: e-mail, URL, IPv6, hardware, paths with a user's name.

Every pattern takes time linear in the text: no quantifier stands inside an unbounded one unless its
turns are told apart by a character that the inner one can't match, and what may fail late begins
only where a run of its characters begins.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from langchain_cogenesis.privacy.lexicon import Match
from langchain_cogenesis.privacy.shape import places

# Letters of scripts that put spaces between words; in others an address ends where it stops.
_LETTER = r"A-Za-z0-9\u00c0-\u052f"
_LABEL = rf"[{_LETTER}](?:[{_LETTER}-]{{0,62}})"
_EMAIL = re.compile(rf"(?<![{_LETTER}.+%_-])[{_LETTER}.+%_-]{{1,64}}@{_LABEL}(?:\.{_LABEL}){{1,8}}")
_SPELLED_EMAIL = re.compile(
    rf"(?<![{_LETTER}.+%_-])[{_LETTER}.+%_-]{{1,64}}\s?[(\[]at[)\]]\s?"
    rf"{_LABEL}(?:(?:\.|\s?[(\[]dot[)\]]\s?|\sdot\s){_LABEL}){{1,8}}",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"(?<![a-z0-9])[a-z][a-z0-9+.-]{1,15}\Z")
_REST = re.compile(r"[^\s<>\"`|\\^{}\[\]]{1,2048}")
_OF_THE_NET = frozenset(
    [
        "http",
        "https",
        "ws",
        "wss",
        "ftp",
        "ftps",
        "sftp",
        "ssh",
        "git",
        "socks4",
        "socks5",
        "smb",
        "rtsp",
    ]
)
_PROFILE = re.compile(
    r"(?<![a-z0-9_/.@-])(?:www\.|m\.)?(?:linkedin|github|gitlab|facebook|instagram|twitter|x|tiktok"
    r"|youtube|t|wa|medium|reddit|strava|lnkd)\.(?:com|me|in)/\Z"
)
_WWW = re.compile(r"(?<![\w/.@-])www\.[\w.-]{3,255}/[^\s<>\"`|\\^{}\[\]]{1,2048}", re.IGNORECASE)
_CLOSING = ".,;:!?'\u2019\u201d)*"
_HOME = re.compile(r"(?:\\\\|[\\/])(?:([^\\/:*?\"<>|\n]{1,40})(?=[\\/])|([\w.-]{1,40}))")
_NOBODYS_HOME = frozenset(
    (
        "public", "user", "users", "username", "name", "default", "shared", "guest", "admin",
        "root", "ubuntu", "runner", "app", "node", "your_username", "yourname", "me", "you",
    )
)  # fmt: skip
_HEX_MIDDLE = re.compile(rb":(?::|[0a]{1,4}:[0a]{1,4}:[0a]{1,4}:)")
_HYPHENATED = re.compile(rb"-[0a]{2}-[0a]{2}-[0a]{2}-")
_HEX_BEFORE = re.compile(r"(?<![\w:.-])[0-9A-Fa-f:.-]{0,45}\Z")
_HEX_RUN = re.compile(r"[0-9A-Fa-f:.-]{4,45}(?![\w:-])")
_HARDWARE = re.compile(r"[0-9A-Fa-f]{2}(?:([:-])[0-9A-Fa-f]{2})(?:\1[0-9A-Fa-f]{2}){4}")


def find_addresses(text: str, lower: str, shape: bytes) -> Iterator[Match]:
    """Finds e-mail addresses, URLs, IPv6 and hardware addresses, and users' names in paths.

    Args:
        text: Where to look.
        lower: The same in small letters, character by character.
        shape: Its shape.
    """
    if "@" in text:
        for match in _EMAIL.finditer(text):
            if not match.group().rpartition(".")[2].isdigit():
                yield Match(match.start(), match.end(), "EMAIL")
    if "(at)" in lower or "[at]" in lower:
        for match in _SPELLED_EMAIL.finditer(text):
            yield Match(match.start(), match.end(), "EMAIL")
    if "/" in text or "\\" in text:
        yield from _find_urls(text, lower)
        yield from _find_homes(text, lower)
    yield from _find_hexadecimal(text, shape.lower())


def _find_urls(text: str, lower: str) -> Iterator[Match]:
    for at in places(lower, "://"):
        scheme = _SCHEME.search(lower, max(0, at - 17), at)
        match = _REST.match(text, at + 3)
        if scheme and match:
            rest = match.group().rstrip(_CLOSING)
            known = scheme.group() in _OF_THE_NET
            if _points_to_somebody(rest) and (known or "@" in rest):
                yield Match(scheme.start(), at + 3 + len(rest), "URL")
    for ending in (".com/", ".me/", ".in/"):
        for at in places(lower, ending):
            first = at + len(ending)
            host = _PROFILE.search(lower, max(0, at - 20), first)
            match = _REST.match(text, first)
            if host and match and len(match.group()) > 1:
                yield Match(host.start(), first + len(match.group().rstrip(_CLOSING)), "URL")
    if "www." in lower:
        for match in _WWW.finditer(text):
            yield Match(match.start(), match.start() + len(match.group().rstrip(_CLOSING)), "URL")


def _points_to_somebody(rest: str) -> bool:
    """Whether a URL says more than the name of a public host (`rest` follows its `://`)."""
    host, _, path = rest.partition("/")
    user, _, host = host.rpartition("@")
    name = host.partition(":")[0].lower()
    if user:
        return True
    if name in ("localhost", "127.0.0.1", "0.0.0.0") or name.endswith(("example.com", ".test")):
        return False
    return bool(path) or "?" in host or name.replace(".", "").isdigit()


def _find_homes(text: str, lower: str) -> Iterator[Match]:
    for folder in ("/home", "users"):
        for at in places(lower, folder):
            if folder == "users" and text[max(0, at - 1) : at] not in ("/", "\\"):
                continue
            match = _HOME.match(text, at + 5)
            if match and match[match.lastindex or 0].strip("$%{}<>").lower() not in _NOBODYS_HOME:
                yield Match(*match.span(match.lastindex or 0), "NAME")


def _find_hexadecimal(text: str, small: bytes) -> Iterator[Match]:
    reached = 0
    for pattern in (_HEX_MIDDLE, _HYPHENATED):
        for middle in pattern.finditer(small):
            if middle.start() < reached:
                continue
            before = _HEX_BEFORE.search(text, max(0, middle.start() - 46), middle.start())
            match = before and _HEX_RUN.match(text, before.start())
            if not match:
                continue
            reached = match.end()
            run = match.group() if match.group().endswith("::") else match.group().rstrip(".:")
            if _HARDWARE.fullmatch(run):
                yield Match(match.start(), match.start() + len(run), "NUMBER")
            elif run.count(":") >= 2 and _is_ipv6(run):
                yield Match(match.start(), match.start() + len(run), "URL")
        reached = 0


def _is_ipv6(run: str) -> bool:
    groups = [group for group in run.split(":") if group]
    # `a::b` is a scope in a program more often than somebody's address.
    if len(groups) < 3 or not any(c.isdigit() for c in run):
        return False
    try:
        return not ipaddress.IPv6Address(run).is_loopback
    except ValueError:
        return False
