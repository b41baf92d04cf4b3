"""Secrets by their shape: keys of common makers, signed tokens, PEM blocks, passwords after a word.

As in the other patterns, time is linear in the text: a token is looked at where a run of its
characters begins, and what follows a word such as 'password' is bounded.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator

from langchain_cogenesis.privacy.lexicon import Match

_SOLIDS = bytes(32 if code == 32 else 120 for code in range(256))
_SOLID = b"x" * 20
_LONG_WORD = re.compile(rb"x{20,}")
_KNOWN = re.compile(
    r"""(?<![A-Za-z0-9_-])(?:
      eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?                    # JSON web tokens
    | (?:sk|rk|pk)-(?:[a-z]{2,8}-)?[\w-]{20,}                  # OpenAI, Anthropic, OpenRouter
    | (?:sk|rk|pk|whsec)_(?:live_|test_)?[A-Za-z0-9]{16,}      # Stripe
    | gh[pousr]_[A-Za-z0-9]{30,} | github_pat_\w{22,} | gl(?:pat|ptt|rt)-[\w-]{20,}
    | (?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])      # AWS
    | AIza[\w-]{35} | ya29\.[\w-]{20,} | GOCSPX-[\w-]{20,}     # Google
    | xox[abeoprs]-[\w-]{10,} | xapp-[\w-]{10,}                # Slack
    | hf_[A-Za-z0-9]{30,} | gsk_[A-Za-z0-9]{30,} | r8_[A-Za-z0-9]{30,} | nvapi-[\w-]{30,}
    | lsv2_[a-z]{2}_\w{20,} | pplx-[a-z0-9]{30,} | xai-[A-Za-z0-9]{30,} | tvly-[\w-]{20,}
    | npm_[A-Za-z0-9]{30,} | pypi-[\w-]{30,} | dckr_pat_[\w-]{20,} | rubygems_[a-f0-9]{30,}
    | SG\.[\w-]{16,}\.[\w-]{16,} | key-[0-9a-f]{32}            # SendGrid, Mailgun
    | (?:AC|SK)[0-9a-f]{32}(?![A-Za-z0-9])                     # Twilio
    | \d{8,10}:[\w-]{35}(?![\w-])                              # Telegram
    | do[opr]_v1_[a-f0-9]{30,} | shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{30,} | dapi[a-f0-9]{32}
    | (?:secret|ntn)_[A-Za-z0-9]{40,} | lin_api_[A-Za-z0-9]{30,} | sq0[a-z]{3}-[\w-]{20,}
    | PMAK-[a-f0-9-]{30,} | dp\.pt\.[\w-]{30,} | AGE-SECRET-KEY-1[A-Z0-9]{50,}
    | [\w-]{23,28}\.[\w-]{6}\.[\w-]{27,}                       # Discord
    )""",
    re.VERBOSE,
)
_HASHED = re.compile(r"(?<![\w$])\$(?:2[aby]|argon2[id]{0,2}|[156y])\$[\w./$,=+-]{16,256}")
_OPEN_KEY = re.compile(r"(?<![\w-])(?:ssh-(?:rsa|dss|ed25519)|ecdsa-[\w-]{1,32})\s(AAAA\S{40,})")
_PEM_LINES = re.compile(r"[A-Za-z0-9+/=:,\s\\-]*")

_PASSWORDS = ("password", "passwd", "passphrase", "passwort", "pwd", "passcode")
_TOKENS = ("token", "secret", "key", "bearer", "credential", "code=", "client_id")
_PINS = (
    "pin", "passcode", "door code", "gate code", "alarm code", "entry code", "access code",
    "security code", "verification code", "cvv", "cvc", "otp",
)  # fmt: skip
_VALUE = r"([^\s\"'`<>,;()\[\]{}&=|]{4,256}={0,2})"
_ASSIGNED = re.compile(
    r"[\"'`]{0,2}(?:\s{1,2}(?:is|was|are)\s{1,2}|\s{0,2}(?::=|=>|->|={1,2}|:)\s{0,2}|(?<==))"
    r"[\"'`]{0,3}(?:Bearer\s|Basic\s)?" + _VALUE
)
_BESIDE = re.compile(r"\s{1,2}" + _VALUE)
_PIN = re.compile(
    r"(?: code)?(?:\s{0,2}(?::|=|#)\s{0,2}|\s(?:is|was)\s|\s)(\d{3,8})(?![\w.,]\d|\w)"
)
_EXPRESSION = re.compile(r"[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)+")


def find_secrets(text: str, lower: str, shape: bytes) -> Iterator[Match]:
    """Finds keys, tokens, PEM blocks and passwords; their kind is `NUMBER`.

    Args:
        text: Where to look.
        lower: The same in small letters, character by character.
        shape: Its shape.
    """
    solids = shape.translate(_SOLIDS)
    if _SOLID in solids:
        yield from _find_known(text, solids)
    if "-----BEGIN " in text:
        yield from _find_blocks(text)
    for cue in _PASSWORDS:
        if cue in lower:
            yield from _find_assigned(text, lower, cue, _is_password)
    for cue in _TOKENS:
        if cue in lower:
            yield from _find_assigned(text, lower, cue, _is_token)
    for cue in _PINS:
        if cue in lower:
            yield from _find_pins(text, lower, cue)


def _find_known(text: str, solids: bytes) -> Iterator[Match]:
    for word in _LONG_WORD.finditer(solids):
        for match in _KNOWN.finditer(text, word.start(), word.end()):
            yield Match(match.start(), match.end(), "NUMBER")
    if "AAAA" in text:
        for match in _OPEN_KEY.finditer(text):
            yield Match(match.start(1), match.end(1), "NUMBER")
    if "$" in text:
        for match in _HASHED.finditer(text):
            yield Match(match.start(), match.end(), "NUMBER")


def _find_blocks(text: str) -> Iterator[Match]:
    begin = text.find("-----BEGIN ")
    while begin >= 0:
        end = text.find("-----END ", begin)
        if end < 0:
            # Cut off: what still looks like the block's lines belongs to it.
            header = text.find("-----", begin + 11)
            first = begin + 11 if header < 0 else header + 5
            body = _PEM_LINES.match(text, first)
            yield Match(begin, len(text[: body.end() if body else first].rstrip()), "NUMBER")
            return
        closing = text.find("-----", end + 9)
        stop = len(text) if closing < 0 else closing + 5
        yield Match(begin, stop, "NUMBER")
        begin = text.find("-----BEGIN ", stop)


def _find_assigned(
    text: str, lower: str, cue: str, holds: Callable[[str], bool]
) -> Iterator[Match]:
    at = lower.find(cue)
    while at >= 0:
        after = at + len(cue)
        match = _ASSIGNED.match(text, after)
        sure = match is not None
        match = match or _BESIDE.match(text, after)
        if match is not None:
            value = match[1].rstrip(".:")
            called = text[match.end(1) : match.end(1) + 1] in ("(", "[", "{")
            if not called and (holds(value) if sure else len(value) >= 16 and _is_token(value)):
                yield Match(match.start(1), match.start(1) + len(value), "NUMBER")
                after = match.end(1)
        at = lower.find(cue, after)


def _find_pins(text: str, lower: str, cue: str) -> Iterator[Match]:
    at = lower.find(cue)
    while at >= 0:
        after = at + len(cue)
        match = _PIN.match(text, after)
        if match and not text[max(0, at - 1) : at].isalnum():
            yield Match(match.start(1), match.end(1), "NUMBER")
        at = lower.find(cue, after)


def _is_password(value: str) -> bool:
    """Whether what stands after 'password is' is one, and not a word or an expression."""
    if len(value) < 4 or len(set(value)) < 3 or _EXPRESSION.fullmatch(value):
        return False
    digits = sum(c.isdigit() for c in value)
    letters = sum(c.isalpha() for c in value)
    signs = len(value) - digits - letters - value.count("_") - value.count("-")
    inner_capital = any(a.islower() and b.isupper() for a, b in itertools.pairwise(value))
    if digits == len(value):
        return digits >= 4
    return bool((digits and letters) or (signs and letters and "/" not in value)) or (
        inner_capital and len(value) >= 10
    )


def _is_token(value: str) -> bool:
    """Whether what stands after 'token' or 'key' is as random as one."""
    digits = sum(c.isdigit() for c in value)
    letters = sum(c.isalpha() for c in value)
    if len(value) < 8 or _EXPRESSION.fullmatch(value) or "://" in value:
        return False
    if len(value) < 16:
        return digits >= 3 and letters >= 2
    return digits >= 2 and letters >= 2 and _entropy(value) >= 3.0


def _entropy(value: str) -> float:
    """Shannon entropy of a value's characters, in bits a character."""
    counts = Counter(value).values()
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts)
