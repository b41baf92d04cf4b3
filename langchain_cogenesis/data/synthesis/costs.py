"""What a run will cost, and what it has cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from langchain_cogenesis.data.synthesis.chat import estimate_tokens
from langchain_cogenesis.data.synthesis.orders import STEPS, Order, StepName, Usage
from langchain_cogenesis.exceptions import ConfigurationError

_ANSWER_TOKENS: Mapping[StepName, int] = {"portrait": 300, "user": 900, "tasks": 350, "text": 450}
"""About what the prompts ask for; models that think aloud use more."""
_SHAPE = 'A price table is {"its-model": {"input": 0.15, "output": 0.6}}, per million tokens.'


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices in any currency.

    Attributes:
        input: Of a million tokens of prompts.
        output: Of a million tokens of answers.
    """

    input: float
    output: float

    def cost(self, usage: Usage) -> float:
        """What so many tokens cost."""
        return (self.input * usage.input_tokens + self.output * usage.output_tokens) / 1e6


def load_prices(path: Path, model: str) -> Prices:
    """Reads the prices of a model from a table, YAML or JSON.

    Raises:
        ConfigurationError: It can't be read, or doesn't hold the model.
    """
    import yaml

    try:
        table = yaml.safe_load(path.read_text(encoding="utf-8"))
        found = table[model]
        prices = Prices(float(found["input"]), float(found["output"]))
    except OSError as error:
        raise ConfigurationError(
            f"the price table {path} can't be read ({error.strerror}).", hint=_SHAPE
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, ValueError):
        raise ConfigurationError(
            f"the price table {path} has no prices of the model {model!r}.", hint=_SHAPE
        ) from None
    if min(prices.input, prices.output) < 0:
        raise ConfigurationError(f"a price of {model!r} in {path} is negative.", hint=_SHAPE)
    return prices


def estimate_usage(users: int, portraits: int, tasks: int, seed: int = 0) -> dict[StepName, Usage]:
    """Estimates the tokens of a whole run, if every first answer can be used.

    Prompts are measured with an invented user in them; answers are taken to be as long as they are
    asked for.

    Args:
        users: How many.
        portraits: How many groups.
        tasks: Texts of each user.
        seed: Of the run.
    """
    from langchain_cogenesis.data.synthesis.prompts import messages_for

    calls = dict(zip(STEPS, (portraits, users, users, users * tasks), strict=True))
    found = {}
    for order in _typical(tasks, seed):
        asked = sum(estimate_tokens(text) for _, text in messages_for(order))
        count = calls[order.step]
        answered = _ANSWER_TOKENS[order.step] * count
        found[order.step] = Usage(asked * count, answered, count, count)
    return found


def _typical(tasks: int, seed: int) -> list[Order]:
    from langchain_cogenesis.data.synthesis.grammar import GrammarGenerator
    from langchain_cogenesis.data.synthesis.schemas import GeneratedUser, Portrait, WritingTasks

    made = GrammarGenerator()
    first = Order("portrait", "portrait/0", seed, tasks)
    portrait = Portrait.model_validate_json(made.generate(first).text)
    second = Order("user", "user/0_0", seed, tasks, portrait, "0_0")
    user = GeneratedUser.model_validate_json(made.generate(second).text)
    third = Order("tasks", "tasks/0_0", seed, tasks, portrait, "0_0", user)
    task = WritingTasks.model_validate_json(made.generate(third).text).tasks[0]
    fourth = Order("text", "text/0_0_0", seed, tasks, portrait, "0_0", user, (0, task))
    return [first, second, third, fourth]
