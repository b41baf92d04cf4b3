"""How does it drop into a chain that I have? `python -m examples.own_chain --help`.

A prompt, a chat model, a parser: the chat model is ours, and its mode is chosen at each call.
"""

from __future__ import annotations

from typing import Annotated

import typer
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate

from examples.persona import open_user
from langchain_cogenesis.cli.output import StoreOption, reporting
from langchain_cogenesis.cli.pair import PairOptions, open_model
from langchain_cogenesis.cli.write import (
    LocalOption,
    RemoteKeyOption,
    RemoteModelOption,
    RemoteOption,
)


def main(
    who: Annotated[str, typer.Argument(help="Who is invited.")] = "Tomas",
    mode: Annotated[str, typer.Option(help="local, remote, sketch or logits.")] = "sketch",
    user: Annotated[str | None, typer.Option(help="Else the bundled persona.")] = None,
    store: StoreOption = None,
    local: LocalOption = "house-small",
    remote: RemoteOption = None,
    remote_model: RemoteModelOption = None,
    remote_key: RemoteKeyOption = None,
) -> None:
    """Writes an invitation with a chain of three parts."""
    options = PairOptions(local, remote, remote_model, remote_key)
    with (
        reporting(as_json=False),
        open_user(user, store) as session,
        open_model(session, options, with_remote=mode != "local") as model,
    ):
        prompt = ChatPromptTemplate.from_template("Invite {who} to the summer exhibition.")
        chain = prompt | model | StrOutputParser()
        for piece in chain.stream({"who": who}, {"configurable": {"cogenesis_mode": mode}}):
            print(piece, end="", flush=True)
        print()


if __name__ == "__main__":
    typer.run(main)
