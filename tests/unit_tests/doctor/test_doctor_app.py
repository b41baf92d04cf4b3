"""What the doctor finds in apps: chains, graphs, agents."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import SummarizationMiddleware
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import FileCallbackHandler
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.globals import set_debug, set_llm_cache
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.runnables import Runnable, RunnableLambda, RunnableParallel
from langchain_core.tools import tool
from langchain_core.tracers.langchain import LangChainTracer
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langsmith import Client

from langchain_cogenesis import (
    ChatCoGenesis,
    ChatLocalLlama,
    CoGenesisMiddleware,
    create_remote,
    create_sketch_node,
)
from langchain_cogenesis.chains import create_cogenesis_chain
from langchain_cogenesis.doctor.app import check_app
from langchain_cogenesis.doctor.app_walk import load_app
from langchain_cogenesis.doctor.finding import Finding
from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.privacy.policy import EgressPolicy
from langchain_cogenesis.session import UserSession

KEY = "sk-verysecret"


def hosted() -> ChatOpenAI:
    return ChatOpenAI(model="m", base_url="https://api.example/v1", api_key=KEY)


def bad(app: Any) -> list[Finding]:
    found = check_app(app)
    assert KEY not in repr(found)
    return [finding for finding in found if finding.status != "ok"]


@pytest.fixture
def session(tmp_path: Path) -> Iterator[UserSession]:
    with UserSession("quill", tmp_path / "users", create=True) as made:
        yield made


def test_the_packages_own_chain_is_fine(session: UserSession) -> None:
    """All of its models are ours; the remote is named with its host."""
    remote = create_remote("https://api.example/v1", "m", api_key=KEY, gate=session.gate)
    found = check_app(create_cogenesis_chain(session, remote=remote))
    remote.close()
    assert [finding for finding in found if finding.status != "ok"] == []
    models = {finding.place: finding.found for finding in found if finding.check == "model"}
    assert {"ChatLocalLlama", "ChatRemote, behind the gate, to api.example"} <= {*models.values()}


def test_the_parts_of_a_chain_and_the_middleware_have_roles(session: UserSession) -> None:
    """What reads private context must not be hosted; a remote without transport is warned of."""
    remote = create_remote("https://api.example/v1", "m", gate=session.gate)
    ours = CoGenesisMiddleware(session, local=hosted())
    [finding] = [f for f in bad(create_agent(remote, middleware=[ours])) if f.check == "model"]
    assert (finding.status, finding.found.split()[0]) == ("fail", "ChatOpenAI")
    remote.close()
    [finding] = bad(create_sketch_node(hosted(), gate=session.gate))
    assert (finding.status, finding.place) == ("warn", "app.remote")


def _in_a_closure(model: Any) -> Runnable[Any, Any]:
    return RunnableLambda(lambda text: model.invoke(text))


def _in_a_graph(model: Any) -> Any:
    graph = StateGraph(dict)
    graph.add_node("write", lambda state: {"text": model.invoke("x").content})
    graph.add_edge(START, "write")
    graph.add_edge("write", END)
    return graph.compile()


HIDDEN = {
    "chain": lambda model: RunnableLambda(str) | model,
    "parallel": lambda model: RunnableParallel(a=RunnableLambda(str), b=model),
    "bound": lambda model: model.bind(stop=["x"]).with_retry(),
    "fallback": lambda model: FakeListChatModel(responses=["a"]).with_fallbacks([model]),
    "closure": _in_a_closure,
    "graph": _in_a_graph,
    "agent": lambda model: create_agent(model, tools=[]),
    "middleware": lambda model: create_agent(
        FakeListChatModel(responses=["a"]), tools=[], middleware=[SummarizationMiddleware(model)]
    ),
}


@pytest.mark.parametrize("app", HIDDEN.values(), ids=HIDDEN.keys())
def test_a_hosted_model_is_found_wherever_it_hides(app: Any) -> None:
    """Its host and place are named; the same app with a model of ours is fine."""
    [finding] = [f for f in bad(app(hosted())) if f.check == "model"]
    assert finding.status == "fail"
    assert "ChatOpenAI at api.example" in finding.found
    assert finding.place.startswith("app.")
    assert "create_remote" in finding.advice
    assert bad(app(ChatLocalLlama())) == []


def test_a_hosted_local_model_fails_and_a_remote_without_transport_is_warned_of() -> None:
    """The role counts: what is `local` reads private context."""
    finding = bad(ChatCoGenesis(local=hosted()))[0]
    assert (finding.status, finding.place) == ("fail", "app.local")
    assert "private context" in finding.found
    finding = bad(ChatCoGenesis(local=ChatLocalLlama(), remote=hosted()))[0]
    assert (finding.status, finding.place) == ("warn", "app.remote")


def test_a_model_on_this_machine_is_fine() -> None:
    """A server on loopback isn't elsewhere."""
    here = ChatOpenAI(model="m", base_url="http://127.0.0.1:8080/v1", api_key=KEY)
    assert bad(RunnableLambda(str) | here) == []


def test_hosted_embeddings_are_found_in_a_session_and_in_a_vector_store(tmp_path: Path) -> None:
    """They are sent every document."""
    sent = OpenAIEmbeddings(model="e", base_url="https://api.example/v1", api_key=KEY)
    with UserSession("quill", tmp_path, create=True, embeddings=sent) as session:
        model = ChatCoGenesis(local=ChatLocalLlama(), session=session)
        [finding] = [f for f in bad(model) if f.check == "embeddings"]
    assert finding.status == "fail"
    assert "OpenAIEmbeddings at api.example" in finding.found
    store = InMemoryVectorStore(DeterministicFakeEmbedding(size=4))
    checks = {f.check for f in bad(store.as_retriever() | ChatLocalLlama())}
    assert checks == {"retriever", "vector store"}


def test_tracers_and_files_are_found_with_their_place(tmp_path: Path) -> None:
    """On the model itself and in the config of a chain; a tracer that hides is fine."""
    model = ChatLocalLlama()
    showing = LangChainTracer(client=Client("http://127.0.0.1:9", api_key=KEY))
    model.callbacks = [showing]
    [finding] = bad(model)
    assert (finding.check, finding.status, finding.place) == ("tracer", "fail", "app.callbacks[0]")
    hiding = Client("http://127.0.0.1:9", api_key=KEY, hide_inputs=True, hide_outputs=True)
    model.callbacks = [LangChainTracer(client=hiding)]
    assert bad(model) == []
    with FileCallbackHandler(str(tmp_path / "prompts.log")) as handler:
        chain = (RunnableLambda(str) | ChatLocalLlama()).with_config(callbacks=[handler])
        [finding] = bad(chain)
    assert "prompts.log" in finding.found
    assert finding.place == "app.config['callbacks'][0]"


class KeptCache(InMemoryCache):
    """Stands for a cache on disk: only its name and class are looked at."""


class KeptSaver(InMemorySaver):
    """Stands for a checkpointer on disk."""


@pytest.mark.parametrize(
    ("cache", "saver", "expected"),
    [(InMemoryCache, InMemorySaver, []), (KeptCache, KeptSaver, ["cache", "checkpointer"])],
)
def test_caches_and_checkpointers_are_told_apart(cache: Any, saver: Any, expected: Any) -> None:
    """What ends with the process is fine, what is kept is warned of."""
    model = ChatLocalLlama()
    model.cache = cache()
    agent = create_agent(model, tools=[], checkpointer=saver())
    assert sorted({finding.check for finding in bad(agent)}) == expected
    kinds = {finding.check for finding in check_app(agent)}
    assert {"cache", "checkpointer"} <= kinds


def test_tools_and_trusted_endpoints_are_named(tmp_path: Path) -> None:
    """A tool sends what the model writes; a trusted endpoint sees everything."""

    @tool
    def search_web(query: str) -> str:
        """Searches."""
        return query

    checks = [(f.check, f.found) for f in bad(RunnableLambda(str) | ChatLocalLlama() | search_web)]
    assert checks == [("tool", "search_web is called with whatever the model writes")]
    policy = EgressPolicy(trusted=frozenset({"https://mine.example"}))
    with UserSession("quill", tmp_path, create=True, policy=policy) as session:
        [finding] = bad(create_cogenesis_chain(session))
    assert finding.check == "trusted endpoints"
    assert "mine.example" in finding.found


def test_what_is_set_for_the_process_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Global cache, debugging, logs at DEBUG, and a hook that shows tracebacks."""
    handler = logging.FileHandler(tmp_path / "all.log")
    logger = logging.getLogger("openai")
    logger.addHandler(handler)
    level, _ = logger.level, logger.setLevel(logging.DEBUG)
    monkeypatch.setattr(sys, "excepthook", lambda *args: None)
    set_llm_cache(KeptCache())
    set_debug(True)
    try:
        checks = [finding.check for finding in bad(ChatLocalLlama())]
    finally:
        set_llm_cache(None)
        set_debug(False)
        logger.removeHandler(handler)
        logger.setLevel(level)
        handler.close()
    assert checks == ["cache", "debugging", "logs", "tracebacks"]


def test_something_without_a_model_is_not_called_fine() -> None:
    """The wrong attribute must not look like a clean app."""
    [finding] = bad(RunnableLambda(str))
    assert (finding.check, finding.status) == ("model", "warn")


def test_apps_are_loaded_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An attribute, or what a function makes; models in globals of their functions count."""
    (tmp_path / "doctored_app.py").write_text(
        "from langchain_core.runnables import RunnableLambda\n"
        "from langchain_openai import ChatOpenAI\n"
        "print('noise')\n"
        "model = ChatOpenAI(model='m', base_url='https://api.example/v1', api_key='sk')\n"
        "def write(text):\n    return model.invoke(text)\n"
        "def make():\n    return RunnableLambda(write)\n"
        "chain = make()\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("doctored_app:chain", "doctored_app:make()"):
        found = check_app(load_app(name), name)
        [finding] = [f for f in found if f.status == "fail"]
        assert finding.place == f"{name}.func.model"
    for name in ("doctored_app", "doctored_app:gone", "no_such_module:x"):
        with pytest.raises(ConfigurationError, match=name):
            load_app(name)
