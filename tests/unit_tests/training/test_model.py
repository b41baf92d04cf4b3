"""The torch model, its structured start, and its export."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch comes with the training extra")
gguf = pytest.importorskip("gguf", reason="gguf comes with the training extra")

from langchain_cogenesis.data.examples import (  # noqa: E402
    create_conversation,
    create_example,
)
from langchain_cogenesis.exceptions import ConfigurationError  # noqa: E402
from langchain_cogenesis.models.llamacpp import LlamaCppEngine  # noqa: E402
from langchain_cogenesis.training.batches import chunk_batches, collate, encode_turns  # noqa: E402
from langchain_cogenesis.training.config import Architecture, TrainingSettings  # noqa: E402
from langchain_cogenesis.training.export import export_gguf, parse_precision  # noqa: E402
from langchain_cogenesis.training.initialisation import create_model, grow_model  # noqa: E402
from langchain_cogenesis.training.model import HouseModel  # noqa: E402
from langchain_cogenesis.training.muon import orthogonalise  # noqa: E402
from langchain_cogenesis.training.trainer import (  # noqa: E402
    Trainer,
    learning_rate_scale,
    short_checkpoint,
)
from langchain_cogenesis.training.vocabulary import (  # noqa: E402
    encode,
    encode_chat,
    train_vocabulary,
)

TINY = Architecture(width=192, layers=2, heads=2, hidden=64, vocabulary=512, context_length=512)


@pytest.fixture(scope="module")
def tokenizer():  # type: ignore[no-untyped-def]
    """A small vocabulary from a few examples."""
    texts = []
    for seed in range(60):
        example = create_example(seed)
        texts += [*(content for _, content in example.messages()), example.answer]
    return train_vocabulary(texts, size=TINY.vocabulary)


@pytest.fixture(scope="module")
def model() -> HouseModel:
    """A tiny model, untrained but for its structured start, and not quite zero anywhere."""
    made = create_model(TINY, seed=1)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter += 0.02 * torch.randn(
                parameter.shape, generator=torch.Generator().manual_seed(2)
            )
    return made


@pytest.fixture(scope="module")
def exported(tmp_path_factory, model, tokenizer) -> Path:  # type: ignore[no-untyped-def]
    """The tiny model as an F32 file."""
    path: Path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    export_gguf(model, tokenizer, path, name="tiny", precision="F32")
    return path


def test_structured_start_copies_untrained() -> None:
    """Before training, the model continues a repeated sequence; a plain start can't."""
    shape = Architecture(width=192, layers=2, heads=3, hidden=64)
    ids = torch.randint(112, shape.vocabulary, (4, 120), generator=torch.Generator().manual_seed(3))
    ids = torch.cat((ids, ids), dim=1)

    def share(made: HouseModel) -> float:
        with torch.no_grad():
            guessed = made(ids)[:, 120:-1].argmax(-1)
        return float((guessed == ids[:, 121:]).float().mean())

    torch.manual_seed(0)
    assert share(create_model(shape, seed=5)) > 0.85
    assert share(HouseModel(shape)) < 0.05


def test_llama_cpp_gives_the_logits_of_torch(exported, model, tokenizer) -> None:  # type: ignore[no-untyped-def]
    """The F32 file gives in llama.cpp the log-probabilities of torch."""
    prompt = encode_chat(tokenizer, create_example(1).messages())[:200]
    engine = LlamaCppEngine(exported, n_threads=1)
    rows = np.stack(list(engine.score(prompt, first=1)))
    engine.close()
    with torch.no_grad():
        expected = torch.log_softmax(model(torch.tensor([prompt]))[0], dim=-1).numpy()
    assert rows.shape == expected.shape
    # The F16 cache of keys and values is what the difference comes from.
    assert np.abs(rows - expected).max() < 0.1
    assert (rows.argmax(-1) == expected.argmax(-1)).mean() > 0.97


def test_llama_cpp_tokenises_like_the_trainer(exported, tokenizer) -> None:  # type: ignore[no-untyped-def]
    """The file's tokenizer agrees with the trainer's, in prompts and in awkward text."""
    engine = LlamaCppEngine(exported, n_threads=1)
    for seed in range(5):
        messages = create_example(seed).messages()
        rendered = engine.apply_template([{"role": r, "content": c} for r, c in messages])
        assert rendered == encode_chat(tokenizer, messages)
    for text in (
        "Hi [NAME_1], at 7 pm",
        " [ORG_2][DATE_8]!",
        "I'd  go\n\n\tnow",
        "Grön 東京 🙂",
        "[NAME_9]",
    ):
        assert engine.tokenize(text) == encode(tokenizer, text)
        assert engine.detokenize(encode(tokenizer, text)).decode() == text
    engine.close()


def test_settings_name_a_known_precision() -> None:
    """A precision that doesn't exist is refused by name."""
    assert parse_precision("F16") == "F16"
    with pytest.raises(ConfigurationError, match="Q9"):
        parse_precision("Q9")


def test_orthogonalise_brings_singular_values_near_one() -> None:
    """Muon's update has singular values around 1, for wide and tall matrices alike."""
    for shape in ((3, 32, 64), (2, 64, 32)):
        matrices = torch.randn(shape, generator=torch.Generator().manual_seed(1))
        values = torch.linalg.svdvals(orthogonalise(matrices))
        assert float(values.min()) > 0.3
        assert float(values.max()) < 1.6


def test_targets_are_the_answer_alone(tokenizer) -> None:  # type: ignore[no-untyped-def]
    """Each answer token is predicted by the position before it, and nothing else is learned."""
    encoded = [encode_turns(tokenizer, (create_example(seed),)) for seed in (1, 2)]
    batch = collate(encoded)
    for row, example in enumerate(encoded):
        learned = batch.targets[row][batch.targets[row] >= 0].tolist()
        assert learned == list(example.ids[example.answers[0][0] :])
        place = int((batch.targets[row] >= 0).nonzero()[0])
        assert batch.ids[row, place] == tokenizer.token_to_id("<|assistant|>")


def test_requests_and_outlines_are_read_with_a_weight_of_their_own(tokenizer) -> None:  # type: ignore[no-untyped-def]
    """The tokens of the request are foreseen too, apart from the answer's; the context is not."""
    example = create_example(4, condition="context_outline")
    batch = collate([encode_turns(tokenizer, (example,))])
    read = batch.read[0]
    assert read[read >= 0].tolist() == encode(tokenizer, example.messages()[1][1])
    assert not ((batch.read >= 0) & (batch.targets >= 0)).any()


def test_training_begins_without_context(tokenizer) -> None:  # type: ignore[no-untyped-def]
    """The first chunks have short prompts only; later ones have context."""
    settings = TrainingSettings(TINY, "small", seed=3, tokens=1, batch_tokens=600, short_chunks=1)
    first, later = (chunk_batches(tokenizer, settings, chunk) for chunk in (0, 1))
    means = [sum(b.tokens for b in some) / sum(len(b.ids) for b in some) for some in (first, later)]
    assert means[0] < means[1]


def test_turns_share_one_system_message(tokenizer) -> None:  # type: ignore[no-untyped-def]
    """Several requests over one context are one chat, and every answer is learned."""
    turns = create_conversation(1, 3)
    assert turns[0].documents == turns[1].documents == turns[2].documents
    encoded = encode_turns(tokenizer, turns)
    assert encoded.ids.count(tokenizer.token_to_id("<|system|>")) == 1
    assert encoded.ids.count(tokenizer.token_to_id("<|assistant|>")) == 3
    learned = collate([encoded]).targets[0]
    answers = [encode(tokenizer, turn.answer) for turn in turns]
    assert learned[learned >= 0].tolist() == [
        token for answer in answers for token in (*answer, tokenizer.token_to_id("<|end|>"))
    ]


def test_training_goes_on_where_it_stopped(tmp_path: Path, tokenizer) -> None:  # type: ignore[no-untyped-def]
    """Stopped and resumed, a training ends with the same weights, and notes its curves."""
    settings = TrainingSettings(
        TINY,
        "large",
        seed=3,
        tokens=3000,
        batch_tokens=512,
        warmup=2,
        curve_steps=4,
        curve_examples=2,
    )
    straight = Trainer(settings, tokenizer, tmp_path / "a.pt")
    losses = [progress.loss for progress in straight.run()]
    for stop in (2, len(losses) - 2):
        stopped = Trainer(settings, tokenizer, tmp_path / "b.pt")
        for progress in stopped.run():
            if progress.step == stop:
                break
        stopped.save()
    resumed = Trainer(settings, tokenizer, tmp_path / "b.pt")
    assert resumed.step == len(losses) - 2
    rest = [progress.loss for progress in resumed.run()]
    assert losses[-2:] == pytest.approx(rest, rel=1e-3)
    for one, other in zip(straight.model.parameters(), resumed.model.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-4)
    curve = [json.loads(line) for line in straight.curve.read_text().splitlines()]
    assert [point["step"] for point in curve[:-1]] == [*range(4, len(losses), 4)]
    assert curve[-1]["step"] == len(losses)
    assert {"public_text", "public_sketch"} <= set(curve[0]) - {"step", "tokens"}


def test_a_grown_model_begins_where_the_small_one_stands(tmp_path: Path, tokenizer) -> None:  # type: ignore[no-untyped-def]
    """With more layers it computes the same at first; other widths are refused; training grows."""
    small = create_model(TINY, seed=1)
    ids = torch.randint(0, TINY.vocabulary, (2, 30), generator=torch.Generator().manual_seed(1))
    deeper = grow_model(small, replace(TINY, layers=4), seed=2)
    with torch.no_grad():
        assert torch.allclose(small(ids), deeper(ids), atol=1e-5)
    with pytest.raises(ConfigurationError, match="layers"):
        grow_model(small, replace(TINY, layers=4, hidden=96), seed=2)
    settings = TrainingSettings(
        replace(TINY, layers=3), "large", seed=3, tokens=600, batch_tokens=512, curve_examples=1,
        grown_from="house-small",
    )  # fmt: skip
    with pytest.raises(ConfigurationError, match=r"short\.pt"):
        Trainer(settings, tokenizer, tmp_path / "house-large.pt")
    source = Trainer(
        replace(settings, architecture=TINY, grown_from=None), tokenizer, tmp_path / "x.pt"
    )
    source.save(short_checkpoint(tmp_path, "house-small"))
    grown = Trainer(settings, tokenizer, tmp_path / "house-large.pt")
    with torch.no_grad():
        assert torch.allclose(source.model(ids), grown.model(ids), atol=1e-5)
    list(grown.run())
    assert Trainer(settings, tokenizer, tmp_path / "house-large.pt").step == grown.step


def test_learning_rate_rises_and_falls() -> None:
    """The rate warms up, holds for a short while, and falls to a twentieth."""
    settings = TrainingSettings(TINY, "large", seed=3, tokens=1000, warmup=10)
    assert learning_rate_scale(settings, 0, 0) == pytest.approx(0.1)
    assert learning_rate_scale(settings, 20, 40) == 1
    assert learning_rate_scale(settings, 50, 525) == pytest.approx(0.5)
    assert learning_rate_scale(settings, 90, 999) == pytest.approx(0.05)


def test_batches_follow_from_the_seed(tokenizer) -> None:  # type: ignore[no-untyped-def]
    """The same chunk is the same batches; none is longer than asked for."""
    settings = TrainingSettings(TINY, "large", seed=3, tokens=1, batch_tokens=600)
    first, again = (chunk_batches(tokenizer, settings, 0) for _ in range(2))
    assert all(torch.equal(a.ids, b.ids) for a, b in zip(first, again, strict=True))
    assert all(batch.ids.numel() <= 600 for batch in first if len(batch.ids) > 1)
