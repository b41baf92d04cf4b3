"""What `write --mode logits` reads from its options, and what it shows."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from langchain_cogenesis.cli.output import err, out
from langchain_cogenesis.exceptions import ConfigurationError

if TYPE_CHECKING:
    from langchain_cogenesis.fusion.attribution import Attribution
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


def show_steps(written: str, account: Mapping[str, Any]) -> None:
    """Prints the text, in colours that say which model wrote what; plainly where there are none.

    Args:
        written: The text.
        account: Of the answer.
    """
    view, console = _attribution(account), out()
    if view is None or console.color_system is None:
        sys.stdout.write(f"{written}\n")
    else:
        console.print(view.text(), soft_wrap=True)
    if view is not None:
        shown = "" if console.color_system else " (in a terminal with colours)"
        err().print(f"blue: local · orange: remote · underlined: not asked{shown}", style="dim")


def save_steps(account: Mapping[str, Any], target: Path) -> None:
    """Writes a page of which model wrote what.

    Args:
        account: Of the answer.
        target: The page's file.

    Raises:
        ConfigurationError: The page can't be written.
    """
    view = _attribution(account)
    if view is not None:
        path = view.save(target)
        err().print(f"{path}: which model wrote what", style="dim", markup=False)


def _attribution(account: Mapping[str, Any]) -> Attribution | None:
    from langchain_cogenesis.fusion.attribution import Attribution

    steps = account.get("steps")
    return Attribution(tuple(steps)) if steps else None
