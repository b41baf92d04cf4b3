"""What vectors on disk give away: `python -m benchmarks.vector_inversion [--data FILE] [--json]`.

The attacker has the files of one user's store but not its key, and embeds candidates with the same
public embedding. Candidates are all words, and all texts, of a population to which the user
belongs; half of the texts are the user's. Recovered means that the rarest word of a document (a
name, say), or its whole text, is the first or among the first ten of the ranked candidates. 95 %
intervals by bootstrap over documents.

1. `plain`: vectors as the embedding made them, in a store that is not encrypted; ranked by cosine.
2. `sealed`: the same attack on an encrypted store, whose ciphertexts are read as numbers.
3. `turned`: for comparison, vectors that a secret rotation has turned, as earlier versions of the
   store had them.
4. `…, by angles`: three vectors that lie near each other have the same three angles before and
   after a turn; looks for three candidates with just these.
5. `…, n known`: the attacker also knows the texts of n of the vectors (a newsletter, their own mail
   to the user). Texts are ranked by their angles to the known ones; for words the rotation is
   fitted (orthogonal Procrustes: Schönemann, Psychometrika 31, 1966), as far as n pairs determine
   it. The figures are those of the other documents.

What a rotation leaves is why vectors are sealed: it keeps all angles, so that a text that can be
guessed is recognised, and every text that is known undoes a dimension of it. Sealed, a store shows
how many items there are, in which order they came, and how long the vectors are.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from base64 import b64decode
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from langchain_cogenesis.context.embeddings import StaticEmbeddings
from langchain_cogenesis.context.key_sources import Encryption
from langchain_cogenesis.context.lexical import words
from langchain_cogenesis.context.schema import Activity, PrivateContext
from langchain_cogenesis.context.store import PrivateContextStore
from langchain_cogenesis.data.examples import create_example
from langchain_cogenesis.evaluation.records import Estimate, estimate

KNOWN = (1, 2, 4, 8, 16, 32, 64, 128, 256)
RANKS = (1, 10)
# Products of vectors in single precision agree to about 1e-7.
TOLERANCE = 1e-6
NONCE_BYTES, TAG_BYTES = 12, 16
_WORD = re.compile(r"[a-z]{3,}")

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Row:
    """One attack: what was looked for, how often it came first or among ten, and by chance."""

    attack: str
    target: str
    candidates: int
    top_1: Estimate
    top_10: Estimate
    chance_1: float
    chance_10: float


@dataclass(frozen=True)
class Candidates:
    """What the attacker ranks, embedded, and which of it is right for each document."""

    target: str
    vectors: Matrix
    right: NDArray[np.int64]


def invented_texts(count: int) -> list[str]:
    """Distinct pieces of the private context of invented personas."""
    texts: dict[str, None] = {}
    seed = 0
    while len(texts) < count:
        example = create_example(f"vectors/{seed}", condition="context", scope="everything")
        texts.update((document.page_content, None) for document in example.documents)
        seed += 1
    return list(texts)[:count]


def texts_of(path: Path, count: int) -> list[str]:
    """Distinct pieces of the private context in a file that can be imported."""
    from langchain_cogenesis.context.importers import import_files

    found = import_files([path], format="cogenesis" if path.suffix == ".json" else None)
    texts = {item.text: None for one in found.contexts.values() for item in one.items()}
    shuffled = list(texts)
    Random("vectors").shuffle(shuffled)
    return shuffled[:count]


def stored_vectors(texts: Sequence[str], encryption: Encryption) -> tuple[list[str], Matrix]:
    """Stores texts, then reads Chroma's files, as a thief would.

    Returns:
        The texts as they were embedded; and in that order their vectors, or what the ciphertexts
        say when read as numbers, `(texts, dimensions)`.
    """
    import chromadb

    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "store"
        with PrivateContextStore(directory, encryption=encryption) as store:
            store.add(PrivateContext(activities=tuple(Activity(text=text) for text in texts)))
            embedded = {entry.id: entry.item.text for entry in store.items()}
        [index] = directory.glob("index-*")
        client: Any = chromadb.PersistentClient(path=str(index))
        [collection] = client.list_collections()
        held = collection.get(include=["embeddings", "metadatas"])
        client.close()
    row = {identity: number for number, identity in enumerate(held["ids"])}
    order = [row[identity] for identity in embedded]
    found = np.asarray(held["embeddings"], dtype=np.float32)
    if encryption != "off":
        if len(np.unique(found, axis=0)) != 1:
            raise SystemExit("Chroma's own vectors differ, which a sealed store's must not")
        found = np.stack([_as_numbers(metadata["sealed"]) for metadata in held["metadatas"]])
    return list(embedded.values()), found[order]


def _as_numbers(sealed: str) -> Matrix:
    ciphertext = b64decode(sealed)[NONCE_BYTES:-TAG_BYTES]
    numbers: Matrix = np.frombuffer(ciphertext, dtype="<i2").astype(np.float32)
    # Of length 1, as all vectors here are.
    unit: Matrix = numbers / np.linalg.norm(numbers)
    return unit


def turned_vectors(plain: Matrix) -> Matrix:
    """The same vectors, turned by a random rotation."""
    size = plain.shape[1]
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(size, size)))
    turned: Matrix = (plain @ rotation).astype(np.float32)
    return turned


def text_candidates(texts: Sequence[str], stored: int) -> Candidates:
    """All texts of the population; the first of them are the documents."""
    vectors = StaticEmbeddings().embed_matrix(texts)
    return Candidates("text", vectors, np.arange(stored))


def word_candidates(texts: Sequence[str], stored: int) -> Candidates:
    """All words of the population; right is the one that the fewest texts have."""
    split = [[word for word in words(text) if _WORD.fullmatch(word)] for text in texts]
    frequency = Counter(word for line in split for word in set(line))
    vocabulary = {word: number for number, word in enumerate(sorted(frequency))}
    # A text without words has none to be found: the first of the vocabulary stands for it.
    rarest = [
        min(set(line) or {min(vocabulary)}, key=lambda word: (frequency[word], word))
        for line in split[:stored]
    ]
    right = np.array([vocabulary[word] for word in rarest])
    return Candidates("rarest word", StaticEmbeddings().embed_matrix(list(vocabulary)), right)


def fit_rotation(plain: Matrix, turned: Matrix) -> NDArray[np.float64]:
    """The rotation, as far as pairs determine it: nothing outside of what the known texts span."""
    left, sizes, right = np.linalg.svd(plain.astype(np.float64).T @ turned, full_matrices=False)
    rank = int((sizes > 1e-4 * sizes[0]).sum())
    fitted: NDArray[np.float64] = left[:, :rank] @ right[:rank]
    return fitted


def places(scores: NDArray[np.float64], right: NDArray[np.int64]) -> NDArray[np.float64]:
    """From scores, `(documents, candidates)`, how many candidates come before the right one."""
    own = scores[np.arange(len(scores)), right][:, None]
    # Ties count half: candidates without a direction share one place.
    found: NDArray[np.float64] = (scores > own).sum(axis=1) + ((scores == own).sum(axis=1) - 1) / 2
    return found


def by_cosine(vectors: Matrix, candidates: Matrix, turn: Any = None) -> NDArray[np.float64]:
    """Cosine similarities of documents and candidates, these turned if a rotation is given."""
    ranked = candidates.astype(np.float64) if turn is None else candidates @ turn
    ranked = ranked / np.maximum(np.linalg.norm(ranked, axis=1, keepdims=True), 1e-9)
    scores: NDArray[np.float64] = vectors @ ranked.T
    return scores


def by_known(
    vectors: Matrix, candidates: Matrix, turned: Matrix, plain: Matrix
) -> NDArray[np.float64]:
    """How well the angles of documents and candidates to the known texts agree."""
    angles = vectors.astype(np.float64) @ turned.T
    expected = candidates.astype(np.float64) @ plain.T
    products = angles @ expected.T
    scores: NDArray[np.float64] = (
        2 * products - (angles**2).sum(axis=1)[:, None] - (expected**2).sum(axis=1)
    )
    return scores


def by_triangles(vectors: Matrix, candidates: Matrix) -> NDArray[np.float64]:
    """1 for candidates that form with two others the triangle of a document and its neighbours."""
    inner = vectors.astype(np.float64) @ vectors.T
    outer = candidates.astype(np.float64) @ candidates.T
    first, second = np.triu_indices(len(candidates), k=1)
    order = np.argsort(outer[first, second])
    first, second = first[order], second[order]
    sides = outer[first, second]
    scores = np.zeros((len(vectors), len(candidates)))
    for row, angles in enumerate(inner):
        # Of neighbours that are the same text every angle is the same: they tell nothing.
        near = [i for i in np.argsort(-angles) if i != row and angles[i] < 1 - TOLERANCE][:2]
        if len(near) < 2:
            continue
        side, other, across = angles[near[0]], angles[near[1]], inner[near[0], near[1]]
        low, high = np.searchsorted(sides, (side - TOLERANCE, side + TOLERANCE))
        for one, two in zip(first[low:high], second[low:high], strict=True):
            for here, there in ((one, two), (two, one)):
                fits = np.abs(outer[here] - other) < TOLERANCE
                fits &= np.abs(outer[there] - across) < TOLERANCE
                scores[row, here] = max(scores[row, here], float(fits.any()))
    return scores


def outcome(
    name: str, candidates: Candidates, where: Sequence[int], scores: NDArray[np.float64]
) -> Row:
    """How often the right candidate of some documents comes first."""
    found = places(scores, candidates.right[list(where)])
    top_1, top_10 = (estimate([(float(p < rank), 1.0) for p in found]) for rank in RANKS)
    if top_1 is None or top_10 is None:
        raise SystemExit("no document is left to attack: give more with --count")
    size = len(candidates.vectors)
    return Row(name, candidates.target, size, top_1, top_10, 1 / size, min(1.0, 10 / size))


def run(texts: Sequence[str]) -> list[Row]:
    """All attacks on a store that holds the first half of the texts."""
    own = texts[: len(texts) // 2]
    embedded, plain = stored_vectors(own, "off")
    hidden = {"sealed": stored_vectors(own, "file")[1], "turned": turned_vectors(plain)}
    everything = range(len(embedded))
    order = Random("known").sample(everything, len(embedded))
    # The store shows activities with their kind before them; so do the others' texts.
    others = [Activity(text=text) for text in texts[len(own) :]]
    decoys = [item.text for item in PrivateContext(activities=tuple(others)).items()]
    by_text = text_candidates([*embedded, *decoys], len(embedded))
    by_word = word_candidates([*embedded, *decoys], len(embedded))
    rows = []
    for candidates in (by_text, by_word):
        pool = candidates.vectors
        rows.append(outcome("plain", candidates, everything, by_cosine(plain, pool)))
        for name, vectors in hidden.items():
            rows.append(outcome(name, candidates, everything, by_cosine(vectors, pool)))
            if candidates is by_text:
                scores = by_triangles(vectors, pool)
                rows.append(outcome(f"{name}, by angles", candidates, everything, scores))
            for count in (c for c in KNOWN if c < len(embedded)):
                known, rest = order[:count], order[count:]
                if candidates is by_text:
                    scores = by_known(vectors[rest], pool, vectors[known], plain[known])
                else:
                    fitted = fit_rotation(plain[known], vectors[known])
                    scores = by_cosine(vectors[rest], pool, fitted)
                rows.append(outcome(f"{name}, {count} known", candidates, rest, scores))
    return rows


def main() -> None:
    """Prints the table, or JSON."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.vector_inversion",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, help="take the texts of this file instead")
    parser.add_argument("--count", type=int, default=1600, help="texts; half are stored")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    count = arguments.count
    texts = texts_of(arguments.data, count) if arguments.data else invented_texts(count)
    rows = run(texts)
    if arguments.json:
        print(
            json.dumps({"documents": len(texts) // 2, "rows": [asdict(r) for r in rows]}, indent=2)
        )
        return
    print(f"{len(texts) // 2} documents; share recovered, 95 % interval, (chance)\n")
    print(f"{'attack':20} {'looked for':12} {'of':>6}  {'first':24} {'among ten':24}")
    for row in rows:
        print(
            f"{row.attack:20} {row.target:12} {row.candidates:6}  "
            f"{_cell(row.top_1, row.chance_1):24} {_cell(row.top_10, row.chance_10):24}"
        )


def _cell(found: Estimate, chance: float) -> str:
    return f"{found.value:.3f} [{found.low:.3f} {found.high:.3f}] ({chance:.3f})"


if __name__ == "__main__":
    main()
