"""What the endpoint asks of its model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from pydantic import Field
from starlette.exceptions import HTTPException

from langchain_cogenesis.server.generation import Finished, Piece, Task, run_task
from langchain_cogenesis.server.jobs import Worker
from langchain_cogenesis.server.schema import (
    Body,
    ChatBody,
    CompletionBody,
    Message,
    check_ids,
    read_prompts,
)

if TYPE_CHECKING:
    from langchain_cogenesis.models.llamacpp import LlamaCppEngine

_DEFAULT_COMPLETION_TOKENS = 16  # as in the hosted completions API


class TemplateBody(Body):
    """Body of `POST /apply-template`."""

    messages: list[Message] = Field(min_length=1)


class Service:
    """The model behind an application, its queue and its name.

    Args:
        engine: The model.
        model_name: The name it is served under.
        max_jobs: How many requests may be running or waiting.
    """

    def __init__(self, engine: LlamaCppEngine, model_name: str, max_jobs: int) -> None:
        self.engine = engine
        self.model_name = model_name
        self.worker = Worker(max_jobs=max_jobs)

    def model_card(self) -> dict[str, Any]:
        """Returns the entry of this model in the list of models."""
        meta = {
            "n_ctx": self.engine.n_ctx,
            "n_vocab": self.engine.n_vocab,
            "vocab_digest": self.engine.vocabulary.digest,
        }
        return {
            "id": self.model_name,
            "object": "model",
            "created": 0,
            "owned_by": "local",
            "meta": meta,
        }

    def check_model(self, name: str | None) -> None:
        """Refuses requests that are meant for another model."""
        if name is not None and name != self.model_name:
            raise HTTPException(404, f"This endpoint serves the model '{self.model_name}' only.")

    def chat_task(self, body: ChatBody) -> Task:
        """Returns what a chat request asks for."""
        messages = [message.as_dict() for message in body.messages]
        return Task(
            prompt=self.engine.apply_template(messages),
            sampling=body.sampling(self.engine.n_vocab),
            max_tokens=body.limit,
            stop=body.stop_strings,
            top_logprobs=(body.top_logprobs or 0) if body.logprobs else None,
        )

    def completion_tasks(self, body: CompletionBody) -> list[Task]:
        """Returns what a completion request asks for, one task per prompt."""
        limit = _DEFAULT_COMPLETION_TOKENS if body.max_tokens is None else body.max_tokens
        tasks = []
        for number, prompt in enumerate(read_prompts(body.prompt)):
            ids = self.tokenize(prompt) if isinstance(prompt, str) else prompt
            check_ids(ids, self.engine.n_vocab, where=f"Prompt {number}")
            task = Task(
                prompt=ids,
                sampling=body.sampling(self.engine.n_vocab),
                max_tokens=limit,
                stop=body.stop_strings,
                top_logprobs=body.logprobs,
                echo=bool(body.echo),
                echo_from=body.echo_from or 0,
            )
            tasks.append(task)
        return tasks

    def tokenize(self, text: str, *, add_special: bool = True, special: bool = False) -> list[int]:
        """Returns a text's ids, with the beginning-of-text token if the model wants one."""
        ids = self.engine.tokenize(text, special=special)
        return self.bos_ids() + ids if add_special else ids

    def apply_template(self, body: TemplateBody) -> dict[str, Any]:
        """Returns a rendered chat: its ids, how they are spelled, and its control tokens."""
        ids = self.engine.apply_template([message.as_dict() for message in body.messages])
        # Only the vocabulary's own table spells control tokens: as bytes of a text they are none.
        decoder = self.engine._loaded()
        control = {i: decoder.token_text(i) for i in ids if not self.engine.token_bytes(i)}
        pieces = (control[i].encode() if i in control else self.engine.token_bytes(i) for i in ids)
        return {
            "prompt": b"".join(pieces).decode("utf-8", "replace"),
            "ids": ids,
            "control": {str(token): text for token, text in control.items()},
        }

    def bos_ids(self) -> list[int]:
        """Returns the ids that the model wants before any text: none or one."""
        return list(self.engine.bos_ids)

    def events(
        self, tasks: list[Task], cancelled: Callable[[], bool]
    ) -> Iterator[tuple[int, Piece | Finished]]:
        """Does tasks one after the other; called in the worker thread."""
        for index, task in enumerate(tasks):
            for event in run_task(self.engine, task, cancelled):
                yield index, event
            if cancelled():
                return
