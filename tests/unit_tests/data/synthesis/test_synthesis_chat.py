"""The four steps by a chat model: the official client against a scripted endpoint."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from langchain_openai import ChatOpenAI
from scripted_endpoint import INPUT_TOKENS, MODEL, OUTPUT_TOKENS, Script, scripted

from langchain_cogenesis.data.synthesis.chat import ChatGenerator
from langchain_cogenesis.data.synthesis.costs import Prices, estimate_usage, load_prices
from langchain_cogenesis.data.synthesis.orders import Usage
from langchain_cogenesis.data.synthesis.pipeline import Summary, SynthesisSettings, synthesizing
from langchain_cogenesis.data.synthesis.running import RunLimits
from langchain_cogenesis.data.task.loading import load_examples
from langchain_cogenesis.exceptions import ConfigurationError, SourceError

SETTINGS = SynthesisSettings(users=2, tasks=2)
NEEDED = {"portrait": 1, "user": 2, "tasks": 2, "text": 4}
SERIAL = RunLimits(concurrency=1, pause=0.0)


def run(
    directory: Path,
    script: Script,
    limits: RunLimits = SERIAL,
    settings: SynthesisSettings = SETTINGS,
) -> Summary:
    model = ChatOpenAI(base_url=script.base_url, model=MODEL, api_key="k", max_retries=0)
    steps = synthesizing(directory, ChatGenerator(model), settings, limits)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]


@contextmanager
def first(step: str, *kinds: str) -> Iterator[Script]:
    """An endpoint whose first answers to a step are of these kinds."""

    def fault(asked: str, number: int) -> str:
        return kinds[number] if asked == step and number < len(kinds) else "good"

    with scripted(Script(fault)) as script:
        yield script


def set_aside(directory: Path) -> list[dict[str, str]]:
    lines = (directory / "set_aside.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_good_answers_become_examples_and_nothing_is_asked_twice(tmp_path: Path) -> None:
    """One request for each thing made; facts are those that the text states; then no request."""
    with scripted(Script()) as script:
        summary = run(tmp_path / "run", script)
        assert script.steps() == NEEDED
        assert (summary.users, summary.examples, summary.calls) == (2, 4, 9)
        example = load_examples(tmp_path / "run")[0]
        assert [fact.name for fact in example.facts] == ["boat"]
        assert example.facts[0].value in example.reference
        assert example.context.profile is not None
        assert example.context.profile.age == 41
        assert (example.task, example.outline) == ("note", ("greet", "offer"))
        again = run(tmp_path / "run", script)
        assert script.steps() == NEEDED
        assert (again.calls, again.examples) == (0, 4)


@pytest.mark.parametrize("kind", ["fenced", "broken"])
@pytest.mark.parametrize("step", ["portrait", "user", "tasks", "text"])
def test_answers_that_can_be_mended_cost_no_second_request(
    tmp_path: Path, step: str, kind: str
) -> None:
    """Fences and slips are mended."""
    with first(step, kind) as script:
        summary = run(tmp_path / "run", script)
        assert script.steps() == NEEDED
        assert (summary.examples, summary.set_aside) == (4, {})


@pytest.mark.parametrize(
    ("step", "kind", "said"),
    [
        ("portrait", "cut", "breaks off"),
        ("user", "wrong", "fields are missing"),
        ("user", "length", "cut off"),
        ("tasks", "prose", "no JSON object"),
        ("text", "refusal", "refused"),
        ("text", "blanks", "blanks"),
        ("text", "unstated", "none of the facts"),
    ],
)
def test_bad_answers_are_asked_for_again_with_the_reason(
    tmp_path: Path, step: str, kind: str, said: str
) -> None:
    """The second request says what was wrong with the first; the run ends as if nothing was."""
    with first(step, kind) as script:
        summary = run(tmp_path / "run", script)
        assert script.steps() == {**NEEDED, step: NEEDED[step] + 1}
        complaints = [prompt for prompt in script.prompts if "An earlier answer" in prompt]
        assert len(complaints) == 1
        assert said in complaints[0]
        assert (summary.users, summary.examples, summary.set_aside) == (2, 4, {})


def test_what_stays_bad_is_set_aside_with_reason_and_answer(tmp_path: Path) -> None:
    """After three answers it is left; the rest is made; a second run doesn't ask again."""
    with first("text", "prose", "cut", "refusal") as script:
        summary = run(tmp_path / "run", script)
        assert script.steps() == {**NEEDED, "text": 6}
        assert (summary.examples, summary.set_aside, summary.missing) == (3, {"text": 1}, 0)
        (entry,) = set_aside(tmp_path / "run")
        assert (entry["key"], entry["kind"]) == ("text/0_0_0", "unusable")
        assert (entry["reason"], entry["answer"]) == ("the model refused", "I can't do that.")
        assert run(tmp_path / "run", script).calls == 0
    assert load_examples(tmp_path / "run")[0].id == "0_0_1"


def test_a_user_that_is_set_aside_is_replaced(tmp_path: Path) -> None:
    """As many users are made as were wanted."""
    with first("user", "prose", "prose", "prose") as script:
        summary = run(tmp_path / "run", script)
        assert (summary.users, summary.set_aside) == (2, {"user": 1})
        assert script.steps() == {**NEEDED, "user": 5}


def test_failed_requests_are_no_answers_and_are_made_up_for_later(tmp_path: Path) -> None:
    """An endpoint that fails for a while: what is missing is said, and the next run asks for it."""
    with first("text", "500", "503", "good", "429", "good") as script:
        summary = run(tmp_path / "run", script)
        # The first text failed twice; the third one succeeded at its second request.
        assert (summary.missing, summary.examples, summary.stopped) == (1, 3, "")
        assert set_aside(tmp_path / "run")[0]["kind"] == "missing"
        before = script.counts["text"]
        again = run(tmp_path / "run", script)
        assert script.counts["text"] == before + 1
        assert (again.missing, again.examples, again.calls) == (0, 4, 1)


def test_an_endpoint_that_always_fails_stops_the_run(tmp_path: Path) -> None:
    """A wrong key doesn't cost thousands of requests; what was made before is kept."""
    with scripted(Script(lambda step, number: "401" if step == "text" else "good")) as script:
        settings = SynthesisSettings(users=8, tasks=4)
        summary = run(tmp_path / "run", script, RunLimits(concurrency=2, pause=0.0), settings)
        assert script.counts["text"] <= 6
        assert "AuthenticationError" in summary.stopped
        assert summary.missing == 32
        script.fault = lambda step, number: "good"
        again = run(tmp_path / "run", script, settings=settings)
        assert (again.examples, again.calls) == (32, 32)


def test_costs_are_those_that_the_endpoint_told(tmp_path: Path) -> None:
    """Tokens and cost of all answers, bad ones included; the limit stops the run."""
    prices = Prices(input=10.0, output=100.0)
    each = prices.cost(Usage(INPUT_TOKENS, OUTPUT_TOKENS, 1))
    assert each == pytest.approx(0.002)
    with first("text", "prose") as script:
        summary = run(tmp_path / "run", script)
        total = sum(summary.usage.values(), Usage())
        assert total == Usage(10 * INPUT_TOKENS, 10 * OUTPUT_TOKENS, 10, 0)
        limits = RunLimits(concurrency=1, prices=prices, max_cost=7 * each)
        stopped = run(tmp_path / "other", script, limits)
        assert stopped.calls == 7
        assert "limit of the cost" in stopped.stopped
        assert (stopped.examples, stopped.missing) == (2, 2)


def test_requests_at_once_make_the_same_set(tmp_path: Path) -> None:
    """The order in which answers come changes nothing."""
    settings = SynthesisSettings(users=10, tasks=2)
    with scripted(Script()) as script:
        run(tmp_path / "one", script, SERIAL, settings)
        limits = RunLimits(concurrency=6, pause=0.0)
        run(tmp_path / "six", script, limits, settings)
    first_set, second_set = (load_examples(tmp_path / name) for name in ("one", "six"))
    assert first_set == second_set
    assert Counter(example.user for example in first_set).most_common(1)[0][1] == 2


def test_the_estimate_counts_every_request() -> None:
    """Requests are exact; tokens grow with what is made."""
    small, large = estimate_usage(8, 1, 4), estimate_usage(80, 10, 4)
    assert {step: used.calls for step, used in small.items()} == {
        "portrait": 1, "user": 8, "tasks": 8, "text": 32
    }  # fmt: skip
    assert large["text"].input_tokens == 10 * small["text"].input_tokens > 0
    assert all(used.output_tokens > 0 for used in small.values())


def test_price_tables(tmp_path: Path) -> None:
    """YAML and JSON are read; what is missing or negative is refused by name."""
    path = tmp_path / "prices.yaml"
    path.write_text("m: {input: 1, output: 2.5}\nbad: {input: -1, output: 0}\n")
    assert load_prices(path, "m") == Prices(1.0, 2.5)
    for model in ("other", "bad"):
        with pytest.raises(ConfigurationError, match=model):
            load_prices(path, model)
    with pytest.raises(ConfigurationError, match="No such file"):
        load_prices(tmp_path / "none", "m")


def test_a_run_without_any_example_can_be_told(tmp_path: Path) -> None:
    """Nothing usable is an empty file, which the loader names."""
    with scripted(Script(lambda step, number: "prose")) as script:
        summary = run(tmp_path / "run", script)
        assert (summary.users, summary.examples) == (0, 0)
        # Other groups stand in for those that could not be made, but not without end.
        assert summary.set_aside == {"portrait": 4}
        keys = [entry["key"] for entry in set_aside(tmp_path / "run")]
        assert keys == ["portrait/0", "portrait/1", "portrait/2", "portrait/3"]
    with pytest.raises(SourceError):
        load_examples(tmp_path / "run")
