"""Overlap with a reference: ROUGE and chrF, each by the field's library."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from langchain_cogenesis.evaluation.metrics.matching import words_of
from langchain_cogenesis.exceptions import ConfigurationError

if TYPE_CHECKING:
    from types import ModuleType

ROUGE_TYPES = ("rouge1", "rouge2", "rougeL")


def rouge(text: str, reference: str, language: str = "en") -> dict[str, float]:
    """ROUGE-1, ROUGE-2 and ROUGE-L (Lin 2004) with stemming, as F-measures between 0 and 1.

    Args:
        text: What was written.
        reference: A good answer.
        language: `de` for German words and stems, else English ones.

    Raises:
        ConfigurationError: The extra `evaluation` isn't installed.
    """
    scores = _scorer(language).score(reference, text)
    return {name: float(scores[name].fmeasure) for name in ROUGE_TYPES}


def chrf(text: str, reference: str) -> float:
    """chrF2 (Popović 2015): character 6-grams, recall counts twice; 0 to 100.

    Args:
        text: What was written.
        reference: A good answer.

    Raises:
        ConfigurationError: The extra `evaluation` isn't installed.
    """
    sacrebleu: Any = require_extra("sacrebleu")
    return float(sacrebleu.sentence_chrf(text, [reference]).score)


@lru_cache(maxsize=2)
def _scorer(language: str) -> Any:
    scorer: Any = require_extra("rouge_score.rouge_scorer")
    tokenizers: Any = require_extra("rouge_score.tokenizers")
    # Given its tokenizer, it doesn't announce one, which would set up the process's logging.
    tokenizer = _German() if language == "de" else tokenizers.DefaultTokenizer(True)
    return scorer.RougeScorer(list(ROUGE_TYPES), use_stemmer=True, tokenizer=tokenizer)


class _German:
    """Words with their umlauts, which the library's own tokenizer cuts apart, as stems."""

    def __init__(self) -> None:
        self._stemmer: Any = require_extra("nltk.stem.snowball").GermanStemmer()

    def tokenize(self, text: str) -> list[str]:
        return [self._stemmer.stem(word) for word in words_of(text)]


def require_extra(name: str) -> ModuleType:
    """Imports a module of the extra `evaluation`.

    Raises:
        ConfigurationError: It isn't installed.
    """
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError as error:
        raise ConfigurationError(
            f"{name.split('.')[0]} isn't installed.",
            hint="pip install 'langchain-cogenesis[evaluation]'",
        ) from error
