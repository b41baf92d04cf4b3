"""What a judge is asked and how its answer counts."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from langchain_cogenesis.evaluation.judge import Judge
from langchain_cogenesis.evaluation.judge_prompts import read_judgement, render_case
from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.models.chat_llamacpp import ChatLocalLlama
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.lexicon import PrivateLexicon, PrivateValue


class Opinionated(BaseChatModel):
    """A chat model that says one thing about A and B by a rule, and notes what it read."""

    rule: str = "longer"
    read: list[str] = []  # noqa: RUF012

    @property
    def _llm_type(self) -> str:
        return "opinionated"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        case = messages[-1].text
        self.read.append(case)
        said = self.rule
        if self.rule == "longer":
            a, b = (case.split(f"Text {letter}:\n")[1].split("\n\n")[0] for letter in "AB")
            said = "[[A]]" if len(a) > len(b) else "[[B]]"
        return ChatResult(generations=[ChatGeneration(message=AIMessage(f"Because. {said}"))])


def _gate() -> EgressGate:
    return EgressGate(PrivateLexicon([PrivateValue("NAME", "Osric Thandeka")]))


@pytest.mark.parametrize(
    ("reply", "rating"),
    [
        ("Good. Rating: [[7]]", 7),
        ("Between [[3]] and more, so [[ 10 ]]", 10),
        ('{"explanation": "x", "verdict": "4"}', 4),
        ('```json\n{"explanation": "x", "verdict": "[[5]]"}\n```', 5),
        ("I would say seven.", None),
        ("[[11]]", None),
        ("[[0]]", None),
        ('{"explanation": "x", "verdict": "very good"}', None),
        ("[[A]]", None),
        ("", None),
    ],
)
def test_a_rating_is_read_or_there_is_none(reply: str, rating: int | None) -> None:
    assert read_judgement(reply).rating == rating


def test_what_cannot_be_read_is_counted_and_not_scored() -> None:
    judge = Judge(Opinionated(rule="no idea"), _gate())
    assert judge.rate("overall", "Write.", "Text.").rating is None
    assert judge.rate("overall", "Write.", "Text.").rating is None
    assert judge.compare("Write.", "one", "two") is None
    assert judge.unscored == {"overall": 2, "pair": 1}


def test_pairs_are_asked_in_both_orders() -> None:
    fair = Judge(Opinionated(), _gate())
    assert fair.compare("Write.", "short", "much longer") == "second"
    assert fair.compare("Write.", "much longer", "short") == "first"
    assert Judge(Opinionated(rule="[[A]]"), _gate()).compare("Write.", "a", "b") == "tie"
    assert Judge(Opinionated(rule="[[C]]"), _gate()).compare("Write.", "a", "b") == "tie"


def test_any_chat_model_reads_placeholders_and_profiles_where_they_belong() -> None:
    model = Opinionated(rule="[[6]]", read=[])
    judge = Judge(model, _gate())
    judge.rate("overall", "Thank Osric Thandeka.", "Thanks, Osric Thandeka!", "friend: a friend")
    judge.rate("overall without profile", "Thank him.", "Thanks!", "friend: a friend")
    assert "Osric" not in "".join(model.read)
    assert model.read[0].count("[NAME_1]") == 2
    assert "friend: a friend" in model.read[0]
    assert "friend" not in model.read[1]


def test_a_judge_elsewhere_needs_a_gate() -> None:
    with pytest.raises(ConfigurationError, match="gate"):
        Judge(Opinionated())


def test_a_model_in_this_process_reads_everything() -> None:
    judge = Judge(ChatLocalLlama(model="house-small", max_tokens=8))
    found = judge.rate("overall without profile", "Thank Osric.", "Thanks, Osric!")
    assert not judge.masks
    assert (found.rating is None) == (judge.unscored["overall without profile"] == 1)


def test_a_case_is_rendered_in_order() -> None:
    assert render_case("ask", ["text"], "p") == "Profile:\np\n\nRequest:\nask\n\nText:\ntext"
    assert render_case("ask", ["x", "y"]) == "Request:\nask\n\nText A:\nx\n\nText B:\ny"
