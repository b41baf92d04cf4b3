"""Asks on the terminal what happens to a private value: `--ask KIND`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from langchain_cogenesis.cli.output import err
from langchain_cogenesis.privacy.asking import DECISIONS

if TYPE_CHECKING:
    from langchain_cogenesis.privacy.asking import Decision, EgressQuestion

AskOption = Annotated[
    list[str] | None,
    typer.Option(
        "--ask",
        metavar="KIND",
        help="Ask before a value of this kind leaves, as --ask NAME --ask PLACE; else masked.",
    ),
]


def asking_settings(kinds: Sequence[str] | None) -> dict[str, Any]:
    """What `UserSession` needs to ask about these kinds of values.

    Raises:
        ConfigurationError: There is no such kind, or this isn't a terminal.
    """
    if not kinds:
        return {}
    from langchain_cogenesis.exceptions import ConfigurationError
    from langchain_cogenesis.privacy.policy import EgressPolicy

    policy = EgressPolicy(actions={kind.upper(): "ask" for kind in kinds})
    if not sys.stdin.isatty():
        raise ConfigurationError(
            "--ask asks at the terminal, and standard input isn't one; nothing was sent.",
            hint="Run it at a terminal, or leave --ask out: then private values are masked.",
        )
    return {"policy": policy, "ask": ask_at_terminal}


def ask_at_terminal(question: EgressQuestion) -> Decision:
    """Shows a value, and where it would go, and asks until there is an answer."""
    console = err()
    console.print(f"A {question.kind} would go to {question.endpoint}:", style="bold")
    console.print(f"  {question.surface}", markup=False)
    console.print(f"  in: {question.excerpt}", style="dim", markup=False)
    while True:
        try:
            answer = typer.prompt("allow, mask or refuse", default="mask", err=True)
        except typer.Abort:
            raise KeyboardInterrupt from None
        for decision in DECISIONS:
            if str(answer).strip().lower() in (decision, decision[0]):
                return decision
