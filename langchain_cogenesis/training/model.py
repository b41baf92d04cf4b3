"""A small Llama in torch: what `llama.cpp` runs as architecture `llama`, in the same arithmetic."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from langchain_cogenesis.training.config import Architecture


class RMSNorm(nn.Module):
    """Root-mean-square normalisation with a learned gain."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        """Normalises the last axis of `x`, shape `(…, width)`."""
        return F.rms_norm(x, (x.shape[-1],), self.weight, self.epsilon)


class Attention(nn.Module):
    """Causal self-attention with interleaved rotary positions."""

    def __init__(self, shape: Architecture) -> None:
        super().__init__()
        inner = shape.heads * shape.head_width
        self.heads, self.head_width = shape.heads, shape.head_width
        self.q = nn.Linear(shape.width, inner, bias=False)
        self.k = nn.Linear(shape.width, inner, bias=False)
        self.v = nn.Linear(shape.width, inner, bias=False)
        self.o = nn.Linear(inner, shape.width, bias=False)

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
        """Attends; `x` is `(batch, positions, width)`, `turn` the cosines and sines."""
        batch, positions, _ = x.shape
        split = (batch, positions, self.heads, self.head_width)
        q = rotate(self.q(x).view(split).transpose(1, 2), turn)
        k = rotate(self.k(x).view(split).transpose(1, 2), turn)
        v = self.v(x).view(split).transpose(1, 2)
        # Padding is on the right, so the causal mask alone keeps it out of every real position.
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        out: Tensor = self.o(mixed.transpose(1, 2).reshape(batch, positions, -1))
        return out


class FeedForward(nn.Module):
    """Gated feed-forward layer with SiLU."""

    def __init__(self, shape: Architecture) -> None:
        super().__init__()
        self.gate = nn.Linear(shape.width, shape.hidden, bias=False)
        self.up = nn.Linear(shape.width, shape.hidden, bias=False)
        self.down = nn.Linear(shape.hidden, shape.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Maps `(…, width)` to `(…, width)`."""
        out: Tensor = self.down(F.silu(self.gate(x)) * self.up(x))
        return out


class Block(nn.Module):
    """One pre-norm transformer block."""

    def __init__(self, shape: Architecture) -> None:
        super().__init__()
        self.attention_norm = RMSNorm(shape.width, shape.epsilon)
        self.attention = Attention(shape)
        self.feed_forward_norm = RMSNorm(shape.width, shape.epsilon)
        self.feed_forward = FeedForward(shape)

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
        """Adds attention and feed-forward to the residual stream `x`."""
        x = x + self.attention(self.attention_norm(x), turn)
        out: Tensor = x + self.feed_forward(self.feed_forward_norm(x))
        return out


class HouseModel(nn.Module):
    """The decoder; its output matrix is the embedding."""

    def __init__(self, shape: Architecture) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = RMSNorm(shape.width, shape.epsilon)
        cosines, sines = rotary_angles(shape)
        self.register_buffer("cosines", cosines, persistent=False)
        self.register_buffer("sines", sines, persistent=False)

    def hidden(self, ids: Tensor) -> Tensor:
        """Runs the blocks.

        Args:
            ids: Token ids, `(batch, positions)`, padded on the right.

        Returns:
            Normalised hidden states, `(batch, positions, width)`.
        """
        positions = ids.shape[1]
        turn = (self.get_buffer("cosines")[:positions], self.get_buffer("sines")[:positions])
        x: Tensor = self.embedding(ids)
        for block in self.blocks:
            x = block(x, turn)
        out: Tensor = self.norm(x)
        return out

    def logits(self, hidden: Tensor) -> Tensor:
        """Maps hidden states `(…, width)` to logits `(…, vocabulary)`."""
        return F.linear(hidden, self.embedding.weight)

    def forward(self, ids: Tensor) -> Tensor:
        """Logits for every position, `(batch, positions, vocabulary)`."""
        return self.logits(self.hidden(ids))


def rotary_angles(shape: Architecture) -> tuple[Tensor, Tensor]:
    """Cosines and sines of every position's turn, each `(context_length, head_width / 2)`."""
    steps = torch.arange(0, shape.head_width, 2, dtype=torch.float64) / shape.head_width
    frequencies = shape.rope_base**-steps
    angles = torch.arange(shape.context_length, dtype=torch.float64)[:, None] * frequencies
    return angles.cos().float(), angles.sin().float()


def rotate(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Turns neighbouring pairs of the last axis; `x` is `(batch, heads, positions, head_width)`."""
    cosines, sines = turn
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack(
        (even * cosines - odd * sines, even * sines + odd * cosines), dim=-1
    ).flatten(-2)
