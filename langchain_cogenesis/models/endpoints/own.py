"""The package's own endpoint (`cogenesis serve`, `serve_in_child`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from langchain_cogenesis.models.endpoints.base import RemoteNextTokenModel, ServerFacts
from langchain_cogenesis.models.endpoints.client import RequestRefusedError
from langchain_cogenesis.models.endpoints.rows import (
    by_ids,
    choices_of,
    id_list,
    only,
    read_id,
)
from langchain_cogenesis.models.endpoints.texts import GREETINGS, probe_chats
from langchain_cogenesis.models.logprobs import TopLogprobs


class OwnEndpointModel(RemoteNextTokenModel):
    """A model behind `langchain_cogenesis.server`."""

    kind: ClassVar[str] = "own"
    echoes: ClassVar[bool] = True

    def learn(self) -> ServerFacts:
        """Asks for the template's control tokens; the rest is on the model's card."""
        greeting = self.harmless(GREETINGS)
        for messages in probe_chats(greeting):
            try:
                self._apply_template(messages, constants=(greeting,))
                break
            except RequestRefusedError:
                continue
        meta = only(self.card, "meta", dict, self.client.unusable)
        unusable = self.client.unusable
        return ServerFacts(
            n_ctx=only(meta, "n_ctx", int, unusable),
            n_vocab=only(meta, "n_vocab", int, unusable),
            digest=only(meta, "vocab_digest", str, unusable),
        )

    def prompt_ids(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """Renders a chat by the model's own template, with the assistant's turn opened.

        Args:
            messages: `{"role": "system" | "user" | "assistant", "content": text}`, cleared.
        """
        return self._apply_template(messages)

    def _apply_template(
        self, messages: Sequence[Mapping[str, str]], constants: tuple[str, ...] = ()
    ) -> list[int]:
        body = {"messages": [dict(message) for message in messages]}
        answer = self.client.post(f"{self.client.root}/apply-template", body, constants=constants)
        unusable = self.client.unusable
        ids = id_list(answer, "ids", unusable)
        for token, text in only(answer, "control", dict, unusable).items():
            if not token.isdecimal() or not isinstance(text, str):
                raise unusable("no control tokens")
            self.speller.control[int(token)] = text
        return ids

    def _tokenize(self, text: str) -> list[int]:
        answer = self.client.post(
            f"{self.client.root}/tokenize", {"content": text}, constants=(text,)
        )
        return id_list(answer, "tokens", self.client.unusable)

    def _rows(self, ids: list[int], first: int) -> list[TopLogprobs]:
        tokens, rows = self._complete(ids, 1, echo_from=first)
        if tokens[: len(ids)] != ids:
            raise self.client.unusable("a prompt that isn't echoed")
        return rows[first : len(ids) + 1]

    def _continue(self, ids: list[int], count: int) -> tuple[list[int], list[TopLogprobs]]:
        found, rows = self._complete(ids, count)
        # The text was kept from ending: where it would have, the row says so.
        for at, row in enumerate(rows):
            best = int(row.ids[0]) if len(row.ids) else -1
            if best in self.eog_ids:
                return [*found[:at], best], rows[: at + 1]
        return found, rows

    def _complete(
        self, ids: list[int], count: int, *, echo_from: int | None = None
    ) -> tuple[list[int], list[TopLogprobs]]:
        bias, names = self._bias_against_end()
        body: dict[str, Any] = {
            "model": self.name,
            "prompt": ids,
            "max_tokens": count,
            "temperature": 0,
            "logprobs": self.top_k,
            "echo": echo_from is not None,
            "echo_from": echo_from or 0,
            "logit_bias": bias,
            "return_tokens_as_token_ids": True,
        }
        answer = self.client.post(
            f"{self.client.base_url}/completions",
            body,
            constants=("return_tokens_as_token_ids", *names),
        )
        unusable = self.client.unusable
        logprobs = only(choices_of(answer, 1, unusable)[0], "logprobs", dict, unusable)
        tokens = [read_id(token, unusable) for token in only(logprobs, "tokens", list, unusable)]
        tops = only(logprobs, "top_logprobs", list, unusable)
        # The server says null for what it wasn't asked to score.
        rows = [self._row(top, unscored=at < (echo_from or 0)) for at, top in enumerate(tops)]
        if len(rows) != len(tokens):
            raise unusable(f"{len(rows)} rows for {len(tokens)} tokens")
        return tokens, rows

    def _row(self, top: Any, *, unscored: bool) -> TopLogprobs:
        unusable = self.client.unusable
        pairs = [] if unscored and top is None else by_ids(top, unusable)
        return self._row_of(pairs)
