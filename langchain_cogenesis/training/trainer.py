"""The training loop: yields its progress, and can go on where it was stopped."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional as F

from langchain_cogenesis.training.batches import Batch, chunk_batches
from langchain_cogenesis.training.config import TrainingSettings
from langchain_cogenesis.training.initialisation import create_model
from langchain_cogenesis.training.model import HouseModel
from langchain_cogenesis.training.muon import Muon

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_SAVE_SECONDS = 60.0
_LAST_RATE = 0.05
_ROUND = 128


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the training stands after a step.

    Attributes:
        step: Steps so far.
        tokens: Prompt and answer tokens so far.
        share: Share of the whole training that is done, 0 to 1.
        loss: Mean negative log-likelihood of the batch's answer tokens, in nats.
        tokens_per_second: Since this run began.
        seconds_left: Estimate.
        saved: Whether the checkpoint was written at this step.
    """

    step: int
    tokens: int
    share: float
    loss: float
    tokens_per_second: float
    seconds_left: float
    saved: bool


class Trainer:
    """Trains one house model.

    Args:
        settings: What to train, and how.
        tokenizer: The house vocabulary.
        checkpoint: File to go on from, if it exists, and to save to.
    """

    def __init__(self, settings: TrainingSettings, tokenizer: Tokenizer, checkpoint: Path) -> None:
        self.settings = settings
        self.tokenizer = tokenizer
        self.checkpoint = checkpoint
        self.model = create_model(settings.architecture, settings.seed)
        named = list(self.model.named_parameters())
        matrices = [p for name, p in named if p.dim() == 2 and not name.startswith("embedding")]
        gains = [p for _, p in named if p.dim() != 2]
        self.muon = Muon(matrices, settings.muon_lr)
        self.rates = (settings.embedding_lr, settings.gain_lr)
        groups: list[dict[str, Any]] = [
            {"params": [self.model.embedding.weight]},
            {"params": gains},
        ]
        self.adam = torch.optim.Adam(groups, lr=0.0, betas=(0.9, 0.98))
        self.step, self.tokens, self.chunk, self.batch, self.seconds = 0, 0, 0, 0, 0.0
        if checkpoint.exists():
            self._load()

    def run(self) -> Iterator[Progress]:
        """Trains to the end, yielding after every step."""
        began, first_tokens, saved_at = time.monotonic(), self.tokens, time.monotonic()
        before = self.seconds
        total = self.settings.all_tokens
        while self.tokens < total:
            batches = self._batches()
            for batch in batches[self.batch :]:
                loss = self._learn(batch)
                turned = self.tokens < self.settings.tokens <= self.tokens + batch.tokens
                self.step, self.tokens = self.step + 1, self.tokens + batch.tokens
                # The second round begins with examples of its own.
                last = turned or self.batch + 1 == len(batches)
                self.chunk, self.batch = (self.chunk + last, 0 if last else self.batch + 1)
                now = time.monotonic()
                self.seconds = before + now - began
                done = self.tokens >= total
                if saved := done or now - saved_at > _SAVE_SECONDS:
                    self.save()
                    saved_at = now
                rate = (self.tokens - first_tokens) / (now - began)
                left = max(0, total - self.tokens)
                share = min(1.0, self.tokens / total)
                yield Progress(self.step, self.tokens, share, loss, rate, left / rate, saved)
                if done:
                    return
                if turned:
                    break

    def _batches(self) -> list[Batch]:
        second = self.settings.second if self.tokens >= self.settings.tokens else None
        made_up = second.made_up if second else 0.0
        return chunk_batches(self.tokenizer, self.settings, self.chunk, made_up=made_up)

    def _learn(self, batch: Batch) -> float:
        self._set_rates()
        loss = answer_loss(self.model, batch)
        self.model.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.muon.step()
        self.adam.step()
        return loss.item()

    def _set_rates(self) -> None:
        scale = learning_rate_scale(self.settings, self.step, self.tokens)
        self.muon.lr = self.settings.muon_lr * scale
        for group, rate in zip(self.adam.param_groups, self.rates, strict=True):
            group["lr"] = rate * scale

    def save(self) -> None:
        """Writes the checkpoint; an older one is replaced at the end, never half-written."""
        self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        state: dict[str, Any] = {
            "model": self.model.state_dict(),
            "muon": self.muon.state_dict(),
            "adam": self.adam.state_dict(),
            "position": (self.step, self.tokens, self.chunk, self.batch, self.seconds),
        }
        partial = self.checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.checkpoint)

    def _load(self) -> None:
        state = torch.load(self.checkpoint, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.muon.load_state_dict(state["muon"])
        self.adam.load_state_dict(state["adam"])
        self.step, self.tokens, self.chunk, self.batch, self.seconds = state["position"]


def learning_rate_scale(settings: TrainingSettings, step: int, tokens: int) -> float:
    """Share of the full learning rate at a step: rises, holds, falls, and falls once more."""
    if settings.second and tokens >= settings.tokens:
        done = (tokens - settings.tokens) / settings.second.tokens
        return settings.second.rate * max(_LAST_RATE, 1 - done)
    left = 1 - tokens / settings.tokens
    rising = min(1.0, (step + 1) / settings.warmup)
    return rising * max(_LAST_RATE, min(1.0, left / settings.decay))


def answer_loss(model: HouseModel, batch: Batch) -> torch.Tensor:
    """Mean negative log-likelihood of the answers' tokens, in nats.

    Only the positions that predict an answer's token go through the output matrix, which would
    otherwise take as long as the blocks.
    """
    places = (batch.targets.flatten() >= 0).nonzero().squeeze(1)
    targets = batch.targets.flatten()[places]
    # Rounded up, because the matrix library compiles a kernel for each shape.
    spare = -len(places) % _ROUND
    places, targets = F.pad(places, (0, spare)), F.pad(targets, (0, spare), value=-1)
    with torch.autocast("cpu", torch.bfloat16):
        logits = model.logits(model.hidden(batch.ids).flatten(0, 1)[places])
    return F.cross_entropy(logits.float(), targets, ignore_index=-1)
