"""The German house models that ship with the package."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from house_reference import numpy_logprobs, read_numbers, read_tokenizer, read_weights
from langchain_core.documents import Document

from langchain_cogenesis.data.german_examples import create_german_turns
from langchain_cogenesis.data.task.grammar import german_examples
from langchain_cogenesis.evaluation.likelihood import chat_ids
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.sampling import SamplingParams
from langchain_cogenesis.privacy.placeholders import house_placeholders
from langchain_cogenesis.prompts import private_messages, public_messages, role_pairs
from langchain_cogenesis.sketch import parse_sketch

NAMES = ("house-small-de", "house-large-de")


@pytest.fixture(scope="module")
def engines() -> Iterator[dict[str, LlamaCppEngine]]:
    """Both models."""
    opened = {name: LlamaCppEngine(name, n_threads=2) for name in NAMES}
    yield opened
    for engine in opened.values():
        engine.close()


def _write(engine: LlamaCppEngine, messages: tuple) -> str:  # type: ignore[type-arg]
    turns = [{"role": role, "content": text} for role, text in role_pairs(messages)]
    tokens = engine.generate(engine.apply_template(turns), SamplingParams(), max_tokens=200)
    return b"".join(token.text for token in tokens).decode()


def test_one_vocabulary(engines: dict[str, LlamaCppEngine]) -> None:
    """Both have the same tokens, roles and placeholders where the English ones have them."""
    small, large = engines.values()
    assert small.eog_ids == large.eog_ids == {4}
    assert [small.token_bytes(n) for n in range(small.n_vocab)] == [
        large.token_bytes(n) for n in range(large.n_vocab)
    ]
    assert [small.tokenize(mark) for mark in house_placeholders()] == [[n] for n in range(16, 112)]


@pytest.mark.parametrize("name", NAMES)
def test_files_are_what_the_trainer_computes_with(
    name: str, engines: dict[str, LlamaCppEngine]
) -> None:
    """The same tokens for German text, and log-probabilities close to plain arithmetic."""
    engine = engines[name]
    tokenizer = read_tokenizer(engine.path)
    texts = [e.reference for n in range(8) for e in german_examples(f"t/{n}", "u", 2)]
    for text in texts:
        assert engine.tokenize(text) == tokenizer.encode(text, add_special_tokens=False).ids
    example = create_german_turns(0, 3, ("context",), scope="everything")[0]
    ids = [*chat_ids(engine, example.messages()), *engine.tokenize(example.answer)][:240]
    rows = np.stack(list(engine.score(ids, first=1)))
    heads = read_numbers(engine.path)["attention.head_count"]
    expected = numpy_logprobs(read_weights(engine.path), heads, 5e5, ids)
    assert np.abs(rows - expected).mean() < 0.1
    assert (rows.argmax(-1) == expected.argmax(-1)).mean() > 0.9


def test_small_model_copies_the_facts_it_is_given(engines: dict[str, LlamaCppEngine]) -> None:
    """Another name, day and place in the context are another name, day and place in the letter."""

    def letter(name: str, friend: str, day: str, place: str) -> str:
        lines = {
            "profile": f"Name: {name}\nOccupation: Gärtner\nCompany: Studio Ankerplatz\n"
            "Location: Kiel\nAnrede: Hallo\nFörmliche Anrede: Sehr geehrte\n"
            "Gruß: Viele Grüße\nFörmlicher Gruß: Mit freundlichen Grüßen\nTon: herzlich\n"
            f"Freundin: {friend}; e-mail post@post.example",
            "activity": f"Calendar: {day} 2027, 7 pm, Sommerfest, at {place}, with {friend}",
        }
        documents = [Document(text, metadata={"kind": kind}) for kind, text in lines.items()]
        asked = f"Lade {friend.split()[0]} zum Sommerfest ein."
        return _write(engines["house-small-de"], private_messages(asked, documents))

    first = letter("Lasse Petersen", "Greta Nissen", "Saturday 12 June", "Garten Eschenhof")
    second = letter("Ronja Jessen", "Svea Lüders", "Friday 5 March", "Galerie Nordlicht")
    for text, values in (
        (first, ("Hallo Greta", "12. Juni", "19 Uhr", "Garten Eschenhof", "Viele Grüße", "Lasse")),
        (second, ("Hallo Svea", "5. März", "19 Uhr", "Galerie Nordlicht", "Ronja")),
    ):
        for value in values:
            assert value in text, text


def test_large_model_plans_from_a_masked_request(engines: dict[str, LlamaCppEngine]) -> None:
    """In numbered points, with the marks of the request and no name."""
    asked = "Bitte lade [NAME_1] am [DATE_1] zur [ITEM_1] ein."
    points = parse_sketch(_write(engines["house-large-de"], public_messages(asked, "sketch")))
    assert 4 <= len(points) <= 10
    assert any("[ITEM_1]" in point for point in points)
