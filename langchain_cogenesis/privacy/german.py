"""Which texts are German, and how common a word is in German.

The counts are those of `wordfreq`, read from its file alone and only once a German text is met:
634,502 words with their frequencies, of which the 85,000 most common are kept. Words are looked up
by their canonical characters, so that "für" and "fuer" are one word.

What a text's being German changes are mostly exceptions: what would be masked in an English text is
left, because it is a German word. So the test only ever turns to yes as a text grows: what a part
of a message was cleared by holds for the message.
"""

from __future__ import annotations

import gzip
from collections.abc import Collection, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.privacy import rarity

_FILE = "data/large_de.msgpack.gz"
_LEAST = 250
"""Words are kept that one in 10^6.5 is or more: hundredths of powers of ten in 10^9 words."""
_FAMILIAR = 350
"""The first 17,500 words."""
_RARE = 390
"""Words below are outside of the first 8,000 or so."""
_FREQUENT = 460
"""The two thousand words that are everywhere."""
_SCALE = 900

_SURE_WORDS = """
aber alle allen als auch auf aus bedanke bei beim bis bitte damit dass dein deine deinen deiner
deshalb dich diese diesem diesen dieser dieses dir durch ein eine einem einen einer eines empfiehl
entschuldige erinnere erklare erstelle erzahl euch formuliere frag frage gestern gib gratuliere
habe haben hatte herzlich heute hier ich ihm ihn ihnen ihr ihre ihrem ihren ins ist jede jeder
kann kannst kein keine konnte konnten liebe lieber mein meine meinem meinen meiner mich mir mochte
morgen nach nicht noch nur oder schick schicke schon schreib schreibe sehr sein seine sich sie
sind und uns unser unsere unserem unseren unserer unsre verfasse verschiebe vielen vom wann warum
weil wenn werden wie wir wird wunsche wurde wurden zum zur zwischen
"""
_SURE = frozenset(_SURE_WORDS.split())
_LIKELY_WORDS = """
das dem den der des die es frau hat herr herrn im lade mit sag so uber uhr um von vor war wer wo
zu
"""
_LIKELY = frozenset(_LIKELY_WORDS.split())
_FORMULA_WORDS = """
alles bald beste besten bis damen dank einen freundliche freundlichem freundlichen geehrte geehrten
geehrter gruss grusse grussen guten gute herren herzliche herzlichen im kollegen kolleginnen liebe
lieben lieber mit morgen schone schonen sehr tag und viele vielen voraus wunschen
"""
_FORMULA = frozenset(_FORMULA_WORDS.split())
_UMLAUTS = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "ß": "ss"})
_DIGRAPHS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def is_german(words: Collection[str]) -> bool:
    """Whether a text is German, or holds German, by its words.

    Two words say so that no other language has, or one with others that German has and English
    hasn't.

    Args:
        words: The text's different words, as canonical characters.
    """
    found = set(words)
    sure = len(found & _SURE)
    if sure >= 2:
        return True
    if not sure and not found & _LIKELY:
        return False
    english = rarity.counts()
    telling = (w for w in found if len(w) > 3 and w not in english and w not in _SURE)
    return sure + sum(map(is_familiar, telling)) >= 2


def is_known(word: str) -> bool:
    """Whether German has this word (as canonical characters), however rare."""
    return word in _counts()


def is_familiar(word: str) -> bool:
    """Whether any reader of German knows this word, names of well-known people among them."""
    return _counts().get(word, 0) >= _FAMILIAR


def is_rare(word: str) -> bool:
    """Whether few German texts have this word, or none."""
    return _counts().get(word, 0) < _RARE


def is_frequent(word: str) -> bool:
    """Whether a word is among the two thousand or so that are everywhere."""
    return _counts().get(word, 0) >= _FREQUENT


def is_commoner(word: str, other: str) -> bool:
    """Whether German has a word, and has it more often than another one."""
    return _counts().get(word, 0) > _counts().get(other, 0)


def is_formula(words: Sequence[str]) -> bool:
    """Whether words are what every German letter begins or ends with: "Mit freundlichen Grüßen"."""
    return _FORMULA.issuperset(words)


def is_distinctive(words: Sequence[str]) -> bool:
    """Whether two of these words say something; nothing is known of pairs of German words."""
    return sum(not is_frequent(word) for word in words) >= 2


@cache
def _counts() -> dict[str, int]:
    """Hundredths of the power of ten that a word's frequency in a thousand million words is."""
    import msgpack

    counts: dict[str, int] = {}
    with gzip.open(_path()) as file:
        unpacker: Any = msgpack.Unpacker(file, raw=False)
        unpacker.read_array_header()
        unpacker.unpack()
        # Its words lie in bins, each a hundredth of a power of ten rarer than the one before.
        for frequency in range(_SCALE, _LEAST - 1, -1):
            for word in unpacker.unpack():
                if word.isalpha():
                    counts.setdefault(word.translate(_UMLAUTS), frequency)
                    counts.setdefault(word.translate(_DIGRAPHS), frequency)
    return counts


def _path() -> Path:
    # The file is read without the package's code, whose import takes longer than the reading.
    spec = find_spec("wordfreq")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / _FILE
        if path.is_file():
            return path
    raise ConfigurationError(
        "the counts of German words are missing.", hint="Install them: pip install wordfreq."
    )
