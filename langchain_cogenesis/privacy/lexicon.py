"""The values that are known to be private, and where a text holds them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from operator import attrgetter, itemgetter
from typing import Any, Literal, NamedTuple

from langchain_cogenesis.privacy import escapes
from langchain_cogenesis.privacy.automata import automaton_of
from langchain_cogenesis.privacy.forms import IN_GERMAN, Form, Rule, forms_of
from langchain_cogenesis.privacy.normalize import (
    CanonicalText,
    canonicalize,
)
from langchain_cogenesis.privacy.noted_words import NotedWords
from langchain_cogenesis.privacy.placeholders import PLACEHOLDER_KINDS, placeholder
from langchain_cogenesis.privacy.surroundings import judge
from langchain_cogenesis.privacy.typos import TypoIndex
from langchain_cogenesis.privacy.word_edges import standing

Grade = Literal["certain", "ambiguous"]

_LAYERS = 2
"""So many layers of base64 are looked into."""
_SAME_EVENT = 80
"""Characters between the day and the time of one event, at most."""


@dataclass(frozen=True, slots=True, repr=False)
class PrivateValue:
    """A value that is known to be private, and its kind (one of `PLACEHOLDER_KINDS`).

    A date is given as `2026-06-12` (or `--06-12` for any year), a time of day as `19:00`: they are
    found in the usual ways to write them. A handle begins with an @. An age is given as `aged 41`:
    the number is found where a text says it of somebody.
    """

    kind: str
    text: str

    def __post_init__(self) -> None:
        if self.kind not in PLACEHOLDER_KINDS:
            raise ValueError(f"unknown kind {self.kind!r}; known: {', '.join(PLACEHOLDER_KINDS)}")

    def __repr__(self) -> str:
        return f"PrivateValue(kind={self.kind!r}, text=<withheld>)"


@dataclass(frozen=True, slots=True)
class Match:
    """A private value found in a text.

    Attributes:
        start: Where it begins, in characters.
        end: Where it ends.
        kind: Its kind.
        grade: `certain`, or `ambiguous` where it is a common word too.
    """

    start: int
    end: int
    kind: str
    grade: Grade = "certain"


class _Hit(NamedTuple):
    start: int
    end: int
    form: Form
    certain: bool


class PrivateLexicon:
    """Finds known private values however they are written.

    Case, accents, look-alike letters, spacing, punctuation, zero-width characters and escapes
    (percent, HTML, JSON, base64) make no difference, nor does one typing error in a value of six
    letters or more. A value of one word is found where it stands as a word, or begins one that
    English doesn't have; one of several words, or one that no dictionary has (eight letters or
    more), also where it is run together with others. Names are found by their parts, initials and
    in any order, places by the parts between commas, organisations without their legal form.

    A value that is a common word too ("Will", "Reading") is certain where it has a capital within
    a sentence, and ambiguous elsewhere: `find()` gives the certain ones, `noted()` the others.

    Args:
        values: What is private. Values without a letter or digit are left out.
        events: Days with times of day of private events, as `2026-06-12T19:00`: such a time is
            certain near such a day, and ambiguous alone.
        told: What is never certain, however it stands: words and days that a context tells of.
    """

    def __init__(
        self,
        values: Iterable[PrivateValue] = (),
        events: Iterable[str] = (),
        told: Iterable[PrivateValue] = (),
    ) -> None:
        self._forms: dict[str, list[Form]] = {}
        self._perhaps: dict[str, list[Form]] = {}
        self._clocks: dict[str, set[tuple[int, int]]] = {}
        # A text is masked, checked, and looked through for what was left: the last one is kept.
        self._last: tuple[str, list[_Hit]] | None = None
        for value in values:
            self._learn(forms_of(value.kind, value.text))
        for event in events:
            self._learn_event(event)
        self._told = NotedWords((value.kind, value.text) for value in told)

    def __len__(self) -> int:
        return len(self._forms) + len(self._perhaps)

    def __repr__(self) -> str:
        return f"PrivateLexicon(<withheld: {len(self)} forms>)"

    def _learn(self, forms: Iterable[Form]) -> None:
        for form in forms:
            forms_by_text = self._perhaps if form.rule is Rule.NEVER else self._forms
            known = forms_by_text.setdefault(form.canonical, [])
            if form not in known:
                known.append(form)

    def _learn_event(self, event: str) -> None:
        day, _, clock = event.partition("T")
        self._learn(forms_of("DATE", day))
        month_and_day = tuple(map(int, day.split("-")[-2:]))
        for form in forms_of("TIME", clock[:5]):
            self._learn([form])
            if len(month_and_day) == 2:
                self._clocks.setdefault(form.canonical, set()).add(month_and_day)

    def find(self, text: str) -> list[Match]:
        """Finds the certain private values in a text, from left to right, not overlapping."""
        if not self._forms or not text:
            return []
        matches = _merge((hit for hit in self._hits_of(text) if hit.certain), "certain")
        # What is cut out of a longer word leaves its neighbours standing by themselves.
        while any(_is_glued(match, text) for match in matches):
            masked, offsets = _between(matches, text)
            hits = self._hits(masked)
            more = _merge((hit for hit in hits if hit.certain), "certain")
            if not more:
                break
            for match in more:
                there, here = offsets[bisect_right(offsets, match.start, key=itemgetter(0)) - 1]
                shift = here - there
                matches.append(replace(match, start=match.start + shift, end=match.end + shift))
            matches.sort(key=attrgetter("start"))
        return matches

    def noted(self, text: str, *, told: bool = False) -> list[Match]:
        """Finds what may be a private value and may be a common word: it is left as it is.

        Args:
            text: Any text.
            told: Whether to find the words and days too that a context merely tells of.
        """
        perhaps = [hit for hit in self._hits_of(text) if not hit.certain] if len(self) else []
        if told:
            perhaps += (_Hit(*found, certain=False) for found in self._told.find(text))
        certain = self.find(text) if perhaps else ()
        left = (
            hit for hit in perhaps if all(hit.end <= c.start or c.end <= hit.start for c in certain)
        )
        return _merge(left, "ambiguous")

    def begins(self, canonical: str) -> bool:
        """Whether a value that is longer begins with these canonical characters."""
        if not self._forms or not self._automaton.match(canonical):
            return False
        found = len(list(islice(self._automaton.keys(canonical), 2)))
        return found == 2 or (found == 1 and canonical not in self._forms)

    def begins_noted(self, canonical: str) -> bool:
        """Whether a value that is noted, and never certain, begins with these characters."""
        return bool(self._perhaps) and bool(self._perhaps_automaton.match(canonical))

    @cached_property
    def longest(self) -> int:
        """Length of the longest beginning that isn't a whole value, in canonical characters."""
        return max((len(form) - 1 for form in self._forms), default=0)

    @cached_property
    def _automaton(self) -> Any:
        return automaton_of(self._forms)

    @cached_property
    def _perhaps_automaton(self) -> Any:
        return automaton_of(self._perhaps)

    @cached_property
    def _typos(self) -> TypoIndex:
        return TypoIndex(form for forms in self._forms.values() for form in forms if form.fuzzy)

    def _hits_of(self, text: str) -> list[_Hit]:
        last = self._last
        if last is None or last[0] != text:
            last = self._last = text, self._hits(text, perhaps=True)
        return last[1]

    def _hits(self, text: str, layers: int = _LAYERS, *, perhaps: bool = False) -> list[_Hit]:
        hits = self._plain_hits(text, perhaps)
        decoded = escapes.unescape(text)
        if decoded is not None:
            hits += (
                hit._replace(start=start, end=end)
                for hit in self._plain_hits(decoded.text, perhaps)
                for start, end in [decoded.span(hit.start, hit.end)]
            )
        if layers:
            for start, end, token in escapes.encoded_tokens(text):
                inner = (hit for hit in self._hits(token, layers - 1) if hit.certain)
                hits += (_Hit(start, end, hit.form, True) for hit in inner)
        return hits

    def _plain_hits(self, text: str, perhaps: bool) -> list[_Hit]:
        as_digits = canonicalize(text, "1")
        hits = list(self._matched(as_digits, perhaps))
        if as_digits.has_digit_as_letter():
            hits += self._matched(canonicalize(text, "l"), perhaps)
            hits += self._matched(canonicalize(text, "i"), perhaps)
        hits = _with_namesakes(hits, text)
        return self._with_clocks(hits) if self._clocks else hits

    def _matched(self, canonical: CanonicalText, perhaps: bool) -> Iterator[_Hit]:
        spans = _spans(self._automaton, canonical.text) if self._forms else iter(())
        for begin, end, form in standing(spans, canonical):
            start, stop = canonical.span(begin, end - (form.rule is Rule.POSSESSIVE))
            certain = judge(form, canonical.original, start, stop, lambda: canonical.is_german)
            if certain is not None:
                yield _Hit(start, stop, form, certain)
        for begin, end, form in self._typos.find(canonical):
            yield _Hit(*canonical.span(begin, end), form, True)
        if perhaps and self._perhaps:
            for begin, end, forms in _spans(self._perhaps_automaton, canonical.text):
                if canonical.is_word(begin, end):
                    yield _Hit(*canonical.span(begin, end), forms[0], False)

    def _with_clocks(self, hits: Sequence[_Hit]) -> list[_Hit]:
        """Makes times of day certain that stand near the day of the same event."""
        days = [hit for hit in hits if hit.form.link is not None]
        return [
            hit._replace(certain=True)
            if not hit.certain
            and (events := self._clocks.get(hit.form.canonical))
            and any(
                day.form.link in events
                and max(hit.start - day.end, day.start - hit.end) <= _SAME_EVENT
                for day in days
            )
            else hit
            for hit in hits
        ]


def _with_namesakes(hits: list[_Hit], text: str) -> list[_Hit]:
    """Makes common words with a capital certain that are surely names elsewhere in the text."""
    if all(hit.certain for hit in hits):
        return hits
    names = {
        hit.form.canonical
        for hit in hits
        if hit.certain and (hit.form.rule is Rule.CAPITAL or hit.form.german in IN_GERMAN)
    }
    return [
        hit._replace(certain=True)
        if not hit.certain and hit.form.canonical in names and text[hit.start].isupper()
        else hit
        for hit in hits
    ]


def _is_glued(match: Match, text: str) -> bool:
    """Whether letters stand right beside a match, so that masking it makes new edges of words."""
    return (
        text[match.start - 1 : match.start].isalnum() or text[match.end : match.end + 1].isalnum()
    )


def _between(matches: Sequence[Match], text: str) -> tuple[str, list[tuple[int, int]]]:
    """A text with its matches masked; and of each piece, where it begins there and here."""
    parts: list[str] = []
    offsets: list[tuple[int, int]] = []
    reached = length = 0
    for match in (*matches, None):
        piece = text[reached : match.start if match else len(text)]
        offsets.append((length, reached))
        parts += [piece, placeholder(match.kind, 1) if match else ""]
        length += len(parts[-1]) + len(piece)
        reached = match.end if match else reached
    return "".join(parts), offsets


def _spans(automaton: Any, canonical: str) -> Iterator[tuple[int, int, list[Form]]]:
    for last, forms in automaton.iter(canonical):
        yield last + 1 - len(forms[0].canonical), last + 1, forms


def _merge(hits: Iterable[_Hit], grade: Grade) -> list[Match]:
    """Joins overlapping hits, so that all that was found stays covered; the longest names it."""
    merged: list[Match] = []
    longest = 0
    for hit in sorted(hits, key=lambda h: (h.start, -h.end)):
        length = hit.end - hit.start
        if merged and hit.start < merged[-1].end:
            last = merged[-1]
            kind = hit.form.kind if length > longest else last.kind
            longest = max(longest, length)
            merged[-1] = Match(last.start, max(last.end, hit.end), kind, grade)
        else:
            merged.append(Match(hit.start, hit.end, hit.form.kind, grade))
            longest = length
    return merged
