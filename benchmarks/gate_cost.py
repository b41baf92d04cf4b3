"""What the egress gate costs on a request of 4 KB: `python -m benchmarks.gate_cost`."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from benchmarks.privacy_records import Record, grammar_records
from benchmarks.privacy_systems import pii_middleware
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.lexicon import PrivateLexicon, PrivateValue
from langchain_cogenesis.privacy.restore import Conversation

SIZES = (200, 10_000)
_ENDPOINT = "https://remote.example/v1"
_BYTES = 4096


def gate_cost(rounds: int = 40) -> dict[str, float]:
    """Median milliseconds of processor time a request, all in turn within each round."""
    text = "\n\n".join(record.text for record in grammar_records(80).records)[:_BYTES]
    compared: dict[str, Callable[[], object]] = {"nothing": lambda: None}
    for size in SIZES:
        compared[f"gate, {size} values"] = _clearing(size, text)
    compared["PIIMiddleware's detectors"] = pii_middleware()(Record(text, ()))
    times: dict[str, list[float]] = {name: [] for name in compared}
    for _ in range(rounds):
        for name, run in compared.items():
            began = time.thread_time()
            run()
            times[name].append(time.thread_time() - began)
    return {name: round(1e3 * statistics.median(found), 3) for name, found in times.items()}


def _clearing(size: int, text: str) -> Callable[[], object]:
    letters = "abcdefghijklmnopqrstuvwxyz"
    names = (
        f"Zarn{letters[n % 26]}{letters[n // 26 % 26]}{letters[n // 676]} Vexmoor"
        for n in range(size)
    )
    gate = EgressGate(PrivateLexicon(PrivateValue("NAME", name) for name in names))
    return lambda: gate.require(text, endpoint=_ENDPOINT, conversation=Conversation())


if __name__ == "__main__":
    for what, milliseconds in gate_cost().items():
        print(f"{what:28}{milliseconds:8.3f} ms")
