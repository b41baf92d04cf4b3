"""`cogenesis serve` and `cogenesis models`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from langchain_cogenesis.cli.output import JsonOption, err, out, print_json, reporting


def serve(
    model: Annotated[
        str, typer.Argument(help="A house model, a GGUF's path, or owner/repo:file.gguf.")
    ] = "house-large",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    api_key: Annotated[
        str | None,
        typer.Option("--api-key", envvar="COGENESIS_API_KEY", help="Clients must present it."),
    ] = None,
    n_ctx: Annotated[int | None, typer.Option(min=16, help="Context window, tokens.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Serves a GGUF as an OpenAI-compatible endpoint on 127.0.0.1, until Ctrl-C.

    Example: cogenesis serve house-large --port 8000
    """
    from langchain_cogenesis.models.llamacpp import LlamaCppEngine
    from langchain_cogenesis.server.endpoint import run

    def announce(url: str) -> None:
        if as_json:
            print_json({"base_url": url, "model": engine.name})
        else:
            err().print(f"{engine.name} at {url} – Ctrl-C ends it", markup=False)

    with reporting(as_json):
        engine = LlamaCppEngine(model, n_ctx=n_ctx)
        run(engine, host="127.0.0.1", port=port, api_key=api_key, on_ready=announce)


def models(as_json: JsonOption = False) -> None:
    """Lists the house models: small files made for demonstrations and tests.

    Example: cogenesis models --json
    """
    from langchain_cogenesis.models.llamacpp import LlamaCppEngine

    with reporting(as_json):
        rows = []
        for name, what in (
            ("house-small", "local: reads context, writes"),
            ("house-large", "stands in for the remote: outlines, writes without context"),
        ):
            engine = LlamaCppEngine(name)
            rows.append(
                {
                    "name": name,
                    "use": what,
                    "bytes": engine.path.stat().st_size,
                    "n_ctx": engine.n_ctx,
                    "n_vocab": engine.n_vocab,
                }
            )
        if as_json:
            print_json({"models": rows})
            return
        table = Table("name", "use", "MB", "context", "vocabulary", box=None, header_style="bold")
        for row in rows:
            size = f"{int(str(row['bytes'])) / 1e6:.1f}"
            table.add_row(*map(str, (row["name"], row["use"], size, row["n_ctx"], row["n_vocab"])))
        out().print(table)
