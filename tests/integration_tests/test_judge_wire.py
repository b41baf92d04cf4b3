"""A judge reads profile, request and text: what of them leaves is masked, or goes nowhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from recorder import Recorder, find_values, recorded_requests, recording_server
from test_wire import CANARIES, CONTEXT, INSTRUCTION, STRUCTURED, blind

from langchain_cogenesis import create_remote
from langchain_cogenesis.evaluation.judge import Judge
from langchain_cogenesis.evaluation.judge_prompts import JUDGE_TEMPLATES, QUESTIONS
from langchain_cogenesis.exceptions import UnclearedRequestError
from langchain_cogenesis.models.remote import ChatRemote
from langchain_cogenesis.privacy.detectors import PatternDetector
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.policy import EgressPolicy
from langchain_cogenesis.private_values import build_echoes, build_lexicon

TEXT = f"Dear all,\nthe otters and {STRUCTURED[0]} meet at Vesper Hall.\nHugs, Quillara"
PROFILE = "\n".join(item.text for item in CONTEXT.items())


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    """A server that records."""
    with recording_server(tmp_path) as running:
        yield running


def _judge(recorder: Recorder, gate: EgressGate) -> tuple[Judge, ChatRemote]:
    remote = create_remote(recorder.base_url, "recorded", gate=gate, timeout=5.0, max_retries=0)
    return Judge(remote, gate), remote


def _gate(policy: EgressPolicy | None = None) -> EgressGate:
    return EgressGate(
        build_lexicon(CONTEXT),
        policy=policy,
        detectors=(PatternDetector(), build_echoes(CONTEXT)),
        public_texts=JUDGE_TEMPLATES,
    )


def _ask_everything(judge: Judge) -> None:
    for question in QUESTIONS:
        judge.rate(question, INSTRUCTION, TEXT, PROFILE)
    judge.compare(INSTRUCTION, TEXT, "Another text.", PROFILE)


def test_no_canary_reaches_a_judge_that_is_not_trusted(recorder: Recorder) -> None:
    recorder.set_answer("Well said of [NAME_1]. [[8]]")
    judge, remote = _judge(recorder, _gate())
    _ask_everything(judge)
    remote.close()
    assert len(recorded_requests(recorder.record_file)) >= 4
    assert find_values(recorder.record_file, CANARIES) == []
    assert judge.masks


def test_the_search_finds_a_planted_leak(recorder: Recorder) -> None:
    judge, remote = _judge(recorder, blind(_gate()))
    _ask_everything(judge)
    remote.close()
    found = {value for value, _ in find_values(recorder.record_file, CANARIES)}
    assert found >= set(STRUCTURED)


def test_a_trusted_judge_sees_everything(recorder: Recorder) -> None:
    recorder.set_answer("[[3]]")
    judge, remote = _judge(recorder, _gate(EgressPolicy(trusted=frozenset({recorder.base_url}))))
    assert judge.rate("overall", INSTRUCTION, TEXT, PROFILE).rating == 3
    remote.close()
    assert not judge.masks
    assert {value for value, _ in find_values(recorder.record_file, CANARIES)} == set(CANARIES)


def test_verdicts_come_as_json_and_placeholders_are_restored(recorder: Recorder) -> None:
    recorder.set_answer(json.dumps({"explanation": "[NAME_1] is greeted.", "verdict": "9"}))
    judge, remote = _judge(recorder, _gate())
    found = judge.rate("personalisation", "Greet Osric Thandeka.", "Hello!", "")
    remote.close()
    assert (found.rating, found.explanation) == (9, "Osric Thandeka is greeted.")
    assert "Osric" not in repr(found)
    sent = json.loads(recorded_requests(recorder.record_file)[-1].body)
    assert sent["response_format"]["type"] == "json_schema"


def test_a_text_that_was_not_cleared_does_not_leave_for_the_judge(recorder: Recorder) -> None:
    gate = _gate()
    _, remote = _judge(recorder, gate)
    with pytest.raises(UnclearedRequestError):
        remote.invoke("What does Osric Thandeka think?")
    remote.close()
    assert recorded_requests(recorder.record_file) == []
