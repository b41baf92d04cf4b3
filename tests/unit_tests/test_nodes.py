"""The parts of a chain: each alone, joined with `|`, and drawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.runnables import RunnablePassthrough
from langchain_core.vectorstores import InMemoryVectorStore

from langchain_cogenesis import (
    ChatCoGenesis,
    ChatLocalLlama,
    ChatLogitFusion,
    FusionHelper,
    UserSession,
    create_cogenesis_chain,
    create_context_node,
    create_private_prompt,
    create_sketch_node,
    create_writer,
)
from langchain_cogenesis.chains import CoGenesisChain
from langchain_cogenesis.context.schema import Activity, Contact, PrivateContext, UserProfile
from langchain_cogenesis.exceptions import (
    ConfigurationError,
    ModeError,
    PrivacyError,
    RemoteUnavailableError,
)
from langchain_cogenesis.models.local_next import LocalNextTokenModel
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.prompts import PRIVATE_SYSTEM
from langchain_cogenesis.testing import RemoteStandIn

ASK = "Invite Tomas to the dinner in Port Ellery"
OUTLINE = "1. Greet [NAME_1]\n2. Name the day\n3. Say it is in [PLACE_1]\n4. Ask for a reply"
FACT = "quarterly otter symposium"
CONTEXT = PrivateContext(
    profile=UserProfile(
        name="Nora Lindqvist",
        location="Port Ellery",
        style=("Closing: Hugs",),
        contacts=(Contact(name="Tomas Reyl", relation="friend"),),
    ),
    activities=(Activity(kind="calendar", when="2025-06-14T19:00", text=FACT),),
)


class Scripted(FakeListChatModel):
    """A remote that says what it is told to and keeps what reached it."""

    seen: list[str]
    failing: bool = False

    def _note(self, messages: list[BaseMessage]) -> None:
        self.seen.append("\n".join(message.text for message in messages))
        if self.failing:
            raise RemoteUnavailableError("the remote is away.")

    def _call(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> str:
        self._note(messages)
        return super()._call(messages, *args, **kwargs)

    def _stream(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        self._note(messages)
        yield from super()._stream(messages, *args, **kwargs)


class Watching(BaseCallbackHandler):
    """Keeps everything that callbacks are shown."""

    def __init__(self) -> None:
        self.shown = ""

    def on_chain_start(self, serialized: Any, inputs: Any, **kwargs: Any) -> None:
        self.shown += f"{inputs!r}"

    def on_chain_end(self, outputs: Any, **kwargs: Any) -> None:
        self.shown += f"{outputs!r}"

    def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
        self.shown += f"{messages!r}"

    def on_retriever_end(self, documents: Any, **kwargs: Any) -> None:
        self.shown += "".join(document.page_content for document in documents)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UserSession]:
    """Nora's session."""
    with UserSession("nora", tmp_path_factory.mktemp("home"), create=True) as made:
        made.add(CONTEXT)
        yield made


@pytest.fixture(scope="module")
def local() -> ChatLocalLlama:
    """The small house model."""
    return ChatLocalLlama(max_tokens=16)


@pytest.fixture
def remote() -> Scripted:
    """A scripted remote."""
    return Scripted(responses=[OUTLINE], seen=[])


async def test_the_sketch_node_alone_masks_asks_and_restores(
    session: UserSession, remote: Scripted
) -> None:
    """An instruction in, a restored outline out; the remote saw placeholders."""
    node = create_sketch_node(remote, gate=session.gate)
    for sketch in (node.invoke(ASK), await node.ainvoke([HumanMessage(ASK)])):
        assert sketch.points[0] == "Greet Tomas"
        assert sketch.points[2] == "Say it is in Port Ellery"
    assert len(remote.seen) == 2
    assert all(text.endswith("Invite [NAME_1] to the dinner in [PLACE_1]") for text in remote.seen)


def test_the_sketch_node_looks_at_the_instruction_only(
    session: UserSession, remote: Scripted
) -> None:
    """Documents, system messages, answers and summaries that a chain carries stay here."""
    summary = HumanMessage(f"Summary: {FACT}", additional_kwargs={"lc_source": "summarization"})
    history = [SystemMessage(FACT), HumanMessage(ASK), AIMessage(FACT), summary]
    state = {"instruction": history, "documents": [Document(FACT)], "context": FACT}
    create_sketch_node(remote, gate=EgressGate()).invoke(state)
    assert "dinner" in remote.seen[0]
    assert "otter" not in remote.seen[0]


def test_a_sketch_node_needs_one_gate(session: UserSession, remote: Scripted) -> None:
    """Without a gate, or with two, it isn't made."""
    with pytest.raises(ConfigurationError, match="no egress gate"):
        create_sketch_node(remote)
    from langchain_cogenesis import create_remote

    guarded = create_remote("http://127.0.0.1:9/v1", "m", gate=EgressGate())
    with pytest.raises(ConfigurationError, match="another egress gate"):
        create_sketch_node(guarded, gate=session.gate)
    guarded.close()


def test_context_fits_the_models_window_with_the_outline(session: UserSession) -> None:
    """What is retrieved leaves room for the outline, to the last item."""
    node = create_context_node(session, local=ChatLocalLlama(n_ctx=256))
    assert any(FACT in document.page_content for document in node.invoke(ASK))
    crowded = {"instruction": ASK, "sketch": ["tell of the river and the boats"] * 40}
    assert node.invoke(crowded) == []


def test_any_retriever_serves(session: UserSession) -> None:
    """A vector store and embeddings of the user's choice give documents like ours."""
    store = InMemoryVectorStore(DeterministicFakeEmbedding(size=8))
    store.add_documents([Document("The otters sleep.", metadata={"kind": "activity"})])
    documents = create_context_node(store.as_retriever()).invoke({"instruction": ASK})
    prompt = create_private_prompt().invoke({"instruction": ASK, "documents": documents})
    assert "The otters sleep." in prompt.messages[0].text


def test_the_prompt_alone(session: UserSession) -> None:
    """Documents go into the system message, the outline behind the instruction."""
    given = {"instruction": ASK, "documents": Document("Name: Nora"), "sketch": ["Greet Tomas"]}
    system, human = create_private_prompt().invoke(given).messages
    assert system.text == f"{PRIVATE_SYSTEM}\nName: Nora"
    assert human.text == f"{ASK}\n\nOutline:\n1. Greet Tomas"


async def test_a_writer_streams_and_shows_no_prompt(local: ChatLocalLlama) -> None:
    """The same text by each door; callbacks are shown nothing."""
    writer, watching = create_writer(local, max_tokens=8), Watching()
    config: Any = {"callbacks": [watching]}
    pieces = [chunk.content for chunk in writer.stream(FACT, config)]
    apieces = [chunk.content async for chunk in writer.astream(FACT, config)]
    assert pieces == apieces
    answer = writer.invoke(FACT, config)
    assert "".join(map(str, pieces)) == answer.content
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["output_tokens"] <= 8
    assert watching.shown == ""


async def test_the_parts_in_one_expression(
    session: UserSession, local: ChatLocalLlama, remote: Scripted
) -> None:
    """Retriever, sketch node, prompt and local model joined with `|` give what the model gives."""
    chain = (
        {
            "instruction": RunnablePassthrough(),
            "documents": session.retriever(),
            "sketch": create_sketch_node(remote, gate=session.gate),
        }
        | create_private_prompt()
        | local
        | StrOutputParser()
    )
    model = ChatCoGenesis(local=local, remote=remote, session=session)
    expected = model.invoke(ASK).content
    assert chain.invoke(ASK) == expected
    assert "".join(chain.stream(ASK)) == expected
    assert "".join([piece async for piece in chain.astream(ASK)]) == expected
    assert all("Tomas" not in text and FACT not in text for text in remote.seen)
    names = {node.name for node in chain.get_graph().nodes.values()}
    assert {"PrivateContextRetriever", "RemoteSketch", "PrivatePrompt", "ChatLocalLlama"} <= names


def test_the_fusion_class_takes_the_local_models_place(
    session: UserSession, local: ChatLocalLlama, remote: Scripted
) -> None:
    """The same expression with a `ChatLogitFusion` at its end; its helper sees no context."""
    stand_in = RemoteStandIn(LocalNextTokenModel(local.engine))
    fused = ChatLogitFusion(
        local=local, helpers=(FusionHelper(stand_in),), gate=session.gate, cache=False
    )
    chain = (
        RunnablePassthrough.assign(sketch=create_sketch_node(remote, gate=session.gate))
        | RunnablePassthrough.assign(documents=create_context_node(session, local=local))
        | create_private_prompt()
        | fused.bind(max_tokens=8)
        | StrOutputParser()
    )
    assert chain.invoke({"instruction": ASK})
    sent = "".join(stand_in.vocabulary.text(ids).decode() for ids in stand_in.seen)
    assert "Outline" in sent
    assert FACT not in sent
    assert "Tomas" not in sent


@pytest.mark.parametrize("mode", ["local", "sketch", "remote"])
async def test_the_chain_is_those_parts(
    session: UserSession, local: ChatLocalLlama, mode: Any
) -> None:
    """By every door the text of the model in the same mode; its run alone is shown."""
    made: list[Scripted] = [Scripted(responses=[OUTLINE], seen=[]) for _ in range(2)]
    chain = create_cogenesis_chain(session, local=local, remote=made[0])
    expected = ChatCoGenesis(local=local, remote=made[1], session=session).invoke(ASK, mode=mode)
    watching = Watching()
    config: Any = {"configurable": {"cogenesis_mode": mode}, "callbacks": [watching]}
    texts = [
        chain.invoke({"instruction": ASK}, config),
        await chain.ainvoke(ASK, config),
        "".join(chain.stream(ASK, config)),
        "".join([piece async for piece in chain.astream(ASK, config)]),
        *chain.batch([ASK], config),
    ]
    assert texts == [expected.content] * 5
    assert ASK in watching.shown
    assert FACT not in watching.shown.replace(str(expected.content), "")
    assert all("Tomas" not in text for text in made[0].seen)


def test_the_drawing_names_the_parts(
    session: UserSession, local: ChatLocalLlama, remote: Scripted
) -> None:
    """`get_graph` draws the mode that the config names."""
    chain = create_cogenesis_chain(session, local=local, remote=remote)
    last = {
        "local": "ChatLocalLlamaWriter",
        "sketch": "ChatLocalLlamaWriter",
        "remote": "ScriptedWriter",
        "logits": "ChatLogitFusionWriter",
    }
    for mode, writer in last.items():
        graph = chain.get_graph({"configurable": {"cogenesis_mode": mode}})
        names = [node.name for node in graph.nodes.values()]
        assert writer in names
        assert ("RemoteSketch" in names) == (mode == "sketch")
        assert ("PrivateContext" in names) == (mode != "remote")
        assert writer in graph.draw_mermaid()


def test_faults_are_raised_or_answered_for(session: UserSession, local: ChatLocalLlama) -> None:
    """By default an error, else the text of the local mode; no remote is an error in words."""
    down = Scripted(responses=[OUTLINE], seen=[], failing=True)
    chain = create_cogenesis_chain(session, local=local, remote=down)
    with pytest.raises(RemoteUnavailableError):
        chain.invoke(ASK)
    with pytest.raises(ModeError, match="no mode"):
        chain.invoke(ASK, {"configurable": {"cogenesis_mode": "best"}})
    alone = create_cogenesis_chain(session, local=local, mode="local")
    text = alone.invoke(ASK)
    with pytest.raises(ModeError, match="needs a remote"):
        alone.invoke(ASK, {"configurable": {"cogenesis_mode": "sketch"}})
    lenient = create_cogenesis_chain(session, local=local, remote=down, on_remote_error="local")
    for mode in ("sketch", "remote", "logits"):
        config: Any = {"configurable": {"cogenesis_mode": mode}}
        assert lenient.invoke(ASK, config) == text
        assert "".join(lenient.stream(ASK, config)) == text


def test_a_traced_chain_around_the_parts_is_refused(
    traced: list[str], session: UserSession, local: ChatLocalLlama
) -> None:
    """A hosted tracer would take private documents from the chain's runs: every part refuses."""
    chain = (
        {"instruction": RunnablePassthrough()}
        | RunnablePassthrough.assign(documents=create_context_node(session))
        | create_private_prompt()
        | create_writer(local)
    )
    with pytest.raises(PrivacyError, match="LangSmith"):
        chain.invoke(ASK)
    assert FACT not in "".join(traced)


def test_a_chain_shows_nothing_private_in_its_repr(
    session: UserSession, local: ChatLocalLlama, remote: Scripted
) -> None:
    """What a log would say of it."""
    chain = create_cogenesis_chain(session, local=local, remote=remote)
    assert isinstance(chain, CoGenesisChain)
    assert "Nora" not in repr(chain)
    sketch = create_sketch_node(remote, gate=session.gate).invoke(ASK)
    assert "Tomas" not in repr(sketch)
