"""Overlap with a reference: ROUGE and chrF, each by the field's library."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from langchain_cogenesis.exceptions import ConfigurationError

if TYPE_CHECKING:
    from types import ModuleType

ROUGE_TYPES = ("rouge1", "rouge2", "rougeL")


def rouge(text: str, reference: str) -> dict[str, float]:
    """ROUGE-1, ROUGE-2 and ROUGE-L (Lin 2004) with stemming, as F-measures between 0 and 1.

    Args:
        text: What was written.
        reference: A good answer.

    Raises:
        ConfigurationError: The extra `evaluation` isn't installed.
    """
    scores = _scorer().score(reference, text)
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


@lru_cache(maxsize=1)
def _scorer() -> Any:
    scorer: Any = require_extra("rouge_score.rouge_scorer")
    tokenizers: Any = require_extra("rouge_score.tokenizers")
    # Given its tokenizer, it doesn't announce one, which would set up the process's logging.
    return scorer.RougeScorer(
        list(ROUGE_TYPES), use_stemmer=True, tokenizer=tokenizers.DefaultTokenizer(True)
    )


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
