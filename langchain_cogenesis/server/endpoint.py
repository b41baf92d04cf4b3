"""Any GGUF as an OpenAI-compatible endpoint on loopback.

No request is logged, and no error repeats a prompt. Requests are served one at a time, first come
first served; work for a client that has left is dropped.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from starlette.responses import Response

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.server.generation import Task, check_length
from langchain_cogenesis.server.guard import Guard
from langchain_cogenesis.server.limits import Limits
from langchain_cogenesis.server.listen import bind_loopback, serve_on
from langchain_cogenesis.server.protocol import Envelope, stream_answer, to_json, whole_answer
from langchain_cogenesis.server.responses import add_error_handlers, send_job
from langchain_cogenesis.server.schema import (
    ChatBody,
    CompletionBody,
    DetokenizeBody,
    GenerationBody,
    TokenizeBody,
    check_ids,
)
from langchain_cogenesis.server.service import Service, TemplateBody

if TYPE_CHECKING:
    from langchain_cogenesis.models.llamacpp import LlamaCppEngine


async def _answer(
    request: Request, service: Service, body: GenerationBody, tasks: list[Task], envelope: Envelope
) -> Response:
    logprobs = tasks[0].top_logprobs is not None
    for task in tasks:
        check_length(service.engine, task)

    def make(cancelled: Callable[[], bool]) -> Iterator[bytes]:
        events = service.events(tasks, cancelled)
        if body.stream:
            yield from stream_answer(
                envelope, events, logprobs=logprobs, include_usage=body.include_usage
            )
        else:
            yield to_json(whole_answer(envelope, events, logprobs=logprobs))

    return await send_job(request, service.worker, make, stream=bool(body.stream))


def create_app(
    engine: LlamaCppEngine,
    *,
    api_key: str | None,
    model_name: str | None = None,
    limits: Limits = Limits(),
) -> FastAPI:
    """Creates an OpenAI-compatible application over a model.

    Serves `/v1/models`, `/v1/chat/completions`, `/v1/completions`, `/tokenize`, `/detokenize`,
    `/apply-template` and `/health`, which alone asks for no key and tells how many requests are
    running or waiting.

    Args:
        engine: The model; loaded by the first request if it isn't yet.
        api_key: Bearer token to ask for; None, which has to be said, asks for none.
        model_name: The name to serve under; the engine's by default.
        limits: Bounds on the size, the rate and the time of requests.
    """
    service = Service(engine, model_name or engine.name, limits.jobs)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        service.worker.close()

    # No pages of documentation: they load scripts from elsewhere.
    app = FastAPI(title="CoGenesis endpoint", lifespan=lifespan, docs_url=None, redoc_url=None)
    add_error_handlers(app)
    _add_model_routes(app, service)
    _add_generation_routes(app, service)
    app.add_middleware(Guard, api_key=api_key, limits=limits)
    return app


def _add_generation_routes(app: FastAPI, service: Service) -> None:
    @app.post("/v1/chat/completions")
    async def chat(body: ChatBody, request: Request) -> Response:
        service.check_model(body.model)
        envelope = _envelope(service, body, "chat.completion")
        return await _answer(request, service, body, [service.chat_task(body)], envelope)

    @app.post("/v1/completions")
    async def complete(body: CompletionBody, request: Request) -> Response:
        service.check_model(body.model)
        envelope = _envelope(service, body, "text_completion")
        tasks = service.completion_tasks(body)
        return await _answer(request, service, body, tasks, envelope)


def _envelope(service: Service, body: GenerationBody, kind: str) -> Envelope:
    as_ids = bool(body.return_tokens_as_token_ids)
    return Envelope(service.engine, kind=kind, model=service.model_name, as_ids=as_ids)


def _add_model_routes(app: FastAPI, service: Service) -> None:
    engine = service.engine

    @app.get("/health")
    async def health() -> dict[str, Any]:
        return {"status": "ok", "jobs": service.worker.jobs}

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [service.model_card()]}

    @app.get("/v1/models/{name:path}")
    async def model(name: str) -> dict[str, Any]:
        service.check_model(name)
        return service.model_card()

    @app.post("/tokenize")
    async def tokenize(body: TokenizeBody) -> dict[str, Any]:
        ids = service.tokenize(
            body.content, add_special=body.add_special, special=body.parse_special
        )
        if not body.with_pieces:
            return {"tokens": ids}
        return {"tokens": [{"id": i, "piece": _piece(engine.token_bytes(i))} for i in ids]}

    @app.post("/apply-template")
    async def apply_template(body: TemplateBody) -> dict[str, Any]:
        return service.apply_template(body)

    @app.post("/detokenize")
    async def detokenize(body: DetokenizeBody) -> dict[str, str]:
        if body.tokens:
            check_ids(body.tokens, engine.n_vocab, where="tokens")
        return {"content": engine.detokenize(body.tokens).decode("utf-8", "replace")}


def _piece(piece: bytes) -> str | list[int]:
    # Part of a character is no text: its bytes are told instead.
    with suppress(UnicodeDecodeError):
        return piece.decode()
    return list(piece)


def run(
    engine: LlamaCppEngine,
    host: str = "127.0.0.1",
    port: int = 8000,
    *,
    api_key: str | None,
    model_name: str | None = None,
    limits: Limits = Limits(),
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serves a model on a loopback address until interrupted.

    Args:
        engine: The model; it is loaded before a request is answered.
        host: A loopback address: 127.0.0.1, ::1 or localhost.
        port: A free port; 0 picks one.
        api_key: Bearer token to ask for; None, which has to be said, asks for none.
        model_name: The name to serve under; the engine's by default.
        limits: Bounds on the size, the rate and the time of requests.
        on_ready: Called with the base URL once the endpoint answers.

    Raises:
        ConfigurationError: The host is no loopback address, or the port is taken.
        ModelError: The model can't be loaded.
    """
    if api_key is not None and not api_key:
        raise ConfigurationError("The API key is empty.", hint="Leave it out, or give one.")
    listener = bind_loopback(host, port)
    try:
        engine.load()
        app = create_app(engine, api_key=api_key, model_name=model_name, limits=limits)
        serve_on(app, listener, on_ready, limits=limits)
    finally:
        listener.close()
