"""Which model wrote what: a view of an answer, token by token (after Figure 6 of the paper).

It holds the answer, which is private: it is written where the user says, and nowhere else.
"""

from __future__ import annotations

import html
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_cogenesis.exceptions import ConfigurationError

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage
    from rich.text import Text

_STYLE = """
.cogenesis-attribution { font: 16px/1.9 system-ui, sans-serif; white-space: pre-wrap;
  max-width: 46em; color: #1b1b1b; background: #fff; padding: 1em; border-radius: 6px; }
.cogenesis-attribution span { border-radius: 3px; padding: 0.1em 0; }
.cogenesis-attribution .held { border-bottom: 2px dotted #8a6d00; }
.cogenesis-attribution .key { font-size: 13px; display: block; margin-bottom: 0.8em; }
@media (prefers-color-scheme: dark) {
  .cogenesis-attribution { color: #eee; background: #1d1f21; }
  .cogenesis-attribution .held { border-color: #d8b63c; }
}
"""
_KEY = (
    "Blue: the local model made the token more likely than the remote did. Orange: the remote did. "
    "Dotted: the remote was not asked. Point at a token for the numbers."
)
_STRONGEST = 0.55


@dataclass(frozen=True, repr=False)
class Attribution:
    """The steps of an answer.

    Attributes:
        steps: As in `response_metadata["cogenesis"]["steps"]`: `text`, `logprob`, `logprobs` (of
            each model, the local one first; natural log), `weights`, `deferred`, `why_not`.
    """

    steps: Sequence[Mapping[str, Any]]

    @classmethod
    def of(cls, message: BaseMessage) -> Attribution:
        """Reads the steps of an answer.

        Args:
            message: An answer in logit mode, asked for with `attribution=True`.

        Raises:
            ConfigurationError: It has no steps.
        """
        steps = message.response_metadata.get("cogenesis", {}).get("steps")
        if not steps:
            raise ConfigurationError(
                "the answer carries no steps.",
                hint="Ask with mode='logits' and attribution=True.",
            )
        return cls(tuple(steps))

    def __repr__(self) -> str:
        return f"Attribution(<withheld: {len(self.steps)} steps>)"

    def _repr_html_(self) -> str:
        return f"<style>{_STYLE}</style>{self._body()}"

    def page(self) -> str:
        """A whole HTML page that needs nothing else; readable in light and dark."""
        return (
            '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" '
            f'content="light dark"><title>Attribution</title><style>{_STYLE}</style>'
            f"{self._body()}</html>\n"
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the page, readable by its owner alone.

        Raises:
            ConfigurationError: It can't be written.
        """
        target = Path(path)
        try:
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(self.page())
        except OSError as error:
            raise ConfigurationError(
                f"the attribution can't be written to {target}: {error.strerror}.",
                hint="Name a file in a folder that exists.",
            ) from error
        return target

    def text(self) -> Text:
        """The answer with colours, for a terminal."""
        from rich.text import Text

        shown = Text()
        for step in self.steps:
            lean = _lean(step)
            style = "underline" if step["why_not"] else ""
            if lean is not None and abs(lean) > 0.1:
                style = "blue" if lean > 0 else "dark_orange"
            shown.append(str(step["text"]), style=style)
        return shown

    def _body(self) -> str:
        tokens = "".join(map(_span, self.steps))
        return f'<div class="cogenesis-attribution"><span class="key">{_KEY}</span>{tokens}</div>'


def _span(step: Mapping[str, Any]) -> str:
    lean = _lean(step)
    kind = ' class="held"' if step["why_not"] else ""
    colour = ""
    if lean is not None:
        shade = "59,130,246" if lean > 0 else "249,115,22"
        colour = f' style="background:rgba({shade},{abs(lean) * _STRONGEST:.2f})"'
    title = html.escape(_numbers(step), quote=True)
    return f'<span{kind}{colour} title="{title}">{html.escape(str(step["text"]))}</span>'


def _numbers(step: Mapping[str, Any]) -> str:
    lines = [f"fused {_percent(step['logprob'])}"]
    names = ("local", *(f"remote {n}" for n in range(1, len(step["logprobs"]))))
    if len(step["logprobs"]) == 2:
        names = ("local", "remote")
    for name, value, weight in zip(names, step["logprobs"], step["weights"], strict=True):
        lines.append(f"{name} {_percent(value)}, weight {weight:.2f}")
    if step["deferred"] > 0.005:
        lines.append(f"left to the local model {step['deferred']:.0%}")
    if step["why_not"]:
        lines.append(f"not asked: {step['why_not']}")
    return "\n".join(lines)


def _percent(logprob: float | None) -> str:
    return "not known" if logprob is None else f"{math.exp(logprob):.1%}"


def _lean(step: Mapping[str, Any]) -> float | None:
    """Which model made the token more likely: 1 the local one, -1 the remote; None if unknown."""
    values = step["logprobs"]
    if len(values) < 2 or values[0] is None:
        return None
    if step["why_not"]:
        return None
    mine = math.exp(values[0])
    # A token that isn't among the remote's most probable ones has next to nothing there.
    theirs = math.exp(values[1]) if values[1] is not None else 0.0
    return (mine - theirs) / (mine + theirs) if mine + theirs > 0 else 0.0
