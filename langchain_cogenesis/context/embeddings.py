"""The embedding that works with no download: static word vectors that come inside a wheel."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.embeddings import Embeddings

from langchain_cogenesis.exceptions import ConfigurationError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WEIGHTS = "weights/l2_supercat_256.safetensors"
_TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
# SentencePiece ids: 3 control tokens, 256 bytes, then pieces, the most frequent first.
_FIRST_PIECE = 259
_RANK_OFFSET = 10.0


class StaticEmbeddings(Embeddings):
    """Means of static token vectors, weighted by rarity and normalised to length 1.

    The vectors (256 numbers for each of 32,000 tokens) are read from the files of the `wordllama`
    wheel; nothing is fetched. A token weighs the logarithm of its frequency rank, which the order
    of the token ids gives, so that a text's vector never depends on what else is stored.

    Files are read when the first text is embedded, once per process.
    """

    identity = "wordllama-l2-supercat-256/log-rank/1"
    dimensions = 256

    def __repr__(self) -> str:
        return f"StaticEmbeddings(dimensions={self.dimensions})"

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embeds texts.

        Returns:
            One unit vector of 256 numbers per text; a text without tokens gives zeros.
        """
        return [[float(value) for value in row] for row in self.embed_matrix(texts)]

    def embed_query(self, text: str) -> list[float]:
        """Embeds one text as a unit vector of 256 numbers."""
        return self.embed_documents([text])[0]

    def embed_matrix(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embeds texts into one matrix of shape `(texts, 256)`, rows of length 1 (or 0)."""
        import numpy as np

        tokenizer, vectors = _load_static()
        matrix = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            if ids:
                total = vectors[ids].sum(axis=0)
                matrix[row] = total / max(float(np.linalg.norm(total)), 1e-9)
        return matrix


def embedding_identity(embeddings: Embeddings) -> str:
    """Names an embedding, so that vectors of two different ones are never mixed.

    Its `identity` if it has one, else its class and model name.
    """
    identity = getattr(embeddings, "identity", None)
    if isinstance(identity, str):
        return identity
    kind = f"{type(embeddings).__module__}.{type(embeddings).__qualname__}"
    names = (getattr(embeddings, name, None) for name in ("model", "model_name", "model_id"))
    model = next((name for name in names if isinstance(name, str)), None)
    return f"{kind}/{model}" if model else kind


@lru_cache(maxsize=1)
def _load_static() -> tuple[Any, NDArray[np.float32]]:
    # The wheel's own loader asks a model hub and configures the root logger: its files are read
    # directly, and the package is never imported.
    spec = importlib.util.find_spec("wordllama")
    root = Path(spec.origin).parent if spec is not None and spec.origin else None
    if root is None or not (root / _WEIGHTS).is_file() or not (root / _TOKENIZER).is_file():
        raise ConfigurationError(
            "The static word vectors are not installed: `wordllama` is missing or has no weights.",
            hint='Run `pip install "wordllama>=0.4.0.post1"`, or pass another `embeddings`.',
        )
    import numpy as np
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(root / _TOKENIZER))
    vectors = load_file(root / _WEIGHTS)["embedding.weight"].astype(np.float32)
    ranks = np.arange(len(vectors), dtype=np.float32) - _FIRST_PIECE
    # Bytes spell what the vocabulary lacks, emoji and rare scripts: they count as rare.
    ranks[ranks < 0] = len(vectors)
    weighted: NDArray[np.float32] = vectors * np.log(ranks + _RANK_OFFSET)[:, None]
    return tokenizer, weighted
