"""How does an app without LangChain use it? `python -m examples.any_client --help`.

`cogenesis serve --user U` is an OpenAI-compatible endpoint on this machine; here it is started and
asked with OpenAI's own client.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from typing import Annotated

import openai
import typer

from examples.persona import open_user
from langchain_cogenesis.cli.output import StoreOption, reporting
from langchain_cogenesis.cli.write import LocalOption, RemoteOption


def main(
    instruction: Annotated[
        str, typer.Argument(help="What to write.")
    ] = "Invite Tomas to the summer exhibition.",
    model: Annotated[
        str, typer.Option(help="cogenesis-local, cogenesis-sketch or cogenesis-logits.")
    ] = "cogenesis-sketch",
    user: Annotated[str | None, typer.Option(help="Else the bundled persona.")] = None,
    store: StoreOption = None,
    local: LocalOption = "house-small",
    remote: RemoteOption = None,
) -> None:
    """Starts the endpoint for a user, and asks it with the client of OpenAI."""
    with reporting(as_json=False), ExitStack() as stack:
        session = stack.enter_context(open_user(user, store))
        more = ["--remote", remote] if remote else []
        command = [
            *(sys.executable, "-m", "langchain_cogenesis", "serve", "--json", "--port", "0"),
            *("--user", session.user, "--store", str(session.directory.parent)),
            *("--local", local, *more),
        ]
        server = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        stack.callback(server.terminate)
        assert server.stdout is not None
        told = json.loads("".join(iter(server.stdout.readline, "}\n")) + "}")
        key = told["users"][0]["api_key"]
        client = stack.enter_context(openai.OpenAI(base_url=told["base_url"], api_key=key))
        chunks = client.chat.completions.create(
            model=model,
            messages=[{"role": "user", "content": instruction}],
            stream=True,
            temperature=0,
        )
        for chunk in chunks:
            if chunk.choices:
                print(chunk.choices[0].delta.content or "", end="", flush=True)
        print()


if __name__ == "__main__":
    typer.run(main)
