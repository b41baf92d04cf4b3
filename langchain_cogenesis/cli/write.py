"""`cogenesis write` and `cogenesis preview`."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from langchain_cogenesis.cli.asking import AskOption, asking_settings
from langchain_cogenesis.cli.keys import ask_passphrase
from langchain_cogenesis.cli.output import (
    JsonOption,
    StoreOption,
    UserOption,
    err,
    out,
    print_json,
    reporting,
)

_WITH_TEXT = "The text leaves too, as it is written, its private values masked in the same way."
UNTRUSTED_ENDPOINT = "https://remote.invalid"
"""Stands for any endpoint that isn't trusted, where none is named."""

InstructionArgument = Annotated[
    str, typer.Argument(help="What to write: text, @FILE, or - for standard input.")
]
LocalOption = Annotated[
    str, typer.Option("--local", help="The local model: a GGUF's path or owner/repo:file.gguf.")
]
RemoteOption = Annotated[
    str | None,
    typer.Option("--remote", help="The remote's address; without it, a house model is started."),
]
RemoteModelOption = Annotated[
    str | None, typer.Option("--remote-model", help="The model's name there; else its first one.")
]
RemoteKeyOption = Annotated[
    str | None,
    typer.Option("--remote-key", envvar="COGENESIS_REMOTE_KEY", help="The endpoint's key."),
]


def write(
    instruction: InstructionArgument,
    user: UserOption,
    store: StoreOption = None,
    mode: Annotated[
        str, typer.Option("--mode", "-m", help="local, remote, sketch or logits.")
    ] = "sketch",
    local: LocalOption = "house-small",
    remote: RemoteOption = None,
    remote_model: RemoteModelOption = None,
    remote_key: RemoteKeyOption = None,
    ask: AskOption = None,
    seed: Annotated[int | None, typer.Option(help="Makes sampling repeatable.")] = None,
    temperature: Annotated[
        float, typer.Option(min=0.0, help="0 takes the likeliest token each time.")
    ] = 0.0,
    max_tokens: Annotated[int, typer.Option(min=1, help="Length of the text, tokens.")] = 256,
    k: Annotated[
        int,
        typer.Option(
            "-k",
            min=0,
            help="At most so many pieces of context. The profile's core (name, work, place, style: "
            "several items) is one piece and comes first.",
        ),
    ] = 12,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for the remote.")] = 60.0,
    on_remote_error: Annotated[
        str, typer.Option(help="raise, or local: then the local model answers alone.")
    ] = "raise",
    weight: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Logits: the local model's share.")
    ] = 0.6,
    fusion: Annotated[
        Path | None, typer.Option(help="Logits: a learned fusion, from `fusion fit`.")
    ] = None,
    schedule: Annotated[
        str, typer.Option(help="Logits: every, pkt:P/K/T, rate:N or entropy:NATS.")
    ] = "every",
    block: Annotated[
        str, typer.Option(help="Logits: tokens a request, auto, or none for one each.")
    ] = "auto",
    draft: Annotated[
        str, typer.Option(help="Logits: who drafts blocks, remote or local (fewer requests).")
    ] = "remote",
    attribution: Annotated[
        Path | None, typer.Option(help="Logits: write an HTML page of which model wrote what.")
    ] = None,
    show_attribution: Annotated[
        bool, typer.Option(help="Logits: show it in colours in the terminal.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Writes a text for a user, in one of the modes.

    Example: cogenesis write "Invite Tomas to the dinner on Saturday" --user nora --mode sketch
    """
    from langchain_cogenesis.cli.logits import read_settings, save_steps, show_steps
    from langchain_cogenesis.cli.pair import PairOptions, open_model, read_text
    from langchain_cogenesis.collaboration import check_mode, check_on_remote_error
    from langchain_cogenesis.privacy.metering import EgressMeter, metered
    from langchain_cogenesis.session import UserSession

    options = PairOptions(local, remote, remote_model, remote_key, timeout)
    with reporting(as_json), ExitStack() as stack:
        asking = asking_settings(ask)
        session = stack.enter_context(UserSession(user, store, passphrase=ask_passphrase, **asking))
        text = read_text(instruction)
        needs_remote = check_mode(mode) != "local"
        settings: dict[str, Any] = {"on_remote_error": check_on_remote_error(on_remote_error)}
        wanted = attribution is not None or show_attribution
        if mode == "logits":
            settings["logits"] = read_settings(weight, fusion, schedule, block, draft, local)
        learning = EgressMeter()
        with metered(learning):
            opened = open_model(session, options, with_remote=needs_remote, k=k, **settings)
            model = stack.enter_context(opened)
        more: dict[str, Any] = {"attribution": True} if wanted else {}
        chunks = model.stream(
            text,
            None,
            mode=mode,
            seed=seed,
            temperature=temperature,
            max_tokens=max_tokens,
            **more,
        )
        in_colours = show_attribution and not as_json
        written, account = _read(chunks, shown=not (as_json or in_colours), told=not as_json)
        account["probe_calls"] += learning.requests
        account["probe_bytes"] += learning.bytes
        if wanted and not account.get("steps"):
            err().print("note: no token was fused; nothing to attribute.", style="yellow")
        if in_colours:
            show_steps(written, account)
        if as_json:
            print_json(_as_json(written, account))
        else:
            _print_account(account)
        if attribution is not None:
            save_steps(account, attribution)


def _read(chunks: Any, *, shown: bool, told: bool) -> tuple[str, dict[str, Any]]:
    """The text and the account; shows the text, and tells the outline, as they come."""
    pieces: list[str] = []
    account: dict[str, Any] = {}
    for chunk in chunks:
        pieces.append(str(chunk.content))
        metadata = chunk.response_metadata.get("cogenesis", {})
        account.update(metadata)
        for number, point in enumerate(metadata.get("sketch", ()) if told else (), start=1):
            err().print(f"{number}. {point}", style="dim", markup=False)
        if shown:
            sys.stdout.write(str(chunk.content))
            sys.stdout.flush()
    if shown:
        sys.stdout.write("\n")
    return "".join(pieces), account


def _as_json(written: str, account: dict[str, Any]) -> dict[str, Any]:
    keys = (
        *("mode", "sketch", "usage", "remote_calls", "remote_bytes", "probe_calls", "probe_bytes"),
        *("masked", "context_ids", "context_pieces"),
    )
    more: dict[str, Any] = {key: account[key] for key in ("tokens", "blocks") if key in account}
    told = {key: account[key] for key in keys}
    return {"text": written, **told, **more, "warnings": account["warnings"]}


def _print_account(account: dict[str, Any]) -> None:
    for warning in account["warnings"]:
        err().print(f"note: {warning}", style="yellow", markup=False)
    err().print(account_line(account), style="dim", markup=False)


def account_line(account: dict[str, Any]) -> str:
    """One line on how a text was written."""
    masked = sum(account["masked"].values())
    tokens = account.get("tokens", {})
    fused = f"tokens fused: {tokens.get('asked', 0)} of {sum(tokens.values())} · " if tokens else ""
    pieces, items = account["context_pieces"], len(account["context_ids"])
    spread = f" ({items} items)" if items != pieces else ""
    calls, sent = str(account["remote_calls"]), str(account["remote_bytes"])
    if account["probe_calls"]:
        calls += f" (+{account['probe_calls']} to learn about the endpoint)"
        sent += f" (+{account['probe_bytes']})"
    return (
        f"mode: {account['mode']} · {fused}pieces of context: {pieces}{spread} · "
        f"remote calls: {calls} · bytes out: {sent} · private values masked: {masked}"
    )


def preview(
    instruction: InstructionArgument,
    user: UserOption,
    store: StoreOption = None,
    mode: Annotated[
        str, typer.Option("--mode", "-m", help="local, remote, sketch or logits.")
    ] = "sketch",
    ask: AskOption = None,
    as_json: JsonOption = False,
) -> None:
    """Shows what of an instruction would leave the device. Sends nothing.

    Example: cogenesis preview "Invite Tomas to the dinner on Saturday" --user nora
    """
    from langchain_cogenesis.cli.pair import read_text
    from langchain_cogenesis.collaboration import check_mode
    from langchain_cogenesis.privacy.restore import Conversation
    from langchain_cogenesis.prompts import PublicTask, public_messages
    from langchain_cogenesis.session import UserSession

    with reporting(as_json), ExitStack() as stack:
        asking = asking_settings(ask)
        session = stack.enter_context(UserSession(user, store, passphrase=ask_passphrase, **asking))
        text = read_text(instruction)
        chosen = check_mode(mode)
        # Nothing is masked for a trusted endpoint; the preview shows the untrusted case.
        seen = session.gate.preview(text, endpoint=UNTRUSTED_ENDPOINT, conversation=Conversation())
        leaves = chosen != "local" and seen.masked is not None
        task: PublicTask = "sketch" if chosen == "sketch" else "text"
        messages = public_messages(seen.masked or "", task) if leaves else ()
        if as_json:
            print_json(
                {
                    "leaves": seen.masked if leaves else None,
                    "text_leaves": leaves and chosen == "logits",
                    "messages": [{"role": m.type, "content": m.text} for m in messages],
                    "replacements": [
                        {"start": r.start, "end": r.end, "kind": r.kind, "mark": r.mark}
                        for r in seen.replacements
                    ],
                    "noted": [{"start": m.start, "end": m.end, "kind": m.kind} for m in seen.noted],
                    "refused": dict(seen.denied.kinds) if seen.denied else {},
                }
            )
            return
        show_preview(seen, [m.text for m in messages], with_text=chosen == "logits")


def show_preview(seen: Any, messages: list[str], *, with_text: bool = False) -> None:
    """Prints the instruction with its private values marked, and what would leave.

    Args:
        seen: What the gate would do.
        messages: What would leave.
        with_text: Whether the text leaves too, as it is written.
    """
    console = out()
    typed = Text(seen.original)
    for replacement in seen.replacements:
        typed.stylize("bold black on yellow", replacement.start, replacement.end)
    console.print("You typed", style="bold")
    console.print(typed)
    if seen.denied is not None:
        console.print("\nNothing would leave", style="bold")
        error = seen.denied.error()
        console.print(f"{error.message} {error.hint}", markup=False)
        return
    if not messages:
        console.print("\nNothing leaves in mode local.", style="bold")
        return
    console.print("\nThis would leave", style="bold")
    for message in messages:
        console.print(_marked(message))
    if with_text:
        console.print(_WITH_TEXT, style="bold")
    for replacement in seen.replacements:
        surface = seen.original[replacement.start : replacement.end]
        console.print(
            f"  {replacement.mark or 'left as it is'}  stands for  {surface}", markup=False
        )
    for match in seen.noted:
        surface = seen.original[match.start : match.end]
        console.print(f"  left, though your context has it:  {surface}", style="dim", markup=False)


def _marked(message: str) -> Text:
    from langchain_cogenesis.privacy.placeholders import PLACEHOLDER_PATTERN

    text = Text("  " + message.replace("\n", "\n  "))
    text.highlight_regex(PLACEHOLDER_PATTERN, "bold green")
    return text
