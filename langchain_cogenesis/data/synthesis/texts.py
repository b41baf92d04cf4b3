"""Measures of sets of texts: how alike their texts are, and how far apart two sets."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from random import Random

_WORD = re.compile(r"\w+(?:['’-]\w+)*")
_FOLDS = 5
_FEWEST = 2 * _FOLDS


def words_of(text: str) -> list[str]:
    """The words of a text, in lower case."""
    return _WORD.findall(text.casefold())


def ngrams(words: Sequence[str], n: int) -> list[tuple[str, ...]]:
    """All runs of n words, in order."""
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def nearest_similarities(texts: Sequence[str], n: int = 3) -> list[float]:
    """For each text, the Jaccard similarity of its n-grams to those of its nearest neighbour.

    Every pair is compared: give a sample of some hundred texts.

    Returns:
        As many values as texts, each from 0 (nothing shared with any) to 1 (a copy).
    """
    sets = [set(ngrams(words_of(text), n)) for text in texts]
    holders: dict[tuple[str, ...], list[int]] = {}
    for number, grams in enumerate(sets):
        for gram in grams:
            holders.setdefault(gram, []).append(number)
    found = []
    for number, grams in enumerate(sets):
        shared = Counter(other for gram in grams for other in holders[gram] if other != number)
        found.append(
            max((k / (len(grams) + len(sets[i]) - k) for i, k in shared.items()), default=0.0)
        )
    return found


def distinct(texts: Iterable[str], n: int, words: int) -> float | None:
    """Distinct-n (Li et al. 2016): different n-grams by all, over so many first words.

    A longer text has fewer new n-grams: sets can be compared over equally many words only.

    Returns:
        From 0 to 1; None if there are fewer words.
    """
    grams: list[tuple[str, ...]] = []
    left = words
    for text in texts:
        some = words_of(text)[:left]
        left -= len(some)
        grams += ngrams(some, n)
        if left <= 0:
            break
    return None if left > 0 or not grams else len(set(grams)) / len(grams)


def divergence(first: Iterable[str], second: Iterable[str], n: int) -> float:
    """Jensen-Shannon divergence of the n-gram distributions of two sets, in bits.

    Returns:
        From 0 (the same) to 1 (nothing shared). Small sets of one kind have some, too.
    """
    p, q = _counts(first, n), _counts(second, n)
    sum_p, sum_q = sum(p.values()), sum(q.values())
    if not sum_p or not sum_q:
        return 1.0
    total = 0.0
    for gram in p.keys() | q.keys():
        a, b = p[gram] / sum_p, q[gram] / sum_q
        middle = (a + b) / 2
        total += sum(x / 2 * math.log2(x / middle) for x in (a, b) if x)
    return total


def _counts(texts: Iterable[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(gram for text in texts for gram in ngrams(words_of(text), n))


def two_sample_auc(
    first: Sequence[tuple[str, str]], second: Sequence[tuple[str, str]], seed: int = 0
) -> float | None:
    """How well a classifier tells the texts of two sets apart, on users it has not seen.

    Logistic regression on TF-IDF of words and pairs of words, five folds by user (classifier
    two-sample test, Lopez-Paz and Oquab 2017). Names and places of a user are in one fold.

    Args:
        first: User and text of each.
        second: The same.
        seed: Of the folds.

    Returns:
        Area under the curve: 0.5 if the sets can't be told apart, 1 if always. None if
        scikit-learn isn't installed, or there are too few users.
    """
    users = [{user for user, _ in some} for some in (first, second)]
    if find_spec("sklearn") is None or min(map(len, users)) < _FEWEST:
        return None
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline

    labels = [0] * len(first) + [1] * len(second)
    groups = [f"0/{user}" for user, _ in first] + [f"1/{user}" for user, _ in second]
    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=seed)
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
        LogisticRegression(max_iter=1000),
    )
    texts = [text for _, text in (*first, *second)]
    chances = cross_val_predict(
        model, texts, labels, groups=groups, cv=folds, method="predict_proba"
    )
    return float(roc_auc_score(labels, chances[:, 1]))


def sample(texts: Sequence[str], count: int, seed: int = 0) -> list[str]:
    """So many of the texts, or all in another order; the same seed, the same sample."""
    return Random(seed).sample(list(texts), min(count, len(texts)))
