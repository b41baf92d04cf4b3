"""The files of recordings, which are private data: 0600, in a folder of 0700."""

from __future__ import annotations

import os
import re
import secrets
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.fusion.features import FEATURE_NAMES, Floats

_FILE = re.compile(r"example-(\d{6})\.npz")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Tops:
    """The most probable tokens of both models at each step, best first.

    Attributes:
        local_ids: `(steps, top)` int64.
        local_logprobs: Natural-log probabilities, `(steps, top)` float32.
        helper_ids: `(steps, top)` int64.
        helper_logprobs: `(steps, top)` float32.
    """

    local_ids: NDArray[np.int64]
    local_logprobs: NDArray[np.float32]
    helper_ids: NDArray[np.int64]
    helper_logprobs: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Recording:
    """One example.

    Attributes:
        number: Its number.
        features: As in `FEATURE_NAMES`, `(steps, n_features)` float64.
        local: Probability of the reference token under the local model, `(steps,)` float64.
        helper: Under the helper, its tail shared out, `(steps,)` float64.
        vocabulary_digest: Digest of the models' vocabulary.
        n_vocab: Its size.
        source: Digest of what it was made of: models, prompts, reference, settings.
        tops: What the paper's weight network looks at, if it was kept.
    """

    number: int
    features: Floats
    local: Floats
    helper: Floats
    vocabulary_digest: str
    n_vocab: int
    source: str = ""
    tops: Tops | None = None

    def __repr__(self) -> str:
        return f"Recording({self.number}, <withheld: {len(self.local)} steps>)"

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Writes it into a folder that is made private, and returns the file's path."""
        directory = private_folder(folder)
        path = recording_path(directory, self.number)
        arrays: dict[str, NDArray[np.generic]] = {
            "features": self.features, "local": self.local, "helper": self.helper,
            "feature_names": np.array(FEATURE_NAMES),
            "vocabulary_digest": np.array(self.vocabulary_digest),
            "n_vocab": np.array(self.n_vocab), "source": np.array(self.source),
        }  # fmt: skip
        if self.tops is not None:
            arrays |= {name: getattr(self.tops, name) for name in Tops.__slots__}
        temporary = directory / f".{path.name}-{secrets.token_hex(4)}"
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                np.savez(file, **arrays)  # type: ignore[arg-type]
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        return path

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Recording:
        """Reads a file that `save` wrote.

        Args:
            path: The file.

        Raises:
            ConfigurationError: It is missing or damaged, or has other features.
        """
        path = Path(path)
        found = _FILE.fullmatch(path.name)
        try:
            # Given a path, NumPy leaves the file of a damaged archive open.
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            names = tuple(arrays["feature_names"].tolist())
            digest, source = (str(arrays[name][()]) for name in ("vocabulary_digest", "source"))
            steps = len(arrays["local"])
            kept = [name for name in Tops.__slots__ if name in arrays]
            tops = Tops(*(arrays[name] for name in Tops.__slots__)) if kept else None
            n_vocab = int(arrays["n_vocab"])
        except (OSError, ValueError, KeyError, TypeError, IndexError, EOFError, zipfile.BadZipFile):
            raise _damaged(path) from None
        if names != FEATURE_NAMES:
            raise ConfigurationError(
                f"{path} holds other features than this version computes.",
                hint="Record anew, into another folder.",
            )
        if arrays["features"].shape != (steps, len(names)) or len(arrays["helper"]) != steps:
            raise _damaged(path)
        number = int(found[1]) if found else 0
        values = (arrays["features"], arrays["local"], arrays["helper"])
        return cls(number, *values, digest, n_vocab, source, tops)


def recording_path(folder: Path, number: int) -> Path:
    """Where the recording of an example lies."""
    return folder / f"example-{number:06d}.npz"


def load_recordings(folder: str | os.PathLike[str]) -> Iterator[Recording]:
    """Reads all recordings of a folder, by number.

    Raises:
        ConfigurationError: A file is damaged or has other features.
    """
    for path in sorted(Path(folder).glob("example-*.npz")):
        if _FILE.fullmatch(path.name):
            yield Recording.load(path)


def forget(folder: str | os.PathLike[str]) -> int:
    """Removes all recordings of a folder, half-written ones too, and the folder if it is empty.

    Returns:
        How many there were.
    """
    directory, removed = Path(folder), 0
    for path in list(directory.glob("example-*.npz")):
        path.unlink()
        removed += 1
    for path in list(directory.glob(".example-*.npz-*")):
        path.unlink()
    if directory.is_dir() and not any(directory.iterdir()):
        directory.rmdir()
    return removed


def private_folder(folder: str | os.PathLike[str]) -> Path:
    """Makes a folder that only its owner can look into (0700); one that holds others' is refused.

    Raises:
        ConfigurationError: It can't be made, isn't ours, or is open to others and holds other
            files than recordings.
    """
    directory = Path(folder)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        open_to_others = directory.stat().st_mode & 0o077
        if open_to_others and any(not _own(path) for path in directory.iterdir()):
            # Tightening a folder that is in use for something else would lock others out of it.
            raise ConfigurationError(
                f"{directory} holds other files and is open to others.",
                hint="Give a folder of its own: recordings are private data.",
            )
        directory.chmod(0o700)
    except OSError as error:
        raise ConfigurationError(
            f"{directory} can't hold recordings ({error.strerror}).",
            hint="Choose a directory that you own and that is not a file.",
        ) from None
    return directory


def _own(path: Path) -> bool:
    return path.name.lstrip(".").startswith("example-")


def _damaged(path: Path) -> ConfigurationError:
    return ConfigurationError(
        f"{path} is damaged or no recording.", hint="Remove the file and record its example anew."
    )
