"""Private values in what somebody tells of themselves: ages, jobs, rare words, things, codes.

Facts are sentences, so that only what English seldom says is taken from them: a word that one text
in ten thousand holds says who somebody is, "yoga" does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from langchain_cogenesis.privacy import german, rarity
from langchain_cogenesis.privacy.lexicon import PrivateValue
from langchain_cogenesis.privacy.moments import find_amounts, find_dates
from langchain_cogenesis.privacy.normalize import canonical_form

_OLD = re.compile(r"\b(\d{1,3})[\s-]+years?[\s-]+old\b|\baged?\s(\d{1,3})\b", re.IGNORECASE)
_ALT = re.compile(
    r"\b(\d{1,3})\s?Jahre\salt\b|\b(\d{1,3})-?j(?:ä|ae)hrig|\bAlter:?\s(\d{1,3})\b", re.IGNORECASE
)
_AGES = (
    "{}yearsold", "{}yearsofage", "{}yearold", "{}yo", "aged{}", "age{}",
    "{}jahrealt", "alter{}", "altervon{}", "{}jahrig", "{}jaehrig",
)  # fmt: skip
_RARE_WORD = re.compile(r"(?<![\w@/.'’-])[a-z]{5,}(?![\w@/]|['’.]\w)")
_WORD = re.compile(r"[^\W\d_][\w'’-]*")
_CODE = re.compile(
    r"(?<![\w.,:/-])(?=[\w-]*\d[\w-]*\d[\w-]*\d[\w-]*\d)[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*"
)
_CODE_LENGTH = 5
_GERMAN_WORD = re.compile(r"(?<![\w@/.'’-])[^\W\d_]{5,}(?![\w@/]|['’.]\w)")
_GERMAN_RUN = re.compile(r"(?<![\w.-])[A-ZÄÖÜ][\w'’-]+(?: [A-ZÄÖÜ][\w'’-]+){1,3}")
_NO_CODE = re.compile(r"(?:19|20)\d\d-\d{2,4}|\d+000")
"""Years from one to another, and round numbers."""
_HANDLE = re.compile(
    r"\b(?:as|handle|user\s?name|nick(?:name)?|login|gamer\s?tag|user|account|id)"
    r"(?:\s+is\b|\s*:)?\s+[\"'“‘]?([A-Za-z]\w*[\d_.#][\w.#]*\w)|(?<![\w/])u/([\w-]{3,20})",
    re.IGNORECASE,
)
_BOUGHT = re.compile(
    r"\b(?:bought|buys?|ordered|purchased?|paid for|sold|got)\s+((?:[\w'’-]+ ){0,4}[\w'’-]+?)"
    r"(?=\s+(?:for|at|from|on|with)\b|[,.;:(]|\s*\Z)",
    re.IGNORECASE,
)
_THING = re.compile(r"\A((?:[\w'’-]+ ){1,3}[\w'’-]+?)(?=\s+(?:for|at|from|on)\b|[,.;:(]|\s*\Z)")
_ARTICLE = re.compile(r"\A(?:an?|the|my|his|her|our|their|some|new|\d+)\s+", re.IGNORECASE)


def age_values(age: int) -> Iterator[PrivateValue]:
    """An age in the ways that name its unit, or say it of somebody; else it is everybody's."""
    # Spelled as one word: nothing of it counts within a longer one ("managed 41"), nor misspelled
    # ("42 years old"). Spaces and hyphens in a text make no difference.
    for form in _AGES:
        yield PrivateValue("NUMBER", form.format(age))
    yield PrivateValue("NUMBER", f"aged {age}")


def title_values(occupation: str, *, in_german: bool = False) -> Iterator[PrivateValue]:
    """A job title and its rare words, without the employer; "Teacher" is everybody's."""
    title = re.split(r"\s+(?:at|for|with|bei|beim|für)\s+(?=[A-Z0-9])|[,;(]", occupation)[0].strip()
    if in_german:
        yield from german_values(title)
        return
    if is_rare_phrase(title):
        yield PrivateValue("ITEM", title)
    # Titles have capitals, and what many people are is nobody's: "Surveyor".
    for value in rare_words(title.lower()):
        if value.text not in rarity.familiar_words():
            yield value


def told_values(text: str, *, in_german: bool = False) -> Iterator[PrivateValue]:
    """What a fact or an activity tells that people seldom say, and what only its user has."""
    yield from german_values(text) if in_german else rare_words(text)
    for match in (*_OLD.finditer(text), *_ALT.finditer(text)):
        yield from age_values(int(next(filter(None, match.groups()))))
    for match in _HANDLE.finditer(text):
        yield PrivateValue("NAME", "@" + (match[1] or match[2]))
    taken = [*find_amounts(text), *((start, end) for start, end, _ in find_dates(text))]
    for match in _CODE.finditer(text):
        code = match.group()
        free = not any(start < match.end() and match.start() < end for start, end in taken)
        if free and len(code) >= _CODE_LENGTH and not _NO_CODE.fullmatch(code):
            yield PrivateValue("NUMBER", code)
    if not in_german:
        for match in _BOUGHT.finditer(text):
            yield from thing_values(match[1])


def purchase_values(text: str, *, in_german: bool = False) -> Iterator[PrivateValue]:
    """The thing that the text of a purchase begins with."""
    if in_german:
        return  # Its rare words are taken with those of all facts.
    match = _THING.match(text.strip())
    if match is not None:
        yield from thing_values(match[1])


def thing_values(thing: str) -> Iterator[PrivateValue]:
    """A thing by its two words or more, unless English often puts them together."""
    name = _ARTICLE.sub("", thing.strip())
    if is_rare_phrase(name):
        yield PrivateValue("ITEM", name)


def rare_words(text: str) -> Iterator[PrivateValue]:
    """The words in lower case that English hardly has."""
    for word in dict.fromkeys(_RARE_WORD.findall(text)):
        if rarity.is_rare(word):
            yield PrivateValue("ITEM", word)


def german_values(text: str) -> Iterator[PrivateValue]:
    """What a German fact calls by name, and its words that German hardly has.

    German writes names and nouns with a capital, so that both are taken by how rare they are: a
    word by itself, and words with capitals side by side if one of them is rare.
    """
    for run in _GERMAN_RUN.findall(text):
        words = run.split()
        if any(map(_is_rare_german, words)):
            yield PrivateValue("ITEM", run)
            # "Verein Turm Husum" may be said as "Turm Husum".
            if len(words) > 2 and any(map(_is_rare_german, words[-2:])):
                yield PrivateValue("ITEM", " ".join(words[-2:]))
    for word in dict.fromkeys(_GERMAN_WORD.findall(text)):
        if _is_rare_german(word):
            yield PrivateValue("ITEM", word)


def _is_rare_german(word: str) -> bool:
    canonical = canonical_form(word)
    # "Bestellnummer" says that there is one.
    if canonical.endswith("nummer"):
        return False
    return german.is_rare(canonical) and not rarity.is_frequent(canonical)


def is_rare_phrase(text: str) -> bool:
    """Whether two words or more say something together that English seldom does."""
    words = [word.lower() for word in _WORD.findall(text)]
    telling = [word for word in words if not rarity.is_frequent(word)]
    if len(words) < 2 or not telling:
        return False
    return not all(rarity.is_common_pair(*pair) for pair in pairwise(words))
