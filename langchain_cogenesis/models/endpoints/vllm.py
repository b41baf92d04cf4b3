"""vLLM's OpenAI-compatible server.

Shapes: in its source, `vllm/entrypoints/openai/completion/serving.py` and
`vllm/entrypoints/serve/tokenize/protocol.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
from langchain_cogenesis.models.endpoints.texts import TEMPLATE_ARGUMENTS, TEMPLATE_NAMES
from langchain_cogenesis.models.logprobs import TopLogprobs

_AS_IDS = "return_tokens_as_token_ids"


class VllmModel(RemoteNextTokenModel):
    """A model behind vLLM, which scores prompts and gives at most `--max-logprobs` tokens a row."""

    kind: ClassVar[str] = "vllm"
    echoes: ClassVar[bool] = True

    def learn(self) -> ServerFacts:
        """Asks how the tokens that end a text are spelled; the length is on the model's card."""
        self._learn_spelling(self.eog_ids)
        n_ctx = self.card.get("max_model_len")
        return ServerFacts(n_ctx if isinstance(n_ctx, int) else None)

    def prompt_ids(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """Renders a chat by the model's own template, with the assistant's turn opened.

        Args:
            messages: `{"role": "system" | "user" | "assistant", "content": text}`, cleared.
        """
        body = {
            "model": self.name,
            "messages": [dict(message) for message in messages],
            "add_generation_prompt": True,
            **TEMPLATE_ARGUMENTS,
        }
        answer = self.client.post(f"{self.client.root}/tokenize", body, constants=TEMPLATE_NAMES)
        ids = id_list(answer, "tokens", self.client.unusable)
        self._learn_spelling(ids)
        return ids

    def _learn_spelling(self, ids: Iterable[int]) -> None:
        for token in self.speller.unknown(ids):
            try:
                answer = self.client.post(
                    f"{self.client.root}/detokenize",
                    {"model": self.name, "tokens": [token]},
                    constants=(self.speller.stand_in(token),),
                )
            except RequestRefusedError:
                continue  # it keeps its stand-in
            self.speller.control[token] = only(answer, "prompt", str, self.client.unusable)

    def _tokenize(self, text: str) -> list[int]:
        body = {"model": self.name, "prompt": text, "add_special_tokens": False}
        answer = self.client.post(
            f"{self.client.root}/tokenize", body, constants=(text, "add_special_tokens")
        )
        return id_list(answer, "tokens", self.client.unusable)

    def _rows(self, ids: list[int], first: int) -> list[TopLogprobs]:
        choice = self._complete(ids, 1, prompt_logprobs=self.top_k)
        tops = only(choice, "prompt_logprobs", list, self.client.unusable)
        if len(tops) != len(ids):
            raise self.client.unusable(f"{len(tops)} rows for a prompt of {len(ids)} tokens")
        after = self._read(choice)[1][:1]
        return [*map(self._prompt_row, tops[first:]), *after]

    def _prompt_row(self, top: Any) -> TopLogprobs:
        """A row of `{"17": {"logprob": …, "rank": …, "decoded_token": …}, …}`."""
        unusable = self.client.unusable
        if not isinstance(top, Mapping):
            raise unusable("no log-probabilities for a position")
        pairs = []
        for token, entry in top.items():
            if not token.isdecimal():
                raise unusable("tokens without ids")
            rank = entry.get("rank") if isinstance(entry, Mapping) else None
            # The token that was in fact there comes too, whatever its rank.
            if isinstance(rank, int) and rank > self.top_k:
                continue
            pairs.append((int(token), only(entry, "logprob", float | int, unusable)))
        return self._row_of(pairs)

    def _continue(self, ids: list[int], count: int) -> tuple[list[int], list[TopLogprobs]]:
        return self._read(self._complete(ids, count))

    def _complete(self, ids: list[int], count: int, **more: Any) -> Any:
        body = {
            "model": self.name,
            "prompt": ids,
            "max_tokens": count,
            "temperature": 0,
            "logprobs": self.top_k,
            _AS_IDS: True,
            **more,
        }
        answer = self.client.post(f"{self.client.base_url}/completions", body, constants=(_AS_IDS,))
        return choices_of(answer, 1, self.client.unusable)[0]

    def _read(self, choice: Any) -> tuple[list[int], list[TopLogprobs]]:
        unusable = self.client.unusable
        logprobs = only(choice, "logprobs", dict, unusable)
        ids = [read_id(token, unusable) for token in only(logprobs, "tokens", list, unusable)]
        tops = only(logprobs, "top_logprobs", list, unusable)
        return ids, [self._row_of(by_ids(top, unusable)) for top in tops]
