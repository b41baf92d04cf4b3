"""Finds the parts of an app: chains, graphs, agents, the functions in them and what those hold."""

from __future__ import annotations

import functools
import importlib
import sys
import types
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from typing import Any

from langchain_cogenesis.exceptions import ConfigurationError

_MOST_OBJECTS = 20_000
_MOST_ITEMS = 200
_FRAMEWORK = ("langchain", "langgraph")
# Modules whose objects have a model by each of these roles.
_OWN_HOLDERS = (
    "langchain_cogenesis.chat_",
    "langchain_cogenesis.nodes",
    "langchain_cogenesis.middleware",
)
# Large, and without parts of others.
_LEAVES = frozenset(
    {"LlamaCppEngine", "EgressLedger", "StoreKeys", "PrivateLexicon", "Vocabulary", "DocumentLog"}
)


@dataclass(frozen=True, slots=True)
class Part:
    """An object of an app.

    Attributes:
        value: The object.
        place: Where it was found, as in `app.steps[1].local`.
        role: `local`, `remote` or `retriever` in a model of this package; otherwise `app`.
    """

    value: Any
    place: str
    role: str = "app"


def load_app(name: str) -> Any:
    """Imports an app, which runs its module.

    Args:
        name: `module:attribute`, with `()` at the end to call what makes it; modules are looked
            for in the working directory too.

    Raises:
        ConfigurationError: There is no such thing, or its module fails.
    """
    module_name, colon, attribute = name.partition(":")
    if not colon or not module_name or not attribute:
        raise ConfigurationError(
            f"{name!r} names no app.", hint="Write module:attribute, as in my_app:chain."
        )
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        # What the app prints must not end up in JSON.
        with redirect_stdout(sys.stderr):
            found: Any = importlib.import_module(module_name)
            for step in attribute.removesuffix("()").split("."):
                found = getattr(found, step)
            return found() if attribute.endswith("()") else found
    except Exception as error:  # noqa: BLE001 - an app's module may raise whatever it likes
        # The type alone: the app's own message may hold anything.
        raise ConfigurationError(
            f"the app {name!r} can't be loaded ({type(error).__name__}).",
            hint="Check the name, and that the module can be imported from here.",
        ) from None


def walk(app: Any, name: str = "app") -> Iterator[Part]:
    """Yields the parts of an app, each once, the outer ones first.

    Looked into are LangChain's and LangGraph's objects, those of the app's own package, containers,
    and functions with what they close over; of the app's own functions also the globals they use.

    Args:
        app: A Runnable, an agent, a graph, a chat model, or anything that holds some.
        name: What to call it.
    """
    waiting = deque([Part(app, name)])
    # Kept alive while walking, so that no two objects have one id.
    seen: dict[int, Any] = {}
    own = _own_package(app, name)
    while waiting and len(seen) < _MOST_OBJECTS:
        part = waiting.popleft()
        if id(part.value) in seen or isinstance(part.value, str | bytes | int | float | None):
            continue
        seen[id(part.value)] = part.value
        yield part
        for step, child in _children(part.value, own):
            waiting.append(Part(child, part.place + step, _role(part, step)))


def _own_package(app: Any, name: str) -> str:
    module = name.partition(":")[0] if ":" in name else type(app).__module__
    return module.split(".")[0]


def _role(part: Part, step: str) -> str:
    module = type(part.value).__module__
    if module.startswith(_OWN_HOLDERS):
        return {".local": "local", ".remote": "remote", ".retriever": "retriever"}.get(step, "app")
    # What wraps a local model, such as fallbacks, wraps something that reads private context.
    return part.role if part.role == "local" else "app"


def _children(value: Any, own: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for at, (key, item) in enumerate(list(value.items())[:_MOST_ITEMS]):
            named = isinstance(key, str) and key.replace("_", "a").isalnum() and len(key) < 40
            yield (f"[{key!r}]" if named else f"[{at}]"), item
    elif isinstance(value, list | tuple | set | frozenset):
        for at, item in enumerate(list(value)[:_MOST_ITEMS]):
            yield f"[{at}]", item
    elif isinstance(value, types.FunctionType):
        yield from _of_function(value, own)
    elif isinstance(value, types.MethodType):
        yield ".__self__", value.__self__
        yield ".__func__", value.__func__
    elif isinstance(value, functools.partial):
        yield ".func", value.func
        yield ".args", value.args
        yield ".keywords", value.keywords
    elif not isinstance(value, type | types.ModuleType) and _looked_into(type(value), own):
        yield from _attributes(value)


def _of_function(function: types.FunctionType, own: str) -> Iterator[tuple[str, Any]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):  # a cell that is not filled yet
            yield f".{name}", cell.cell_contents
    for default in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
        yield ".default", default
    if (function.__module__ or "").split(".")[0] in (own, "__main__"):
        for name in function.__code__.co_names:
            if name in function.__globals__:
                yield f".{name}", function.__globals__[name]


def _looked_into(kind: type, own: str) -> bool:
    if kind.__name__ in _LEAVES:
        return False
    roots = {base.__module__.split(".")[0] for base in kind.__mro__}
    return own in roots or any(root.startswith(_FRAMEWORK) for root in roots)


def _attributes(value: Any) -> Iterator[tuple[str, Any]]:
    found = dict(getattr(value, "__dict__", {}))
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            with suppress(AttributeError):
                found.setdefault(name, getattr(value, name))
    found.update(getattr(value, "__pydantic_private__", None) or {})
    for name, item in found.items():
        if not name.startswith("__"):
            yield f".{name}", item
