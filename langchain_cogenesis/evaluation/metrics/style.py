"""How much a text reads like its user's: greeting, closing, length, marks, words, authorship."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_cogenesis.evaluation.metrics import german
from langchain_cogenesis.evaluation.metrics.matching import words_of
from langchain_cogenesis.evaluation.metrics.overlap import require_extra

_GREETING = re.compile(
    r"\s*((?:(?:dear|hi|hello|hey|hiya|good (?:morning|afternoon|evening|day)|greetings|morning|"
    r"evening|to whom it may concern)(?: there| all| everyone| team)?))\b",
    re.IGNORECASE,
)
_CLOSING_WORDS = 6
_EMOJI = re.compile("[\u2600-\u27bf\U0001f300-\U0001faff]")
PUNCTUATION = ".,;:!?-–—…()\"'"
_FUNCTION_WORDS = """
a about after all an and any are as at be because been but by can could do for from had has have
if in into is it its just may me more my no not of on one or our out so some that the their them
then there they this to up was we were what when which who will with would you your
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
"""Words that say little and betray much of who writes (Mosteller and Wallace 1964)."""


def greeting_of(text: str, language: str = "en") -> str | None:
    """How a text greets, folded: `hi there`; None if it doesn't."""
    match = (german.GREETING if language == "de" else _GREETING).match(text)
    return " ".join(match[1].casefold().split()) if match else None


def closing_of(text: str, language: str = "en") -> str | None:
    """How a text takes leave, folded and without the name: `many thanks`; None if it doesn't.

    It is what stands before the comma in a last line, or in the one before it, of six words at
    most: `Many thanks, Ann`, or `Many thanks,` and `Ann`. German has no comma there; with
    `de`, what is written at the end of letters counts: `Viele Grüße` and `Nina`.
    """
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    if len(lines) < 2:
        return None
    if language == "de":
        return german.closing_of(lines)
    for line in (lines[-1], lines[-2]):
        head, comma, _ = line.partition(",")
        if comma and len(line.split()) <= _CLOSING_WORDS and not line.endswith((".", "?", "!")):
            # A short text may be greeting and signature alone.
            return None if greeting_of(line, language) else " ".join(words_of(head)) or None
    return None


def length_similarity(text: str, reference: str) -> float:
    """The shorter length by the longer one, in words: 1 is as long, 0 is empty."""
    lengths = len(text.split()), len(reference.split())
    return min(lengths) / max(lengths) if max(lengths) else 1.0


def punctuation_similarity(text: str, reference: str, language: str = "en") -> float:
    """How alike the shares of the punctuation marks are: 1 is alike, 0 is nothing in common."""
    marks = german.PUNCTUATION if language == "de" else PUNCTUATION
    return _shared(
        Counter(mark for mark in text if mark in marks),
        Counter(mark for mark in reference if mark in marks),
    )


def function_word_similarity(text: str, reference: str, language: str = "en") -> float:
    """How alike the shares of the function words are: 1 is alike, 0 is nothing in common."""
    listed = german.FUNCTION_WORDS if language == "de" else FUNCTION_WORDS
    return _shared(
        Counter(word for word in words_of(text) if word in listed),
        Counter(word for word in words_of(reference) if word in listed),
    )


def emoji_agree(text: str, reference: str) -> bool:
    """Whether both texts hold emoji, or neither."""
    return bool(_EMOJI.search(text)) == bool(_EMOJI.search(reference))


def _shared(one: Mapping[str, int], other: Mapping[str, int]) -> float:
    """Overlap of two distributions, `Σ min(p, q)`."""
    totals = sum(one.values()), sum(other.values())
    if not all(totals):
        return 1.0 if totals == (0, 0) else 0.0
    return sum(min(one.get(k, 0) / totals[0], n / totals[1]) for k, n in other.items())


def authorship_similarity(text: str, history: Sequence[str]) -> float | None:
    """Cosine of a text and the user's writings, as TF-IDF of character n-grams of 3 to 5; 0 to 1.

    Character n-grams are the usual baseline of authorship attribution (Stamatatos 2009).

    Args:
        text: What was written.
        history: What the user wrote before.

    Returns:
        The cosine with the mean of the user's writings, or None where there are none.

    Raises:
        ConfigurationError: The extra `evaluation` isn't installed.
    """
    if not any(past.strip() for past in history):
        return None
    features: Any = require_extra("sklearn.feature_extraction.text")
    vectorizer = features.TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), lowercase=False)
    import numpy as np

    # Rows have length 1; what the user never wrote isn't in the vocabulary and counts for nothing.
    known = np.asarray(vectorizer.fit_transform(history).mean(axis=0)).ravel()
    written = vectorizer.transform([text]).toarray().ravel()
    lengths = float(np.linalg.norm(known) * np.linalg.norm(written))
    return float(known @ written) / lengths if lengths else 0.0
