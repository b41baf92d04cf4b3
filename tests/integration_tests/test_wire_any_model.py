"""Any LangChain chat model as remote or local: the gate stands at the messages.

`ChatOpenAI` as LangChain makes it has no transport of ours; what it sends is recorded all the same.
Anthropic's and Ollama's models are stood for by their interface: content in blocks, or text only.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_openai import ChatOpenAI
from pydantic import PrivateAttr, SecretStr
from recorder import find_values, recorded_requests, recording_server
from test_wire import CANARIES, CONTEXT, INSTRUCTION, STRUCTURED, blind

from langchain_cogenesis import ChatCoGenesis, ChatLocalLlama, UserSession

OUTLINE = "1. Greet them\n2. Tell of the otters\n3. Tell of the sundials\n4. Sign off"


class Blocks(BaseChatModel):
    """Answers in content blocks, as Anthropic's models do, and keeps what it was asked."""

    answer: str
    _seen: list[str] = PrivateAttr(default_factory=list)

    @property
    def seen(self) -> str:
        return "\n".join(self._seen)

    @property
    def _llm_type(self) -> str:
        return "blocks"

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        self._seen += [message.text for message in messages]
        message = AIMessage([{"type": "text", "text": self.answer}])
        return ChatResult(generations=[ChatGeneration(message=message)])


@pytest.fixture
def session(tmp_path: Path) -> Iterator[UserSession]:
    """A user with a canary in every field of their context."""
    with UserSession("quill", tmp_path / "users", create=True) as made:
        made.add(CONTEXT)
        yield made


@pytest.mark.parametrize("mode", ["sketch", "remote"])
async def test_a_plain_chat_openai_gets_masked_messages(
    tmp_path: Path, session: UserSession, mode: str
) -> None:
    """Sync and async; the planted leak is found."""
    with recording_server(tmp_path) as recorder:
        remote = ChatOpenAI(
            base_url=recorder.base_url, model="recorded", api_key=SecretStr("none"), timeout=5
        )
        model = ChatCoGenesis(local=ChatLocalLlama(max_tokens=8), remote=remote, session=session)
        assert model.invoke(INSTRUCTION, mode=mode).content
        assert (await model.ainvoke(INSTRUCTION, mode=mode)).content
        assert len(recorded_requests(recorder.record_file)) == 2
        assert find_values(recorder.record_file, CANARIES) == []
        blind(session.gate)
        model.invoke(INSTRUCTION, mode=mode)
        found = {value for value, _ in find_values(recorder.record_file, CANARIES)}
        assert found == set(STRUCTURED)


def test_models_that_answer_in_blocks_serve_on_either_side(session: UserSession) -> None:
    """The remote's messages hold no value; the local one reads context and outline."""
    remote, local = Blocks(answer=OUTLINE), Blocks(answer="A letter.")
    model = ChatCoGenesis(local=local, remote=remote, session=session, k=50)
    answer = model.invoke(INSTRUCTION)
    assert answer.content == "A letter."
    assert answer.response_metadata["cogenesis"]["sketch"][0] == "Greet them"
    assert [value for value in CANARIES if value in remote.seen] == []
    assert [value for value in CANARIES if value not in local.seen] == []
    assert "Tell of the sundials" in local.seen
