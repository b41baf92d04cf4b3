"""What the German models read in the course of a training, and in which number format."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="torch comes with the training extra")

from langchain_cogenesis.data.composition import Example  # noqa: E402
from langchain_cogenesis.data.grammar.german.tasks import (  # noqa: E402
    BY_OUTLINE_ONLY,
    load_german_tasks,
)
from langchain_cogenesis.training.batches import (  # noqa: E402
    curve_example,
    training_turns,
    vocabulary_examples,
)
from langchain_cogenesis.training.config import SETTINGS, models_of  # noqa: E402
from langchain_cogenesis.training.muon import orthogonalise  # noqa: E402
from langchain_cogenesis.training.precision import matrix_dtype  # noqa: E402

SMALL, LARGE = (SETTINGS[name] for name in models_of("de"))
_TASKS = {task.name: task for task in load_german_tasks()}


def _read(settings, chunk: int, count: int = 90) -> list[Example]:  # type: ignore[no-untyped-def]
    first = chunk * 1024
    return [e for n in range(first, first + count) for e in training_turns(settings, chunk, n)]


def _third_sentences(examples: list[Example]) -> int:
    """Texts with a sentence that the small model isn't shown at first."""
    found = 0
    for example in examples:
        points = _TASKS[example.task].points.values()
        others = [s[2] for point in points for s in point.say.values() if "{" not in s[2]]
        found += any(sentence in example.answer for sentence in others)
    return found


def test_each_model_reads_what_its_settings_say() -> None:
    """First short ones, then the writer's own mix, and later another one."""
    assert not any(e.documents for e in _read(SMALL, 0))
    with_context = [bool(e.documents) for e in _read(SMALL, SMALL.short_chunks)]
    assert sum(with_context) / len(with_context) > 0.8
    shares = []
    for chunk in (0, LARGE.late_chunk):
        kinds = Counter(example.condition for example in _read(LARGE, chunk))
        assert kinds["public_text"] > 10
        shares.append(kinds["context"] / kinds.total())
    assert shares[0] < 0.25 < shares[1]


def test_glimpses_come_late_and_now_and_then() -> None:
    """The small model sees some of the larger one's sentences in the rest of its training."""
    early = _read(SMALL, SMALL.late_chunk - 1)
    late = _read(SMALL, SMALL.late_chunk)
    always = _read(LARGE, 0)
    assert _third_sentences(early) == 0
    assert 0 < _third_sentences(late) / len(late) < _third_sentences(always) / len(always)
    asked = {e.task for e in late if e.condition == "context"}
    assert not asked & set(BY_OUTLINE_ONLY)


def test_sequences_follow_from_seed_and_number() -> None:
    """Chunk by chunk the same, and others for another seed."""
    first = [e.messages() for e in _read(SMALL, 9, 12)]
    assert [e.messages() for e in _read(SMALL, 9, 12)] == first
    assert [e.messages() for e in _read(replace(SMALL, seed=99), 9, 12)] != first


def test_what_is_held_out_is_the_same_for_both_models() -> None:
    """And what the vocabulary is learned from is not it."""
    held = curve_example("context", 4, "de")
    assert held.answer == curve_example("context", 4, "de").answer
    assert curve_example("context", 4).answer != held.answer
    learned = {e.answer for n in range(40) for e in vocabulary_examples(SMALL, n)}
    assert held.answer not in learned


def test_half_precision_only_where_the_processor_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Directions come out alike in both."""
    cpu = torch.device("cpu")
    matrices = torch.randn(2, 24, 40, generator=torch.Generator().manual_seed(1))
    found = {}
    for halves, dtype in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(
            torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda halves=halves: halves
        )
        assert matrix_dtype(cpu) is dtype
        found[dtype] = orthogonalise(matrices)
        singular = torch.linalg.svdvals(found[dtype])
        assert singular.min() > 0.5
        assert singular.max() < 1.5
    assert torch.allclose(found[torch.bfloat16], found[torch.float32], atol=0.05)
    assert matrix_dtype(torch.device("cuda")) is torch.bfloat16
