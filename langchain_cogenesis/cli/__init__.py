"""The `cogenesis` command line."""

from __future__ import annotations


def main() -> None:
    """Runs the command line."""
    from langchain_cogenesis.cli.app import app

    app()


__all__ = ["main"]
