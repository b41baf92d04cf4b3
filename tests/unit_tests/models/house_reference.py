"""A house model read back from its GGUF file: its tokenizer, and its arithmetic in NumPy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFReader, quants
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

_NORMAL = 1
Weights = dict[str, np.ndarray]


def read_weights(path: Path) -> Weights:
    """All tensors as float32, matrices `(out, in)`."""
    reader = GGUFReader(path)
    return {
        tensor.name: quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        for tensor in reader.tensors
    }


def read_numbers(path: Path) -> dict[str, int]:
    """Whole numbers of the model's shape, by their names without `llama.`."""
    fields = GGUFReader(path).fields
    names = ("embedding_length", "block_count", "attention.head_count", "feed_forward_length")
    found = {name: fields[f"llama.{name}"] for name in (*names, "vocab_size", "context_length")}
    return {name: int(field.parts[field.data[0]][0]) for name, field in found.items()}


def read_tokenizer(path: Path) -> Tokenizer:
    """The trainer's tokenizer, rebuilt from the file's tokens and merges."""
    fields = GGUFReader(path).fields

    def texts(name: str) -> list[str]:
        field = fields[name]
        return [bytes(field.parts[index]).decode() for index in field.data]

    tokens = texts("tokenizer.ggml.tokens")
    types = [int(fields["tokenizer.ggml.token_type"].parts[i][0]) for i in _indices(fields)]
    merges = [tuple(merge.split(" ")) for merge in texts("tokenizer.ggml.merges")]
    tokenizer = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    special = [t for t, kind in zip(tokens, types, strict=True) if kind != _NORMAL]
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in special])
    return tokenizer


def _indices(fields: Any) -> Any:
    return fields["tokenizer.ggml.token_type"].data


def numpy_logprobs(weights: Weights, heads: int, rope_base: float, ids: list[int]) -> np.ndarray:
    """The forward pass of a Llama with interleaved rotary pairs.

    Args:
        weights: As `read_weights` gives them.
        heads: Attention heads.
        rope_base: Base of the rotary frequencies.
        ids: Token ids.

    Returns:
        Natural-log probabilities after each token, `(len(ids), n_vocab)`.
    """
    x = weights["token_embd.weight"][ids]
    count, width = len(ids), x.shape[1] // heads
    angles = np.arange(count)[:, None] * rope_base ** (-np.arange(0, width, 2) / width)
    turn = (np.cos(angles), np.sin(angles))
    later = np.triu(np.full((count, count), -np.inf), 1)
    for block in range(1 + max(int(n.split(".")[1]) for n in weights if n.startswith("blk."))):
        w = {n.split(".")[2]: v for n, v in weights.items() if n.startswith(f"blk.{block}.")}
        h = _norm(x, w["attn_norm"])
        split = [
            (h @ w[n].T).reshape(count, heads, width).swapaxes(0, 1)
            for n in ("attn_q", "attn_k", "attn_v")
        ]
        q, k, v = _rotate(split[0], turn), _rotate(split[1], turn), split[2]
        scores = _log_softmax(q @ k.swapaxes(1, 2) / np.sqrt(width) + later)
        mixed = (np.exp(scores) @ v).swapaxes(0, 1).reshape(count, -1)
        x = x + mixed @ w["attn_output"].T
        h = _norm(x, w["ffn_norm"])
        gate = h @ w["ffn_gate"].T
        x = x + (gate / (1 + np.exp(-gate)) * (h @ w["ffn_up"].T)) @ w["ffn_down"].T
    return _log_softmax(_norm(x, weights["output_norm.weight"]) @ weights["token_embd.weight"].T)


def _norm(x: np.ndarray, gain: np.ndarray) -> np.ndarray:
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5) * gain


def _rotate(x: np.ndarray, turn: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    cosines, sines = turn
    even, odd = x[..., 0::2], x[..., 1::2]
    turned = (even * cosines - odd * sines, even * sines + odd * cosines)
    return np.stack(turned, axis=-1).reshape(x.shape)


def _log_softmax(x: np.ndarray) -> np.ndarray:
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))
