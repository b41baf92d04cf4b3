"""Sends what a worker's job makes: whole answers, and streams of events."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from langchain_cogenesis.exceptions import CoGenesisError
from langchain_cogenesis.server.errors import (
    describe,
    describe_invalid,
    error_body,
    server_sent_error,
)
from langchain_cogenesis.server.jobs import Job, Worker

_logger = logging.getLogger(__name__)


class _EventStream(Response):
    """Sends a job's items as server-sent events, and cancels the job when the client leaves."""

    media_type = "text/event-stream"

    def __init__(self, first: bytes, items: AsyncIterator[bytes], job: Job[bytes]) -> None:
        super().__init__(headers={"cache-control": "no-store"})
        del self.headers["content-length"]
        self._first = first
        self._items = items
        self._job = job

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Sends the response."""
        watch = asyncio.create_task(self._job.cancel_when_gone(receive))
        try:
            head = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
            await send(head)
            await self._send_part(send, self._first)
            try:
                async for item in self._items:
                    await self._send_part(send, item)
            except Exception as error:  # noqa: BLE001 - the status is sent: the stream must tell
                _logger.error("A stream failed with %s.", type(error).__name__)
                await self._send_part(send, server_sent_error(error))
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._job.cancel()
            watch.cancel()

    @staticmethod
    async def _send_part(send: Any, part: bytes) -> None:
        await send({"type": "http.response.body", "body": part, "more_body": True})


async def send_job(
    request: Request,
    worker: Worker,
    make: Callable[[Callable[[], bool]], Iterator[bytes]],
    *,
    stream: bool,
) -> Response:
    """Has a worker make an answer, and sends it; work for a client that has left is dropped.

    Args:
        request: The request, for news of its client.
        worker: Whose queue the job joins.
        make: Called in the worker's thread with a function that tells whether the client has left;
            yields the whole answer as one item, or the events of a stream.
        stream: Whether the items are server-sent events.

    Raises:
        QueueFullError: Too many jobs are waiting.
    """
    job = worker.submit(make)
    watch = asyncio.create_task(job.cancel_when_gone(request.receive))
    items = aiter(job)
    try:
        # Errors that come before the first item still get a status of their own.
        first = await anext(items, None)
    except BaseException:
        job.cancel()
        raise
    finally:
        watch.cancel()
    if first is None:
        return Response(status_code=499)  # the client has left
    if stream:
        return _EventStream(first, items, job)
    return Response(first, media_type="application/json")


def add_error_handlers(app: FastAPI) -> None:
    """Has an application answer errors in OpenAI's shape, without what the client sent."""

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        return JSONResponse(describe_invalid(error.errors()), status_code=400)

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> Response:
        body = error_body(str(error.detail), status=error.status_code)
        return JSONResponse(body, status_code=error.status_code, headers=error.headers)

    @app.exception_handler(CoGenesisError)
    async def failed(_: Request, error: CoGenesisError) -> Response:
        status, body = describe(error)
        headers = {"retry-after": "1"} if status == 503 else None
        return JSONResponse(body, status_code=status, headers=headers)
