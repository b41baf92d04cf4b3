"""Audited users: what is private of them, what was planted, and texts without it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from langchain_cogenesis.evaluation.audit.canaries import KINDS, plant
from langchain_cogenesis.evaluation.audit.exposure import Haystack
from langchain_cogenesis.evaluation.audit.grammar_users import grammar_subject
from langchain_cogenesis.evaluation.audit.records import record_subjects
from langchain_cogenesis.evaluation.audit.subjects import Unit, known_units, without_values
from langchain_cogenesis.evaluation.audit.texts import longest, read_texts
from langchain_cogenesis.exceptions import ConfigurationError

PROFILE = """Age: 34
Name: Dr. Ilse Varnholt
Occupation: Marine Biologist at Tidewell Institute
Location: Kelmouth, OR
Privacy_info: Keeps a cutter called "Blue Heron"; Paid $4,200 to Marlow Yard in May
Smart_device_usage: Listens to harbour radio
Ai_assistant_usage: Asked for a packing list"""


def test_records_have_the_units_that_they_name(tmp_path: Path) -> None:
    """Name and parts, place, employer, job, age, and what the facts call by name or count."""
    record = {
        "tid": "u1",
        "conversations": [{"from": "user", "value": "Write to Ilse."}],
        "profile": [{"title": "Tides", "text": "The sea was calm."}],
        "additional_profile": PROFILE,
    }
    file = tmp_path / "records.json"
    file.write_text(json.dumps([record]))
    [found] = record_subjects(file)
    units = {(unit.kind, unit.text) for unit in found.units}
    assert units >= {
        ("name", "Dr. Ilse Varnholt"), ("name", "Ilse"), ("name", "Varnholt"),
        ("place", "Kelmouth"), ("employer", "Tidewell Institute"),
        ("occupation", "Marine Biologist"), ("age", "34"),
        ("named in a private fact", "Blue Heron"), ("named in a private fact", "$4,200"),
        ("named in a private fact", "Marlow Yard"), ("device use", "Listens to harbour radio"),
    }  # fmt: skip
    assert {unit.kind for unit in found.units if unit.promised} == {"name", "place", "employer"}
    assert "Varnholt" not in repr(found.units)
    # One user is too few to learn from.
    assert set(found.attributes.values()) == {"other"}


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    """No file, no JSON, no records: each says so."""
    file = tmp_path / "x.json"
    for text in (None, "no json", "[]", '[{"tid": 1}]'):
        if text is not None:
            file.write_text(text)
        with pytest.raises(ConfigurationError):
            record_subjects(file)


def test_grammar_users_are_the_same_again_and_differ() -> None:
    """The same seed and number give the same user; what is promised is in the context."""
    users = [grammar_subject(3, number) for number in range(8)]
    assert users == [grammar_subject(3, number) for number in range(8)]
    assert len({user.instruction for user in users}) == 8
    for user in users:
        history = Haystack(user.history())
        assert all(history.has(unit.text) for unit in user.units if unit.promised)
        assert {"tone", "occupation", "age band"} <= set(user.attributes)


def test_every_kind_is_planted_and_half_of_the_texts_hold_one() -> None:
    """All canaries are in the context, those typed in the instruction too, and in no other."""
    users = [plant(grammar_subject(3, number), 3) for number in range(60)]
    typed = 0
    for user in users:
        assert {canary.kind for canary in user.canaries} == set(KINDS)
        history, instruction = Haystack(user.history()), Haystack(user.instruction)
        held = {canary.kind for canary in user.canaries if canary.typed}
        # An address has the name in it.
        held |= {"name"} if "email" in held else set()
        for canary in user.canaries:
            assert history.has(canary.text)
            assert instruction.has(canary.text) is (canary.kind in held)
            typed += canary.typed
    assert 15 < typed < 45
    assert users == [plant(grammar_subject(3, number), 3) for number in range(60)]


def test_an_oracle_removes_all_values_and_nothing_else() -> None:
    """Whatever their case and spacing; longer values first, and no part of other words."""
    text = "Tell ILSE  Varnholt that Ilse's linen is in Lin."
    assert without_values(text, ["Ilse", "Ilse Varnholt", "Lin"]).split() == [
        "Tell", "that", "'s", "linen", "is", "in", ".",
    ]  # fmt: skip


def test_a_value_that_nobody_was_told_is_not_promised() -> None:
    """And a name that some text mentions isn't either, but a sum is."""
    context = grammar_subject(3, 0).context
    fact = context.items()[0].text
    units = (Unit("name", "Zzyx Qurm", True), Unit("amount", fact, True), Unit("name", "  ", True))
    found = known_units(units, context)
    assert [(unit.kind, unit.promised) for unit in found] == [("name", False), ("amount", True)]


def test_texts_are_read_off_the_wire(tmp_path: Path) -> None:
    """Strings and token ids of the bodies, growing ones once; headers count as wire."""
    user = plant(grammar_subject(3, 1), 3)
    vocabulary = {1: b"Dear", 2: b" Ada", 3: b" and"}
    frames = b""
    for ids in ([1, 2], [1, 2, 3]):
        body = json.dumps({"prompt": ids, "model": "m"}).encode()
        head = f"POST / HTTP/1.1\r\nx-own: harbour\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        frames += b"@0 %d 1.0\n%s\n" % (len(head + body), head + body)
    record = tmp_path / "x.wire"
    record.write_bytes(frames)
    found = read_texts(user, record, vocabulary)
    assert found.ours == "Dear Ada and\nm"
    assert "harbour" in found.wire
    assert "Dear Ada" in found.wire
    assert found.requests == 2
    assert user.instruction in found.raw
    assert user.history() in found.raw
    assert not any(Haystack(found.floor).has(canary.text) for canary in user.canaries)
    assert longest(["a", "ab", "b", "a"]) == ["ab", "b"]
