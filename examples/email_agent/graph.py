"""The way of a mail: draft, a human's decision, delivery. A LangGraph graph with fixed nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypedDict

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

from examples.email_agent.drafting import Drafter
from examples.email_agent.mailboxes import Mail

Deliver = Callable[[Mail, str], str]


class Decision(TypedDict, total=False):
    """What a human decided on a draft.

    `approve` sends it, `edit` sends `text` instead, `again` drafts anew with `text` as the wish,
    `reject` sends nothing.
    """

    action: Literal["approve", "edit", "again", "reject"]
    text: str


class State(TypedDict, total=False):
    """What the graph carries, and a checkpointer keeps. The mail is not in it: only its id."""

    mail_id: str
    wish: str
    drafts: int
    draft: str
    left: str | None
    account: dict[str, Any]
    outcome: str


def create_email_graph(
    drafter: Drafter,
    mails: Mapping[str, Mail],
    deliver: Deliver,
    checkpointer: BaseCheckpointSaver[Any] | None = None,
) -> Any:
    """Builds the graph. Each mail is a thread of its own.

    Args:
        drafter: Writes the replies.
        mails: The mails by their ids.
        deliver: Sends a reply, and says where it went.
        checkpointer: Keeps threads that wait for a human; by default in memory. Drafts are in it.
    """

    def draft(state: State) -> State:
        count = state.get("drafts", 0)
        made = drafter.draft(
            mails[state["mail_id"]], state.get("wish", ""), seed=count if count else None
        )
        account = dict(made.account)
        return {"draft": made.text, "left": made.left, "account": account, "drafts": count + 1}

    def review(state: State) -> Command[Literal["draft", "deliver", "__end__"]]:
        decision: Decision = interrupt({"draft": state["draft"], "left": state["left"]})
        action, text = decision.get("action", "reject"), decision.get("text", "")
        if action == "again":
            return Command(goto="draft", update={"wish": text or state.get("wish", "")})
        if action == "edit":
            return Command(goto="deliver", update={"draft": text})
        if action == "approve":
            return Command(goto="deliver")
        return Command(goto=END, update={"outcome": "rejected"})

    def send(state: State) -> State:
        return {"outcome": deliver(mails[state["mail_id"]], state["draft"])}

    graph = StateGraph(State)
    graph.add_node("draft", draft)
    graph.add_node("review", review)
    graph.add_node("deliver", send)
    graph.add_edge(START, "draft")
    graph.add_edge("draft", "review")
    graph.add_edge("deliver", END)
    return graph.compile(checkpointer=checkpointer or InMemorySaver())


def handle(graph: Any, mail: Mail, wish: str, decide: Callable[[Mail, State], Decision]) -> State:
    """Takes one mail through the graph; as often as it waits, a human decides.

    Args:
        graph: From `create_email_graph`.
        mail: The mail.
        wish: What to say, or nothing.
        decide: Shows a draft, and returns the decision.
    """
    config: RunnableConfig = {"configurable": {"thread_id": mail.id}}
    given: Any = {"mail_id": mail.id, "wish": wish}
    while True:
        state: Any = graph.invoke(given, config)
        if not state.get("__interrupt__"):
            return state  # type: ignore[no-any-return]
        given = Command(resume=decide(mail, state))
