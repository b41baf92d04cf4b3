"""Whether the end of a text may be the beginning of what a pattern finds, and isn't there yet.

It is asked for every token that is written, so that it looks at the last word first, and at more
only where that word, or a cue before it, gives reason to.
"""

from __future__ import annotations

import re

_SPACES = " \n\t\r"
_NUMBER = "0123456789 ()/.:-"
_MARKERS = (
    "eyJ", "sk-", "rk-", "pk-", "sk_", "rk_", "pk_", "whsec_", "ghp_", "gho_", "ghu_", "ghs_",
    "ghr_", "github_pat_", "glpat-", "glptt-", "glrt-", "AKIA", "ASIA", "ABIA", "ACCA", "AIza",
    "ya29.", "GOCSPX-", "xoxa-", "xoxb-", "xoxe-", "xoxo-", "xoxp-", "xoxr-", "xoxs-", "xapp-",
    "hf_", "gsk_", "r8_", "nvapi-", "lsv2_", "pplx-", "xai-", "tvly-", "npm_", "pypi-",
    "dckr_pat_", "rubygems_", "SG.", "key-", "doo_v1_", "dop_v1_", "dor_v1_", "shpat_", "shpca_",
    "shppa_", "shpss_", "dapi", "secret_", "ntn_", "lin_api_", "sq0", "PMAK-", "dp.pt.",
    "AGE-SECRET-KEY-1", "AAAA", "$2a$", "$2b$", "$2y$", "$argon2", "$1$", "$5$", "$6$", "$y$",
    "http://", "https://", "www.",
)  # fmt: skip
"""What secrets and addresses begin with, as in `secret_patterns` and `address_patterns`."""
_BEGUN = frozenset(marker[:end] for marker in _MARKERS for end in range(1, len(marker)))
_THREES = frozenset(marker[:3] for marker in _MARKERS)
_OPENERS = "\"'`([{<=:,;"
_MIXED = re.compile(r"\d|[a-z][A-Z]|[A-Z]{2}|\w[_+/=~-]\w|@|://")
_CAPITALS = re.compile(r"(?<!\w)[A-Z]{2,4}[-\ ]?\d*\Z")
_DIGIT = re.compile(r"\d")
_MARK = re.compile(r"\[[A-Z]{0,7}(?:_\d{0,4}\]?)?\Z")
_STREET = re.compile(r"(?<!\w)\d{1,5}[a-z]?,?\ (?:[A-Z][\w'’.-]*\ ?){0,3}\Z")
_CUES = (
    "passw", "passphrase", "pwd", "passcode", "token", "secret", "key", "bearer", "credential",
    "code=", "client_id",
)  # fmt: skip
_ASSIGNED = re.compile(
    r"(?:password|passwort|passwd|passphrase|pwd|passcode|token|secret|key|bearer|credential"
    r"|code=|client_id)s?"
    r"[\"'`]{0,2}(?:\s{1,2}(?:i|is|w|wa|was|a|ar|are)?|\s{0,2}[:=>-]{1,2})?\s{0,2}[\"'`]{0,3}"
    r"(?:Bearer\s|Basic\s)?[^\s\"'`<>,;()\[\]{}&=|]{0,256}={0,2}\Z",
    re.IGNORECASE,
)
_CUE_REACH = 320
_PEM = "-----BEGIN "
_PEM_LINES = re.compile(r"[A-Za-z0-9+/=:,\s\\-]*\Z")
_PEM_HEADER = re.compile(r"[A-Z0-9 ]{0,40}-{0,5}\Z")


def may_grow(text: str) -> bool:
    """Whether more text could make a pattern's match of what stands at the end of a text.

    Args:
        text: What is looked at; it begins at the beginning of a word.
    """
    if not text:
        return False
    word = text[1 + max(text.rfind(space) for space in _SPACES) :]
    if word and _is_begun(word):
        return True
    last = text[-64:]
    if _ends_in_number(last) or _CAPITALS.search(last, len(last) - 12 if len(last) > 12 else 0):
        return True
    if "[" in word and _MARK.search(word):
        return True
    return (
        (_DIGIT.search(last) is not None and _STREET.search(last) is not None)
        or _is_block_open(text)
        or _is_assigned(text)
    )


def _is_begun(word: str) -> bool:
    if _MIXED.search(word):
        return True
    bare = word.lstrip(_OPENERS)
    after = bare[1 + max(bare.rfind(opener) for opener in _OPENERS) :]
    return any(
        part in _BEGUN or (part[:3] in _THREES and part.startswith(_MARKERS))
        for part in (bare, after)
    )


def _ends_in_number(text: str) -> bool:
    """Whether a text ends in a number with its groups: "call 0170 12" and "+49 (0"."""
    return _DIGIT.search(text, len(text.rstrip(_NUMBER))) is not None


def _is_assigned(text: str) -> bool:
    """Whether what stands at the end belongs to a word such as 'password' before it."""
    reach = text[-_CUE_REACH:]
    lower = reach.lower()
    found = max(lower.rfind(cue) for cue in _CUES)
    return found >= 0 and _ASSIGNED.search(reach, max(0, found - 8)) is not None


def _is_block_open(text: str) -> bool:
    """Whether a PEM block has begun and not ended."""
    if text.endswith("-") and _PEM.startswith(text[len(text.rstrip("-")) :]):
        return True
    begin = text.rfind("-----")
    if begin < 0:
        return False
    if _PEM.startswith(text[begin:]):
        return True
    begin = text.rfind(_PEM)
    if begin < 0:
        return False
    body = text[begin + len(_PEM) :]
    end = body.find("-----END ")
    if end >= 0:
        # Its last line isn't whole before five hyphens stand behind it.
        return "-----" not in body[end + 9 :]
    return _PEM_LINES.match(body) is not None or _PEM_HEADER.match(body) is not None
