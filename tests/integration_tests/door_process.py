"""Writes from private context in a process of its own, and notes every address it connects to.

Run as `python door_process.py SETTINGS`, a JSON object: `home`, `report`, `remote` (an endpoint's
address), `modes`, and `leak`, which plants one: in the log, in a file, and to the address it names.
"""

from __future__ import annotations

import json
import logging
import socket
import sys
from pathlib import Path
from typing import Any

CONNECTED: list[str] = []


def note(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: which addresses were connected to, and which names were asked for."""
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        CONNECTED.append(f"{arguments[1][0]}:{arguments[1][1]}")
    elif event == "socket.getaddrinfo":
        CONNECTED.append(f"{arguments[0]}:{arguments[1]}")


def main(settings: dict[str, Any]) -> None:
    """Writes in each mode, with everything at its loudest."""
    logging.basicConfig(filename="debug.log", level=logging.DEBUG, force=True)
    from test_doors import CONTEXT, INSTRUCTION, SECRET

    from langchain_cogenesis import (
        ChatCoGenesis,
        ChatLocalLlama,
        UserSession,
        create_cogenesis_chain,
        create_remote,
    )

    with UserSession("quill", settings["home"], create=True) as session:
        session.add(CONTEXT)
        remote = create_remote(settings["remote"], "recorded", gate=session.gate)
        local = ChatLocalLlama(max_tokens=8, n_threads=1)
        chain = create_cogenesis_chain(session, local=local, remote=remote)
        model = ChatCoGenesis(local=local, remote=remote, session=session)
        for mode in settings["modes"]:
            chain.invoke(INSTRUCTION, {"configurable": {"cogenesis_mode": mode}})
            list(model.stream(INSTRUCTION, mode=mode))
        local.invoke([("system", SECRET), ("human", "Write a note.")])
        found = session.retriever().invoke(INSTRUCTION)
        remote.close()
        report = {
            "retrieved": SECRET in "\n".join(document.page_content for document in found),
            "reprs": repr([session, remote, local, chain, model, found]),
        }
    if leak := settings.get("leak"):
        logging.debug(SECRET)
        Path("leak.txt").write_text(SECRET, encoding="utf-8")
        with socket.create_connection(("127.0.0.1", leak)) as connection:
            connection.sendall(SECRET.encode())
    from langchain_core.tracers.langchain import wait_for_all_tracers

    wait_for_all_tracers()
    Path(settings["report"]).write_text(
        json.dumps({**report, "connected": sorted(set(CONNECTED))}), encoding="utf-8"
    )


if __name__ == "__main__":
    sys.addaudithook(note)
    main(json.loads(sys.argv[1]))
