"""Muon for matrices and AdamW for the rest, batched over matrices of one shape.

Muon (Jordan et al., 2024) replaces a matrix's momentum by the nearest orthogonal matrix, found by a
few Newton-Schulz steps. One step at a time for each matrix is slow on a CPU; matrices of one shape
are stacked here and go through together.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from langchain_cogenesis.training.precision import matrix_dtype

_QUINTIC = (3.4445, -4.7750, 2.0315)


def orthogonalise(matrices: Tensor, steps: int = 5) -> Tensor:
    """Moves the singular values of each matrix close to 1.

    Args:
        matrices: Shape `(count, rows, columns)`.
        steps: Newton-Schulz iterations.
    """
    a, b, c = _QUINTIC
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.transpose(1, 2) if tall else matrices
    # Half precision is enough: the result is a direction, and only roughly orthogonal anyway.
    x = (x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)).to(matrix_dtype(matrices.device))
    for _ in range(steps):
        gram = x @ x.transpose(1, 2)
        x = a * x + (b * gram + c * gram @ gram) @ x
    out: Tensor = (x.transpose(1, 2) if tall else x).float()
    return out


class Muon:
    """Muon with Nesterov momentum over all matrices given.

    Args:
        matrices: Two-dimensional parameters.
        lr: Step size; the update of a matrix has singular values of about
            `lr * max(1, rows / columns) ** 0.5`.
        momentum: Share of the old momentum that is kept.
    """

    def __init__(self, matrices: Iterable[nn.Parameter], lr: float, momentum: float = 0.95) -> None:
        self.lr, self.momentum = lr, momentum
        self.groups: dict[tuple[int, ...], list[nn.Parameter]] = {}
        for matrix in matrices:
            self.groups.setdefault(tuple(matrix.shape), []).append(matrix)
        self.buffers = {
            shape: torch.zeros(len(group), *shape, device=group[0].device)
            for shape, group in self.groups.items()
        }

    @torch.no_grad()
    def step(self) -> None:
        """Updates every matrix from its gradient."""
        for shape, group in self.groups.items():
            gradients = torch.stack([p.grad for p in group if p.grad is not None])
            buffer = self.buffers[shape]
            buffer.lerp_(gradients, 1 - self.momentum)
            update = orthogonalise(gradients.lerp(buffer, self.momentum))
            update *= -self.lr * max(1.0, shape[0] / shape[1]) ** 0.5
            for parameter, change in zip(group, update, strict=True):
                parameter.add_(change)

    def state_dict(self) -> dict[str, Any]:
        """The momentum, by shape."""
        return {"buffers": self.buffers}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes over the momentum that `state_dict` gave."""
        for shape, buffer in state["buffers"].items():
            self.buffers[shape].copy_(buffer)
