"""Copies that are worse on purpose: how far their weights are off, and what stays as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from langchain_cogenesis.evaluation.altered_models import Alteration, altered_copy
from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.models.gguf_file import read_header
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.model_source import resolve_model

MODEL = "house-small"
BLOCK = np.dtype([("scale", "<f2"), ("weights", "i1", (32,))])


def _weights(path: Path) -> dict[str, np.ndarray]:
    """The matrices of a file in Q8_0, read apart from the code under test."""
    data = path.read_bytes()
    found = {}
    for tensor in read_header(path).tensors:
        if len(tensor.shape) == 2:
            blocks = np.frombuffer(data[tensor.start : tensor.start + tensor.n_bytes], BLOCK)
            found[tensor.name] = blocks["scale"].astype(np.float32)[:, None] * blocks["weights"]
    return found


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.sqrt(np.mean((one - other) ** 2) / np.mean(one**2)))


def test_fewer_bits_leave_fewer_levels_and_go_further_away() -> None:
    plain = _weights(resolve_model(MODEL))
    distances = []
    for bits in (8, 4, 3, 2):
        with altered_copy(MODEL, Alteration(bits=bits)) as path:
            altered = _weights(path)
        name = "blk.0.attn_q.weight"
        distances.append(_distance(plain[name], altered[name]))
        levels = max(len(np.unique(block)) for block in altered[name])
        assert levels <= 2**bits - 1
        assert bits > 4 or levels == 2**bits - 1
    assert distances[0] == pytest.approx(0, abs=1e-3)
    assert 0.05 < distances[1] < distances[2] < distances[3] < 0.8


def test_noise_is_as_strong_as_it_says_and_the_same_for_a_seed() -> None:
    plain = _weights(resolve_model(MODEL))
    noisy = []
    for seed in (0, 0, 1):
        with altered_copy(MODEL, Alteration(noise=0.3, seed=seed)) as path:
            noisy.append(_weights(path))
    for name, values in plain.items():
        assert _distance(values, noisy[0][name]) == pytest.approx(0.3, rel=0.05)
        assert np.array_equal(noisy[0][name], noisy[1][name])
        assert not np.array_equal(noisy[0][name], noisy[2][name])


def test_a_copy_runs_keeps_all_but_its_matrices_and_goes_away() -> None:
    source = resolve_model(MODEL)
    with altered_copy(MODEL, Alteration(bits=3, noise=0.1)) as path:
        assert path.name == "house-small-3bit-noise-0.1.gguf"
        before, after = source.read_bytes(), path.read_bytes()
        header = read_header(path)
        assert header == read_header(source)
        first = min(tensor.start for tensor in header.tensors)
        assert before[:first] == after[:first]
        for tensor in header.tensors:
            same = (
                before[tensor.start :][: tensor.n_bytes] == after[tensor.start :][: tensor.n_bytes]
            )
            assert same == (len(tensor.shape) == 1), tensor.name
        engine = LlamaCppEngine(path)
        (row,) = engine.score(engine.tokenize("Dear"), first=len(engine.tokenize("Dear")))
        assert float(np.exp(row).sum()) == pytest.approx(1, abs=1e-3)
        engine.close()
    assert not path.exists()
    assert source.read_bytes() == before


def test_what_cannot_be_altered_is_said(tmp_path: Path) -> None:
    """A file whose matrices are in a type that isn't read here; settings out of range."""
    data = bytearray(resolve_model(MODEL).read_bytes())
    name = b"blk.0.attn_q.weight"
    # After the name: the number of dimensions, two of them, and the type.
    kind = data.index(name) + len(name) + 4 + 2 * 8
    assert data[kind] == 8
    data[kind] = 2
    other = tmp_path / "other.gguf"
    other.write_bytes(data)
    with (
        pytest.raises(ConfigurationError, match=r"other\.gguf can't be altered"),
        altered_copy(str(other), Alteration(bits=4)),
    ):
        pass
    for wrong in ({"bits": 1}, {"bits": 9}, {"noise": -0.1}):
        with pytest.raises(ConfigurationError, match="can't be altered"):
            Alteration(**wrong)
