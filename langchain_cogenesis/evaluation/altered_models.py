"""Copies of a model that are worse on purpose: on a coarser grid, or with noise in the weights."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.models.gguf_file import GgufTensor, read_header
from langchain_cogenesis.models.model_source import resolve_model

if TYPE_CHECKING:
    import numpy as np

_BLOCK = 32
"""Weights that share a scale, as in Q8_0 and Q4_0."""
_PLAIN = {0: "<f4", 1: "<f2"}
_Q8_0 = 8


@dataclass(frozen=True, slots=True)
class Alteration:
    """What is done to the matrices of a copy; norms stay as they are.

    Attributes:
        bits: Each weight is rounded to `2^bits - 1` levels, with one scale for 32 weights; None
            leaves them. 4 is about what Q4_0 keeps.
        noise: Standard deviation of what is added, in root mean squares of the matrix.
        seed: Of the noise.

    Raises:
        ConfigurationError: One is out of range.
    """

    bits: int | None = None
    noise: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.noise < 0 or (self.bits is not None and not 2 <= self.bits <= 8):
            raise ConfigurationError(
                f"a model can't be altered to {self.bits} bits with noise {self.noise:g}.",
                hint="Give 2 to 8 bits, and noise of 0 or more.",
            )

    @property
    def name(self) -> str:
        """As in names of files and rows: `3bit`, `noise-0.2`."""
        parts = [f"{self.bits}bit"] if self.bits else []
        return "-".join([*parts, *([f"noise-{self.noise:g}"] if self.noise else [])])


def alterable_matrices(model: str) -> list[GgufTensor]:
    """The matrices of a model, if all of them can be altered.

    Args:
        model: A house model's name, a GGUF or a hub name.

    Raises:
        ModelFileError: The file can't be read.
        ConfigurationError: Its matrices are stored in another way than Q8_0, F16 or F32.
    """
    source = resolve_model(model)
    matrices = [tensor for tensor in read_header(source).tensors if len(tensor.shape) > 1]
    if any(t.kind not in (*_PLAIN, _Q8_0) or t.shape[0] % _BLOCK for t in matrices):
        raise ConfigurationError(
            f"{source.name} can't be altered: its matrices aren't in Q8_0, F16 or F32.",
            hint="Give the same model as Q8_0 or F16, or other models to compare with.",
        )
    return matrices


@contextmanager
def altered_copy(model: str, alteration: Alteration) -> Iterator[Path]:
    """Makes an altered copy of a model, which is there as long as the context.

    Args:
        model: A house model's name, a GGUF or a hub name.
        alteration: What is done to it.

    Yields:
        The copy's path.

    Raises:
        ModelFileError: The file can't be read.
        ConfigurationError: Its matrices are stored in another way than Q8_0, F16 or F32.
    """
    source, matrices = resolve_model(model), alterable_matrices(model)
    with TemporaryDirectory(prefix="cogenesis-") as folder:
        copy = Path(folder) / f"{source.stem}-{alteration.name}.gguf"
        shutil.copyfile(source, copy)
        _alter(copy, matrices, alteration)
        yield copy


def _alter(path: Path, matrices: list[GgufTensor], alteration: Alteration) -> None:
    import numpy as np

    random = np.random.default_rng(alteration.seed)
    data = np.memmap(path, dtype=np.uint8, mode="r+")
    for tensor in matrices:
        stored = data[tensor.start : tensor.start + tensor.n_bytes]
        values = _unpacked(stored, tensor.kind)
        if alteration.noise:
            size = float(np.sqrt(np.mean(np.square(values)))) * alteration.noise
            values += random.standard_normal(values.shape, dtype=np.float32) * np.float32(size)
        if alteration.bits:
            values = _coarse(values, alteration.bits)
        _pack(stored, tensor.kind, values)
    data.flush()


def _coarse(values: np.ndarray, bits: int) -> np.ndarray:
    """Rounds each block to `2^bits - 1` levels from its negative to its positive maximum."""
    import numpy as np

    levels = 2 ** (bits - 1) - 1
    step = np.abs(values).max(axis=1, keepdims=True) / levels
    step[step == 0] = 1
    rounded: np.ndarray = np.round(values / step) * step
    return rounded


def _unpacked(stored: np.ndarray, kind: int) -> np.ndarray:
    """The weights of a tensor, `(blocks, 32)` float32."""
    import numpy as np

    if kind != _Q8_0:
        plain: np.ndarray = stored.view(_PLAIN[kind]).astype(np.float32).reshape(-1, _BLOCK)
        return plain
    blocks = stored.view(_q8_0())
    values: np.ndarray = blocks["scale"].astype(np.float32)[:, None] * blocks["weights"]
    return values


def _pack(stored: np.ndarray, kind: int, values: np.ndarray) -> None:
    """Writes weights back in their place, in the way that they were stored."""
    import numpy as np

    if kind != _Q8_0:
        stored.view(_PLAIN[kind])[:] = values.reshape(-1)
        return
    blocks = stored.view(_q8_0())
    scale = (np.abs(values).max(axis=1) / 127).astype(np.float16)
    divisor = np.where(scale == 0, np.float32(1), scale.astype(np.float32))
    blocks["scale"] = scale
    blocks["weights"] = np.clip(np.round(values / divisor[:, None]), -127, 127)


def _q8_0() -> Any:
    import numpy as np

    return np.dtype([("scale", "<f2"), ("weights", "i1", (_BLOCK,))])
