"""llama.cpp's own server, `llama-server`, through its native routes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from langchain_cogenesis.models.endpoints.base import RemoteNextTokenModel, ServerFacts
from langchain_cogenesis.models.endpoints.client import RequestRefusedError
from langchain_cogenesis.models.endpoints.rows import id_list, only
from langchain_cogenesis.models.endpoints.texts import (
    GREETINGS,
    TEMPLATE_ARGUMENTS,
    TEMPLATE_NAMES,
    probe_chats,
)
from langchain_cogenesis.models.logprobs import TopLogprobs


class LlamaServerModel(RemoteNextTokenModel):
    """A model behind `llama-server`.

    It scores no prompt (`echo` is ignored), but takes a list of them, one for each position.
    """

    kind: ClassVar[str] = "llama-server"
    _bos: tuple[int, ...] = ()

    def learn(self) -> ServerFacts:
        """Asks how control tokens are spelled, whether texts begin with one, and for sizes."""
        greeting = self.harmless(GREETINGS)
        for messages in probe_chats(greeting):
            try:
                skeleton = self._render(messages, constants=(greeting,))
                break
            except RequestRefusedError:
                continue
        else:
            skeleton = ""
        control = self._tokenize(skeleton, special=True) if skeleton else []
        # A token that some models want at the end of a text may follow.
        self._bos = tuple(self._tokenize("", special=True)[:1])
        for token in self.speller.unknown([*control, *self._bos, *self.eog_ids]):
            body = {"tokens": [token]}
            stand_in = self.speller.stand_in(token)
            answer = self._post("detokenize", body, constants=(stand_in,))
            self.speller.control[token] = only(answer, "content", str, self.client.unusable)
        meta = self.card.get("meta") or {}
        return ServerFacts(self._told_n_ctx(meta), meta.get("n_vocab"))

    def _told_n_ctx(self, meta: Mapping[str, Any]) -> int | None:
        told = self.client.get(f"{self.client.root}/props")
        # Of a context that several slots share, the settings tell one slot's part.
        settings = told.get("default_generation_settings") if isinstance(told, dict) else None
        n_ctx = settings.get("n_ctx") if isinstance(settings, dict) else None
        n_ctx = n_ctx or meta.get("n_ctx") or meta.get("n_ctx_train")
        return n_ctx if isinstance(n_ctx, int) else None

    def prompt_ids(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """Renders a chat by the model's own template, with the assistant's turn opened.

        The rendered text isn't sent back to be tokenised: its tokens are the local model's. Control
        tokens that a content spells are plain text.

        Args:
            messages: `{"role": "system" | "user" | "assistant", "content": text}`, cleared.
        """
        text = self._render(messages)
        ids = self._parse(text, [message["content"] for message in messages])
        wanted = list(self._bos)
        return ids if ids[: len(wanted)] == wanted else wanted + ids

    def _parse(self, text: str, contents: Sequence[str]) -> list[int]:
        spans, reached = [], 0
        for content in filter(None, map(str.strip, contents)):
            start = text.find(content, reached)
            if start >= 0:
                reached = start + len(content)
                spans.append((start, reached))
        by_text = {spelled: token for token, spelled in self.speller.control.items() if spelled}
        names = sorted(by_text, key=len, reverse=True)
        ids: list[int] = []
        reached = 0
        for match in re.finditer("|".join(map(re.escape, names)) or r"(?!)", text):
            if any(start < match.end() and match.start() < end for start, end in spans):
                continue
            ids += [*self._plain(text[reached : match.start()]), by_text[match[0]]]
            reached = match.end()
        return ids + self._plain(text[reached:])

    def _plain(self, text: str) -> list[int]:
        return self.vocabulary.tokenize(text) if text else []

    def _render(
        self, messages: Sequence[Mapping[str, str]], constants: tuple[str, ...] = ()
    ) -> str:
        body = {"messages": [dict(message) for message in messages], **TEMPLATE_ARGUMENTS}
        answer = self._post("apply-template", body, constants=(*TEMPLATE_NAMES, *constants))
        return str(only(answer, "prompt", str, self.client.unusable))

    def _tokenize(self, text: str, *, special: bool = False) -> list[int]:
        body = {"content": text, "add_special": special, "parse_special": special}
        answer = self._post("tokenize", body, constants=(text, "parse_special"))
        return id_list(answer, "tokens", self.client.unusable)

    def _rows(self, ids: list[int], first: int) -> list[TopLogprobs]:
        prompts = [ids[:end] for end in range(first, len(ids) + 1)]
        answers = self._complete(prompts, 1)
        return [row for found in answers for row in self._read(found)[1][:1]]

    def _continue(self, ids: list[int], count: int) -> tuple[list[int], list[TopLogprobs]]:
        (answer,) = self._complete([ids], count)
        return self._read(answer)

    def _complete(self, prompts: list[list[int]], count: int) -> list[Any]:
        body = {
            "model": self.name,
            "prompt": prompts if len(prompts) > 1 else prompts[0],
            "n_predict": count,
            "n_probs": self.top_k,
            "temperature": 0,
            "cache_prompt": True,
        }
        answer = self._post("completion", body)
        answers = answer if isinstance(answer, list) else [answer]
        if len(answers) != len(prompts):
            raise self.client.unusable(f"{len(answers)} answers for {len(prompts)} prompts")
        order = [only(found, "index", int, self.client.unusable) for found in answers]
        if sorted(order) != list(range(len(prompts))):
            raise self.client.unusable("answers that are numbered otherwise")
        return [found for _, found in sorted(zip(order, answers, strict=True), key=lambda p: p[0])]

    def _read(self, answer: Any) -> tuple[list[int], list[TopLogprobs]]:
        unusable = self.client.unusable
        ids, rows = [], []
        for entry in only(answer, "completion_probabilities", list, unusable):
            ids.append(only(entry, "id", int, unusable))
            pairs = [
                (only(other, "id", int, unusable), other.get("logprob"))
                for other in only(entry, "top_logprobs", list, unusable)
            ]
            rows.append(self._row_of(pairs))
        return ids, rows

    def _post(self, route: str, body: Mapping[str, Any], constants: tuple[str, ...] = ()) -> Any:
        return self.client.post(f"{self.client.root}/{route}", body, constants=constants)
