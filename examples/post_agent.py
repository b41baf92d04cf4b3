"""Writes a post for a network from notes and calendar: several candidates, and a human picks.

Run `python -m examples.post_agent --help`. The candidates come from `ChatCoGenesis`; the human is
asked through LangGraph's `interrupt`. Nothing is published: the chosen post goes to a folder.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypedDict

import typer
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

from examples.editing import edit
from examples.persona import open_user
from langchain_cogenesis import ChatCoGenesis, import_files
from langchain_cogenesis.cli.output import JsonOption, StoreOption, err, print_json, reporting
from langchain_cogenesis.cli.pair import PairOptions, open_model, read_text
from langchain_cogenesis.cli.write import (
    LocalOption,
    RemoteKeyOption,
    RemoteModelOption,
    RemoteOption,
)
from langchain_cogenesis.exceptions import ConfigurationError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
DEFAULT_ABOUT = "Write a post for my next event."
_SENTENCE_END = re.compile(r"[.!?…](?=\s|$)")
_GREETING = re.compile(r"\A(?:hi|hello|hey|dear)\b[^\n.!?]*[,!]?\s*\n+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Network:
    """How a network wants its posts.

    Attributes:
        limit: Characters of a post at most.
        form: Told to both models; the same for everybody.
        one_block: Whether a post is one paragraph.
    """

    limit: int
    form: str
    one_block: bool = False


NETWORKS = {
    "bluesky": Network(300, "One short paragraph, no greeting and no signature.", one_block=True),
    "facebook": Network(2000, "A few friendly paragraphs, no signature."),
    "linkedin": Network(3000, "A few short paragraphs, the point in the first line."),
    "mastodon": Network(500, "One paragraph, no greeting and no signature.", one_block=True),
    "x": Network(280, "One short paragraph, no greeting and no signature.", one_block=True),
}


class State(TypedDict, total=False):
    """What the graph carries."""

    candidates: list[str]
    chosen: str | None


class Choice(TypedDict):
    """What a human chose: a candidate's number from 1, else a text of their own, else neither."""

    number: int | None
    text: str | None


def write_candidates(
    model: ChatCoGenesis, about: str, network: Network, *, mode: str, count: int
) -> list[str]:
    """Writes several posts, no two alike.

    Args:
        model: Writes.
        about: What about, in the user's words; it is masked before it leaves.
        network: For which network.
        mode: In which mode.
        count: At most so many.
    """
    messages: list[BaseMessage] = [SystemMessage(network.form), HumanMessage(about)]
    tokens = min(400, network.limit)
    found: dict[str, None] = {}
    # The likeliest first; the others are sampled, and some may come out alike.
    for seed in range(2 * count):
        sampling = {"temperature": 0.9, "seed": seed} if seed else {"temperature": 0.0}
        answer = model.invoke(messages, mode=mode, max_tokens=tokens, **sampling)
        if post := fit(str(answer.content), network):
            found.setdefault(post)
        if len(found) == count:
            break
    return list(found)


def fit(text: str, network: Network) -> str:
    """Brings a text into a network's form and length; it is cut at the end of a sentence.

    Args:
        text: The text.
        network: For which network.

    Returns:
        The post, or nothing if not even its first sentence fits.
    """
    text = text.strip()
    if network.one_block:
        text = _GREETING.sub("", text)
        paragraphs = [part.strip() for part in text.split("\n\n") if part.strip()]
        # The last part of a letter is its signature: no sentence.
        if len(paragraphs) > 1 and not _SENTENCE_END.search(paragraphs[-1]):
            paragraphs.pop()
        text = " ".join(" ".join(paragraphs).split())
    if len(text) <= network.limit:
        return text
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    return text[: max((end for end in ends if end <= network.limit), default=0)]


def create_post_graph(write: Callable[[], Sequence[str]]) -> Any:
    """Builds the graph: candidates, then a human's choice.

    The human resumes it with a `Choice`.

    Args:
        write: Writes the candidates.
    """

    def candidates(state: State) -> State:
        return {"candidates": list(write())}

    def pick(state: State) -> State:
        choice: Choice = interrupt({"candidates": state["candidates"]})
        if number := choice["number"]:
            return {"chosen": state["candidates"][number - 1]}
        return {"chosen": choice["text"]}

    graph = StateGraph(State)
    graph.add_node("candidates", candidates)
    graph.add_node("pick", pick)
    graph.add_edge(START, "candidates")
    graph.add_edge("candidates", "pick")
    graph.add_edge("pick", END)
    return graph.compile(checkpointer=InMemorySaver())


def write_outbox(folder: Path, network: str, post: str) -> Path:
    """Lays a post into a folder that only the user can read; returns where it lies."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    number = 1
    while (path := folder / f"{network}-{number}.txt").exists():
        number += 1
    path.touch(mode=0o600)
    path.write_text(f"{post}\n", encoding="utf-8")
    return path


@app.command()
def main(
    about: Annotated[
        str, typer.Argument(help="What about: text, @FILE, or - for standard input.")
    ] = DEFAULT_ABOUT,
    network: Annotated[
        str, typer.Option("--network", "-n", help=f"One of {', '.join(NETWORKS)}.")
    ] = "mastodon",
    notes: Annotated[
        list[Path] | None,
        typer.Option("--notes", help="Notes and calendars (.md, .ics) to add to the context."),
    ] = None,
    candidates: Annotated[int, typer.Option(min=1, max=9, help="How many to choose from.")] = 3,
    user: Annotated[
        str | None, typer.Option("--user", "-u", help="Whose context; else the bundled persona.")
    ] = None,
    store: StoreOption = None,
    outbox: Annotated[Path, typer.Option(help="Where the chosen post goes.")] = Path("outbox"),
    yes: Annotated[bool, typer.Option("--yes", help="Ask nobody: take the first.")] = False,
    mode: Annotated[str, typer.Option("--mode", "-m", help="local, sketch or logits.")] = "sketch",
    local: LocalOption = "house-small",
    remote: RemoteOption = None,
    remote_model: RemoteModelOption = None,
    remote_key: RemoteKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Writes a post in your voice; you pick one of several. Nothing is published.

    Notes and calendar go to the local model alone. A post is public: read what you pick, because
    the local model writes from private context. With --json nobody can be asked: it needs --yes.

    Example: python -m examples.post_agent "Write a post about the workshop" -n bluesky
    """
    options = PairOptions(local, remote, remote_model, remote_key)
    with reporting(as_json):
        if network not in NETWORKS:
            raise ConfigurationError(
                f"there is no network {network!r}.", hint=f"Networks: {', '.join(NETWORKS)}."
            )
        if as_json and not yes:
            raise ConfigurationError("with --json nobody can be asked.", hint="Add --yes.")
        wanted = NETWORKS[network]
        with open_user(user, store) as session:
            for context in import_files(notes or ()).contexts.values():
                session.add(context)
            with open_model(session, options, with_remote=mode != "local") as model:
                text = read_text(about)
                left = None if mode == "local" else model.preview(text).masked
                graph = create_post_graph(
                    lambda: write_candidates(model, text, wanted, mode=mode, count=candidates)
                )
                state = _run(graph, _first if yes else _ask)
        chosen = state.get("chosen")
        path = write_outbox(outbox, network, chosen) if chosen else None
    if as_json:
        told = {"network": network, "limit": wanted.limit, "left": left, **state}
        print_json({**told, "file": str(path) if path else None})
        return
    err().print(f"Left the device: {left or 'nothing'}", style="dim", markup=False)
    err().print(f"Written to {path}" if path else "Nothing was written.", markup=False)


def _run(graph: Any, choose: Callable[[list[str]], Choice]) -> dict[str, Any]:
    config: Any = {"configurable": {"thread_id": "post"}}
    state = graph.invoke({}, config)
    choice = choose(state["candidates"])
    done = graph.invoke(Command(resume=choice), config)
    return {"candidates": done["candidates"], "chosen": done.get("chosen")}


def _first(candidates: list[str]) -> Choice:
    return {"number": 1 if candidates else None, "text": None}


def _ask(candidates: list[str]) -> Choice:
    """Shows the candidates, and asks for one."""
    for number, post in enumerate(candidates, start=1):
        typer.echo(f"\n{number}. ({len(post)} characters)\n{post}")
    numbers = {str(number) for number in range(1, len(candidates) + 1)}
    while True:
        choice = typer.prompt("\nNumber, [e]NUMBER to edit one, or [n]one", default="n").strip()
        if choice in ("n", "none"):
            return {"number": None, "text": None}
        if choice in numbers:
            return {"number": int(choice), "text": None}
        chosen = choice.removeprefix("e")
        if chosen in numbers and (edited := edit(candidates[int(chosen) - 1])):
            return {"number": None, "text": edited}


if __name__ == "__main__":
    app()
