"""A fusion whose weight is learned: a network of a few hundred weights over features of a step."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.fusion.base import Fused
from langchain_cogenesis.fusion.features import FEATURE_NAMES, Floats, glance, mix
from langchain_cogenesis.models.logprobs import Distribution, Logprobs

MAX_WEIGHTS = 1000
"""Learned numbers of a network, at most."""

_FORMAT = "langchain_cogenesis.learned_fusion"
_VERSION = "1"
_RETRAIN = "Fit it anew with this version: `cogenesis fusion fit`."


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class WeightNetwork:
    """`weight = sigmoid(tanh(((features - mean) / scale) @ w1 + b1) @ w2 + b2)`.

    Attributes:
        mean: Of the features in training, `(n_features,)` float64.
        scale: Their standard deviation, above 0, `(n_features,)`.
        w1: `(n_features, hidden)`.
        b1: `(hidden,)`.
        w2: `(hidden,)`.
        b2: `(1,)`.

    Raises:
        ConfigurationError: The shapes don't fit together, a number isn't finite, or it has more
            than `MAX_WEIGHTS` weights.
    """

    mean: Floats
    scale: Floats
    w1: Floats
    b1: Floats
    w2: Floats
    b2: Floats

    def __post_init__(self) -> None:
        hidden = len(self.b1) if self.b1.ndim == 1 else -1
        features = len(FEATURE_NAMES)
        shapes = {
            "mean": (features,),
            "scale": (features,),
            "w1": (features, hidden),
            "b1": (hidden,),
            "w2": (hidden,),
            "b2": (1,),
        }
        for name, value in self.arrays().items():
            if value.shape != shapes[name] or not np.isfinite(value).all():
                raise ConfigurationError(
                    f"the weight network's {name} has a wrong shape or numbers that aren't finite.",
                    hint=_RETRAIN,
                )
        if not (self.scale > 0).all():
            raise ConfigurationError("the weight network's scale isn't positive.", hint=_RETRAIN)
        if self.weight_count > MAX_WEIGHTS:
            raise ConfigurationError(
                f"the weight network has {self.weight_count} weights.",
                hint=f"Take fewer hidden units: {MAX_WEIGHTS} weights are allowed.",
            )

    @property
    def weight_count(self) -> int:
        """Learned numbers; mean and scale of the features aren't counted."""
        return sum(value.size for value in (self.w1, self.b1, self.w2, self.b2))

    def __repr__(self) -> str:
        return f"WeightNetwork(<withheld: {self.weight_count} weights>)"

    def arrays(self) -> dict[str, Floats]:
        """All arrays by name."""
        return {
            "mean": self.mean, "scale": self.scale,
            "w1": self.w1, "b1": self.b1, "w2": self.w2, "b2": self.b2,
        }  # fmt: skip

    def weight(self, features: Floats) -> Floats:
        """The helper's share.

        Args:
            features: As in `FEATURE_NAMES`, `(..., n_features)`.

        Returns:
            Between 0 and 1, `(...,)`.
        """
        hidden = np.tanh(((features - self.mean) / self.scale) @ self.w1 + self.b1)
        # tanh can't overflow where the exponential of a sigmoid would.
        share: Floats = 0.5 + 0.5 * np.tanh(0.5 * (hidden @ self.w2 + self.b2[0]))
        return share


class LearnedFusion:
    """A weighted mean of two models whose weight depends on the step.

    A network of the paper's kind reads both models' logits over the whole vocabulary (Zhang et al.
    2024, section 3.3: 2V-512-16-1, some 156 million weights); this one reads a few features of the
    two rows, so that it needs little to learn from and fits in two kilobytes.

    Args:
        network: From features to the helper's share.
        vocabulary_digest: Digest of the vocabulary of the models that it was fitted on.
    """

    def __init__(self, network: WeightNetwork, *, vocabulary_digest: str) -> None:
        self.network = network
        self.vocabulary_digest = vocabulary_digest

    def __repr__(self) -> str:
        return f"LearnedFusion({self.network!r})"

    @property
    def name(self) -> str:
        """`learned`."""
        return "learned"

    def fuse(self, rows: Sequence[Distribution], *, position: int = 0) -> Fused:
        """Mixes the rows of a step; see `Fusion.fuse`.

        Args:
            rows: The local model's, dense, and the helper's; natural-log probabilities.
            position: Number of the token in the answer, from 0.

        Raises:
            ConfigurationError: There are not two rows, the first isn't dense, or they are of
                different vocabularies.
        """
        local, helper = _two(rows)
        seen = glance(local, helper, position)
        weight = float(self.network.weight(seen.features))
        known = len(seen.helper.ids) == _listed(helper)
        values = mix(local, helper, weight, seen.local_mass_elsewhere if known else None)
        return Fused(values, (1.0 - weight, weight))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a safetensors file that its owner alone can read; an older one is replaced.

        Args:
            path: The file.
        """
        target = Path(path)
        metadata = {
            "format": _FORMAT,
            "version": _VERSION,
            "features": json.dumps(FEATURE_NAMES),
            "vocabulary": self.vocabulary_digest,
        }
        data = save(dict(self.network.arrays()), metadata)
        temporary = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
        try:
            temporary.touch(mode=0o600)
            temporary.write_bytes(data)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], *, vocabulary_digest: str | None = None
    ) -> LearnedFusion:
        """Reads a file that `save` wrote.

        Args:
            path: The file.
            vocabulary_digest: Digest of the models' vocabulary; another one is refused.

        Raises:
            ConfigurationError: There is no such file, it is damaged or none of ours, it was fitted
                on other features, or for another vocabulary.
        """
        arrays, metadata = _read(Path(path))
        _check_metadata(metadata, Path(path), vocabulary_digest)
        try:
            network = WeightNetwork(**arrays)
        except (ConfigurationError, TypeError):
            raise _damaged(Path(path)) from None
        return cls(network, vocabulary_digest=metadata["vocabulary"])


def _two(rows: Sequence[Distribution]) -> tuple[Logprobs, Distribution]:
    if len(rows) != 2 or not isinstance(rows[0], Logprobs):
        raise ConfigurationError(
            f"the learned fusion is for 2 models, and got {len(rows)} distributions.",
            hint="Give the local model's dense row and the helper's; for more models use a fixed "
            "fusion.",
        )
    if rows[0].n_vocab != rows[1].n_vocab:
        raise ConfigurationError(
            f"the distributions are over {rows[0].n_vocab} and {rows[1].n_vocab} tokens.",
            hint="Use two models with one vocabulary.",
        )
    return rows[0], rows[1]


def _listed(row: Distribution) -> int:
    return row.n_vocab if isinstance(row, Logprobs) else len(row.ids)


def _read(path: Path) -> tuple[dict[str, Floats], dict[str, str]]:
    if not path.is_file():
        raise ConfigurationError(
            f"there is no learned fusion at {path}.", hint="Fit one: `cogenesis fusion fit`."
        )
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = dict(file.metadata() or {})
            if metadata.get("format") != _FORMAT:
                raise ConfigurationError(
                    f"{path} is a safetensors file but no learned fusion.",
                    hint="Give a file that `cogenesis fusion fit` wrote.",
                )
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError):
        raise _damaged(path) from None
    if any(value.dtype != np.float64 for value in arrays.values()):
        raise _damaged(path)
    return arrays, metadata


def _check_metadata(metadata: Mapping[str, str], path: Path, digest: str | None) -> None:
    if metadata.get("version") != _VERSION or "vocabulary" not in metadata:
        raise ConfigurationError(f"{path} has another version of the format.", hint=_RETRAIN)
    if metadata.get("features") != json.dumps(FEATURE_NAMES):
        raise ConfigurationError(
            f"{path} was fitted on other features than this version computes.", hint=_RETRAIN
        )
    if digest is not None and metadata["vocabulary"] != digest:
        raise ConfigurationError(
            f"{path} was fitted for models with another vocabulary.",
            hint="Fit one for these models: `cogenesis fusion fit --local … --helper …`.",
        )


def _damaged(path: Path) -> ConfigurationError:
    return ConfigurationError(
        f"{path} is damaged or no safetensors file.", hint="Fit it anew: `cogenesis fusion fit`."
    )
