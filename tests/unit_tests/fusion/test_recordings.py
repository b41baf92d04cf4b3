"""Recordings: what they hold, who may read them, and that recording goes on where it stopped."""

from __future__ import annotations

import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from langchain_cogenesis.exceptions import (
    ConfigurationError,
    ContextLengthError,
    VocabularyMismatchError,
)
from langchain_cogenesis.fusion.features import (
    FEATURE_NAMES,
    glance,
    shared_probability,
    top_tokens,
)
from langchain_cogenesis.fusion.recordings import (
    Recording,
    RecordingProgress,
    forget,
    load_recordings,
    record,
)
from langchain_cogenesis.models.base import Capabilities, Draft, NextTokenModel
from langchain_cogenesis.models.logprobs import Distribution, Logprobs
from langchain_cogenesis.models.vocabulary import Vocabulary

LETTERS = "abcdefghij"


class Letters:
    """A model over ten letters whose rows depend on its seed and the sequence alone."""

    eog_ids = frozenset({0})

    def __init__(self, seed: int, *, top_k: int | None = None, letters: str = LETTERS) -> None:
        self.seed, self.name, self.n_ctx = seed, f"letters-{seed}", 200
        self.capabilities = Capabilities(top_k=top_k)
        self.vocabulary = Vocabulary(
            len(letters), lambda t: letters[t].encode(), lambda s: [*map(letters.index, s)],
            self.eog_ids,
        )  # fmt: skip
        self.calls: list[int] = []

    def prompt_ids(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        return [t for m in messages for t in self.vocabulary.tokenize(m["content"])]

    def row(self, ids: Sequence[int]) -> Logprobs:
        logits = np.random.default_rng((self.seed, *ids)).normal(size=self.vocabulary.size) * 2
        return Logprobs((logits - np.log(np.exp(logits).sum())).astype("f4"))

    def score(self, ids: Sequence[int], *, first: int) -> list[Distribution]:
        if len(ids) > self.n_ctx:
            raise ContextLengthError("too long")
        self.calls.append(len(ids) - first + 1)
        rows = [self.row(ids[:end]) for end in range(first, len(ids) + 1)]
        k = self.capabilities.top_k
        return list(rows) if k is None else [top_tokens(row, k) for row in rows]

    def draft(self, ids: Sequence[int], count: int) -> Draft:
        raise NotImplementedError


def chat(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


EXAMPLES = [
    (chat("abc"), chat("ab"), "defgh"),
    (chat("cba"), chat("c"), "hgfed" * 20),
    (chat("bca"), chat("ab"), "a"),
]


def made(
    folder: Path,
    examples: Sequence[tuple[list[dict[str, str]], list[dict[str, str]], str]],
    **how: object,
) -> list[RecordingProgress]:
    return list(record(examples, Letters(1), Letters(2), folder, top_k=4, **how))  # type: ignore[arg-type]


def test_a_recording_holds_what_was_expected_at_each_token(tmp_path: Path) -> None:
    """Features and both probabilities, token by token, computed one prefix at a time."""
    folder = tmp_path / "recordings"
    assert isinstance(Letters(1), NextTokenModel)
    assert [(p.outcome, p.steps) for p in made(folder, EXAMPLES)] == [
        ("recorded", 5), ("recorded", 100), ("recorded", 1),
    ]  # fmt: skip
    local, helper = Letters(1), Letters(2)
    for (private, public, text), found in zip(EXAMPLES, load_recordings(folder), strict=True):
        answer = local.vocabulary.tokenize(text)
        for at, token in enumerate(answer):
            own = local.row([*local.prompt_ids(private), *answer[:at]])
            theirs = top_tokens(helper.row([*helper.prompt_ids(public), *answer[:at]]), 4)
            assert np.array_equal(found.features[at], glance(own, theirs, at).features)
            assert found.local[at] == pytest.approx(float(np.exp(own.values[token])))
            assert found.helper[at] == pytest.approx(shared_probability(own, theirs, token))
        assert (found.n_vocab, found.tops) == (10, None)
        assert found.vocabulary_digest == local.vocabulary.digest


def test_an_endpoint_is_asked_once_for_a_text(tmp_path: Path) -> None:
    """Whole rows come a few at a time, top-k ones all at once."""
    local, helper = Letters(1), Letters(2, top_k=4)
    list(record(EXAMPLES[1:2], local, helper, tmp_path / "r"))
    assert local.calls == [32, 32, 32, 4]
    assert helper.calls == [100]


def test_recording_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """Examples whose file is there are left as they are."""
    folder = tmp_path / "recordings"
    made(folder, EXAMPLES[:2])
    before = (folder / "example-000001.npz").stat().st_mtime_ns
    assert [p.outcome for p in made(folder, EXAMPLES)] == ["kept", "kept", "recorded"]
    assert (folder / "example-000001.npz").stat().st_mtime_ns == before


@pytest.mark.parametrize("how", [{"identity": "other"}, {"keep_top": 3}, {"top_k": 5}, {}])
def test_recordings_of_something_else_are_not_taken(tmp_path: Path, how: dict[str, object]) -> None:
    """Other models, settings or examples than those of the folder are an error."""
    made(tmp_path / "r", EXAMPLES[:1])
    steps = record(
        EXAMPLES if how else EXAMPLES[1:], Letters(1), Letters(2), tmp_path / "r",
        **{"top_k": 4, **how},
    )  # type: ignore[arg-type]  # fmt: skip
    with pytest.raises(ConfigurationError, match=r"example-000000\.npz was recorded from another"):
        next(steps)


def test_files_are_their_owners_alone(tmp_path: Path) -> None:
    """0600 in 0700, whatever the umask, and no half file is left."""
    folder = tmp_path / "recordings"
    folder.mkdir(mode=0o755)
    made(folder, EXAMPLES)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert len(list(folder.iterdir())) == 3


def test_a_folder_of_other_things_is_refused(tmp_path: Path) -> None:
    """One that is open to others and in use isn't locked; a file is no folder."""
    folder = tmp_path / "documents"
    folder.mkdir(mode=0o755)
    (folder / "letter.txt").write_text("x")
    with pytest.raises(ConfigurationError, match="other files"):
        made(folder, EXAMPLES)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    with pytest.raises(ConfigurationError, match=r"letter\.txt"):
        made(folder / "letter.txt", EXAMPLES)


def test_what_cannot_be_recorded_is_told(tmp_path: Path) -> None:
    """Too long for a window, or no token at all: no file, and the rest goes on."""
    examples = [(chat("a"), chat("a"), "a" * 300), (chat("a"), chat("a"), ""), EXAMPLES[0]]
    told = made(tmp_path / "r", examples)
    assert [p.outcome for p in told] == ["too long", "empty", "recorded"]
    assert [one.number for one in load_recordings(tmp_path / "r")] == [2]


def test_the_helper_may_read_something_else(tmp_path: Path) -> None:
    """A view gives what the helper reads, and which of its rows stand for which tokens."""
    mark = [9]

    def view(number: int, tokens: Sequence[int]) -> tuple[list[int], dict[int, int]]:
        # The second and third token are private and read as one mark.
        return [tokens[0], *mark, *tokens[3:]], {0: 0, 3: 2, 4: 3}

    made(tmp_path / "r", EXAMPLES[:1], view=view)
    [found] = load_recordings(tmp_path / "r")
    answer = Letters(1).vocabulary.tokenize("defgh")
    own = Letters(1).row([0, 1, 2, *answer[:3]])
    theirs = top_tokens(Letters(2).row([0, 1, answer[0], *mark]), 4)
    assert len(found.local) == 3
    assert found.local[1] == pytest.approx(float(np.exp(own.values[answer[3]])))
    assert np.array_equal(found.features[1], glance(own, theirs, 3).features)


def test_the_most_probable_tokens_are_kept_on_demand(tmp_path: Path) -> None:
    """For the paper's network: ids and log-probabilities of both models."""
    made(tmp_path / "r", EXAMPLES[:1], keep_top=3)
    [found] = load_recordings(tmp_path / "r")
    assert found.tops is not None
    own = top_tokens(Letters(1).row([0, 1, 2]), 3)
    assert found.tops.local_ids[0].tolist() == own.ids.tolist()
    assert found.tops.local_logprobs[0].tolist() == own.logprobs.tolist()
    assert found.tops.helper_ids.shape == found.tops.helper_logprobs.shape == (5, 3)


def test_models_that_do_not_fit_are_refused_first(tmp_path: Path) -> None:
    """Other vocabularies, or a local model without whole rows."""
    with pytest.raises(VocabularyMismatchError):
        next(record(EXAMPLES, Letters(1), Letters(2, letters="jihgfedcba"), tmp_path / "r"))
    with pytest.raises(ConfigurationError, match="whole"):
        next(record(EXAMPLES, Letters(1, top_k=4), Letters(2), tmp_path / "r"))


def test_a_recording_tells_nothing_in_print(tmp_path: Path) -> None:
    """`repr` has a number and a count."""
    made(tmp_path / "r", EXAMPLES[:1], keep_top=2)
    [found] = load_recordings(tmp_path / "r")
    assert repr(found) == "Recording(0, <withheld: 5 steps>)"
    assert "array" not in repr(found.tops)


@pytest.mark.parametrize("left", [0, 40, 700, -30])
def test_a_damaged_file_is_named(tmp_path: Path, left: int) -> None:
    """Truncated or garbage."""
    made(tmp_path / "r", EXAMPLES[:1])
    path = tmp_path / "r" / "example-000000.npz"
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(ConfigurationError, match=r"example-000000\.npz is damaged"):
        list(load_recordings(tmp_path / "r"))
    path.write_bytes(b"garbage" * 100)
    with pytest.raises(ConfigurationError, match=r"example-000000\.npz is damaged"):
        Recording.load(path)


def test_other_features_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of another version says so."""
    made(tmp_path / "r", EXAMPLES[:1])
    later = ("moon", *FEATURE_NAMES[1:])
    monkeypatch.setattr("langchain_cogenesis.fusion.recording_files.FEATURE_NAMES", later)
    with pytest.raises(ConfigurationError, match="other features"):
        list(load_recordings(tmp_path / "r"))


def test_forget_removes_recordings_and_nothing_else(tmp_path: Path) -> None:
    """Half-written ones too; the folder goes if it is empty."""
    folder = tmp_path / "r"
    made(folder, EXAMPLES)
    (folder / ".example-000007.npz-ab12").write_bytes(b"half")
    (folder / "note.txt").write_text("mine")
    assert forget(folder) == 3
    assert [path.name for path in folder.iterdir()] == ["note.txt"]
    (folder / "note.txt").unlink()
    assert forget(folder) == 0
    assert not folder.exists()
    assert forget(folder) == 0
