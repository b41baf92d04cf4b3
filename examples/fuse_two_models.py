"""How do two models write one text, token by token? `python -m examples.fuse_two_models --help`.

No user and no store: a lexicon of what is private, a gate, and `ChatLogitFusion`.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated

import typer
from rich.console import Console

from langchain_cogenesis import (
    Attribution,
    ChatLocalLlama,
    ChatLogitFusion,
    EgressGate,
    FusionHelper,
    LinearFusion,
    LocalNextTokenModel,
    PrivateLexicon,
    PrivateValue,
    connect,
    serve_in_child,
)
from langchain_cogenesis.cli.output import reporting
from langchain_cogenesis.cli.write import (
    LocalOption,
    RemoteKeyOption,
    RemoteModelOption,
    RemoteOption,
)
from langchain_cogenesis.prompts import PUBLIC_TEMPLATES

CONTEXT = """Name: Nora Lindqvist
Greeting: Hi
Closing: Hugs
Tone: casual
Calendar: Saturday 14 June 2025, 7 pm, dinner, at Casa Lume, with Tomas Reyl"""
PRIVATE = (PrivateValue("NAME", "Tomas Reyl"), PrivateValue("PLACE", "Casa Lume"))


def main(
    instruction: Annotated[
        str, typer.Argument(help="What to write.")
    ] = "Invite Tomas to the dinner.",
    weight: Annotated[float, typer.Option(min=0, max=1, help="The local model's share.")] = 0.6,
    local: LocalOption = "house-small",
    remote: RemoteOption = None,
    remote_model: RemoteModelOption = None,
    remote_key: RemoteKeyOption = None,
) -> None:
    """Fuses two models' distributions, and shows in colours which of them wrote what."""
    with reporting(as_json=False), ExitStack() as stack:
        small = ChatLocalLlama(model=local, max_tokens=120)
        gate = EgressGate(PrivateLexicon(PRIVATE), public_texts=PUBLIC_TEMPLATES)
        vocabulary = LocalNextTokenModel(small.engine).vocabulary
        address, name, key = remote, remote_model or "", remote_key
        if address is None:
            child = stack.enter_context(serve_in_child("house-large"))
            address, name, key = child.base_url, child.model, child.api_key
        large = connect(address, name, api_key=key, gate=gate, local_vocabulary=vocabulary)
        stack.callback(large.close)
        model = ChatLogitFusion(
            local=small,
            helpers=(FusionHelper(large),),
            gate=gate,
            fusion=LinearFusion((weight, 1 - weight)),
        )
        answer = model.invoke([("system", CONTEXT), ("human", instruction)], attribution=True)
        Console().print(Attribution.of(answer).text())
        told = answer.response_metadata["cogenesis"]
        print(f"\n{told['remote_calls']} requests; tokens by reason: {told['tokens']}")


if __name__ == "__main__":
    typer.run(main)
