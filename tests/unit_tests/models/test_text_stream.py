from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.models.text_stream import TextStream


def _cut(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


def _run(pieces: list[bytes], stop: tuple[str, ...]) -> tuple[str, bool]:
    stream = TextStream(stop)
    text = "".join(map(stream.push, pieces)) + stream.finish()
    return text, stream.stopped


@given(st.text("abcé€😀", max_size=30), st.lists(st.integers(0, 200)))
def test_text_survives_any_cut(text: str, cuts: list[int]) -> None:
    """However the bytes are cut, the same text comes out."""
    assert _run(_cut(text.encode(), cuts), ()) == (text, False)


@given(
    st.text("abé", max_size=20),
    st.lists(st.text("abé", min_size=1, max_size=4), min_size=1, max_size=3),
    st.lists(st.integers(0, 60)),
)
def test_stop_does_not_depend_on_cuts(text: str, stops: list[str], cuts: list[int]) -> None:
    """However the bytes are cut, the output ends before the stop string complete first."""
    ends = sorted((text.find(stop) + len(stop), text.find(stop)) for stop in stops if stop in text)
    expected = (text[: ends[0][1]], True) if ends else (text, False)
    assert _run(_cut(text.encode(), cuts), tuple(stops)) == expected


def test_holds_back_only_what_could_become_a_stop() -> None:
    """Text is shown as soon as it can't be part of a stop string."""
    stream = TextStream(["\n\nBye"])
    assert stream.push(b"Hi\n") == "Hi"
    assert stream.push(b"\n") == ""
    assert stream.push(b"Best") == "\n\nBest"
    assert not stream.stopped


def test_nothing_after_a_stop() -> None:
    """After a stop string nothing comes out any more."""
    stream = TextStream(["END"])
    assert stream.push(b"aEN") == "a"
    assert stream.push(b"Dzz") == ""
    assert stream.stopped
    assert (stream.push(b"more"), stream.finish()) == ("", "")


def test_unfinished_character_becomes_a_replacement() -> None:
    """Bytes that never become a character are replaced at the end, not lost or raised."""
    stream = TextStream()
    assert stream.push("é".encode()[:1]) == ""
    assert stream.finish() == "�"


def test_bytes_of_shown_text_are_counted() -> None:
    """The count of shown bytes leaves out what is held back, and counts invalid bytes as one."""
    stream = TextStream(["END"])
    assert stream.push(b"\xffa\xc3") == "\ufffda"
    assert stream.n_bytes == 2
    assert stream.push(b"\xa9EN") == "\u00e9"
    assert stream.n_bytes == 4
    stream.finish()
    assert stream.n_bytes == 6


def test_single_string_is_one_stop() -> None:
    """A bare string is one stop string, not its characters."""
    assert _run([b"a-END"], "END") == ("a-", True)  # type: ignore[arg-type]


def test_empty_stop_is_refused() -> None:
    """An empty stop string would end every answer at once."""
    with pytest.raises(ConfigurationError, match="empty"):
        TextStream(["x", ""])
