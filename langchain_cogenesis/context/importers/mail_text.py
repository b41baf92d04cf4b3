"""The words of a mail that its sender wrote: no quotations, no signature, no markup."""

from __future__ import annotations

import re
from email.message import EmailMessage
from html.parser import HTMLParser

_QUOTE_HEAD = re.compile(
    r"(?:On .{3,200} wrote:|Am .{3,200} schrieb .{0,200}:|Le .{3,200} a écrit\s?:"
    r"|El .{3,200} escribió:|Il .{3,200} ha scritto:|-{2,}\s*Original Message\s*-{2,}"
    r"|-{2,}\s*Forwarded message\s*-{2,}|_{10,})",
    re.IGNORECASE,
)
_DEVICE_LINE = re.compile(r"Sent from my \w[\w .]{0,30}|Von meinem \w+ gesendet|Get Outlook for .*")
_BLOCKS = frozenset({"p", "div", "br", "li", "tr", "h1", "h2", "h3", "table", "ul", "ol"})
_HIDDEN = frozenset({"style", "script", "head", "title", "blockquote"})


def message_text(message: EmailMessage) -> str:
    """The text of a message's body; of its HTML if there is no plain part; empty if neither."""
    part = message.get_body(("plain", "html"))
    if part is None:
        return ""
    try:
        text = str(part.get_content())
    except (LookupError, UnicodeError, ValueError):
        payload = part.get_payload(decode=True)
        text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
    if part.get_content_type() == "text/html":
        text = _strip_markup(text)
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\ufeff", "")


def own_words(text: str) -> str:
    """Leaves out quoted lines, what is quoted below, and the signature after `-- `."""
    kept: list[str] = []
    lines = text.split("\n")
    for number, line in enumerate(lines):
        introduced = bool(line.strip()) and _begins_quotation(lines, number)
        if introduced or line.rstrip() == "--":
            break
        if not line.lstrip().startswith(">") and not _DEVICE_LINE.fullmatch(line.strip()):
            kept.append(line.rstrip())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


def _begins_quotation(lines: list[str], number: int) -> bool:
    if _QUOTE_HEAD.fullmatch(lines[number].strip()):
        return True
    # Mail programs wrap the line that introduces a quotation; prose may look like one, but has no
    # quoted lines behind it.
    quoted = any(line.lstrip().startswith(">") for line in lines[number + 1 : number + 5])
    wrapped = (" ".join(part.strip() for part in lines[number : number + n]) for n in (2, 3))
    return quoted and any(_QUOTE_HEAD.fullmatch(head) for head in wrapped)


def _strip_markup(html: str) -> str:
    stripper = _Stripper()
    stripper.feed(html)
    stripper.close()
    return re.sub(r"[ \t]+", " ", "".join(stripper.pieces)).replace(" \n", "\n").strip()


class _Stripper(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN:
            self._hidden.append(tag)
        elif tag in _BLOCKS and not self._hidden:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._hidden:
            while self._hidden.pop() != tag:
                pass
        elif tag in _BLOCKS and tag != "br" and not self._hidden:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(re.sub(r"\s+", " ", data))
