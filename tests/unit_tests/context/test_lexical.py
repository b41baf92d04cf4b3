from __future__ import annotations

import pytest

from langchain_cogenesis.context.lexical import LexicalIndex, fold, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Élan ISABEL's snake_case", ("elan", "isabel", "s", "snake", "case")),
        ("東京都です", ("東京", "京都", "都で", "です")),
        ("tea 🍵 soon", ("tea", "🍵", "soon")),
        ("ﬁne Ｗｏｒｄ", ("fine", "word")),
        ("مرحبا بك", ("مرحبا", "بك")),
        ("--- !?", ()),
    ],
)
def test_words(text: str, expected: tuple[str, ...]) -> None:
    """Words are folded; emoji count, and unspaced scripts give overlapping pairs."""
    assert words(text) == expected


def test_fold_ignores_accents_and_case() -> None:
    """Spellings of one name fold to one form."""
    assert fold("ISABÉL") == fold("isabel")


def test_scores_prefer_the_text_with_the_rare_word() -> None:
    """The text that shares the rarer word scores highest; one that shares none scores 0."""
    index = LexicalIndex(["the boat and the lake", "the lake", "the lake house", "piano"])
    scores = index.scores("the boat")
    assert scores.argmax() == 0
    assert scores[3] == 0


@pytest.mark.parametrize("texts", [[], [""], ["", "...", "🜚"]])
@pytest.mark.parametrize("query", ["", "word", "?!"])
def test_nothing_to_compare_scores_zero(texts: list[str], query: str) -> None:
    """Texts or queries without words score 0 and raise nothing."""
    scores = LexicalIndex(texts).scores(query)
    assert scores.shape == (len(texts),)
    assert not scores.any()
