"""Examples of the task as what a learned fusion is fitted on: seen as in logit mode."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from langchain_cogenesis.data.task.example import TaskExample
from langchain_cogenesis.evaluation.comparison.masks import teach
from langchain_cogenesis.evaluation.retrieval import retrieve_documents
from langchain_cogenesis.fusion.prefix import MaskedPrefix, push_all
from langchain_cogenesis.fusion.recordings import Triple
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.local_next import LocalNextTokenModel
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.prefix import PrefixMask
from langchain_cogenesis.privacy.restore import Conversation
from langchain_cogenesis.prompts import chat_of, private_messages, public_messages, role_pairs

_ENDPOINT = "https://remote.example/v1"
_ITEMS, _ROOM = 12, 256


class FitExamples:
    """Triples for recordings, and what the helper reads of each reference.

    The local model reads instruction and retrieved context; the helper reads what the gate of the
    example's user lets out, placeholders and all, of instruction and reference.

    Args:
        engine: The local model.
        examples: The examples.
    """

    def __init__(self, engine: LlamaCppEngine, examples: Sequence[TaskExample]) -> None:
        self._engine = engine
        self._vocabulary = LocalNextTokenModel(engine).vocabulary
        self._examples = examples
        # Recording asks for the view of an example right after its prompts.
        self._cleared = lru_cache(maxsize=1)(self._clear)

    def __len__(self) -> int:
        """How many examples there are."""
        return len(self._examples)

    def __iter__(self) -> Iterator[Triple]:
        """Yields private messages, public messages and reference of each."""
        for number, example in enumerate(self._examples):
            documents = retrieve_documents(self._engine, example, k=_ITEMS, max_tokens=_ROOM)
            private = role_pairs(private_messages(example.instruction, documents))
            public = role_pairs(public_messages(self._cleared(number)[0]))
            yield chat_of(private), chat_of(public), example.reference

    def view(self, number: int, tokens: Sequence[int]) -> tuple[list[int], dict[int, int]]:
        """What the helper reads in the place of a reference.

        Args:
            number: The example's.
            tokens: Of its reference.

        Returns:
            The ids, and by position in the reference, where the helper may be asked, the position
            among them.
        """
        _, gate, conversation = self._cleared(number)
        mask = PrefixMask(gate.find, conversation.mask, gate.lexicon, gate.grows)
        prefix = MaskedPrefix(self._vocabulary, mask)
        places = push_all(prefix, tokens)
        # Where a private span began the helper reads its placeholder, and has no say in the value.
        ids = prefix.ids
        return ids, {i: at for i, at in places.items() if ids[at : at + 1] == [tokens[i]]}

    def _clear(self, number: int) -> tuple[str, EgressGate, Conversation]:
        example, gate, conversation = self._examples[number], EgressGate(), Conversation()
        teach(gate, example.context)
        found = gate.require(example.instruction, endpoint=_ENDPOINT, conversation=conversation)
        return found.text, gate, conversation
