"""`cogenesis serve` and `cogenesis models`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from langchain_cogenesis.cli.output import (
    JsonOption,
    StoreOption,
    err,
    out,
    print_json,
    reporting,
)
from langchain_cogenesis.cli.write import (
    LocalOption,
    RemoteKeyOption,
    RemoteModelOption,
    RemoteOption,
)


def serve(
    model: Annotated[
        str, typer.Argument(help="A house model, a GGUF's path, or owner/repo:file.gguf.")
    ] = "house-large",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    api_key: Annotated[
        str | None,
        typer.Option(
            "--api-key",
            envvar="COGENESIS_API_KEY",
            help="Clients must present it. Better in the variable: other programs see options.",
        ),
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option("--key-file", help="Write the key there (0600) instead of showing it."),
    ] = None,
    no_auth: Annotated[
        bool, typer.Option("--no-auth", help="Ask for no key: every program here may come in.")
    ] = False,
    rate: Annotated[
        float | None, typer.Option("--rate", min=0.1, help="Requests a second, at most.")
    ] = None,
    n_ctx: Annotated[int | None, typer.Option(min=16, help="Context window, tokens.")] = None,
    users: Annotated[
        list[str] | None,
        typer.Option(
            "--user",
            "-u",
            help="Serve this user's cogenesis-local, -sketch and -logits instead of the bare "
            "model; several times for several users.",
        ),
    ] = None,
    store: StoreOption = None,
    local: LocalOption = "house-small",
    remote: RemoteOption = None,
    remote_model: RemoteModelOption = None,
    remote_key: RemoteKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Serves a model as an OpenAI-compatible endpoint on 127.0.0.1, until Ctrl-C.

    Without --user a bare GGUF; with --user what ChatCoGenesis writes for that user: the models
    cogenesis-local, cogenesis-sketch and cogenesis-logits, for any client of OpenAI's protocol.

    Clients present a key: `Authorization: Bearer KEY`. Without --api-key it is made anew at each
    start, and shown once, or written to --key-file. Pages in a browser are refused whatever they
    present, as are other machines.

    Example: cogenesis serve house-large --port 8000 --key-file key.txt

    Example: cogenesis serve --user nora --key-file key.txt

    Then: curl -H "Authorization: Bearer $(cat key.txt)" http://127.0.0.1:8000/v1/models
    """
    from langchain_cogenesis.models.llamacpp import LlamaCppEngine
    from langchain_cogenesis.server.endpoint import run
    from langchain_cogenesis.server.keys import choose_key, write_key
    from langchain_cogenesis.server.limits import Limits

    def announce(url: str) -> None:
        if key is not None and key_file is not None:
            write_key(key_file, key)
        shown = key if made and key_file is None else None
        if as_json:
            print_json({"base_url": url, "model": engine.name, "api_key": shown})
            return
        err().print(f"{engine.name} at {url} – Ctrl-C ends it", markup=False)
        if shown:
            err().print(f"Clients present: Authorization: Bearer {shown}", markup=False)
        elif key is None:
            err().print("No key is asked for: every program on this machine may come in.")
        elif key_file is not None:
            err().print(f"The key is in {key_file}.", markup=False)

    with reporting(as_json):
        limits = Limits() if rate is None else Limits(requests_per_second=rate)
        if users:
            from langchain_cogenesis.cli.pair import PairOptions
            from langchain_cogenesis.cli.serve_personal import check_options, serve_users

            check_options(users, api_key=api_key, no_auth=no_auth, key_file=key_file)
            pair = PairOptions(local, remote, remote_model, remote_key)
            serve_users(users, store, pair, port, limits, api_key, key_file, as_json=as_json)
            return
        key, made = choose_key(api_key, no_auth=no_auth, key_file=key_file)
        engine = LlamaCppEngine(model, n_ctx=n_ctx)
        run(engine, host="127.0.0.1", port=port, api_key=key, limits=limits, on_ready=announce)


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
            ("house-small-de", "the same as the small one, in German"),
            ("house-large-de", "the same as the large one, in German"),
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
