"""Calls are told apart from text, however the text is cut into pieces."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from langchain_cogenesis.models.call_format import ID_HOLE, PLAIN, CallFormat
from langchain_cogenesis.models.call_parser import CUT_OFF, CallParser

ARRAY_LIKE = CallFormat(
    "[CALLS][{", "}:", f', "id": "{ID_HOLE}"}}, {{', f', "id": "{ID_HOLE}"}}]', "[CALLS]"
)
JSON = st.dictionaries(
    st.text(max_size=4),
    st.none() | st.integers() | st.text(max_size=8) | st.lists(st.text()),
    max_size=3,
)


def _written(form: CallFormat, calls: list[tuple[str, Any]]) -> str:
    ids = iter("abcdefghi" for _ in range(99))
    parts = [f"{name}{form.between}{json.dumps(args)}" for name, args in calls]
    middle = str(form.middle)
    text = form.before + middle.join(parts) + form.after
    return "".join(next(ids) if piece == ID_HOLE else piece for piece in text)


def _read(form: CallFormat, pieces: list[str]) -> tuple[str, CallParser, dict[int, str]]:
    parser, text, args = CallParser(form), "", {}
    for push in [*(lambda p=p: parser.push(p) for p in pieces), parser.finish]:
        shown, deltas = push()
        text += shown
        assert len({delta.index for delta in deltas}) == len(deltas)
        for delta in deltas:
            args[delta.index] = args.get(delta.index, "") + delta.args
    return text, parser, args


@settings(max_examples=40, deadline=None)
@given(
    form=st.sampled_from([PLAIN, ARRAY_LIKE]),
    before=st.sampled_from(["", "Well, a < b.\n", " "]),
    calls=st.lists(st.tuples(st.sampled_from(["get", "put_it"]), JSON), min_size=1, max_size=3),
    size=st.integers(1, 9),
)
def test_any_cut_gives_the_same(
    form: CallFormat, before: str, calls: list[tuple[str, Any]], size: int
) -> None:
    """Names, arguments and the text before come out whole, streamed or not."""
    answer = before + _written(form, calls)
    pieces = [answer[at : at + size] for at in range(0, len(answer), size)]
    text, parser, args = _read(form, pieces)
    assert text.strip() == before.strip()
    assert parser.complete
    assert [(call.name, call.read_args()) for call in parser.calls] == calls
    assert [json.loads(args[n]) for n in range(len(calls))] == [made for _, made in calls]
    assert len({call.id for call in parser.calls}) == len(calls)


@settings(max_examples=40, deadline=None)
@given(arguments=JSON.filter(bool), share=st.floats(0.01, 0.99), size=st.integers(1, 9))
def test_what_is_cut_off_is_never_taken_for_whole(
    arguments: dict[str, Any], share: float, size: int
) -> None:
    """Whoever completes broken JSON finds no object in arguments that were cut off."""
    from langchain_core.utils.json import parse_partial_json

    written = json.dumps(arguments)
    cut = written[: max(1, int(len(written) * share))]
    answer = f"{PLAIN.before}get{PLAIN.between}{cut}"
    text, parser, args = _read(
        PLAIN, [answer[at : at + size] for at in range(0, len(answer), size)]
    )
    assert text == ""
    assert not parser.complete
    assert args[0] == parser.calls[0].args
    assert args[0].startswith(cut)
    assert args[0].endswith(CUT_OFF)
    assert not isinstance(parse_partial_json(args[0]), dict)


def test_a_name_that_is_cut_off() -> None:
    """A call whose name isn't there yet is invalid too."""
    _, parser, args = _read(PLAIN, [PLAIN.before + "ge"])
    assert (parser.calls[0].name, args[0]) == ("ge", "]" + CUT_OFF)
    _, parser, args = _read(PLAIN, [PLAIN.before + 'get", "arg'])
    assert parser.calls[0].name == "get"


def test_a_call_that_was_asked_for_is_one_from_the_start() -> None:
    """Where the answer has to be a call, its beginning is no text."""
    parser = CallParser(PLAIN, forced=True)
    assert parser.push("<tool_ca") == ("", [])
    text, [delta] = parser.finish()
    assert (text, delta.name, delta.args) == ("", None, "]" + CUT_OFF)


def test_text_alone_is_text() -> None:
    """Nothing of an answer without calls is lost, what looked like one included."""
    for answer in ("Hello <tool_cal", "  \n", "<tool_call>", "a"):
        assert _read(PLAIN, list(answer))[0] == answer
