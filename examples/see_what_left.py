"""What leaves, what left, and is that all? `python -m examples.see_what_left --help`.

Shows an instruction before it leaves, sends it, reads the request's bytes in the ledger, and
verifies the ledger.
"""

from __future__ import annotations

import json
from typing import Annotated

import typer

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
    instruction: Annotated[
        str, typer.Argument(help="What to write.")
    ] = "Invite Tomas to the summer exhibition.",
    user: Annotated[str | None, typer.Option(help="Else the bundled persona.")] = None,
    store: StoreOption = None,
    local: LocalOption = "house-small",
    remote: RemoteOption = None,
    remote_model: RemoteModelOption = None,
    remote_key: RemoteKeyOption = None,
) -> None:
    """Writes one text in sketch mode, and accounts for every byte that left."""
    options = PairOptions(local, remote, remote_model, remote_key)
    with (
        reporting(as_json=False),
        open_user(user, store) as session,
        open_model(session, options, with_remote=True) as model,
    ):
        print("will leave:", model.preview(instruction).masked)
        before = session.ledger.count()
        answer = model.invoke(instruction, mode="sketch")
        for entry in session.ledger.entries(before):
            body = json.loads((entry.content or {})["body"])
            print("has left:  ", body["messages"][-1]["content"])
        print("verified:  ", session.ledger.verify())
        print(f"\n{answer.text}")


if __name__ == "__main__":
    typer.run(main)
