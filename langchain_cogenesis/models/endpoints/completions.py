"""Any server with OpenAI's `/v1/completions` that gives log-probabilities of tokens as strings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.models.chat_template import ChatTemplate
from langchain_cogenesis.models.endpoints.base import RemoteNextTokenModel, ServerFacts
from langchain_cogenesis.models.endpoints.rows import choices_of, is_number, only, top_row
from langchain_cogenesis.models.logprobs import TopLogprobs

Render = Callable[[Sequence[Mapping[str, str]]], str]
"""Renders a chat as text, with the assistant's turn opened."""

_BYTES = "bytes:"
_HEX = re.compile(r"\\x([0-9a-fA-F]{2})")
_REPLACEMENT = "\ufffd"


class CompletionsModel(RemoteNextTokenModel):
    """A model behind a generic completions endpoint, which gets text and tokenises it itself.

    Ids are those of the local model; the server's tokens are found among them by their bytes. What
    can't be found counts as `TopLogprobs.unmapped`. Text that ends within a character can't be
    sent.
    """

    kind: ClassVar[str] = "completions"
    takes_ids: ClassVar[bool] = False
    render: Render | None = None

    def learn(self) -> ServerFacts:
        """Nothing but the length can be known without a prompt, and that is seldom told."""
        lengths = (self.card.get(key) for key in ("max_model_len", "context_length"))
        n_ctx = next((length for length in lengths if isinstance(length, int)), None)
        # Whether the tokens are the local model's shows at the probe, by what can't be mapped.
        return ServerFacts(n_ctx)

    def prompt_ids(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """Renders a chat by the template that the caller gave.

        Args:
            messages: `{"role": "system" | "user" | "assistant", "content": text}`.

        Returns:
            Ids whose bytes are the rendered text; the server recognises control tokens in it.

        Raises:
            ConfigurationError: The caller gave no template.
        """
        if self.render is None:
            raise ConfigurationError(
                f"{self.client.source} doesn't tell its chat template.",
                hint="Give connect() the model's chat_template (Jinja), or a render callable.",
            )
        return self.vocabulary.tokenize(self.render(messages))

    def _rows(self, ids: list[int], first: int) -> list[TopLogprobs]:
        prompts = [self._sent(ids[:end]) for end in range(first, len(ids) + 1)]
        return [row for choice in self._complete(prompts, 1) for row in self._read(choice)[1][:1]]

    def _continue(self, ids: list[int], count: int) -> tuple[list[int], list[TopLogprobs]]:
        (choice,) = self._complete([self._sent(ids)], count)
        found, rows = self._read(choice)
        # From a token on whose id can't be told, nothing can be continued.
        mapped = next((at for at, token in enumerate(found) if token is None), len(found))
        return [token for token in found[:mapped] if token is not None], rows[: max(1, mapped)]

    def _sent(self, ids: Sequence[int]) -> str:
        if self.speller.unknown(ids):
            raise ConfigurationError(
                f"A sequence for {self.name} holds a control token that can't be spelled.",
                hint="Take prompts from prompt_ids(), or give connect() the control_tokens.",
            )
        text = self.prompt_text(ids)
        if text.endswith(_REPLACEMENT) and not self.vocabulary.text(ids).endswith(
            _REPLACEMENT.encode()
        ):
            raise ConfigurationError(
                f"{self.client.source} takes text only, and a sequence ends within a character.",
                hint="Decide such a position locally, or use an endpoint that takes token ids.",
            )
        return text

    def _complete(self, prompts: list[str], count: int) -> list[Any]:
        body = {
            "model": self.name,
            "prompt": prompts if len(prompts) > 1 else prompts[0],
            "max_tokens": count,
            "temperature": 0,
            "logprobs": self.top_k,
        }
        answer = self.client.post(f"{self.client.base_url}/completions", body)
        return choices_of(answer, len(prompts), self.client.unusable)

    def _read(self, choice: Any) -> tuple[list[int | None], list[TopLogprobs]]:
        """Ids of the tokens of an answer, None for what can't be told, and their rows."""
        unusable = self.client.unusable
        logprobs = only(choice, "logprobs", dict, unusable)
        if isinstance(logprobs.get("content"), list):
            entries = [entry for entry in logprobs["content"] if isinstance(entry, Mapping)]
            tokens = [self._id_of(entry) for entry in entries]
            tops = [only(entry, "top_logprobs", list, unusable) for entry in entries]
        else:
            texts = only(logprobs, "tokens", list, unusable)
            tokens = [self._id_of({"token": text}) for text in texts]
            tops = [
                [{"token": text, "logprob": value} for text, value in top.items()]
                if isinstance(top, Mapping)
                else []
                for top in only(logprobs, "top_logprobs", list, unusable)
            ]
        return tokens, [self._row(top) for top in tops]

    def _row(self, entries: Iterable[Any]) -> TopLogprobs:
        unusable = self.client.unusable
        # Servers add the token that was in fact there, whatever its rank.
        listed = [(entry, only(entry, "logprob", float | int, unusable)) for entry in entries]
        found: dict[int, float] = {}
        lost: list[tuple[int, float]] = []
        for entry, value in sorted(listed, key=lambda pair: -pair[1])[: self.top_k]:
            token = self._id_of(entry)
            if token is None or token in found:
                # Of two tokens with the same bytes, the ids don't tell which is which.
                lost.append((len(lost), value))
            else:
                found[token] = value
        size = self.vocabulary.size
        unmapped = 0.0
        if lost:
            # What can't be mapped must be a probability all the same.
            row = top_row(lost, max(size, len(lost)), len(lost), unusable)
            unmapped = 1.0 - row.checked(self.client.source).tail
        return top_row(found.items(), size, self.top_k, unusable, unmapped=unmapped)

    def _id_of(self, entry: Mapping[str, Any]) -> int | None:
        piece, token = self._bytes_of(entry), entry.get("id")
        vocabulary = self.vocabulary
        if isinstance(token, int) and 0 <= token < vocabulary.size and piece:
            # Several tokens may have the same bytes; an id that fits them tells which it is.
            if vocabulary.piece(token) == piece:
                return token
        elif not piece:
            return None
        by_text = {text: token for token, text in self.speller.control.items()}
        spelled = by_text.get(piece.decode("utf-8", "replace"))
        return vocabulary.by_piece.get(piece) if spelled is None else spelled

    @staticmethod
    def _bytes_of(entry: Mapping[str, Any]) -> bytes:
        told, text = entry.get("bytes"), entry.get("token")
        if isinstance(told, list) and told:
            if all(is_number(byte) and byte in range(256) for byte in told):
                return bytes(int(byte) for byte in told)
            return b""
        if not isinstance(text, str) or _REPLACEMENT in text:
            return b""  # part of a character, whose bytes are lost
        if text.startswith(_BYTES):
            return bytes.fromhex("".join(_HEX.findall(text)))
        return text.encode("utf-8", "replace")


def template_renderer(chat_template: str) -> Render:
    """Renders chats by a Jinja template.

    Args:
        chat_template: The template, as in a model's `tokenizer_config.json`.
    """
    template = ChatTemplate(chat_template)

    def render(messages: Sequence[Mapping[str, str]]) -> str:
        return "".join(segment.text for segment in template.segments(messages))

    return render
