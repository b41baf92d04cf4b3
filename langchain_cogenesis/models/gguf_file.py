"""Reads the head of a GGUF file, and finds out whether the file is whole.

llama.cpp maps a truncated file without complaint, and may end the process later; so a file is
checked here first.
Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import math
import mmap
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from langchain_cogenesis.exceptions import ModelFileError

Scalar = str | int | float | bool

MAGIC = b"GGUF"
VERSIONS = (2, 3)
_SCALARS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
_STRING, _ARRAY = 8, 9
_MAX_DIMS = 4
_MAX_NESTING = 4

# ggml tensor type -> (weights in a block, bytes of a block)
_BLOCKS = {
    0: (1, 4),
    1: (1, 2),
    2: (32, 18),
    3: (32, 20),
    6: (32, 22),
    7: (32, 24),
    8: (32, 34),
    9: (32, 36),
    10: (256, 84),
    11: (256, 110),
    12: (256, 144),
    13: (256, 176),
    14: (256, 210),
    15: (256, 292),
    16: (256, 66),
    17: (256, 74),
    18: (256, 98),
    19: (256, 50),
    20: (32, 18),
    21: (256, 110),
    22: (256, 82),
    23: (256, 136),
    24: (1, 1),
    25: (1, 2),
    26: (1, 4),
    27: (1, 8),
    28: (1, 8),
    29: (256, 56),
    30: (1, 2),
    34: (256, 54),
    35: (256, 66),
    39: (32, 17),
}

_GET_WHOLE = "Download or copy the file again."
_GIVE_GGUF = "Give a GGUF file's path, 'house-small', or a hub name 'owner/repository:file.gguf'."


@dataclass(frozen=True, slots=True)
class GgufTensor:
    """Where a tensor lies in a file.

    Attributes:
        name: Its name.
        shape: Its dimensions, the one that is contiguous first.
        kind: Its ggml type.
        start: Its first byte in the file.
        n_bytes: Its length; 0 where the type isn't known here.
    """

    name: str
    shape: tuple[int, ...]
    kind: int
    start: int
    n_bytes: int


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What the head of a GGUF file says.

    Attributes:
        version: Version of the format.
        metadata: Single values by key; arrays (the vocabulary) are left out.
        tensors: The tensors, in the file's order.
        n_bytes: Bytes that the file must have at least.
    """

    version: int
    metadata: dict[str, Scalar]
    tensors: tuple[GgufTensor, ...]
    n_bytes: int

    @property
    def n_tensors(self) -> int:
        """How many tensors the file has."""
        return len(self.tensors)


def read_header(path: Path) -> GgufHeader:
    """Reads a GGUF file's head and checks that all of its tensors are there.

    Args:
        path: The file.

    Raises:
        ModelFileError: If there is no such file, it is no GGUF file, or it is truncated.
    """
    size = _checked_size(path)
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            version = _check_magic(path, data[:64])
            header = _Reader(data).header(version)
    except OSError as error:
        raise ModelFileError(
            f"Model file {path} can't be read: {error.strerror}.", hint="Check its permissions."
        ) from error
    except EOFError:
        raise ModelFileError(
            f"Model file {path} is truncated: it ends within its header, after {size:,} bytes.",
            hint=_GET_WHOLE,
        ) from None
    except ValueError as error:
        raise ModelFileError(f"Model file {path} is damaged: {error}.", hint=_GET_WHOLE) from None
    _check_parts(path, header)
    if size < header.n_bytes:
        raise ModelFileError(
            f"Model file {path} is truncated: its tensors need {header.n_bytes:,} bytes, "
            f"it has {size:,}.",
            hint=_GET_WHOLE,
        )
    return header


def _check_parts(path: Path, header: GgufHeader) -> None:
    """A model can be split over several files, of which llama.cpp wants the first."""
    count = int(header.metadata.get("split.count", 1))
    if count < 2:
        return
    stem = re.sub(r"-\d{5}-of-\d{5}$", "", path.stem)
    parts = [path.with_name(f"{stem}-{n:05d}-of-{count:05d}.gguf") for n in range(1, count + 1)]
    missing = [part.name for part in parts if not part.is_file()]
    if path != parts[0] or missing:
        raise ModelFileError(
            f"Model file {path} is one of {count} parts; "
            + (f"missing: {', '.join(missing[:3])}." if missing else "the first is wanted."),
            hint=f"Put all parts into one directory and give {parts[0].name}, or join them.",
        )


def _checked_size(path: Path) -> int:
    if path.is_dir():
        found = sorted(entry.name for entry in path.glob("*.gguf"))[:3]
        hint = f"In it: {', '.join(found)}." if found else _GIVE_GGUF
        raise ModelFileError(f"Model file {path} is a directory.", hint=hint)
    try:
        size = path.stat().st_size
    except OSError:
        raise ModelFileError(f"There is no model file {path}.", hint=_GIVE_GGUF) from None
    if size == 0:
        raise ModelFileError(f"Model file {path} is empty.", hint=_GET_WHOLE)
    return size


def _check_magic(path: Path, head: bytes) -> int:
    if head[:4] != MAGIC:
        kind = _guess_kind(head)
        raise ModelFileError(f"Model file {path} is no GGUF file but {kind}.", hint=_GIVE_GGUF)
    if len(head) < 8:
        raise EOFError
    version = int.from_bytes(head[4:8], "little")
    if version not in VERSIONS:
        swapped = int.from_bytes(head[4:8], "big") in VERSIONS
        what = "big-endian" if swapped else f"version {version} of the format"
        raise ModelFileError(
            f"Model file {path} is {what}; versions 2 and 3, little-endian, can be read.",
            hint="Convert the model again with a current tool.",
        )
    return version


def _guess_kind(head: bytes) -> str:
    start = head.lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page"
    if start.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer"
    if head[8:9] == b"{":
        return "probably safetensors"
    if head[:2] == b"PK":
        return "a zip archive or a torch checkpoint"
    return "something else"


class _Reader:
    """A cursor over the bytes of a GGUF file."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._size = len(data)
        self._at = 8

    def header(self, version: int) -> GgufHeader:
        n_tensors, n_pairs = self._count(), self._count()
        metadata: dict[str, Scalar] = {}
        for _ in range(n_pairs):
            key = self._string()
            value = self._value(self._int32())
            if value is not None:
                metadata[key] = value
        tensors = [self._tensor() for _ in range(n_tensors)]
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or alignment < 1:
            raise ValueError("its alignment makes no sense")
        start = -(-self._at // alignment) * alignment
        placed = tuple(replace(tensor, start=start + tensor.start) for tensor in tensors)
        extent = max((t.start + t.n_bytes for t in placed), default=self._at)
        return GgufHeader(version, metadata, placed, extent)

    def _take(self, n_bytes: int) -> int:
        start = self._at
        if n_bytes > self._size - start:
            raise EOFError
        self._at = start + n_bytes
        return start

    def _unpack(self, code: str) -> int | float | bool:
        layout = "<" + code
        value: int | float | bool = struct.unpack_from(
            layout, self._data, self._take(struct.calcsize(layout))
        )[0]
        return value

    def _int32(self) -> int:
        return int(self._unpack("I"))

    def _count(self) -> int:
        return int(self._unpack("Q"))

    def _string(self) -> str:
        length = self._count()
        start = self._take(length)
        return self._data[start : start + length].decode("utf-8", "replace")

    def _value(self, kind: int, depth: int = 0) -> Scalar | None:
        if kind == _STRING:
            return self._string()
        if kind in _SCALARS:
            return self._unpack(_SCALARS[kind])
        if kind != _ARRAY or depth == _MAX_NESTING:
            raise ValueError(f"metadata of unknown type {kind}")
        inner, length = self._int32(), self._count()
        if inner in _SCALARS:
            self._take(length * struct.calcsize("<" + _SCALARS[inner]))
            return None
        skip: Callable[[], object] = (
            self._skip_string if inner == _STRING else lambda: self._value(inner, depth + 1)
        )
        for _ in range(length):
            skip()
        return None

    def _skip_string(self) -> None:
        self._take(self._count())

    def _tensor(self) -> GgufTensor:
        """A tensor whose start is still counted from the first one."""
        name, n_dims = self._string(), self._int32()
        if n_dims > _MAX_DIMS:
            raise ValueError(f"a tensor with {n_dims} dimensions")
        shape = tuple(self._count() for _ in range(n_dims))
        kind, offset = self._int32(), self._count()
        # A type that isn't known here is left to llama.cpp to judge.
        per_block, block_bytes = _BLOCKS.get(kind, (1, 0))
        n_bytes = -(-math.prod(shape) // per_block) * block_bytes
        return GgufTensor(name, shape, kind, offset, n_bytes)
