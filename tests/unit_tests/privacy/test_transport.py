"""The guard refuses what was not cleared, wherever in a request it stands."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from langchain_cogenesis.exceptions import LedgerError, UnclearedRequestError
from langchain_cogenesis.privacy.gate import ClearedText, EgressGate
from langchain_cogenesis.privacy.ledger import EgressLedger
from langchain_cogenesis.privacy.ledger_chain import content_line
from langchain_cogenesis.privacy.ledger_keys import LedgerKeys
from langchain_cogenesis.privacy.lexicon import PrivateLexicon, PrivateValue
from langchain_cogenesis.privacy.metering import EgressMeter, metered
from langchain_cogenesis.privacy.policy import EgressPolicy
from langchain_cogenesis.privacy.restore import Conversation
from langchain_cogenesis.privacy.transport import (
    EgressGuard,
    EgressTransport,
)

BASE = "https://remote.example/v1"
CHAT = f"{BASE}/chat/completions"
TEMPLATE = "Write with Maxine's public template."


class Wire(httpx.BaseTransport):
    """Stands where the network would be and keeps what reached it."""

    def __init__(self) -> None:
        self.sent: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        return httpx.Response(200, json={})


class Door:
    """A gate, a ledger, a guard and a client, for a user called Max Ellery (client 4711999)."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        values = [PrivateValue("NAME", "Max Ellery"), PrivateValue("NUMBER", "4711999")]
        self.ledger = EgressLedger(directory / "ledger", b"k" * 32)
        self.gate = EgressGate(
            PrivateLexicon(values),
            ledger=self.ledger,
            public_texts=[TEMPLATE],
            policy=settings.pop("policy", None),
        )
        self.wire = Wire()
        guard = EgressGuard(self.gate, BASE, models=("max-7b",), **settings)
        self.client = httpx.Client(transport=EgressTransport(self.wire, guard))

    def clear(self, text: str) -> str:
        return self.gate.require(text, endpoint=BASE, conversation=Conversation()).text

    def post(self, body: Any, url: str = CHAT, **more: Any) -> None:
        self.client.post(url, json=body, **more)

    def refuses(self, body: Any, match: str, url: str = CHAT, **more: Any) -> None:
        before = len(self.wire.sent)
        with pytest.raises(UnclearedRequestError, match=match) as caught:
            self.post(body, url, **more)
        assert len(self.wire.sent) == before
        assert "Ellery" not in str(caught.value)
        last = list(self.ledger.entries())[-1].content
        assert last is not None
        assert last["event"] == "refused"
        assert "Ellery" not in json.dumps(last)


@pytest.fixture
def door(tmp_path: Path) -> Door:
    """A door for one user."""
    return Door(tmp_path)


def chat(*texts: str, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": text} for text in texts]
    return {"model": "max-7b", "messages": messages, **more}


def test_cleared_text_and_public_templates_pass(door: Door) -> None:
    """A user called Max trips neither on `max_tokens` nor on the model's name."""
    door.post(chat(TEMPLATE, door.clear("A letter from Max"), max_tokens=20, stream=True))
    assert len(door.wire.sent) == 1
    body = json.loads(door.wire.sent[0].content)
    assert body["messages"][1]["content"] == "A letter from [NAME_1]"


@pytest.mark.parametrize(
    "body",
    [
        chat("never cleared"),
        chat("never cleared", "Max Ellery"),
        {"model": "m", "prompt": "never cleared"},
        {"model": "m", "prompt": ["never cleared"]},
        {"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]},
        chat(TEMPLATE, user="uncleared"),
        chat(TEMPLATE, metadata={"k": "uncleared"}),
        chat(TEMPLATE, stop=["Hugs"]),
        chat(TEMPLATE, tools=[{"type": "function", "function": {"name": "send_to_max"}}]),
        {"an unknown option": 1},
    ],
)
def test_text_that_nobody_cleared_is_refused(door: Door, body: Any) -> None:
    """In whatever option it stands, a text without clearance does not leave."""
    door.refuses(body, "not cleared")


def test_a_known_value_in_a_setting_is_refused(door: Door) -> None:
    """Settings need no clearance, but may not carry a private value."""
    door.refuses(chat(TEMPLATE, service_tier="max ellery"), "private value")
    door.refuses(chat(TEMPLATE, seed=4711999), "private value")
    door.refuses({**chat(TEMPLATE), "model": "ellery-gpt"}, "private value")


def test_a_value_that_became_private_after_clearing_is_refused(door: Door) -> None:
    """The transport looks at the content itself and does not rely on the gate alone."""
    text = door.clear("Greetings from Wexford")
    door.gate.lexicon = PrivateLexicon([PrivateValue("PLACE", "Wexford")])
    door.refuses(chat(text), "holds a private value")


def test_address_path_query_and_headers_are_looked_at(door: Door) -> None:
    """Nothing goes to another host, and no part of a request carries a private value."""
    door.refuses(chat(TEMPLATE), "another address", url="https://elsewhere.example/v1/chat")
    door.refuses(chat(TEMPLATE), "another address", url="http://remote.example/v1/chat")
    door.refuses(chat(TEMPLATE), "path", url=f"{BASE}/max%20ellery")
    door.refuses(chat(TEMPLATE), "query", url=f"{CHAT}?u=Max+Ellery")
    door.refuses(chat(TEMPLATE), "header", headers={"accept": "Max Ellery"})


def test_headers_that_tell_of_the_device_are_left_out(door: Door) -> None:
    """Client libraries' remarks on system and versions stay here."""
    door.post(chat(TEMPLATE), headers={"x-stainless-os": "Linux", "x-note": "Max Ellery"})
    sent = door.wire.sent[0].headers
    assert "x-stainless-os" not in sent
    assert "x-note" not in sent
    assert sent["user-agent"] == "langchain-cogenesis"


@pytest.mark.parametrize("content", [b"\xff\xfe", b"{", b"plain", b"[" * 5000])
def test_a_body_that_cannot_be_read_is_refused(door: Door, content: bytes) -> None:
    """What isn't JSON of this protocol can't be judged, so it does not leave."""
    with pytest.raises(UnclearedRequestError, match="not JSON"):
        door.client.post(CHAT, content=content)
    assert door.wire.sent == []


def test_an_encoded_body_is_refused(door: Door) -> None:
    """A body that says it is compressed can't be judged, whatever its bytes look like."""
    guard = EgressGuard(door.gate, BASE)
    with pytest.raises(UnclearedRequestError, match="encoded"):
        guard.check("POST", CHAT, {"Content-Encoding": "gzip"}, b"{}")


def test_token_ids_are_read_through_the_vocabulary(tmp_path: Path) -> None:
    """Ids are what they spell; without a vocabulary they don't leave."""
    words = {1: "hello", 2: "Max"}
    door = Door(tmp_path, detokenize=lambda ids: " ".join(words[i] for i in ids))
    text = door.clear("hello hello")
    assert text == "hello hello"
    door.post({"model": "max-7b", "prompt": [1, 1]})
    door.post({"model": "max-7b", "prompt": [[1, 1], [1, 1]]})
    door.refuses({"model": "max-7b", "prompt": [1, 2]}, "not cleared")
    door.refuses({"model": "max-7b", "prompt": [[1, 1], [2, 1]]}, "not cleared")
    (tmp_path / "blind").mkdir()
    blind = Door(tmp_path / "blind")
    blind.refuses({"model": "max-7b", "prompt": [1, 1]}, "token ids")


def test_the_ledger_keeps_what_token_ids_read(tmp_path: Path) -> None:
    """Beside a body of ids stands their text; it is chained, and goes with the contents."""
    words = {1: "Dear", 2: "[NAME_1]", 3: "goodbye"}
    door = Door(tmp_path, detokenize=lambda ids: " ".join(words[i] for i in ids))
    conversation = Conversation()
    conversation.mask("NAME", "Max")
    for text in ("Dear [NAME_1]", "goodbye"):
        admitted = door.gate.admit(text, endpoint=BASE, conversation=conversation)
        assert isinstance(admitted, ClearedText)
    door.post({"model": "max-7b", "prompt": [[1, 2], [3]]})
    door.post(chat(TEMPLATE))
    first, second = [entry.content or {} for entry in door.ledger.entries()]
    assert first["prompts"] == ["Dear [NAME_1]", "goodbye"]
    assert first["masked"] == {"NAME": 1}
    assert json.loads(first["body"])["prompt"] == [[1, 2], [3]]
    assert first["digest"] == hashlib.sha256(first["body"].encode()).hexdigest()
    assert "prompts" not in second
    # One byte of the text changed, and sealed anew with the right key: the chain says so.
    path = door.ledger.directory / "entries.jsonl"
    kept = path.read_bytes()
    altered = json.dumps({**first, "prompts": ["Dear [NAME_2]", "goodbye"]}, sort_keys=True)
    lines = kept.splitlines(keepends=True)
    path.write_bytes(content_line(LedgerKeys(b"k" * 32), 0, altered.encode()) + lines[1])
    assert not door.ledger.verify().intact
    path.write_bytes(kept)
    assert door.ledger.verify().intact
    assert door.ledger.redact({0}) == 1
    assert next(iter(door.ledger.entries())).content is None
    assert door.ledger.verify().intact


def test_a_trusted_endpoints_ids_are_read_for_the_ledger_too(tmp_path: Path) -> None:
    """There the text is as it left; a body that can't be read is noted as it is."""
    policy = EgressPolicy(trusted=frozenset({BASE}))
    door = Door(tmp_path, policy=policy, detokenize=lambda ids: "Max Ellery")
    door.post({"model": "max-7b", "prompt": [7]})
    door.client.post(CHAT, content=b"{")
    first, second = [entry.content or {} for entry in door.ledger.entries()]
    assert first["prompts"] == ["Max Ellery"]
    assert "prompts" not in second


def test_a_request_is_in_the_ledger_before_it_is_sent(door: Door) -> None:
    """The entry says where, how many bytes, what was masked, and the body in full."""
    meter = EgressMeter()
    with metered(meter):
        door.post(chat(door.clear("A letter from Max")))
    content = next(iter(door.ledger.entries())).content
    assert content is not None
    body = door.wire.sent[0].content
    assert content["bytes"] == len(body) == meter.bytes
    assert content["body"].encode() == body
    assert content["masked"] == {"NAME": 1}
    assert content["path"] == "/v1/chat/completions"
    assert meter.requests == 1


def test_without_a_ledger_nothing_is_sent(door: Door) -> None:
    """A ledger that can't be written keeps the request back."""
    text = door.clear("hello")
    door.ledger.directory.mkdir()
    (door.ledger.directory / "head.json").write_text("{}")
    with pytest.raises(LedgerError):
        door.post(chat(text))
    assert door.wire.sent == []


def test_a_trusted_endpoint_gets_anything_and_the_ledger_says_so(tmp_path: Path) -> None:
    """For an endpoint that the user trusts, nothing is refused; it is noted all the same."""
    door = Door(tmp_path, policy=EgressPolicy(trusted=frozenset({BASE})))
    door.post(chat("Max Ellery, uncleared"))
    content = next(iter(door.ledger.entries())).content
    assert content is not None
    assert content["trusted"] is True
