"""What `write --mode logits` reads from its options, and what it shows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from langchain_cogenesis.cli.output import err, out
from langchain_cogenesis.exceptions import ConfigurationError

if TYPE_CHECKING:
    from langchain_cogenesis.logit_settings import Block, Drafter, LogitSettings


def read_settings(
    weight: float, fusion: Path | None, schedule: str, block: str, draft: str, local: str
) -> LogitSettings:
    """The settings of logit mode.

    Args:
        weight: The local model's share in linear fusion.
        fusion: File of a learned fusion, which takes its place.
        schedule: As `parse_schedule` reads it.
        block: A number, `auto` or `none`.
        draft: `remote` or `local`.
        local: The local model, whose vocabulary a learned fusion must be made for.

    Raises:
        ConfigurationError: One of them can't be read.
    """
    from langchain_cogenesis.fusion.base import Fusion
    from langchain_cogenesis.fusion.fixed import LinearFusion
    from langchain_cogenesis.fusion.schedule import parse_schedule
    from langchain_cogenesis.logit_settings import LogitSettings

    chosen: Fusion = LinearFusion((weight, 1 - weight))
    if fusion is not None:
        from langchain_cogenesis.fusion.learned import LearnedFusion
        from langchain_cogenesis.logit_answering import local_vocabulary
        from langchain_cogenesis.models.chat_llamacpp import ChatLocalLlama

        digest = local_vocabulary(ChatLocalLlama(model=local)).digest
        chosen = LearnedFusion.load(fusion, vocabulary_digest=digest)
    return LogitSettings(
        chosen, parse_schedule(schedule), read_block(block), cast("Drafter", draft)
    )


def read_block(text: str) -> Block:
    """A block's length as users write it.

    Raises:
        ConfigurationError: It is none.
    """
    if text == "none":
        return None
    if text == "auto":
        return "auto"
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise ConfigurationError(
        f"{text!r} is no length of a block.", hint="Use a number of tokens, auto or none."
    )


def show_steps(account: Mapping[str, Any], target: Path | None, *, in_terminal: bool) -> None:
    """Writes or shows which model wrote what.

    Args:
        account: Of the answer.
        target: The page's file, or None.
        in_terminal: Whether to show it in colours.

    Raises:
        ConfigurationError: The page can't be written.
    """
    from langchain_cogenesis.fusion.attribution import Attribution

    steps = account.get("steps")
    if not steps:
        err().print("note: no token was fused, so there is nothing to attribute.", style="yellow")
        return
    view = Attribution(tuple(steps))
    if in_terminal:
        out().print(view.text())
        err().print("blue: local · orange: remote · underlined: not asked", style="dim")
    if target is not None:
        path = view.save(target)
        err().print(f"{path}: which model wrote what", style="dim", markup=False)
