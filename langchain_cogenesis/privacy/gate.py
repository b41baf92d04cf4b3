"""The egress gate: the only way for text to leave the device.

`EgressGate.clear()` looks at a text, masks the private values in it and returns a `ClearedText`,
which nothing else can make. It remembers a keyed digest of what it cleared, by endpoint; the
transport asks for it, so that a text that reaches the wire by any other way is refused there.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from langchain_cogenesis.exceptions import PrivacyError
from langchain_cogenesis.privacy.detectors import Detector, PatternDetector, merge_overlaps
from langchain_cogenesis.privacy.lexicon import Match, PrivateLexicon
from langchain_cogenesis.privacy.placeholders import PLACEHOLDER_PATTERN
from langchain_cogenesis.privacy.policy import EgressPolicy, origin
from langchain_cogenesis.privacy.preview import Denied, Preview, Replacement
from langchain_cogenesis.privacy.restore import Conversation

if TYPE_CHECKING:
    from langchain_cogenesis.privacy.ledger import EgressLedger

_SEAL = object()
_REMEMBERED = 8192
_OVERLAP = 96
"""Characters before new text that are looked at again: longer than any value, or eight words."""


class ClearedText:
    """A text that the egress gate let through, for one endpoint. Only the gate can make one.

    Attributes:
        text: What may leave, private values masked.
        endpoint: The origin of the endpoint that it was cleared for.
        masked: Kinds of the values that were masked, with counts.
    """

    __slots__ = ("endpoint", "masked", "text")

    text: str
    endpoint: str
    masked: Mapping[str, int]

    def __init__(
        self, text: str, endpoint: str, masked: Mapping[str, int], *, seal: object
    ) -> None:
        if seal is not _SEAL:
            raise PrivacyError(
                "a ClearedText can be made by the egress gate only.",
                hint="Call EgressGate.clear(text, endpoint=…, conversation=…).",
            )
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "endpoint", endpoint)
        object.__setattr__(self, "masked", MappingProxyType(dict(masked)))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"ClearedText is immutable; can't set {name!r}")

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a ClearedText can't be pickled: a clearance holds in its process only")

    def __repr__(self) -> str:
        return (
            f"ClearedText(<{len(self.text)} characters for {self.endpoint}>, "
            f"masked={dict(self.masked)})"
        )


class EgressGate:
    """Decides on text: lets it through, masks private values in it, or refuses.

    Args:
        lexicon: Values known to be private.
        policy: What to do with each kind of value.
        detectors: Find values that the lexicon doesn't know, by their shape.
        ledger: Refusals are noted there.
        public_texts: Constant texts, such as prompt templates, that may leave as they are. They
            must not depend on a user.
    """

    def __init__(
        self,
        lexicon: PrivateLexicon | None = None,
        *,
        policy: EgressPolicy | None = None,
        detectors: Sequence[Detector] | None = None,
        ledger: EgressLedger | None = None,
        public_texts: Iterable[str] = (),
    ) -> None:
        self.lexicon = lexicon if lexicon is not None else PrivateLexicon()
        self.policy = policy if policy is not None else EgressPolicy()
        self.detectors = tuple(detectors) if detectors is not None else (PatternDetector(),)
        self.ledger = ledger
        self._key = secrets.token_bytes(32)
        self._constants = tuple(public_texts)
        self._public = frozenset(self._digest(text) for text in self._constants)
        self._cleared: OrderedDict[tuple[str, bytes], Mapping[str, int]] = OrderedDict()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"EgressGate(lexicon={self.lexicon!r}, policy={self.policy!r})"

    def clear(
        self, text: str, *, endpoint: str, conversation: Conversation
    ) -> ClearedText | Denied:
        """Lets a text out, with the private values in it masked.

        Args:
            text: What should go to the remote.
            endpoint: The remote's address.
            conversation: Whose placeholders stand for the masked values.

        Returns:
            The cleared text, or a `Denied` that says which kinds of values forbid it.
        """
        preview = self.preview(text, endpoint=endpoint, conversation=conversation)
        if preview.denied is not None or preview.masked is None:
            return self._note_denied(
                preview.denied or Denied(origin(endpoint), {}, "the text can't be masked")
            )
        masked = Counter(r.kind for r in preview.replacements if r.mark is not None)
        self._remember(preview.masked, endpoint, masked)
        return ClearedText(preview.masked, origin(endpoint), masked, seal=_SEAL)

    def admit(
        self, text: str, *, endpoint: str, conversation: Conversation, since: int = 0
    ) -> ClearedText | Denied:
        """Lets a text out that was masked already, as it is or not at all.

        It is for what the program put together from cleared parts and its own placeholders: a
        prompt with the text written so far. Nothing is masked here.

        Args:
            text: What should go to the remote.
            endpoint: The remote's address.
            conversation: Whose placeholders it holds; any other is refused.
            since: So many characters of it were admitted before; what begins there, or reaches over
                from shortly before, is looked at.

        Returns:
            The cleared text, or a `Denied` that says which kinds of values it holds.
        """
        masked: Counter[str] = Counter()
        if not self.policy.trusts(endpoint):
            said = text
            # The constant templates speak of placeholders; these stand for nothing. They are
            # blanked before the cut, which may go through one of them.
            for constant in self._constants:
                said = said.replace(constant, "\n" * len(constant))
            said = said[_word_start(said, since - _OVERLAP) :]
            marks = {match.group(): match[1] for match in PLACEHOLDER_PATTERN.finditer(said)}
            found = [m for m in self.find(said) if said[m.start : m.end] not in marks]
            left = Counter(m.kind for m in found if self.policy.action(m.kind, endpoint) != "allow")
            strange = [kind for mark, kind in marks.items() if conversation.surface(mark) is None]
            left.update(strange)
            if left:
                return self._note_denied(Denied(origin(endpoint), left, "values remain unmasked"))
            masked.update(marks.values())
        self._remember(text, endpoint, masked)
        return ClearedText(text, origin(endpoint), masked, seal=_SEAL)

    def _note_denied(self, denied: Denied) -> Denied:
        if self.ledger is not None:
            self.ledger.append(
                {"event": "denied", "endpoint": denied.endpoint, "masked": dict(denied.kinds)}
            )
        return denied

    def _remember(self, text: str, endpoint: str, masked: Mapping[str, int]) -> None:
        with self._lock:
            self._cleared[(origin(endpoint), self._digest(text))] = masked
            while len(self._cleared) > _REMEMBERED:
                self._cleared.popitem(last=False)

    def require(self, text: str, *, endpoint: str, conversation: Conversation) -> ClearedText:
        """Like `clear()`, with a refusal raised.

        Raises:
            EgressDeniedError: The policy refuses a value that the text holds.
        """
        cleared = self.clear(text, endpoint=endpoint, conversation=conversation)
        if isinstance(cleared, Denied):
            raise cleared.error()
        return cleared

    def preview(self, text: str, *, endpoint: str, conversation: Conversation) -> Preview:
        """What `clear()` would do. Nothing is sent, remembered for the wire, or noted."""
        if self.policy.trusts(endpoint):
            return Preview(text, text, (), None)
        found = self.find(text)
        actions = {match: self.policy.action(match.kind, endpoint) for match in found}
        refused = Counter(m.kind for m, action in actions.items() if action == "refuse")
        if refused:
            denied = Denied(origin(endpoint), refused, "the policy refuses values that it holds")
            return Preview(text, None, (), denied)
        replacements = tuple(
            Replacement(
                match.start,
                match.end,
                match.kind,
                conversation.mask(match.kind, text[match.start : match.end])
                if action == "mask"
                else None,
            )
            for match, action in actions.items()
        )
        masked = _replace(text, replacements)
        left = self.known_values(masked, endpoint)
        if left:
            denied = Denied(origin(endpoint), left, "values remain after masking")
            return Preview(text, None, replacements, denied)
        return Preview(text, masked, replacements, None, tuple(self.lexicon.noted(text)))

    def is_public(self, text: str) -> bool:
        """Whether a text is one of the constant texts that may leave as they are."""
        return self._digest(text) in self._public

    def clearance(self, text: str, endpoint: str) -> Mapping[str, int] | None:
        """The kinds masked in a text that was cleared for an endpoint; None if it wasn't."""
        with self._lock:
            return self._cleared.get((origin(endpoint), self._digest(text)))

    def known_values(self, text: str, endpoint: str) -> Counter[str]:
        """Kinds of the known private values that a text holds and that may not leave."""
        found = (match.kind for match in self.lexicon.find(text))
        return Counter(kind for kind in found if self.policy.action(kind, endpoint) != "allow")

    def _digest(self, text: str) -> bytes:
        return hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), hashlib.sha256)

    def find(self, text: str) -> list[Match]:
        """What is private in a text: typed placeholders, known values, detected ones."""
        literal = [Match(m.start(), m.end(), "ITEM") for m in PLACEHOLDER_PATTERN.finditer(text)]
        detected = (match for detector in self.detectors for match in detector.find(text))
        return merge_overlaps([*literal, *self.lexicon.find(text), *detected])


def _word_start(text: str, at: int) -> int:
    """The beginning of the word that a position is in; 0 for negative ones."""
    while at > 0 and not text[at - 1].isspace():
        at -= 1
    return max(0, at)


def _replace(text: str, replacements: Sequence[Replacement]) -> str:
    pieces: list[str] = []
    reached = 0
    for replacement in replacements:
        if replacement.mark is not None:
            pieces += [text[reached : replacement.start], replacement.mark]
            reached = replacement.end
    return "".join([*pieces, text[reached:]])
