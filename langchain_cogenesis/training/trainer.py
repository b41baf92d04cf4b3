"""The training loop: yields its progress, and can go on where it was stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional as F

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.training.batches import Batch, chunk_batches, held_out_batches
from langchain_cogenesis.training.config import TrainingSettings
from langchain_cogenesis.training.initialisation import create_model, grow_model
from langchain_cogenesis.training.model import HouseModel
from langchain_cogenesis.training.muon import Muon
from langchain_cogenesis.training.precision import matrix_dtype

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
    """Trains one house model, on a GPU where there is one.

    Args:
        settings: What to train, and how.
        tokenizer: The house vocabulary.
        checkpoint: File to go on from, if it exists, and to save to. The held-out curves lie
            beside it, as JSON lines.
    """

    def __init__(self, settings: TrainingSettings, tokenizer: Tokenizer, checkpoint: Path) -> None:
        self.settings = settings
        self.tokenizer = tokenizer
        self.checkpoint = checkpoint
        self.curve = checkpoint.with_suffix(".curve.jsonl")
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = self._created().to(self.device)
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

    def _created(self) -> HouseModel:
        settings = self.settings
        if settings.grown_from is None or self.checkpoint.exists():
            return create_model(settings.architecture, settings.seed)
        source = short_checkpoint(self.checkpoint.parent, settings.grown_from)
        if not source.exists():
            raise ConfigurationError(
                f"{source} isn't there, from which this model grows.",
                hint=f"Train {settings.grown_from} until it is through its short chunks.",
            )
        state = torch.load(source, weights_only=True, map_location="cpu")["model"]
        layers = 1 + max(int(name.split(".")[1]) for name in state if name.startswith("blocks."))
        small = HouseModel(replace(settings.architecture, layers=layers))
        small.load_state_dict(state)
        return grow_model(small, settings.architecture, settings.seed)

    def run(self) -> Iterator[Progress]:
        """Trains to the end, yielding after every step."""
        began, first_tokens, saved_at = time.monotonic(), self.tokens, time.monotonic()
        before, total = self.seconds, self.settings.tokens
        while self.tokens < total:
            batches = chunk_batches(self.tokenizer, self.settings, self.chunk)
            if self.batch >= len(batches):
                # Written under other settings, whose chunks had more batches.
                self.chunk, self.batch = self.chunk + 1, 0
                continue
            for batch in batches[self.batch :]:
                loss = self._learn(batch.to(self.device))
                self.step, self.tokens = self.step + 1, self.tokens + batch.tokens
                last = self.batch + 1 == len(batches)
                self.chunk, self.batch = (self.chunk + last, 0 if last else self.batch + 1)
                if last and self.chunk == self.settings.short_chunks:
                    self.save(short_checkpoint(self.checkpoint.parent, self.checkpoint.stem))
                now = time.monotonic()
                self.seconds = before + now - began
                done = self.tokens >= total
                if done or self.step % self.settings.curve_steps == 0:
                    self._note_curve()
                if saved := done or now - saved_at > _SAVE_SECONDS:
                    self.save()
                    saved_at = now
                rate = (self.tokens - first_tokens) / (now - began)
                left = max(0, total - self.tokens)
                share = min(1.0, self.tokens / total)
                yield Progress(self.step, self.tokens, share, loss, rate, left / rate, saved)
                if done:
                    return

    def _learn(self, batch: Batch) -> float:
        self._set_rates()
        weight = self.settings.read_weight
        loss, read = losses(self.model, batch, read=weight > 0)
        self.model.zero_grad(set_to_none=True)
        (loss + weight * read).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.muon.step()
        self.adam.step()
        return loss.item()

    def _set_rates(self) -> None:
        scale = learning_rate_scale(self.settings, self.step, self.tokens)
        self.muon.lr = self.settings.muon_lr * scale
        for group, rate in zip(self.adam.param_groups, self.rates, strict=True):
            group["lr"] = rate * scale

    def _note_curve(self) -> None:
        line = {"step": self.step, "tokens": self.tokens, **self.held_out_losses()}
        with self.curve.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    @torch.no_grad()
    def held_out_losses(self) -> dict[str, float]:
        """Mean negative log-likelihood of held-out answers by condition, nats a token."""
        found: dict[str, float] = {}
        for condition, batches in held_out_batches(self.tokenizer, self.settings).items():
            tokens = [int((batch.targets >= 0).sum()) for batch in batches]
            losses = [answer_loss(self.model, batch.to(self.device)).item() for batch in batches]
            weighted = sum(n * loss for n, loss in zip(tokens, losses, strict=True))
            if tokens:
                found[condition] = round(weighted / sum(tokens), 4)
        return found

    def save(self, path: Path | None = None) -> None:
        """Writes the checkpoint; an older one is replaced at the end, never half-written."""
        path = path or self.checkpoint
        path.parent.mkdir(parents=True, exist_ok=True)
        state: dict[str, Any] = {
            "model": self.model.state_dict(),
            "muon": self.muon.state_dict(),
            "adam": self.adam.state_dict(),
            "position": (self.step, self.tokens, self.chunk, self.batch, self.seconds),
        }
        partial = path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(path)

    def _load(self) -> None:
        state = torch.load(self.checkpoint, weights_only=True, map_location=self.device)
        self.model.load_state_dict(state["model"])
        self.muon.load_state_dict(state["muon"])
        self.adam.load_state_dict(state["adam"])
        self.step, self.tokens, self.chunk, self.batch, self.seconds = state["position"]


def short_checkpoint(runs: Path, name: str) -> Path:
    """Where a model's state after its short chunks is kept."""
    return runs / f"{name}.short.pt"


def learning_rate_scale(settings: TrainingSettings, step: int, tokens: int) -> float:
    """Share of the full learning rate at a step: rises, holds, falls."""
    left = 1 - tokens / settings.tokens
    rising = min(1.0, (step + 1) / settings.warmup)
    return rising * max(_LAST_RATE, min(1.0, left / settings.decay))


def answer_loss(model: HouseModel, batch: Batch) -> torch.Tensor:
    """Mean negative log-likelihood of the answers' tokens, in nats."""
    answers, _ = losses(model, batch, read=False)
    return answers


def losses(model: HouseModel, batch: Batch, *, read: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean negative log-likelihood of answers, and of requests and outlines, in nats.

    Only the positions that predict one of these go through the output matrix, which would otherwise
    take as long as the blocks.

    Args:
        model: The model.
        batch: What it reads.
        read: Whether requests are wanted; without them their mean is 0.
    """
    wanted = [batch.targets.flatten(), *([batch.read.flatten()] if read else [])]
    places = [(targets >= 0).nonzero().squeeze(1) for targets in wanted]
    counts = [len(some) for some in places]
    targets = torch.cat([all_[some] for all_, some in zip(wanted, places, strict=True)])
    # Rounded up, because the matrix library compiles a kernel for each shape.
    spare = -sum(counts) % _ROUND
    at = F.pad(torch.cat(places), (0, spare))
    targets = F.pad(targets, (0, spare), value=-1)
    dtype = matrix_dtype(batch.ids.device)
    with torch.autocast(batch.ids.device.type, dtype, enabled=dtype is not torch.float32):
        logits = model.logits(model.hidden(batch.ids).flatten(0, 1)[at])
    found = F.cross_entropy(logits.float(), targets, ignore_index=-1, reduction="none")
    answers = found[: counts[0]].mean()
    requests = found[counts[0] : sum(counts)].mean() if read and counts[1] else found.new_zeros(())
    return answers, requests
