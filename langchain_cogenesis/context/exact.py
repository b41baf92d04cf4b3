"""Exact search among vectors in memory: for what one user has, faster than a graph of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class ExactIndex:
    """Vectors of length 1 (or 0) by id, one row of a matrix each."""

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._matrix: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self._ids)

    def __repr__(self) -> str:
        return f"ExactIndex(<withheld: {len(self)} vectors>)"

    def put(self, ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Adds vectors, shape `(ids, dimensions)`, in place of those that have these ids.

        Raises:
            ValueError: They have other dimensions than those that are there.
        """
        import numpy as np

        if not ids:
            return
        self.drop(ids)
        held = self._matrix if self._ids else None
        self._matrix = vectors.copy() if held is None else np.concatenate([held, vectors])
        self._ids = [*self._ids, *ids]

    def drop(self, ids: Collection[str]) -> None:
        """Removes vectors; unknown ids are ignored."""
        gone = set(ids) & set(self._ids)
        if gone and self._matrix is not None:
            kept = [row for row, identity in enumerate(self._ids) if identity not in gone]
            self._matrix = self._matrix[kept]
            self._ids = [self._ids[row] for row in kept]

    def nearest(self, vector: NDArray[np.float32], count: int) -> list[str]:
        """Ids of the `count` nearest by cosine, nearest first; of equals, the first that came.

        Args:
            vector: Any vector but zeros, shape `(dimensions,)`.
            count: How many ids at most.

        Raises:
            ValueError: The vector has other dimensions than those that are there.
        """
        import numpy as np

        if self._matrix is None or not self._ids:
            return []
        # Not `@`: a threaded BLAS takes many times as long for so few rows on a busy machine.
        cosines = np.einsum("ij,j->i", self._matrix, vector)
        order = np.argsort(-cosines, kind="stable")
        return [self._ids[row] for row in order[:count]]
