"""The egress gate: the only way for text to leave the device.

`EgressGate.clear()` looks at a text, masks the private values in it and returns a `ClearedText`,
which nothing else can make. It remembers a keyed digest of what it cleared, by endpoint; the
transport asks for it, so that a text that reaches the wire by any other way is refused there.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from langchain_cogenesis.privacy.asking import (
    AnswerBook,
    Answers,
    Ask,
    in_thread,
    reasons,
)
from langchain_cogenesis.privacy.cleared import SEAL, Clearance, ClearedText
from langchain_cogenesis.privacy.decisions import ask_about, mask_all, may_stand, policy_actions
from langchain_cogenesis.privacy.detectors import Detector, PatternDetector, merge_overlaps
from langchain_cogenesis.privacy.lexicon import Match, PrivateLexicon
from langchain_cogenesis.privacy.placeholders import PLACEHOLDER_PATTERN
from langchain_cogenesis.privacy.policy import EgressPolicy, origin
from langchain_cogenesis.privacy.preview import Denied, Preview, Replacement
from langchain_cogenesis.privacy.restore import Conversation, with_unfit_endings

if TYPE_CHECKING:
    from langchain_cogenesis.privacy.ledger import EgressLedger

__all__ = ["ClearedText", "EgressGate"]

_REMEMBERED = 8192
_OVERLAP = 96
"""Characters before new text that are looked at again: longer than any value, or eight words."""


class EgressGate:
    """Decides on text: lets it through, masks private values in it, or refuses.

    Args:
        lexicon: Values known to be private.
        policy: What to do with each kind of value.
        detectors: Find values that the lexicon doesn't know, by their shape.
        ledger: Refusals are noted there.
        public_texts: Constant texts, such as prompt templates, that may leave as they are. They
            must not depend on a user.
        ask: Answers where the policy says `ask`: a function, or a coroutine function, that gets an
            `EgressQuestion` and returns `allow`, `mask` or `refuse`. An answer is remembered for
            the conversation: the same value on its way to the same endpoint is asked about once.
    """

    def __init__(
        self,
        lexicon: PrivateLexicon | None = None,
        *,
        policy: EgressPolicy | None = None,
        detectors: Sequence[Detector] | None = None,
        ledger: EgressLedger | None = None,
        public_texts: Iterable[str] = (),
        ask: Ask | None = None,
    ) -> None:
        self.lexicon = lexicon if lexicon is not None else PrivateLexicon()
        self.policy = policy if policy is not None else EgressPolicy()
        self.detectors = tuple(detectors) if detectors is not None else (PatternDetector(),)
        self.ledger = ledger
        self.ask = ask
        self._answers = AnswerBook()
        self._key = secrets.token_bytes(32)
        constants = sorted(public_texts, key=len, reverse=True)
        self._longest_constant = len(constants[0]) if constants else 0
        # One pass, however many there are: it is made for every token of logit mode.
        self._constant = re.compile("|".join(map(re.escape, filter(None, constants))) or "(?!)")
        self._public = frozenset(map(self._digest, constants))
        self._cleared: OrderedDict[tuple[str, bytes], Clearance] = OrderedDict()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"EgressGate(lexicon={self.lexicon!r}, policy={self.policy!r})"

    def clear(
        self, text: str, *, endpoint: str, conversation: Conversation, may_ask: bool = True
    ) -> ClearedText | Denied:
        """Lets a text out, with the private values in it masked.

        Args:
            text: What should go to the remote.
            endpoint: The remote's address.
            conversation: Whose placeholders stand for the masked values.
            may_ask: Whether `ask` may be called; else what it would be asked about is masked.

        Returns:
            The cleared text, or a `Denied` that says which kinds of values forbid it.
        """
        preview = self.preview(text, endpoint=endpoint, conversation=conversation, may_ask=may_ask)
        if preview.denied is not None or preview.masked is None:
            return self._note_denied(
                preview.denied or Denied(origin(endpoint), {}, "the text can't be masked")
            )
        masked = Counter(r.kind for r in preview.replacements if r.mark is not None)
        answers = self._answers.of(conversation.thread, origin(endpoint))
        self._remember(preview.masked, endpoint, Clearance(masked, answers, preview.asked))
        return ClearedText(preview.masked, origin(endpoint), masked, seal=SEAL, gate=self)

    def admit(
        self,
        text: str,
        *,
        endpoint: str,
        conversation: Conversation,
        since: int = 0,
        before: Mapping[str, int] | None = None,
    ) -> ClearedText | Denied:
        """Lets a text out that was masked already, as it is or not at all.

        It is for what the program put together from cleared parts and its own placeholders: a
        prompt with the text written so far. Nothing is masked here, and nothing is asked.

        Args:
            text: What should go to the remote.
            endpoint: The remote's address.
            conversation: Whose placeholders it holds; any other is refused.
            since: So many characters of it were admitted before; what begins there, or reaches over
                from shortly before, is looked at.
            before: What was masked in those characters, by kind: `masked` of what was returned
                for them.

        Returns:
            The cleared text, with all placeholders in it counted, or a `Denied` that says which
            kinds of values it holds.
        """
        masked: Counter[str] = Counter()
        answers = self._answers.of(conversation.thread, origin(endpoint))
        if not self.policy.trusts(endpoint):
            said = self._unsaid(text, since - _OVERLAP)
            found = list(PLACEHOLDER_PATTERN.finditer(said)) if "[" in said else []
            marks = {match.group(): match[1] for match in found}
            actions = policy_actions(self.policy, self._parts(said), endpoint)
            left = Counter(
                match.kind
                for match, action in actions.items()
                if said[match.start : match.end] not in marks
                and not may_stand(action, answers, said, match)
            )
            strange = [kind for mark, kind in marks.items() if conversation.surface(mark) is None]
            left.update(strange)
            if left:
                return self._note_denied(Denied(origin(endpoint), left, "values remain unmasked"))
            # Those that ended by then were counted when they were new.
            counted = since - (len(text) - len(said))
            masked.update(before or {})
            masked.update(match[1] for match in found if match.end() > counted)
        self._remember(text, endpoint, Clearance(masked, answers, answers.told()))
        return ClearedText(text, origin(endpoint), masked, seal=SEAL, gate=self)

    def _unsaid(self, text: str, since: int) -> str:
        """A text from the word on in which a position is, without constant templates.

        They speak of placeholders that stand for nothing. They are blanked before the cut, which
        may go through one of them.
        """
        # One that reaches over the cut begins no further back than it is long; so does a word.
        first = max(0, since - self._longest_constant - _OVERLAP)
        said = self._constant.sub(lambda match: "\n" * len(match[0]), text[first:])
        start = _word_start(said, since - first)
        if start == 0 and first > 0:
            return self._unsaid(text, 0)
        return said[start:]

    def _note_denied(self, denied: Denied) -> Denied:
        if self.ledger is not None:
            told = {"reasons": reasons(denied.asked)} if denied.asked else {}
            self.ledger.append(
                {
                    "event": "denied",
                    "endpoint": denied.endpoint,
                    "masked": dict(denied.kinds),
                    **told,
                }
            )
        return denied

    def _remember(self, text: str, endpoint: str, clearance: Clearance) -> None:
        with self._lock:
            self._cleared[(origin(endpoint), self._digest(text))] = clearance
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

    async def arequire(
        self, text: str, *, endpoint: str, conversation: Conversation
    ) -> ClearedText:
        """Like `require()`, while the event loop goes on; `ask` may wait for things on it.

        Raises:
            EgressDeniedError: The policy or an answer refuses a value that the text holds.
        """
        return await in_thread(
            lambda: self.require(text, endpoint=endpoint, conversation=conversation)
        )

    def preview(
        self, text: str, *, endpoint: str, conversation: Conversation, may_ask: bool = True
    ) -> Preview:
        """What `clear()` would do. Nothing is sent, remembered for the wire, or noted.

        Where the policy says `ask`, it asks; `clear()` in the same conversation then needn't.
        """
        if self.policy.trusts(endpoint):
            return Preview(text, text, (), None)
        where = origin(endpoint)
        answers = self._answers.of(conversation.thread, where)
        actions = policy_actions(self.policy, self._parts(text), endpoint)
        # A placeholder that the user typed would be restored as another's value if it left.
        for match, action in actions.items():
            if action != "refuse" and PLACEHOLDER_PATTERN.fullmatch(text, match.start, match.end):
                actions[match] = "mask"
        asked: Counter[tuple[str, str]] = Counter()
        refused = Counter(m.kind for m, action in actions.items() if action == "refuse")
        denied: Denied | None = None
        if refused:
            denied = Denied(where, refused, "the policy refuses values that it holds")
        elif not may_ask:
            mask_all(actions)
        elif "ask" in actions.values():
            denied = ask_about(text, actions, where, answers, self.ask, asked)
        if denied is not None:
            return Preview(text, None, (), denied, asked=asked)
        masked_at = [match for match, action in actions.items() if action == "mask"]
        whole = dict(zip(masked_at, with_unfit_endings(text, masked_at), strict=True))
        replacements = tuple(
            Replacement(
                match.start,
                whole.get(match, match).end,
                match.kind,
                conversation.mask(match.kind, text[match.start : whole[match].end])
                if match in whole
                else None,
            )
            for match in actions
        )
        masked = _replace(text, replacements)
        left = self.known_values(masked, endpoint, answers)
        if left:
            denied = Denied(where, left, "values remain after masking", asked=asked)
            return Preview(text, None, replacements, denied, asked=asked)
        noted = tuple(
            match
            for match in self.lexicon.noted(text, told=True)
            if all(match.end <= r.start or r.end <= match.start for r in replacements)
        )
        return Preview(text, masked, replacements, None, noted, asked)

    def forget_answers(self) -> None:
        """Forgets what was answered, in all conversations, so that it is asked again."""
        self._answers.clear()

    def is_public(self, text: str) -> bool:
        """Whether a text is one of the constant texts that may leave as they are."""
        return self._digest(text) in self._public

    def clearance(self, text: str, endpoint: str) -> Clearance | None:
        """What was masked and asked in a text that was cleared; None if it wasn't."""
        with self._lock:
            return self._cleared.get((origin(endpoint), self._digest(text)))

    def known_values(
        self, text: str, endpoint: str, answers: Answers | None = None
    ) -> Counter[str]:
        """Kinds of the known private values that a text holds and that may not leave.

        Args:
            text: What is about to be sent.
            endpoint: Where to.
            answers: By which values may stand in it.
        """
        return Counter(
            match.kind
            for match in self.lexicon.find(text)
            if not may_stand(self.policy.action(match.kind, endpoint), answers, text, match)
        )

    def _digest(self, text: str) -> bytes:
        return hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), hashlib.sha256)

    def find(self, text: str) -> list[Match]:
        """What is private in a text: typed placeholders, known values, detected ones."""
        return merge_overlaps(self._parts(text))

    def grows(self, text: str) -> bool:
        """Whether the end of a text may be the beginning of what a detector finds."""
        return any(grows(text) for d in self.detectors if (grows := getattr(d, "grows", None)))

    def _parts(self, text: str) -> list[Match]:
        marks = PLACEHOLDER_PATTERN.finditer(text) if "[" in text else ()
        literal = (Match(m.start(), m.end(), "ITEM") for m in marks)
        detected = (match for detector in self.detectors for match in detector.find(text))
        return [*literal, *self.lexicon.find(text), *detected]


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
