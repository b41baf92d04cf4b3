"""Whether what stands in a text is the value, by how it is written and by what is around it."""

from __future__ import annotations

import re
from collections.abc import Callable

from langchain_cogenesis.privacy import german
from langchain_cogenesis.privacy.confusables import is_invisible
from langchain_cogenesis.privacy.forms import TITLES, Form, Rule
from langchain_cogenesis.privacy.german_moments import is_cued_day
from langchain_cogenesis.privacy.german_names import has_other_vowel, is_noun
from langchain_cogenesis.privacy.placeholders import PLACEHOLDER_PATTERN
from langchain_cogenesis.privacy.rarity import plain_words

_OPENERS = " \t\r\"'“”‘’„«»([{<*_`~>#|"
_CLOSERS = ("", ",", "\n", ")", "]", '"', "”", "“", "»")
_WORD_BEFORE = re.compile(r"([\w'’]+)\W*\Z")
_WORD_AFTER = re.compile(r"[^\w.!?:;\n\[]{1,3}(\w|\[[A-Z]+_\d+\])")
_MARK_AT_END = re.compile(rf"(?:{PLACEHOLDER_PATTERN.pattern})\Z")
_LOOKED_AT = 60
_NUMBERS_APART = re.compile(r"\d+[^\w\s]\d+(?:[^\w\s]\d+)?|\d+\.? \d+\.? \d+")
_WORD_BREAK = re.compile(r"[\s.,;:!?]+")
_AGE_BEFORE = re.compile(
    r"(?:\b(?i:am|turn(?:s|ed|ing)?|bin|wurde|werde)|['’]m"
    r"|(?:\b(?i:he|she|who|er|sie)|(?<!\w)(?!(?:It|That|There|This|What|Which|Here)\b)"
    r"[A-Z][\w'’-]*\w|\])(?:\s+(?:is|ist|wird)|['’]s))\s+(?:(?:now|only|just|jetzt)\s+)?\Z"
)
_AGE_AFTER = re.compile(
    r"\s*(?:\Z|[);!?\n\"”]|[.,:](?!\d))|\s+(?:\w*\Z|[-–—]\s|(?:already|and|aber|as|but|geworden"
    r"|in|jahre|mit|next|now|on|since|so|this|today|und|when|who|with|years?)\b)"
)
"""What goes on in a number's own sentence, or may do so: "I am 41 minutes late" is no age."""


def judge(
    form: Form, text: str, start: int, end: int, is_german: Callable[[], bool]
) -> bool | None:
    """Whether a form that stands in a text is the value.

    Args:
        form: The form.
        text: The text.
        start: Where it stands, in characters.
        end: Where it ends.
        is_german: Whether the text is German; it is asked where that matters.

    Returns:
        True if it surely is, False if it may be a common word, None if it isn't.
    """
    surface = text[start:end]
    if len(surface) != len(form.canonical) and _is_scattered(form, surface):
        return None
    if form.german is not None and is_german():
        return _judge_german(form, text, start, end)
    return _judge(form, form.rule, text, start, end)


def _judge_german(form: Form, text: str, start: int, end: int) -> bool | None:
    """The same for a word that German has too: whether it is the name, or the word."""
    surface = text[start:end]
    if form.german is Rule.DICTIONARY:
        known = not german.is_rare(form.canonical)
        return False if known else _judge(form, form.rule, text, start, end)
    if not surface[:1].isupper() or has_other_vowel(surface, form.spelled):
        return False
    genitive = text[end : end + 1] in ("s", "S")
    if text[end : end + 1].isalpha() and not genitive:
        return True  # "der Kieler Hafen"
    if is_noun(text, start, genitive=genitive):
        return False
    if form.german is Rule.ADJECTIVE or form.rule is Rule.CAPITAL:
        return is_capitalised_name(text, start, end, nouns=True)
    return True


def _judge(form: Form, rule: Rule, text: str, start: int, end: int) -> bool | None:
    surface = text[start:end]
    match rule:
        case Rule.ALWAYS:
            return True
        case Rule.EXACT:
            return True if surface == form.spelled else None
        case Rule.CAPITAL:
            return is_capitalised_name(text, start, end)
        case Rule.CASED:
            return not surface.islower()
        case Rule.POSSESSIVE:
            return True if surface[:1].isupper() and text[end : end + 2] in ("'s") else None
        case Rule.INITIAL:
            return True if _has_capital_initials(surface) else None
        case Rule.HANDLE:
            return True if text[start - 1 : start] == "@" else None
        case Rule.APART:
            return True if _is_apart(surface) else None
        case Rule.DAY:
            return True if _is_apart(surface) and is_cued_day(text, start, end) else None
        case Rule.AGE:
            return True if surface == form.spelled and _is_age(text, start, end) else None
        case Rule.CLOCK_APART:
            return False if _is_apart(surface) else None
        case _:
            return False


def _is_apart(surface: str) -> bool:
    shown = "".join(c for c in surface if not is_invisible(c))
    return _NUMBERS_APART.fullmatch(shown) is not None


def _is_age(text: str, start: int, end: int) -> bool:
    """Whether a number is said of somebody as an age is: "I am 41, a nurse", "Nora turns 41"."""
    before = _AGE_BEFORE.search(text, max(0, start - _LOOKED_AT), start)
    return before is not None and _AGE_AFTER.match(text, end) is not None


def _has_capital_initials(surface: str) -> bool:
    return all(word.isupper() for word in re.findall(r"[^\W\d_]+", surface) if len(word) == 1)


def _is_scattered(form: Form, surface: str) -> bool:
    """Whether a value's word is put together of whole common words: "as her" is no Asher."""
    pieces = _WORD_BREAK.split(surface)
    if len(pieces) < 2 or len(pieces) <= len(re.findall(r"\w+", form.spelled)):
        return False
    # Letters one by one ("N o r a") are a value that somebody spaced out.
    if all(len(piece) == 1 for piece in pieces):
        return False
    return all(piece.lower() in plain_words() for piece in pieces)


def is_capitalised_name(text: str, start: int, end: int, *, nouns: bool = False) -> bool:
    """Whether a common word is written as a name is: with a capital, within a sentence.

    A capital at the beginning of a sentence says nothing, unless the word stands apart, as in an
    address or under a letter; nor does one among others, as in a heading ("A Guide To Reading
    Music"). Right after a placeholder nothing is said either: what is
    masked must not make its neighbours look different from what they were.

    Args:
        text: The text.
        start: Where the word begins.
        end: Where it ends.
        nouns: Whether all nouns have capitals, so that they make no heading.
    """
    word = text[start:end]
    if not word[:1].isupper():
        return False
    place = _place(text, start)
    if place != "within":
        return place == "first" and _stands_apart(text, end)
    if len(word) > 1 and word.isupper():
        before = _WORD_BEFORE.search(text, max(0, start - _LOOKED_AT), start)
        # All in capitals, like what stands before it: shouting.
        return before is None or not before[1].isupper()
    before = _WORD_BEFORE.search(text, max(0, start - _LOOKED_AT), start)
    after = _WORD_AFTER.match(text, end)
    heading = (
        not nouns
        and before is not None
        and before[1][:1].isupper()
        and _place(text, before.start(1)) != "first"
        and after is not None
        and (after[1][0] == "[" or after[1].isupper())
        and "," not in text[before.end(1) : start] + text[end : after.start(1)]
    )
    return not heading


def _stands_apart(text: str, end: int) -> bool:
    """Whether a word that begins a sentence is all of it, or is addressed: "Rose, come in"."""
    return text[end : end + 1] in _CLOSERS


def _place(text: str, at: int) -> str:
    """Whether a word is the `first` of a sentence, stands `within` it, or after a `mark`."""
    reached = at
    broken = False
    while reached > 0 and (text[reached - 1] in _OPENERS or text[reached - 1] == "\n"):
        broken = broken or text[reached - 1] == "\n"
        reached -= 1
    if reached == 0:
        return "first"
    before = text[reached - 1]
    if before == "]" and _MARK_AT_END.search(text, max(0, reached - 16), reached):
        return "mark"
    if broken:
        # A wrapped line goes on in the middle of a sentence.
        return "within" if before.islower() else "first"
    if before == ".":
        word = _WORD_BEFORE.search(text, max(0, reached - _LOOKED_AT), reached - 1)
        titled = word is not None and (word[1].lower() in TITLES or len(word[1]) == 1)
        return "within" if titled else "first"
    return "first" if before in "!?:;…•–—-" and reached < at else "within"
