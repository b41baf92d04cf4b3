"""What of German requests and letters passes the gate: `python -m benchmarks.german_gate [USERS]`.

Each user of the German grammar has a gate that knows the user's whole context; requests and letters
go through it. A value counts as left if the masked text still says it in any German form.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import groupby

from langchain_cogenesis.data.task.grammar import read_grammar
from langchain_cogenesis.evaluation.metrics.german import holds_german
from langchain_cogenesis.evaluation.metrics.leaks import values_of
from langchain_cogenesis.privacy.detectors import PatternDetector
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.restore import Conversation
from langchain_cogenesis.private_values import build_echoes, build_lexicon

_ENDPOINT = "https://remote.example/v1"


@dataclass(slots=True)
class Passed:
    """Counts over all texts.

    Attributes:
        texts: Requests and letters.
        values: Private values in them.
        left: Of these, how many the masked text still says.
        unlike: Texts that restoring doesn't give back as they were.
    """

    texts: int = 0
    values: int = 0
    left: int = 0
    unlike: int = 0


def pass_letters(users: int, seed: int = 9) -> Passed:
    """Lets the texts of users through their gates."""
    passed = Passed()
    examples = read_grammar(users, tasks=4, seed=seed, language="de")
    for _, group in groupby(examples, key=lambda example: example.user):
        own = list(group)
        context = own[0].context
        detectors = (PatternDetector(), build_echoes(context))
        gate = EgressGate(build_lexicon(context), detectors=detectors)
        values = values_of(context)
        for text in (text for e in own for text in (e.instruction, e.reference)):
            conversation = Conversation()
            masked = gate.require(text, endpoint=_ENDPOINT, conversation=conversation).text
            said = [value for value in values if holds_german(text, value)]
            passed.texts += 1
            passed.values += len(said)
            passed.left += sum(holds_german(masked, value) for value in said)
            passed.unlike += conversation.restore(masked) != text
    return passed


if __name__ == "__main__":
    print(pass_letters(int(sys.argv[1]) if len(sys.argv) > 1 else 120))
