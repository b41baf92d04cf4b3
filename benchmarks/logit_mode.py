"""What logit mode costs: `python -m benchmarks.logit_mode [--count N] [--json]`.

The house models, the larger one behind our endpoint on loopback. Requests per token are counted
with the same text as with one request per token, which is checked; times are with a wait of 50 ms
put before each request, in one run, as ratios.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks.own_cost import own_cost
from langchain_cogenesis.data.examples import Example, create_example
from langchain_cogenesis.fusion.decoding import decode
from langchain_cogenesis.fusion.drafting import BlockLength, BlockReport, decode_blocks
from langchain_cogenesis.fusion.fixed import LinearFusion
from langchain_cogenesis.fusion.local_drafting import decode_local_blocks
from langchain_cogenesis.fusion.prefix import MaskedPrefix
from langchain_cogenesis.fusion.schedule import EntropySchedule, EveryStep, Schedule
from langchain_cogenesis.fusion.steps import Helper, Mixer, Step
from langchain_cogenesis.logit_answering import admitting
from langchain_cogenesis.models.base import Draft
from langchain_cogenesis.models.endpoints import RemoteNextTokenModel, connect
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.local_next import LocalNextTokenModel
from langchain_cogenesis.models.logprobs import Distribution
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.lexicon import PrivateLexicon, PrivateValue
from langchain_cogenesis.privacy.prefix import PrefixMask
from langchain_cogenesis.privacy.restore import Conversation
from langchain_cogenesis.prompts import PUBLIC_TEMPLATES, TEXT_SYSTEM
from langchain_cogenesis.server.process import serve_in_child

TOKENS = 64
WAIT = 0.05
LOCAL_WAIT = 0.02
"""What a decode of a local model of a few billion weights takes, seconds."""
_TIMED = 6
_KINDS = frozenset({"NAME", "PLACE", "ORG", "ADDRESS", "NUMBER", "PHONE"})


@dataclass
class Far:
    """A remote with a round-trip time: waits before each request, and counts them."""

    model: RemoteNextTokenModel
    wait: float = 0.0
    requests: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def score(self, ids: Sequence[int], *, first: int) -> list[Distribution]:
        """One request."""
        self._go()
        return self.model.score(ids, first=first)

    def draft(self, ids: Sequence[int], count: int) -> Draft:
        """One request."""
        self._go()
        return self.model.draft(ids, count)

    def _go(self) -> None:
        self.requests += 1
        time.sleep(self.wait)


class InTurn(Far):
    """The same, but nobody can tell that it waits: nothing is done meanwhile."""

    endpoint = None


@dataclass
class SlowLocal:
    """A local model whose every decode takes as long as one of a real one."""

    model: LocalNextTokenModel

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def score(self, ids: Sequence[int], *, first: int) -> list[Distribution]:
        """One decode."""
        time.sleep(LOCAL_WAIT)
        return self.model.score(ids, first=first)


@dataclass
class Run:
    """What one way of decoding came to over all instructions."""

    tokens: int = 0
    requests: int = 0
    seconds: float = 0.0
    used: list[int] = field(default_factory=list)
    texts: list[list[int]] = field(default_factory=list)

    @property
    def per_token(self) -> float:
        """Requests per token."""
        return self.requests / max(1, self.tokens)


@dataclass
class Pair:
    """The models and the gate between them."""

    local: LocalNextTokenModel
    remote: RemoteNextTokenModel
    gate: EgressGate
    far: type[Far] = Far

    def mixer(self, example: Example, wait: float, schedule: Schedule) -> tuple[Mixer, Far]:
        """Everything that one text needs."""
        self.gate.lexicon = PrivateLexicon(
            PrivateValue(slot.kind, slot.value)
            for slot in example.slots.values()
            if slot.kind in _KINDS and slot.value
        )
        conversation, far = Conversation(), self.far(self.remote, wait)
        endpoint = self.remote.endpoint
        asked = self.gate.require(example.instruction, endpoint=endpoint, conversation=conversation)
        chat = [
            {"role": "system", "content": TEXT_SYSTEM},
            {"role": "user", "content": asked.text},
        ]
        mask = PrefixMask(self.gate.find, conversation.mask, self.gate.lexicon)
        helper = Helper(
            far,  # type: ignore[arg-type]
            self.remote.prompt_ids(chat),
            MaskedPrefix(self.local.vocabulary, mask),
            admitting(self.gate, endpoint, conversation, self.remote),
        )
        private = [{"role": role, "content": text} for role, text in example.messages()]
        mixer = Mixer(
            self.local,
            self.local.prompt_ids(private),
            [helper],
            fusion=LinearFusion((0.5, 0.5)),
            schedule=schedule,
        )
        return mixer, far

    def run(
        self,
        examples: Sequence[Example],
        decoding: Callable[[Mixer, BlockReport], Iterator[Step]],
        *,
        wait: float = 0.0,
        schedule: Schedule | None = None,
    ) -> Run:
        """Writes all texts in one way."""
        done = Run()
        for example in examples:
            mixer, far = self.mixer(example, wait, schedule or EveryStep())
            report, began = BlockReport(), time.perf_counter()
            steps = list(decoding(mixer, report))
            done.seconds += time.perf_counter() - began
            done.tokens, done.requests = done.tokens + len(steps), done.requests + far.requests
            done.used += report.used
            done.texts.append([step.token for step in steps])
        return done


@contextmanager
def open_pair() -> Iterator[Pair]:
    """The house models."""
    engine = LlamaCppEngine("house-small", n_threads=1)
    local = LocalNextTokenModel(engine)
    gate = EgressGate(public_texts=PUBLIC_TEMPLATES)
    with serve_in_child("house-large") as child:
        remote = connect(
            child.base_url,
            child.model,
            api_key=child.api_key,
            gate=gate,
            local_vocabulary=local.vocabulary,
        )
        yield Pair(local, remote, gate)
        remote.close()
    engine.close()


def blocks(
    length: int | None, *, local: bool = False
) -> Callable[[Mixer, BlockReport], Iterator[Step]]:
    """Decoding in blocks of a length, drafted by the remote or locally; None adapts."""
    loop = decode_local_blocks if local else decode_blocks
    return lambda mixer, report: loop(mixer, TOKENS, length=BlockLength(length), report=report)


def singly(mixer: Mixer, report: BlockReport) -> Iterator[Step]:
    """One request per token."""
    return decode(mixer, TOKENS)


def held_out(count: int) -> list[Example]:
    """Instructions with names and wordings that aren't trained on."""
    return [
        create_example(
            f"bench/{n}", condition="context", scope="everything", held_out=True, new_names=True
        )
        for n in range(count)
    ]


def requests_table(pair: Pair, count: int) -> list[dict[str, Any]]:
    """Requests per token, with the text of one request per token."""
    examples = held_out(count)
    single = pair.run(examples, singly)
    rows = [{"way": "one per token", "requests a token": round(single.per_token, 3)}]
    for name, length, local in (
        ("remote drafts 4", 4, False),
        ("remote drafts 8", 8, False),
        ("local drafts 4", 4, True),
        ("local drafts 8", 8, True),
    ):
        found = pair.run(examples, blocks(length, local=local))
        rows.append(
            {
                "way": name,
                "requests a token": round(found.per_token, 3),
                "rows used a block": round(statistics.fmean(found.used), 2),
                "same text": found.texts == single.texts,
            }
        )
    return rows


def speed_table(pair: Pair) -> list[dict[str, Any]]:
    """Tokens a second with a wait before each request, against one request per token."""
    examples = held_out(_TIMED)
    single = pair.run(examples, singly, wait=WAIT)
    slow = single.tokens / single.seconds
    ways: list[tuple[str, Any, Schedule | None]] = [
        ("remote drafts, adaptive", blocks(None), None),
        ("local drafts, adaptive", blocks(None, local=True), None),
        ("entropy 1.5, remote drafts 4", blocks(4), EntropySchedule(1.5)),
        ("local alone", singly, EntropySchedule(1e9)),
    ]
    rows = [{"way": "one per token", "tokens/s": round(slow, 1), "ratio": 1.0}]
    for name, decoding, schedule in ways:
        found = pair.run(examples, decoding, wait=WAIT, schedule=schedule)
        rate = found.tokens / found.seconds
        rows.append(
            {
                "way": name,
                "tokens/s": round(rate, 1),
                "ratio": round(rate / slow, 2),
                "requests a token": round(found.per_token, 3),
                "bound, tokens/s": round(1 / (WAIT * max(found.per_token, 1e-3)), 1),
            }
        )
    return rows


def overlap_table(pair: Pair) -> list[dict[str, Any]]:
    """What working while a request is under way is worth, with a local model of real size."""
    examples = held_out(_TIMED)
    rows: list[dict[str, Any]] = []
    for name, local in (("remote drafts 4", False), ("local drafts 4", True)):
        runs: list[Run] = []
        for far in (InTurn, Far):
            slow = replace(pair, local=SlowLocal(pair.local), far=far)  # type: ignore[arg-type]
            runs.append(slow.run(examples, blocks(4, local=local), wait=WAIT))
        in_turn, overlapped = (run.tokens / run.seconds for run in runs)
        rows.append(
            {
                "way": name,
                "in turn, tokens/s": round(in_turn, 1),
                "overlapped": round(overlapped, 1),
                "ratio": round(overlapped / in_turn, 2),
                "same text": runs[0].texts == runs[1].texts,
            }
        )
    return rows


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="benchmarks.logit_mode", description=__doc__)
    parser.add_argument("--count", type=int, default=50, help="instructions (50)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    with open_pair() as pair:
        print("requests per token …", file=sys.stderr)
        requests = requests_table(pair, options.count)
        print("with a round trip of 50 ms …", file=sys.stderr)
        speed = speed_table(pair)
        overlap = overlap_table(pair)
    own = own_cost()
    report = {"requests": requests, "speed": speed, "overlap": overlap, "our own cost": own}
    if options.json:
        print(json.dumps(report, indent=2))
        return
    tables = (
        ("Requests", requests),
        ("50 ms a request", speed),
        ("50 ms a request, 20 ms a local decode", overlap),
    )
    for title, rows in tables:
        print(title)
        for row in rows:
            print("  " + "  ".join(f"{name} {value}" for name, value in row.items()))
    print("Our own cost, without the models")
    for name, value in own.items():
        print(f"  {name}: {value}")


if __name__ == "__main__":
    main()
