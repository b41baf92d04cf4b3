"""A structured start: the weights can already copy before the first training step.

A transformer learns late to look up "what came after this token before" (an induction head), and a
model that sees few million tokens hardly gets there. Here the circuit is written into the weights:
head 0 of the first block looks at the previous token and notes it in a slot of the residual stream
of its own; heads 0 and 1 of the second block look for positions whose slot holds the current token,
and add the token found there to the stream. Everything stays trainable.

The residual stream is split for that: one constant entry, `width - 65` entries of content, and a
slot of 64. Embedding rows have equal norms, so that the constant stays constant under RMS norm.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.training.config import Architecture
from langchain_cogenesis.training.model import Attention, HouseModel

SLOT = 64
CONSTANT = 0.3
PREVIOUS_SCORE = 90.0
SLOT_NORM = 1.0
MATCH_SCORE = 17.0
COPY_NORM = 2.0


def create_model(shape: Architecture, seed: int) -> HouseModel:
    """Creates a model with the structured start.

    Args:
        shape: The model's shape; at least two layers and two heads of 64.
        seed: Of the random directions.

    Returns:
        A model that continues a repeated sequence of tokens correctly, untrained.
    """
    model = HouseModel(shape)
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        _fill_plain(model, random)
        content = shape.width - 1 - SLOT
        table = torch.randn(shape.vocabulary, content, generator=random)
        table *= (1 - CONSTANT**2) ** 0.5 / table.norm(dim=1, keepdim=True)
        model.embedding.weight.zero_()
        model.embedding.weight[:, 0] = CONSTANT
        model.embedding.weight[:, 1 : 1 + content] = table
        basis = torch.linalg.qr(torch.randn(content, content, generator=random)).Q
        attentions = [block.get_submodule("attention") for block in model.blocks]
        _write_previous_token_head(attentions[0], shape, basis)
        _write_induction_heads(attentions[1], shape, basis)
        model.norm.weight.fill_(0.8)
    return model


def grow_model(small: HouseModel, shape: Architecture, seed: int) -> HouseModel:
    """Makes a deeper model that computes at first what a trained one computes.

    The new blocks stand behind the old ones and add nothing yet, as their output matrices are zero:
    everything learned so far is kept, and all of it stays trainable.

    Args:
        small: The trained model.
        shape: The same shape with more layers.
        seed: Of the new blocks.

    Raises:
        ConfigurationError: The shapes differ in more than layers.
    """
    if replace(shape, layers=small.shape.layers) != small.shape:
        raise ConfigurationError(
            "a model can be grown by layers only.", hint="Give both the same width and vocabulary."
        )
    model = HouseModel(shape)
    with torch.no_grad():
        _fill_plain(model, torch.Generator().manual_seed(seed))
        known = model.state_dict()
        known.update(small.state_dict())
        model.load_state_dict(known)
    return model


def _fill_plain(model: HouseModel, random: torch.Generator) -> None:
    for name, weight in model.named_parameters():
        if weight.dim() != 2 or name.startswith("embedding"):
            continue
        if name.endswith(("o.weight", "down.weight")):
            weight.zero_()
        else:
            weight.normal_(0.0, weight.shape[1] ** -0.5, generator=random)


def _write_previous_token_head(module: torch.nn.Module, shape: Architecture, basis: Tensor) -> None:
    assert isinstance(module, Attention)
    width = shape.head_width
    scale = shape.width**0.5
    steps = torch.arange(0, width, 2, dtype=torch.float32) / width
    frequencies = shape.rope_base**-steps
    size = PREVIOUS_SCORE**0.5 / (CONSTANT * scale)
    q, k = torch.zeros(width, shape.width), torch.zeros(width, shape.width)
    # A key turned ahead by one step's angle meets the query of the next position head on.
    q[0::2, 0] = size
    k[0::2, 0] = size * frequencies.cos()
    k[1::2, 0] = size * frequencies.sin()
    content = basis.shape[0]
    v, o = torch.zeros(width, shape.width), torch.zeros(shape.width, width)
    v[:, 1 : 1 + content] = basis[:SLOT]
    seen = scale * (1 - CONSTANT**2) ** 0.5 * (SLOT / content) ** 0.5
    o[1 + content :, :SLOT] = torch.eye(SLOT) * (SLOT_NORM / seen)
    _set_head(module, 0, q, k, v, o)


def _write_induction_heads(module: torch.nn.Module, shape: Architecture, basis: Tensor) -> None:
    assert isinstance(module, Attention)
    width, half = shape.head_width, shape.head_width // 2
    content = basis.shape[0]
    scale = (shape.width / (1 + SLOT_NORM**2)) ** 0.5
    tokens = scale * (1 - CONSTANT**2) ** 0.5
    seen = tokens * (half / content) ** 0.5 * scale * SLOT_NORM * 0.5**0.5
    size = (MATCH_SCORE * width**0.5 / seen) ** 0.5
    for head in range(2):
        q, k = torch.zeros(width, shape.width), torch.zeros(width, shape.width)
        part = slice(head * half, (head + 1) * half)
        # The second half of a head's pairs turns so slowly that content meets content undisturbed.
        q[half:, 1 : 1 + content] = size * basis[part]
        k[half:, 1 + content :] = size * torch.eye(SLOT)[part]
        v, o = torch.zeros(width, shape.width), torch.zeros(shape.width, width)
        copied = basis[head * width : (head + 1) * width]
        v[: len(copied), 1 : 1 + content] = copied
        o[1 : 1 + content, : len(copied)] = copied.T * (COPY_NORM / tokens)
        _set_head(module, head, q, k, v, o)


def _set_head(module: Attention, head: int, q: Tensor, k: Tensor, v: Tensor, o: Tensor) -> None:
    rows = slice(head * module.head_width, (head + 1) * module.head_width)
    module.q.weight[rows] = q
    module.k.weight[rows] = k
    module.v.weight[rows] = v
    module.o.weight[:, rows] = o
