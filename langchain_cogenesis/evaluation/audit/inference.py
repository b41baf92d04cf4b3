"""What can be told of a user from a text: attributes, and who it is."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_cogenesis.exceptions import ConfigurationError

if TYPE_CHECKING:
    import numpy as np

FOLDS = 5
_WORDS = 10_000
_SHARED = 0.9
"""Words that so many of all egresses hold are our own templates; they tell nothing."""


@dataclass(frozen=True, slots=True)
class Guesses:
    """How an attack did on each user.

    Attributes:
        hits: Share of each guess that is right: 0 or 1, or less where several users tie.
        chance: Accuracy of who guesses without looking.
    """

    hits: tuple[float, ...]
    chance: float


def guess_attribute(texts: Sequence[str], labels: Sequence[str], seed: int = 0) -> Guesses | None:
    """Guesses an attribute from one text of each user, having learnt from other users' texts.

    Words and pairs of words by TF-IDF, logistic regression, cross-validation by user.

    Args:
        texts: One of each user.
        labels: The attribute of each user.
        seed: Of the folds.

    Returns:
        The guesses against the most frequent label; None with too few users or a single label.
    """
    from sklearn.model_selection import StratifiedKFold

    counts = Counter(labels)
    if len(counts) < 2 or max(counts.values()) < FOLDS:
        return None
    chance = max(counts.values()) / len(labels)
    # Of a rare label some folds have none to test with, which is no fault.
    splitter = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    numbers = {label: number for number, label in enumerate(sorted(counts))}
    truth = [numbers[label] for label in labels]
    hits = [0.0] * len(labels)
    with _quiet():
        for train, test in splitter.split(truth, truth):
            found = _classify([texts[i] for i in train], [truth[i] for i in train],
                              [texts[i] for i in test])  # fmt: skip
            for index, guess in zip(test, found, strict=True):
                hits[index] = float(guess == truth[index])
    return Guesses(tuple(hits), chance)


def _classify(texts: Sequence[str], labels: Sequence[int], tested: Sequence[str]) -> Sequence[int]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    most = Counter(labels).most_common(1)[0][0]
    try:
        model = make_pipeline(
            _vectoriser(min_df=2, max_features=_WORDS),
            LogisticRegression(C=10.0, max_iter=100, tol=1e-2),
        )
        model.fit(texts, labels)
    except ValueError:
        # No word is left that tells anything: nothing better than the most frequent label.
        return [most] * len(tested)
    guesses: Sequence[int] = model.predict(tested)
    return guesses


def link(texts: Sequence[str], histories: Sequence[str]) -> Guesses:
    """Guesses to which of all users each text belongs, by how alike text and history are.

    TF-IDF similarity to each history; what a history has in common with all texts doesn't count.
    Users who tie share the guess.

    Args:
        texts: One of each user.
        histories: What is known of each user, in the same order.
    """
    import numpy as np

    count = len(texts)
    chance = 1 / count if count else 0.0
    try:
        texts_by_word, histories_by_word = _matrices(texts, histories)
    except ValueError:
        return Guesses((chance,) * count, chance)
    alike = np.asarray((texts_by_word @ histories_by_word.T).todense())
    alike -= alike.mean(axis=0, keepdims=True)
    best = alike.max(axis=1, keepdims=True)
    # Within rounding: of equal texts all users are equally like.
    tied = alike >= best - 1e-9
    return Guesses(tuple((tied.diagonal() / tied.sum(axis=1)).tolist()), chance)


def _matrices(texts: Sequence[str], histories: Sequence[str]) -> tuple[Any, Any]:
    from sklearn.feature_extraction.text import CountVectorizer

    everywhere = CountVectorizer(binary=True, min_df=max(2, int(_SHARED * len(texts))))
    try:
        shared = list(everywhere.fit(texts).get_feature_names_out())
    except ValueError:
        shared = []
    vectoriser = _vectoriser(max_df=1.0, stop_words=shared or None, ngram_range=(1, 1))
    histories_by_word = vectoriser.fit_transform(histories)
    return vectoriser.transform(texts), histories_by_word


def _vectoriser(**options: Any) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    settings = {"ngram_range": (1, 2), "sublinear_tf": True, "max_df": _SHARED, **options}
    return TfidfVectorizer(**settings)


def separate(features: np.ndarray, labels: Sequence[bool], groups: Sequence[int]) -> np.ndarray:
    """Scores how much each row looks like those of the second kind.

    Logistic regression on standardised features, cross-validation by group, and the scores of the
    rows that were left out.

    Args:
        features: `(rows, features)`.
        labels: Whether a row is of the second kind.
        groups: Rows of one group are left out together.

    Returns:
        Scores, `(rows,)`, comparable within a fold only up to its model.
    """
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    truth, scores = np.array(labels, dtype=int), np.zeros(len(labels))
    folds = min(FOLDS, len(set(groups)))
    with _quiet():
        for train, test in GroupKFold(folds).split(features, truth, groups):
            model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=500))
            model.fit(features[train], truth[train])
            scores[test] = model.predict_proba(features[test])[:, 1]
    return scores


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        # Labels with fewer users than folds are rare, not wrong.
        warnings.filterwarnings("ignore", message="The least populated class")
        yield


def require_classifiers() -> None:
    """Checks that the libraries of the attacks are there.

    Raises:
        ConfigurationError: They aren't.
    """
    from importlib.util import find_spec

    missing = [name for name in ("sklearn", "rapidfuzz") if find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"the attacks need {' and '.join(missing)}, which is not installed.",
            hint="Install them: pip install 'langchain-cogenesis[audit]'",
        )
