"""A user's collaborating models as an OpenAI-compatible endpoint on loopback.

Any client that speaks OpenAI's chat protocol writes in the user's voice with it: the endpoint reads
private context, and what leaves the device passes the user's own gate. Each user has a key, and a
key opens nothing but its user's context.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from starlette.exceptions import HTTPException
from starlette.responses import Response

from langchain_cogenesis.chat_models import ChatCoGenesis
from langchain_cogenesis.collaboration import Mode, message_text
from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.models.chat_llamacpp import ChatLocalLlama
from langchain_cogenesis.server.generation import Finished, Piece
from langchain_cogenesis.server.guard import USER, Guard
from langchain_cogenesis.server.jobs import Worker
from langchain_cogenesis.server.limits import Limits
from langchain_cogenesis.server.listen import bind_loopback, serve_on
from langchain_cogenesis.server.protocol import Envelope, stream_answer, to_json, whole_answer
from langchain_cogenesis.server.responses import add_error_handlers, send_job
from langchain_cogenesis.server.schema import ChatBody, Message

MODES: dict[str, Mode] = {
    "cogenesis-local": "local",
    "cogenesis-sketch": "sketch",
    "cogenesis-logits": "logits",
}
"""The modes of collaboration, by the name of the model that clients ask for."""

_ROLES: dict[str, type[BaseMessage]] = {
    "system": SystemMessage,
    "developer": SystemMessage,
    "user": HumanMessage,
    "assistant": AIMessage,
}
_PASSED_ON = ("temperature", "top_p", "top_k", "min_p", "repetition_penalty", "seed")
_REFUSED = ("logprobs", "top_logprobs", "logit_bias", "return_tokens_as_token_ids")


@dataclass(slots=True, repr=False)
class _Answer:
    """One answer, as its chunks come in.

    Attributes:
        account: How it was answered: `response_metadata["cogenesis"]`.
    """

    model: ChatCoGenesis
    messages: list[BaseMessage]
    mode: Mode
    stop: list[str]
    options: dict[str, Any]
    account: dict[str, Any] = field(default_factory=dict)

    def events(self, cancelled: Callable[[], bool]) -> Iterator[tuple[int, Piece | Finished]]:
        """Writes it; called in the worker's thread."""
        reason, usage = "stop", None
        chunks = self.model.stream(
            self.messages, stop=self.stop or None, mode=self.mode, **self.options
        )
        for chunk in chunks:
            self.account.update(chunk.response_metadata.get("cogenesis", {}))
            reason = chunk.response_metadata.get("finish_reason", reason)
            usage = chunk.usage_metadata or usage
            if text := message_text(chunk):
                yield 0, Piece(text, ())
            if cancelled():
                return
        taken, written = (usage["input_tokens"], usage["output_tokens"]) if usage else (0, 0)
        yield 0, Finished("length" if reason == "length" else "stop", taken, written)

    def told(self) -> dict[str, Any]:
        """What the answer's last part says beyond OpenAI's fields."""
        return {"cogenesis": self.account}


def create_personal_app(
    users: Mapping[str, ChatCoGenesis], keys: Mapping[str, str], *, limits: Limits = Limits()
) -> FastAPI:
    """Creates an application that serves users their own collaborating models.

    Serves `/v1/models`, `/v1/chat/completions` and `/health`, which alone asks for no key. The
    answer has one field beyond OpenAI's: `cogenesis`, the account of how it was answered.

    Args:
        users: Each user's model, with the user's session.
        keys: Each user's bearer token.
        limits: Bounds on the size, the rate and the time of requests.

    Raises:
        ConfigurationError: A user has no key, or the key of another.
    """
    _check_keys(users, keys)
    # One at a time: the local model is the same for all, and so is the machine.
    worker = Worker(max_jobs=limits.jobs)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        worker.close()

    app = FastAPI(title="CoGenesis for a user", lifespan=lifespan, docs_url=None, redoc_url=None)
    add_error_handlers(app)
    _add_routes(app, users, worker)
    app.add_middleware(
        Guard,
        api_key=None,
        limits=limits,
        users={keys[user]: user for user in users},
    )
    return app


def _check_keys(users: Mapping[str, ChatCoGenesis], keys: Mapping[str, str]) -> None:
    given = [keys.get(user, "") for user in users]
    if not given or not all(given) or len(set(given)) < len(given):
        raise ConfigurationError(
            "each user needs a key of their own.", hint="Make one with make_key()."
        )


def _add_routes(app: FastAPI, users: Mapping[str, ChatCoGenesis], worker: Worker) -> None:
    def own(request: Request) -> ChatCoGenesis:
        return users[request.scope[USER]]

    @app.get("/health")
    async def health() -> dict[str, Any]:
        return {"status": "ok", "jobs": worker.jobs}

    @app.get("/v1/models")
    async def models(request: Request) -> dict[str, Any]:
        return {"object": "list", "data": [_card(name) for name in _served(own(request))]}

    @app.get("/v1/models/{name:path}")
    async def model(name: str, request: Request) -> dict[str, Any]:
        _mode(name, own(request))
        return _card(name)

    @app.post("/v1/chat/completions")
    async def chat(body: ChatBody, request: Request) -> Response:
        answer = _asked(body, own(request))
        engine: Any = getattr(answer.model.local, "engine", None)
        envelope = Envelope(engine, kind="chat.completion", model=str(body.model))

        def make(cancelled: Callable[[], bool]) -> Iterator[bytes]:
            events = answer.events(cancelled)
            if body.stream:
                yield from stream_answer(
                    envelope,
                    events,
                    logprobs=False,
                    include_usage=body.include_usage,
                    more_at_end=answer.told,
                )
            else:
                whole = whole_answer(envelope, events, logprobs=False)
                yield to_json({**whole, **answer.told()})

        return await send_job(request, worker, make, stream=bool(body.stream))


def _card(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "local"}


def _served(model: ChatCoGenesis) -> list[str]:
    """The names that a user's model can be asked under."""
    alone = model.remote is None and model.next_token_remote is None
    return [name for name, mode in MODES.items() if mode == "local" or not alone]


def _mode(name: str | None, model: ChatCoGenesis) -> Mode:
    served = _served(model)
    if name not in served:
        raise HTTPException(404, f"There is no such model. Ask for one of: {', '.join(served)}.")
    return MODES[str(name)]


def _asked(body: ChatBody, model: ChatCoGenesis) -> _Answer:
    mode = _mode(body.model, model)
    for name in _REFUSED:
        if getattr(body, name):
            raise ConfigurationError(
                f"{name} isn't served for a personal model.", hint="Leave it out."
            )
    options = {n: getattr(body, n) for n in _PASSED_ON if getattr(body, n) is not None}
    if body.limit is not None:
        options["max_tokens"] = body.limit
    messages = [_message(message) for message in body.messages]
    return _Answer(model, messages, mode, list(body.stop_strings), options)


def _message(message: Message) -> BaseMessage:
    return _ROLES[message.role](content=message.as_dict()["content"])


def run_personal(
    users: Mapping[str, ChatCoGenesis],
    keys: Mapping[str, str],
    port: int = 8000,
    *,
    host: str = "127.0.0.1",
    limits: Limits = Limits(),
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serves users their own models on a loopback address until interrupted.

    Args:
        users: Each user's model, with the user's session.
        keys: Each user's bearer token.
        port: A free port; 0 picks one.
        host: A loopback address: 127.0.0.1, ::1 or localhost.
        limits: Bounds on the size, the rate and the time of requests.
        on_ready: Called with the base URL once requests are answered.

    Raises:
        ConfigurationError: The host is no loopback address, the port is taken, or a key is missing.
        ModelError: A local model can't be loaded.
    """
    listener = bind_loopback(host, port)
    try:
        for model in users.values():
            if isinstance(model.local, ChatLocalLlama):
                model.local.engine.load()
        serve_on(create_personal_app(users, keys, limits=limits), listener, on_ready, limits=limits)
    finally:
        listener.close()
