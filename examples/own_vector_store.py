"""Can it read from a vector store that I have? `python -m examples.own_vector_store --help`.

Any retriever may stand for the encrypted store's. The gate then knows the values of the session
alone: what only your own store knows is found by its shape, so tell the session of names too.
"""

from __future__ import annotations

from typing import Annotated

import typer
from langchain_core.documents import Document
from langchain_core.vectorstores import InMemoryVectorStore

from examples.persona import open_user
from langchain_cogenesis import ChatCoGenesis, ChatLocalLlama, StaticEmbeddings
from langchain_cogenesis.cli.output import StoreOption, reporting
from langchain_cogenesis.cli.pair import PairOptions, open_remote
from langchain_cogenesis.cli.write import (
    LocalOption,
    RemoteKeyOption,
    RemoteModelOption,
    RemoteOption,
)

LINES = (
    "Calendar: Saturday 12 June 2027, 7 pm, summer exhibition, at Saltmarsh Hall",
    "Closing: Hugs",
    "Greeting: Hi",
    "Message: the kiln is repaired again",
    "Name: Nora Lindqvist",
    "Tone: casual",
    "friend: Tomas",
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
    """Writes from the documents of a vector store of LangChain's own."""
    own = InMemoryVectorStore(StaticEmbeddings())
    own.add_documents([Document(line) for line in LINES])
    options = PairOptions(local, remote, remote_model, remote_key)
    with (
        reporting(as_json=False),
        open_user(user, store) as session,
        open_remote(session.gate, options) as endpoint,
    ):
        model = ChatCoGenesis(
            local=ChatLocalLlama(model=local),
            remote=endpoint,
            session=session,
            retriever=own.as_retriever(search_kwargs={"k": 6}),
        )
        print(model.invoke(instruction).text)


if __name__ == "__main__":
    typer.run(main)
