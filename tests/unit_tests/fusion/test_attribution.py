"""The view of which model wrote what."""

from __future__ import annotations

import re
import stat
from html.parser import HTMLParser
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.fusion.attribution import Attribution

STEPS = [
    {
        "text": "Dear", "logprob": -0.1, "logprobs": [-0.01, -4.0], "weights": [0.6, 0.4],
        "deferred": 0.0, "why_not": None,
    },
    {
        "text": " <Osric> & \"co\"", "logprob": -0.2, "logprobs": [-0.2, None],
        "weights": [1.0, 0.0], "deferred": 0.0, "why_not": "open end",
    },
    {
        "text": ", welcome", "logprob": -0.7, "logprobs": [-5.0, -0.1], "weights": [0.6, 0.4],
        "deferred": 0.25, "why_not": None,
    },
]  # fmt: skip


class _Texts(HTMLParser):
    """Collects the texts and titles of the tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: list[str] = []
        self.titles: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        title = dict(attrs).get("title")
        self._inside = tag == "span" and title is not None
        if self._inside:
            self.titles.append(title or "")

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.tokens.append(data)
            self._inside = False


def test_every_token_stands_in_the_page_as_text() -> None:
    """What looks like markup is shown, never interpreted, and each token has its numbers."""
    parsed = _Texts()
    parsed.feed(Attribution(STEPS).page())
    assert "".join(parsed.tokens) == "".join(step["text"] for step in STEPS)  # type: ignore[misc]
    assert "local 99.0%, weight 0.60" in parsed.titles[0]
    assert "not asked: open end" in parsed.titles[1]
    assert "left to the local model 25%" in parsed.titles[2]


def test_colours_tell_who_made_it_likelier() -> None:
    """Blue for the local model, orange for the remote, a mark where it wasn't asked."""
    body = Attribution(STEPS)._repr_html_()
    first, second, third = re.findall(r"<span[^>]*title[^>]*>", body)
    assert "59,130,246" in first
    assert 'class="held"' in second
    assert "background" not in second
    assert "249,115,22" in third


def test_the_page_needs_nothing_else() -> None:
    """No script, no address, no font from elsewhere; light and dark are both provided for."""
    page = Attribution(STEPS).page()
    assert not re.search(r"https?:|<script|@import|url\(", page)
    assert "prefers-color-scheme: dark" in page


def test_the_file_is_its_owners(tmp_path: Path) -> None:
    """It holds the answer: nobody else may read it. A folder that isn't there is named."""
    path = Attribution(STEPS).save(tmp_path / "a.html")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(ConfigurationError, match="nowhere"):
        Attribution(STEPS).save(tmp_path / "nowhere" / "a.html")


def test_an_answer_without_steps_is_named() -> None:
    """An answer of another mode has nothing to attribute, and the error says what to do."""
    answer = AIMessage("x", response_metadata={"cogenesis": {"steps": STEPS}})
    assert len(Attribution.of(answer).steps) == 3
    with pytest.raises(ConfigurationError, match="attribution=True"):
        Attribution.of(AIMessage("x"))
    assert repr(Attribution(STEPS)) == "Attribution(<withheld: 3 steps>)"


def test_in_the_terminal_the_text_is_the_text() -> None:
    """Colours add nothing to the words."""
    assert Attribution(STEPS).text().plain == "".join(str(step["text"]) for step in STEPS)
