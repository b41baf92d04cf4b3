"""Which parts of an app see private text and aren't behind the gate."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseLanguageModel
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import BaseTool
from langchain_core.vectorstores import VectorStore

from langchain_cogenesis.doctor.app_walk import Part, walk
from langchain_cogenesis.doctor.finding import Finding, host, is_loopback
from langchain_cogenesis.privacy.policy import EgressPolicy
from langchain_cogenesis.tracing import shows_text

_OURS = "langchain_cogenesis."
_FAKES = ("langchain_core.language_models.fake", "langchain_core.embeddings.fake")
_ON_THIS_MACHINE = ("langchain_ollama", "langchain_huggingface")
_NO_PARTNERS = ("langchain_core", "langchain_community", "langchain_classic", *_ON_THIS_MACHINE)
_ADDRESSES = ("base_url", "openai_api_base", "azure_endpoint", "anthropic_api_url", "endpoint",
              "endpoint_url", "api_base")  # fmt: skip
_COUNTING = ("UsageMetadataCallbackHandler", "SilentTracer")
_USE_REMOTE = "Use create_remote(…, gate=session.gate) in its place."


def check_app(app: Any, name: str = "app") -> list[Finding]:
    """Looks through an app for parts that private text reaches.

    Args:
        app: A chat model, chain, agent or graph.
        name: What to call it in places.

    Returns:
        What was found, with its place; and what the process around it keeps or shows.
    """
    findings = []
    for part in walk(app, name):
        for kind, rule in _rules():
            if isinstance(part.value, kind):
                if (finding := rule(part)) is not None:
                    findings.append(finding)
                break
    if not any(finding.check == "model" for finding in findings):
        findings.append(
            Finding("model", "warn", "no model was found", "Name the chain or graph.", name)
        )
    return [*findings, *check_process()]


def _rules() -> list[tuple[type, Callable[[Part], Finding | None]]]:
    known: list[tuple[type, Callable[[Part], Finding | None]]] = [
        (BaseLanguageModel, _model),
        (Embeddings, _embeddings),
        (BaseRetriever, _retriever),
        (VectorStore, _vector_store),
        (BaseCallbackHandler, _callback),
        (BaseTool, _tool),
        (EgressPolicy, _policy),
    ]
    # Not imported for this: an app that has one of these has loaded its module.
    for module, class_name in (
        ("langchain_core.caches", "BaseCache"),
        ("langgraph.cache.base", "BaseCache"),
        ("langgraph.checkpoint.base", "BaseCheckpointSaver"),
        ("langgraph.store.base", "BaseStore"),
    ):
        if kind := getattr(sys.modules.get(module), class_name, None):
            known.append((kind, _keeper))
    return known


def _model(part: Part) -> Finding:
    kind = type(part.value)
    if kind.__module__.startswith(_OURS):
        where = f", behind the gate, to {host(part.value.endpoint)}" if _is_gated(part) else ""
        return Finding("model", "ok", f"{kind.__name__}{where}", "", part.place)
    if kind.__module__.startswith(_FAKES):
        return Finding("model", "ok", f"{kind.__name__} answers by itself", "", part.place)
    where, here = _runs_at(part.value)
    says = f"{kind.__name__} at {where}"
    if part.role == "remote":
        return Finding(
            "model", "warn", f"{says} is guarded at its messages, not at the wire", _USE_REMOTE,
            part.place,
        )  # fmt: skip
    if here:
        return Finding("model", "ok", says, "", part.place)
    if part.role == "local":
        return Finding(
            "model", "fail" if here is False else "warn", f"{says} reads private context",
            "Use ChatLocalLlama, or a model on this machine.", part.place,
        )  # fmt: skip
    return Finding(
        "model", "fail" if here is False else "warn", f"{says} is given texts without a gate",
        _USE_REMOTE, part.place,
    )  # fmt: skip


def _is_gated(part: Part) -> bool:
    return type(part.value).__name__ == "ChatRemote"


def _runs_at(value: Any) -> tuple[str, bool | None]:
    """Where a model runs, and whether that is this machine; None if it can't be told."""
    client = getattr(value, "root_client", None) or getattr(value, "client", None)
    given = [getattr(value, name, None) for name in _ADDRESSES]
    for address in (*given, getattr(client, "base_url", None)):
        known = isinstance(address, str) or type(address).__name__ == "URL"
        if known and (found := host(address)):
            return found, is_loopback(address)
    package = type(value).__module__.split(".")[0]
    if package in _ON_THIS_MACHINE:
        return "this machine", True
    if package.startswith("langchain_") and package not in _NO_PARTNERS:
        return "its provider", False
    return "an address that can't be told", None


def _embeddings(part: Part) -> Finding | None:
    kind = type(part.value)
    if kind.__module__.startswith((_OURS, *_FAKES)):
        return None
    where, here = _runs_at(part.value)
    if here:
        return None
    return Finding(
        "embeddings",
        "fail" if here is False else "warn",
        f"{kind.__name__} at {where} is sent every document and every query",
        "Use the package's StaticEmbeddings, or embeddings on this machine.",
        part.place,
    )


def _retriever(part: Part) -> Finding | None:
    if type(part.value).__module__.startswith(_OURS):
        return None
    return Finding(
        "retriever",
        "warn",
        f"{type(part.value).__name__} keeps and finds documents in its own way, unmasked and "
        "traced",
        "Use session.retriever(), or check what it keeps and where.",
        part.place,
    )


def _vector_store(part: Part) -> Finding:
    return Finding(
        "vector store",
        "warn",
        f"{type(part.value).__name__} keeps texts as they are",
        "Use the encrypted store of a UserSession.",
        part.place,
    )


def _callback(part: Part) -> Finding | None:
    kind = type(part.value)
    if kind.__name__ in _COUNTING:
        return None
    if any(base.__name__ == "LangChainTracer" for base in kind.__mro__):
        if not shows_text(part.value):
            return Finding("tracer", "ok", f"{kind.__name__} hides texts", "", part.place)
        return Finding(
            "tracer", "fail", f"{kind.__name__} sends prompts and answers to LangSmith",
            "Take it out, or give its client hide_inputs=True and hide_outputs=True.", part.place,
        )  # fmt: skip
    written = getattr(part.value, "filename", None)
    where = f" writes them to the file {Path(str(written)).name}" if written else " is given them"
    return Finding(
        "callback",
        "warn",
        f"prompts and answers: {kind.__name__}{where}",
        "Take it out where private text is written.",
        part.place,
    )


def _tool(part: Part) -> Finding | None:
    if type(part.value).__module__.startswith(_OURS):
        return None
    return Finding(
        "tool",
        "warn",
        f"{part.value.name} is called with whatever the model writes",
        "Give no tool that sends to a model that reads private context.",
        part.place,
    )


def _policy(part: Part) -> Finding | None:
    trusted = [host(address) for address in sorted(part.value.trusted)]
    if not trusted:
        return None
    return Finding(
        "trusted endpoints",
        "warn",
        f"{', '.join(trusted)}: nothing is masked for them",
        "Take them out of EgressPolicy(trusted=…) if that isn't meant.",
        part.place,
    )


def _keeper(part: Part) -> Finding:
    kind = type(part.value)
    what = {
        "BaseCache": "cache", "BaseCheckpointSaver": "checkpointer", "BaseStore": "store of a graph"
    }  # fmt: skip
    check = next((what[base.__name__] for base in kind.__mro__ if base.__name__ in what), "cache")
    if kind.__name__.startswith("InMemory"):
        return Finding(check, "ok", f"{kind.__name__}: until the process ends", "", part.place)
    return Finding(
        check,
        "warn",
        f"{kind.__name__} keeps instructions and finished texts as they are",
        "Keep it in memory, encrypt what it writes, or take it out.",
        part.place,
    )


def check_process() -> Iterator[Finding]:
    """Looks at what is set for the whole process: cache, debugging, logs, reports of errors."""
    from langchain_core.globals import get_debug, get_llm_cache, get_verbose

    if (cache := get_llm_cache()) is not None:
        yield _keeper(Part(cache, "langchain_core.globals"))
    if get_debug() or get_verbose():
        yield Finding(
            "debugging", "warn", "LangChain prints prompts and answers",
            "Call set_debug(False) and set_verbose(False).", "langchain_core.globals",
        )  # fmt: skip
    for name in ("", "openai", "httpx", "langchain", "langchain_core", "langsmith"):
        logger = logging.getLogger(name)
        files = [h for h in logger.handlers if isinstance(h, logging.FileHandler)]
        if files and logger.isEnabledFor(logging.DEBUG):
            yield Finding(
                "logs", "warn", f"all that is logged goes to {Path(files[0].baseFilename).name}",
                "Log INFO and above.", f"logging.getLogger({name!r})",
            )  # fmt: skip
    hook = sys.excepthook
    # Typer's is there when the command line runs, and ours shows no local variables.
    if hook is not sys.__excepthook__ and hook.__module__ != "typer.main":
        yield Finding(
            "tracebacks", "warn",
            f"{hook.__module__} shows or sends uncaught errors, perhaps with "
            "local variables",
            "Turn local variables off (show_locals=False, include_local_variables=False).",
            "sys.excepthook",
        )  # fmt: skip
