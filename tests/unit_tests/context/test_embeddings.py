from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings

from langchain_cogenesis.context.embeddings import StaticEmbeddings, embedding_identity

EMBEDDINGS = StaticEmbeddings()


def _similarity(one: str, other: str) -> float:
    a, b = EMBEDDINGS.embed_documents([one, other])
    return float(np.dot(a, b))


def test_vectors_have_length_one() -> None:
    """Each text gives 256 numbers of length 1, whatever its script."""
    texts = ["a dinner", "晩ご飯", "مرحبا", "🎻🎻", "x" * 20_000]
    vectors = np.array(EMBEDDINGS.embed_documents(texts))
    assert vectors.shape == (5, 256)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_text_without_tokens_gives_zeros() -> None:
    """An empty text has no direction, and no NaN."""
    assert EMBEDDINGS.embed_query("") == [0.0] * 256


def test_related_words_are_near() -> None:
    """A related text is nearer than an unrelated one that shares the small words."""
    near = _similarity("the violin in the concert", "an orchestra plays music")
    far = _similarity("the violin in the concert", "the tax in the invoice")
    assert near > far + 0.1


def test_rare_words_weigh_more() -> None:
    """Of two words the rarer one decides."""
    mixed = "the violin"
    assert _similarity(mixed, "violin") > _similarity(mixed, "the") + 0.3


def test_query_and_document_agree() -> None:
    """The same text has the same vector, alone and among others."""
    together = EMBEDDINGS.embed_documents(["one thing", "a jar of marmalade"])
    assert together[1] == pytest.approx(EMBEDDINGS.embed_query("a jar of marmalade"))


async def test_async_gives_the_same() -> None:
    """The async methods of the interface work."""
    assert await EMBEDDINGS.aembed_query("jar") == EMBEDDINGS.embed_query("jar")


def test_identities_tell_embeddings_apart() -> None:
    """An embedding is named by its own identity, or by class and model."""

    class Hosted(Embeddings):
        def __init__(self, model: str) -> None:
            self.model = model

        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return [[1.0] for _ in texts]

        def embed_query(self, text: str) -> list[float]:
            return [1.0]

    names = {embedding_identity(item) for item in (Hosted("a"), Hosted("b"), EMBEDDINGS)}
    names.add(embedding_identity(DeterministicFakeEmbedding(size=4)))
    assert len(names) == 4


def test_loading_is_quiet_and_offline() -> None:
    """Loading touches neither the root logger nor the wheel's own loader."""
    script = (
        "import logging, sys\n"
        "from langchain_cogenesis.context.embeddings import StaticEmbeddings\n"
        "StaticEmbeddings().embed_query('x')\n"
        "assert not logging.getLogger().handlers\n"
        "assert 'wordllama' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
