"""How common a word is in English, from counts that come with a package and need no download.

The counts are those of `symspellpy`: 82,834 words and 243,342 pairs of words, from Google's
n-grams, all in lower case. Whether a word is one that people write in lower case ("will", "grace",
"reading") or a name ("nora", "london") isn't said there, but shows in the pairs: "the grace" and
"to mark" are common, "the nora" and "to london" aren't.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

from langchain_cogenesis.exceptions import ConfigurationError

_WORDS_FILE = "frequency_dictionary_en_82_765.txt"
_PAIRS_FILE = "frequency_bigramdictionary_en_243_342.txt"
_FAMILIAR = 1_000_000
"""Words with so many counts (of 5.4e11) are known to any reader: the first 22,000 or so."""
_RARE = 6_000_000
"""Words with fewer counts are outside of the first 11,000 or so."""
_FREQUENT = 150_000_000
"""The five hundred words that make up half of all text."""
_EVERYWHERE = 40_000_000
# The counts lack what American English spells otherwise.
_BRITISH = (("or", "our"), ("ere", "re"), ("er", "re"), ("el", "ell"), ("iz", "is"), ("yz", "ys"))
_BEFORE_NOUNS = ("the", "a", "an", "my", "your", "be", "not", "very")
_BEFORE_VERBS = ("to", "i", "he", "she", "we", "you", "it")
_BEFORE_NAMED = frozenset(("the", "a", "an", "of", "my", "your", "our", "his", "her", "very"))
_BEFORE_DONE = frozenset(
    ("to", "i", "we", "he", "she", "you", "they", "who", "will", "can", "would")
)


@cache
def counts() -> dict[str, int]:
    """The count of each English word, in lower case."""
    words = _read(_WORDS_FILE).split()
    return dict(zip(words[::2], map(int, words[1::2]), strict=True))


@cache
def familiar_words() -> frozenset[str]:
    """The words that any reader knows, names of well-known people and places among them."""
    return frozenset(word for word, count in counts().items() if count >= _FAMILIAR)


@cache
def plain_words() -> frozenset[str]:
    """The familiar words that people write in lower case: no name but a common word."""
    known = counts()
    share = {**dict.fromkeys(_BEFORE_NOUNS, 0.3), **dict.fromkeys(_BEFORE_VERBS, 0.5)}
    words = _read(_PAIRS_FILE).split()
    plain = {
        word
        for before, word, count in zip(words[::3], words[1::3], words[2::3], strict=True)
        if before in share and int(count) >= share[before] * known.get(word, 1 << 60)
    }
    months = {"april", "august", "june", "july"}
    return frozenset(plain | ({w for w, c in known.items() if c >= _FREQUENT} - months))


def is_known(word: str) -> bool:
    """Whether English has this word (in lower case), however rare."""
    return word in counts()


def is_rare(word: str) -> bool:
    """Whether a word (in lower case) is one that few texts have, or that English hasn't."""
    known = counts()
    if word in known:
        return known[word] < _RARE
    return all(known.get(other, 0) < _RARE for other in _spelled_otherwise(word))


def is_frequent(word: str) -> bool:
    """Whether a word (in lower case) is among the two thousand or so that are everywhere."""
    return counts().get(word, 0) >= _EVERYWHERE


def is_commonplace(word: str) -> bool:
    """Whether a word (in lower case) is one of the five hundred that make up half of all text."""
    return counts().get(word, 0) >= _FREQUENT


def is_noun_like(word: str) -> bool:
    """Whether a word (in lower case) isn't rather a verb, by what it mostly stands behind.

    Of a word of which nothing is known it is so if the word is rare.
    """
    balance = _balance().get(word, 0)
    return balance > 0 or (balance == 0 and is_rare(word))


def is_common_pair(first: str, second: str) -> bool:
    """Whether two words (in lower case) often stand side by side in English."""
    return f"{first} {second}" in _pairs()


def is_common_phrase(words: list[str]) -> bool:
    """Whether words in lower case are plain ones that often stand side by side: "main street"."""
    plain = plain_words()
    return all(word in plain for word in words) and all(
        f"{first} {second}" in _pairs() for first, second in pairwise(words)
    )


@cache
def _balance() -> Counter[str]:
    """How much more often a word stands where nouns and adjectives do than where verbs do."""
    words = _read(_PAIRS_FILE).split()
    balance: Counter[str] = Counter()
    for before, word, count in zip(words[::3], words[1::3], words[2::3], strict=True):
        if before in _BEFORE_NAMED:
            balance[word] += int(count)
        elif before in _BEFORE_DONE:
            balance[word] -= int(count)
    return balance


@cache
def _pairs() -> frozenset[str]:
    words = _read(_PAIRS_FILE).split()
    return frozenset(map(" ".join, zip(words[::3], words[1::3], strict=True)))


def _spelled_otherwise(word: str) -> set[str]:
    """A word as British English may spell it: "favourite", "centred", "travelled"."""
    return {
        word[: match.start()] + british + word[match.end() :]
        for american, british in _BRITISH
        for match in re.finditer(american, word)
    }


@cache
def _read(name: str) -> str:
    # The files are read without the package's code, whose import takes longer than all else here.
    spec = find_spec("symspellpy")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / name
        if path.is_file():
            return path.read_text(encoding="utf-8-sig")
    raise ConfigurationError(
        "the counts of English words are missing.",
        hint="Install them: pip install symspellpy.",
    )
