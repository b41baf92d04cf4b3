"""What really leaves, byte by byte: `python -m benchmarks.wire [--data FILE] [--limit N] [--json]`.

Each record becomes a user with a store of their own, whose task is answered in each mode by each
door, by the house models, the larger one behind our endpoint. A recorder in a process of its own
stands before the endpoint and keeps the raw bytes of every request. Compression, JSON, escapes,
percent-encoding, base64 and token ids are undone; then the bytes of a user's requests are searched
for this user's values in two ways:

* literally: the values of the context, names also by their parts and places by the parts between
  commas, whatever their case and spacing. Values of one short word have to stand as a word. Days
  and sums, which are written in many ways, are left to the other search;
* by the lexicon, which knows them in all their forms.

`found` counts values and their users that either search found, `noted` those that are a common word
too and stood where the lexicon takes them for that one (`preview` shows these). Of values that are
found nothing is printed but the numbers of their records and their kinds.

Below stand the same runs over tasks into which values of the user were written (`planted`): they
must not be found; and again past a gate that knows nothing (`control`): then they must be.

Texts are cut after `--max-tokens` tokens. In logit mode so many tokens of text go out, masked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.recording import Recorder, recorded_requests, recording_server
from benchmarks.wire_values import Search, WireUser, invented_users, recorded_users
from langchain_cogenesis import (
    ChatCoGenesis,
    ChatLocalLlama,
    LlamaCppEngine,
    create_remote,
)
from langchain_cogenesis.exceptions import CoGenesisError
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.lexicon import PrivateLexicon
from langchain_cogenesis.server.process import Endpoint, serve_in_child
from langchain_cogenesis.session import UserSession

MODES = ("local", "sketch", "logits")
PLANTED = 10


async def by_invoke(model: ChatCoGenesis, task: str, mode: str) -> None:
    """Sync, whole."""
    model.invoke(task, mode=mode)


async def by_ainvoke(model: ChatCoGenesis, task: str, mode: str) -> None:
    """Async, whole."""
    await model.ainvoke(task, mode=mode)


async def by_stream(model: ChatCoGenesis, task: str, mode: str) -> None:
    """Sync, piece by piece."""
    for _ in model.stream(task, mode=mode):
        pass


async def by_astream(model: ChatCoGenesis, task: str, mode: str) -> None:
    """Async, piece by piece."""
    async for _ in model.astream(task, mode=mode):
        pass


Door = Callable[[ChatCoGenesis, str, str], Awaitable[None]]
DOORS: dict[str, Door] = {
    "invoke": by_invoke,
    "ainvoke": by_ainvoke,
    "stream": by_stream,
    "astream": by_astream,
}


@dataclass
class Row:
    """One mode by one door.

    Attributes:
        task: What was asked: the task as it is, or with values planted in it.
        gate: `on`, or `blind` in the control.
        answers: Calls that were answered.
        failed: Calls that were not, by the error's name.
        requests: Requests that reached the recorder.
        size: Bytes that reached it.
        values: Values looked for, summed over calls.
        found: Values found, summed over calls.
        records: Numbers of the records whose values were found, with the values' kinds.
        noted: Values found that are common words too, summed over calls.
    """

    mode: str
    door: str
    task: str = "as typed"
    gate: str = "on"
    answers: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    requests: int = 0
    size: int = 0
    values: int = 0
    found: int = 0
    records: dict[int, list[str]] = field(default_factory=dict)
    noted: int = 0


@dataclass(frozen=True)
class Wire:
    """The models, and the recorder on the way between them."""

    endpoint: Endpoint
    recorder: Recorder
    local: ChatLocalLlama
    vocabulary: dict[int, bytes]
    work: Path

    @asynccontextmanager
    async def model(self, session: UserSession) -> AsyncIterator[ChatCoGenesis]:
        """A user's model, whose connections are closed afterwards."""
        remote = create_remote(
            self.recorder.base_url,
            self.endpoint.model,
            api_key=self.endpoint.api_key,
            gate=session.gate,
            max_tokens=self.local.max_tokens,
        )
        yield ChatCoGenesis(local=self.local, remote=remote, session=session)
        await remote.aclose()

    async def call(
        self, row: Row, user: WireUser, task: str, model: ChatCoGenesis, search: Search
    ) -> None:
        """Answers one task, and searches what left meanwhile."""
        before = self.recorder.record_file.stat().st_size
        try:
            await DOORS[row.door](model, task, row.mode)
            row.answers += 1
        except CoGenesisError as error:
            name = type(error).__name__
            row.failed[name] = row.failed.get(name, 0) + 1
        piece = self.work / "piece.bin"
        with self.recorder.record_file.open("rb") as record:
            record.seek(before)
            piece.write_bytes(record.read())
        requests = recorded_requests(piece)
        found, noted = search.in_record(piece, self.vocabulary)
        row.requests += len(requests)
        row.size += sum(len(request.line) + len(request.body) for request in requests)
        row.size += sum(len(n) + len(v) + 4 for r in requests for n, v in r.headers)
        row.values += len(search.values)
        row.found += len(found)
        row.noted += len(noted)
        if found:
            known = row.records.setdefault(user.number, [])
            known += sorted({kind for kind, _ in found} - set(known))


async def run(
    users: Sequence[WireUser],
    modes: Sequence[str] = MODES,
    *,
    max_tokens: int = 24,
    planted_in: int = PLANTED,
    say: Callable[[str], None] = lambda progress: None,
) -> list[Row]:
    """All rows: tasks as typed, with values planted, and past a gate that knows nothing.

    Args:
        users: Whose tasks are answered.
        modes: In which modes, by all doors.
        max_tokens: Tokens of each text.
        planted_in: How many users, from the first, have values planted in their tasks.
        say: Told of each user.
    """
    rows = [Row(mode, door) for mode in modes for door in DOORS]
    planted = [Row(mode, door, "planted") for mode in modes for door in DOORS]
    control = [Row(mode, door, "planted", "blind") for mode in modes for door in DOORS]
    engine = LlamaCppEngine.shared("house-small")
    vocabulary = {token: engine.token_bytes(token) for token in range(engine.n_vocab)}
    with tempfile.TemporaryDirectory() as folder, serve_in_child("house-large") as endpoint:
        work = Path(folder)
        with recording_server(work) as recorder:
            recorder.set_upstream(endpoint.base_url.removesuffix("/v1"))
            local = ChatLocalLlama(max_tokens=max_tokens)
            wire = Wire(endpoint, recorder, local, vocabulary, work)
            for count, user in enumerate(users):
                say(f"record {count + 1} of {len(users)}")
                with UserSession(f"user {user.number}", work / "users", create=True) as session:
                    session.add(user.context)
                    search = Search(user, session.gate.lexicon)
                    async with wire.model(session) as model:
                        for row in rows:
                            await wire.call(row, user, user.task, model, search)
                        if count >= planted_in:
                            continue
                        search = search.only(user.planted)
                        for row in planted:
                            await wire.call(row, user, user.planted_task, model, search)
                        blind(session.gate)
                        for row in control:
                            await wire.call(row, user, user.planted_task, model, search)
    return [*rows, *planted, *control]


def blind(gate: EgressGate) -> None:
    """Plants the leak: a gate that knows no value."""
    gate.lexicon = PrivateLexicon()
    gate.detectors = ()


def main() -> None:
    """Prints the table, or JSON. Exit status 1 if a value left, or the control found too little."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.wire",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, help="published records; else invented users")
    parser.add_argument("--limit", type=int, default=20, help="records, from the first (20)")
    parser.add_argument("--max-tokens", type=int, default=24, help="tokens of each text (24)")
    parser.add_argument("--mode", action="append", choices=(*MODES, "remote"), help="only these")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    users = recorded_users(given.data, given.limit) if given.data else invented_users(given.limit)
    began = time.perf_counter()
    rows = asyncio.run(run(users, given.mode or MODES, max_tokens=given.max_tokens, say=_say))
    seconds = time.perf_counter() - began
    typed = sum(user.typed for user in users)
    if given.json:
        told = {
            "records": len(users),
            "max_tokens": given.max_tokens,
            "values_typed": typed,
            "seconds": round(seconds),
            "rows": [asdict(row) for row in rows],
        }
        print(json.dumps(told, indent=2))
    else:
        print(f"{len(users)} records, texts of {given.max_tokens} tokens, {seconds:.0f} s")
        print(f"{typed} values stand in the tasks as typed")
        print("\n".join(_table(rows)))
    sys.exit(0 if passed(rows) else 1)


def passed(rows: Sequence[Row]) -> bool:
    """Whether nothing was found where a gate stood, and everything where none did.

    Where nothing was sent nothing can be found: that counts in local mode only.
    """
    return all(
        (row.requests > 0) == (row.mode != "local")
        and (
            row.found == 0
            if row.gate == "on" or row.mode == "local"
            else row.found == row.values > 0
        )
        for row in rows
    )


def _say(progress: str) -> None:
    print(progress, file=sys.stderr)


def _table(rows: Sequence[Row]) -> Iterator[str]:
    yield (
        f"{'task':9} {'gate':6} {'mode':7} {'door':8} {'answers':>7} {'failed':>6} "
        f"{'requests':>8} {'KB':>8} {'values':>7} {'found':>6} {'noted':>6}  records"
    )
    for row in rows:
        where = ", ".join(f"{number} ({' '.join(k)})" for number, k in row.records.items())
        yield (
            f"{row.task:9} {row.gate:6} {row.mode:7} {row.door:8} {row.answers:7} "
            f"{sum(row.failed.values()):6} {row.requests:8} {row.size / 1000:8.1f} "
            f"{row.values:7} {row.found:6} {row.noted:6}  {where}".rstrip()
        )


if __name__ == "__main__":
    main()
