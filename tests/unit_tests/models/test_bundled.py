"""The house models that ship with the package."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from house_reference import (
    numpy_logprobs,
    read_numbers,
    read_tokenizer,
    read_weights,
)

from langchain_cogenesis.data.free_english import load_free_english
from langchain_cogenesis.data.persona import DEMO_FACTS, DEMO_INSTRUCTION, persona_files
from langchain_cogenesis.evaluation.house import held_out_example
from langchain_cogenesis.evaluation.likelihood import chat_ids
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.sampling import SamplingParams
from langchain_cogenesis.privacy.placeholders import house_placeholders
from langchain_cogenesis.prompts import private_messages, public_messages

_ROLES = {"system": "system", "human": "user"}


@pytest.fixture(scope="module")
def small(house_small: Path) -> Iterator[LlamaCppEngine]:
    """The small house model."""
    engine = LlamaCppEngine(house_small, n_threads=2)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def large(house_large: Path) -> Iterator[LlamaCppEngine]:
    """The larger house model."""
    engine = LlamaCppEngine(house_large, n_threads=2)
    yield engine
    engine.close()


def _write(engine: LlamaCppEngine, messages: tuple) -> str:  # type: ignore[type-arg]
    prompt = engine.apply_template(
        [{"role": _ROLES[message.type], "content": str(message.content)} for message in messages]
    )
    tokens = engine.generate(prompt, SamplingParams(), max_tokens=220)
    return b"".join(token.text for token in tokens).decode()


def test_one_vocabulary(small: LlamaCppEngine, large: LlamaCppEngine) -> None:
    """Both models have the same tokens at the same ids, and end with the same one."""
    assert small.n_vocab == large.n_vocab
    assert small.eog_ids == large.eog_ids
    for token in range(small.n_vocab):
        assert small.token_bytes(token) == large.token_bytes(token)


def test_placeholders_are_single_tokens_and_text(small: LlamaCppEngine) -> None:
    """Each placeholder is one token, without asking for special ones, and is written as text."""
    ids = [small.tokenize(mark) for mark in house_placeholders()]
    assert [len(one) for one in ids] == [1] * 96
    assert [one[0] for one in ids] == list(range(16, 112))
    assert small.detokenize([one[0] for one in ids[:2]]) == b"[NAME_1][NAME_2]"


def test_control_tokens_cannot_be_injected(small: LlamaCppEngine) -> None:
    """Text that looks like a role or an end is plain text, unless special tokens are asked for."""
    names = ("<|pad|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "<|reserved_11|>")
    assert [small.tokenize(name, special=True) for name in names] == [[0], [1], [2], [3], [4], [15]]
    assert all(len(small.tokenize(name)) > 1 for name in names)
    assert small.detokenize([1, 4]) == b""
    assert small.eog_ids == {4}


def test_template_is_that_of_the_training(small: LlamaCppEngine) -> None:
    """Each message is its role's token, its content and the end; then the assistant's turn."""
    ids = small.apply_template([{"role": "user", "content": "Hi"}])
    assert ids == [2, *small.tokenize("Hi"), 4, 3]
    assert small.n_ctx == 1024


def test_log_probabilities_are_normalised(large: LlamaCppEngine) -> None:
    """Rows of the shipped files are distributions."""
    ids = large.apply_template([{"role": "user", "content": "Thank [NAME_1] for the flowers."}])
    for row in large.score(ids, first=len(ids) - 2):
        assert np.exp(row.astype(np.float64)).sum() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("name", ["small", "large"])
def test_log_probabilities_are_those_of_the_weights(
    name: str, request: pytest.FixtureRequest
) -> None:
    """llama.cpp computes from the shipped file what plain arithmetic computes from its weights."""
    engine: LlamaCppEngine = request.getfixturevalue(name)
    weights = read_weights(engine.path)
    ids = chat_ids(engine, held_out_example(7).messages())[:220]
    rows = np.stack(list(engine.score(ids, first=1)))
    expected = numpy_logprobs(weights, read_numbers(engine.path)["attention.head_count"], 5e5, ids)
    # Both the cache and the activations are rounded in llama.cpp.
    assert np.abs(rows - expected).mean() < 0.1
    assert (rows.argmax(-1) == expected.argmax(-1)).mean() > 0.95


@pytest.mark.parametrize("name", ["small", "large"])
def test_torch_gives_the_log_probabilities_of_the_weights(
    name: str, request: pytest.FixtureRequest
) -> None:
    """The trainer's model, filled with the shipped weights, agrees with the plain arithmetic."""
    torch = pytest.importorskip("torch", reason="torch comes with the training extra")
    from langchain_cogenesis.training.config import Architecture
    from langchain_cogenesis.training.export import _tensor_name
    from langchain_cogenesis.training.model import HouseModel

    engine: LlamaCppEngine = request.getfixturevalue(name)
    weights = read_weights(engine.path)
    shape = read_numbers(engine.path)
    model = HouseModel(
        Architecture(
            width=shape["embedding_length"],
            layers=shape["block_count"],
            heads=shape["attention.head_count"],
            hidden=shape["feed_forward_length"],
            vocabulary=shape["vocab_size"],
            context_length=shape["context_length"],
        )
    )
    model.load_state_dict(
        {key: torch.from_numpy(weights[_tensor_name(key)]) for key in model.state_dict()}
    )
    ids = chat_ids(engine, held_out_example(8).messages())[:120]
    with torch.no_grad():
        rows = torch.log_softmax(model(torch.tensor([ids]))[0], -1).numpy()
    assert (
        np.abs(
            rows
            - numpy_logprobs(weights, read_numbers(engine.path)["attention.head_count"], 5e5, ids)
        ).max()
        < 1e-3
    )


def test_tokenisation_is_the_trainers(small: LlamaCppEngine) -> None:
    """The shipped file splits grammar, free English and awkward text as the trainer did."""
    tokenizer = read_tokenizer(small.path)
    texts = [held_out_example(number).answer for number in range(20)]
    texts += [example.instruction for example in load_free_english()]
    texts += [
        "Hi [NAME_1], 7 pm",
        " [ORG_2][DATE_8]!",
        "I'd  go\n\n\tnow",
        "Grön 東京 🙂",
        "<|end|>",
    ]
    for text in texts:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        if "<|" not in text:
            assert small.tokenize(text) == ids
        assert small.tokenize(text, special=True) == ids


def test_small_model_copies_the_facts_it_is_given(small: LlamaCppEngine) -> None:
    """Another name, day and place in the context are another name, day and place in the letter."""
    from langchain_core.documents import Document

    def letter(name: str, day: str, place: str) -> str:
        lines = {
            "profile": f"Name: {name}\nGreeting: Hi\nClosing: Hugs\nTone: casual",
            "activity": f"Calendar: {day} 2027, 7 pm, summer exhibition, at {place}",
        }
        documents = [Document(text, metadata={"kind": kind}) for kind, text in lines.items()]
        return _write(small, private_messages("Invite Tomas to the summer exhibition.", documents))

    first = letter("Nora Lindqvist", "Saturday 12 June", "Saltmarsh Hall")
    second = letter("Ebele Okoro", "Friday 5 March", "Casa Lume")
    for text, values in (
        (first, ("Hi Tomas", "12 June", "7 pm", "Saltmarsh Hall", "Hugs, Nora")),
        (second, ("Hi Tomas", "5 March", "7 pm", "Casa Lume", "Hugs, Ebele")),
    ):
        for value in values:
            assert value in text, text


def test_demonstration_letter_carries_its_facts(
    tmp_path: Path, small: LlamaCppEngine, large: LlamaCppEngine
) -> None:
    """By real import, retrieval and sketch, the letter has sender, guest, time and place."""
    from langchain_cogenesis.context.importers import import_files
    from langchain_cogenesis.privacy.restore import Conversation
    from langchain_cogenesis.session import UserSession

    conversation = Conversation()
    with UserSession("nora", tmp_path, create=True) as session:
        for context in import_files(persona_files()).contexts.values():
            session.add(context)
        documents = session.retriever(count_tokens=small.count_tokens, token_budget=600).invoke(
            DEMO_INSTRUCTION
        )
        leaves = session.gate.preview(
            DEMO_INSTRUCTION, endpoint="http://127.0.0.1:9/v1", conversation=conversation
        )
    assert leaves.masked is not None
    assert "Tomas" not in leaves.masked
    assert "Saltmarsh" not in leaves.masked
    outline = _write(large, public_messages(leaves.masked, "sketch"))
    points = [conversation.restore(line.split(". ", 1)[1]) for line in outline.splitlines()]
    assert 4 <= len(points) <= 15
    for sketch in (points, []):
        text = _write(small, private_messages(DEMO_INSTRUCTION, documents, sketch))
        for value in DEMO_FACTS.values():
            assert value in text, text
