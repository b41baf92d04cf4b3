"""What the commands print, and where: results to stdout, everything else to stderr."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from langchain_cogenesis.exceptions import CoGenesisError

UserOption = Annotated[str, typer.Option("--user", "-u", help="Whose private context.")]
StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store",
        envvar="COGENESIS_HOME",
        help="Where users' directories lie; by default the data directory of the system.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]

_WIDE = 160
FAILED = 1
INTERRUPTED = 130


def out() -> Console:
    """The console for results: colours on a terminal only, and wide lines elsewhere."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _WIDE
    return Console(width=width, highlight=False)


def err() -> Console:
    """The console for progress and remarks."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """Prints one JSON object on stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
    sys.stdout.flush()


@contextmanager
def reporting(as_json: bool = False) -> Iterator[None]:
    """Turns the package's errors into a message that says what to do, and an exit status."""
    try:
        with _warning_in_one_line():
            yield
    except CoGenesisError as error:
        _report(type(error).__name__, error.message, error.hint, as_json)
        raise typer.Exit(FAILED) from None
    except KeyboardInterrupt:
        err().print("stopped.")
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        raise typer.Exit(FAILED) from None
    except OSError as error:
        _report(type(error).__name__, f"{error.strerror or 'input or output failed'}.", None, False)
        raise typer.Exit(FAILED) from None


@contextmanager
def _warning_in_one_line() -> Iterator[None]:
    """Shows the package's warnings as remarks; Python adds a line of code, which says nothing."""
    shown = warnings.showwarning

    def show(message: Any, category: type[Warning], *place: Any, **more: Any) -> None:
        from langchain_cogenesis.tracing import PrivacyWarning

        if not issubclass(category, PrivacyWarning):
            shown(message, category, *place, **more)
            return
        err().print("warning:", style="yellow", end=" ")
        err().print(str(message), markup=False)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = shown


def _report(kind: str, message: str, hint: str | None, as_json: bool) -> None:
    # Hints name settings as Python spells them; here they are options.
    hint = (hint or "").replace("on_remote_error='local'", "--on-remote-error local") or None
    if as_json:
        text = f"{message} {hint}" if hint else message
        print_json({"error": {"type": kind, "message": text}})
        return
    err().print("error:", style="bold red", end=" ")
    err().print(message, markup=False)
    if hint:
        err().print(hint, style="dim", markup=False)
