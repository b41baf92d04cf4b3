"""Which number format a machine multiplies matrices fastest in."""

from __future__ import annotations

import torch


def matrix_dtype(device: torch.device) -> torch.dtype:
    """Half precision where the hardware has it, else single.

    A CPU that lacks it computes in half precision about forty times more slowly than in single.

    Args:
        device: Where the matrices are.
    """
    halves = device.type != "cpu" or torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return torch.bfloat16 if halves else torch.float32
