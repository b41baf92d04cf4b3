"""`cogenesis serve --user`: collaborating models for any client, each user behind a key."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from langchain_openai import ChatOpenAI

from langchain_cogenesis.context.schema import Activity, PrivateContext, UserProfile
from langchain_cogenesis.session import UserSession

COMMAND = Path(sys.executable).parent / "cogenesis"
USERS = {"nora": ("Nora Quillfeather", "Saltmarsh Hall"), "emil": ("Emil Brackwater", "Fern Mill")}
ASKED = "Invite Tomas to the summer exhibition."
NAMES = ["cogenesis-local", "cogenesis-sketch", "cogenesis-logits"]


def _context(name: str, place: str) -> PrivateContext:
    party = Activity(
        kind="calendar", when="2027-06-12T19:00", text="summer exhibition", place=place
    )
    profile = UserProfile(name=name, company=f"{place} Trust", style=("Closing: Hugs",))
    return PrivateContext(profile=profile, activities=(party,))


@contextmanager
def _serving(store: Path, *arguments: str) -> Iterator[dict[str, Any]]:
    command = [COMMAND, "serve", "--store", store, "--port", "0", "--json", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
        finally:
            process.kill()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two users with a name and a place of their own."""
    root = tmp_path_factory.mktemp("users")
    for user, (name, place) in USERS.items():
        with UserSession(user, root, create=True) as session:
            session.add(_context(name, place))
    return root


@pytest.fixture(scope="module")
def served(store: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The address, and each user's key."""
    with _serving(store, "--user", "nora", "--user", "emil") as told:
        assert told["models"] == NAMES
        yield told["base_url"], {entry["user"]: entry["api_key"] for entry in told["users"]}


@pytest.fixture
def client(served: tuple[str, dict[str, str]]) -> Iterator[openai.OpenAI]:
    """The official client with Nora's key."""
    with openai.OpenAI(base_url=served[0], api_key=served[1]["nora"], max_retries=0) as opened:
        yield opened


def test_models_are_the_three_modes(client: openai.OpenAI) -> None:
    """They are listed, each can be looked up, and no other name is known."""
    assert [model.id for model in client.models.list()] == NAMES
    assert client.models.retrieve(NAMES[1]).id == NAMES[1]
    with pytest.raises(openai.NotFoundError, match="cogenesis-local"):
        client.models.retrieve("gpt-9")


@pytest.mark.parametrize("name", NAMES)
def test_answer_tells_usage_and_how_it_was_made(client: openai.OpenAI, name: str) -> None:
    """Whole answers: text, finish reason, tokens of both models, and the account."""
    asked: Any = [{"role": "user", "content": ASKED}]
    answer = client.chat.completions.create(
        model=name, messages=asked, temperature=0, max_tokens=40
    )
    [choice] = answer.choices
    assert choice.message.content
    assert choice.finish_reason in ("stop", "length")
    assert answer.usage is not None
    assert answer.usage.completion_tokens > 1
    account = answer.model_extra["cogenesis"]  # type: ignore[index]
    assert account["mode"] == name.removeprefix("cogenesis-")
    assert (account["remote_calls"] > 0) == (name != "cogenesis-local")


@pytest.mark.parametrize("name", NAMES)
def test_stream_is_the_whole_answer_in_pieces(client: openai.OpenAI, name: str) -> None:
    """Its pieces make up the greedy answer; usage comes last, the account with the end."""
    asked: dict[str, Any] = {
        "model": name,
        "messages": [{"role": "user", "content": ASKED}],
        "temperature": 0,
        "max_tokens": 40,
    }
    whole = client.chat.completions.create(**asked)
    chunks = list(
        client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True})
    )
    pieces = [c.choices[0].delta.content or "" for c in chunks if c.choices]
    assert len(pieces) > 3
    assert "".join(pieces) == whole.choices[0].message.content
    usage = chunks[-1].usage
    assert usage is not None
    if name == "cogenesis-logits":
        # How many requests it takes depends on how long the last ones took.
        told = whole.model_extra["cogenesis"]["usage"]  # type: ignore[index]
        assert told["remote"]["input_tokens"] > told["remote"]["output_tokens"] > 0
        assert usage.completion_tokens > told["local"]["output_tokens"]
    else:
        assert usage == whole.usage
    [end] = [c for c in chunks if c.choices and c.choices[0].finish_reason]
    assert end.model_extra["cogenesis"]["mode"] == whole.model_extra["cogenesis"]["mode"]


async def test_langchain_clients_are_served(served: tuple[str, dict[str, str]]) -> None:
    """`ChatOpenAI` invokes and streams, by both doors."""
    model = ChatOpenAI(
        base_url=served[0],
        api_key=served[1]["emil"],  # type: ignore[arg-type]
        model="cogenesis-sketch",
        temperature=0,
        max_tokens=40,
        max_retries=0,
    )
    text = model.invoke(ASKED).text
    assert text
    assert "".join(chunk.text for chunk in model.stream(ASKED)) == text
    assert (await model.ainvoke(ASKED)).text == text


def test_a_key_opens_its_users_context_alone(served: tuple[str, dict[str, str]]) -> None:
    """Nora's answers sign with her name and know her place; Emil's know nothing of hers."""
    address, keys = served
    for user in USERS:
        with openai.OpenAI(base_url=address, api_key=keys[user], max_retries=0) as client:
            asked: Any = [{"role": "user", "content": ASKED}]
            texts = [
                client.chat.completions.create(
                    model="cogenesis-local", messages=asked, temperature=0.7, seed=seed
                )
                .choices[0]
                .message.content
                or ""
                for seed in range(4)
            ]
        other = USERS["emil" if user == "nora" else "nora"]
        told = "\n".join(texts)
        assert any(value in told for value in (USERS[user][0].split()[0], USERS[user][1]))
        assert not any(part in told for value in other for part in value.split())


def test_without_a_key_nothing_is_told(served: tuple[str, dict[str, str]]) -> None:
    """No key, a wrong one, and a key that is nearly right are refused alike."""
    address, keys = served
    bodies = set()
    for headers in (
        {},
        {"Authorization": "Bearer x"},
        {"Authorization": f"Bearer {keys['nora']}x"},
    ):
        answer = httpx.get(f"{address}/models", headers=headers, trust_env=False)
        assert answer.status_code == 401
        bodies.add(answer.text)
    assert len(bodies) == 1
    assert httpx.get(f"{address[:-3]}/health", trust_env=False).status_code == 200


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"logprobs": True}, "logprobs"),
        ({"logit_bias": {"4": 1.0}}, "logit_bias"),
        ({"n": 2}, "n"),
        ({"tools": []}, "tools"),
    ],
)
def test_what_cannot_be_served_is_named(
    client: openai.OpenAI, more: dict[str, Any], named: str
) -> None:
    """An option that would be ignored is refused by its name."""
    asked: Any = [{"role": "user", "content": ASKED}]
    with pytest.raises(openai.BadRequestError, match=named):
        client.chat.completions.create(model="cogenesis-local", messages=asked, **more)


def test_a_message_of_no_human_is_refused(client: openai.OpenAI) -> None:
    """There would be nothing to write."""
    asked: Any = [{"role": "system", "content": "Write."}]
    with pytest.raises(openai.BadRequestError, match="human"):
        client.chat.completions.create(model="cogenesis-local", messages=asked)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--user", "nora", "--no-auth"), "--no-auth"),
        (("--user", "nora", "--user", "nora"), "twice"),
        (("--user", "nora", "--user", "emil", "--api-key", "x" * 20), "--api-key"),
        (("--user", "nobody"), "nobody"),
    ],
)
def test_options_that_contradict_are_told(
    store: Path, arguments: tuple[str, ...], said: str
) -> None:
    """The command ends with what is wrong, and serves nothing."""
    done = subprocess.run(
        [COMMAND, "serve", "--store", store, "--port", "0", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert said in done.stderr


def test_key_of_a_single_user_is_written_to_a_file(store: Path, tmp_path: Path) -> None:
    """With `--key-file` the key is in a file of the user's own, and nowhere else."""
    file = tmp_path / "key.txt"
    with _serving(store, "--user", "nora", "--key-file", str(file)) as told:
        assert told["users"] == [{"user": "nora", "api_key": None}]
        assert file.stat().st_mode & 0o777 == 0o600
        headers = {"Authorization": f"Bearer {file.read_text().strip()}"}
        answer = httpx.get(f"{told['base_url']}/models", headers=headers, trust_env=False)
        assert answer.status_code == 200
