"""What the house models can't do of what LangChain's standard suites ask, all in one place.

They are toys that write letters: under a grammar their calls are well-formed and valid, and the
values in them mean nothing. Six tests ask for values that answer a question, or for the wish to
call a tool at all. The suite's own switch is turned off for these six, and for nothing else;
`test_standard_gguf.py` runs all of them with a model that can.
"""

from __future__ import annotations

import pytest
from langchain_core.language_models import BaseChatModel

ASK_FOR_SENSE = {
    "test_tool_calling": "the argument must be the number in the question",
    "test_tool_calling_async": "the argument must be the number in the question",
    "test_bind_runnables_as_tools": "the argument must not be an empty text",
    "test_agent_loop": "the model must choose by itself to call a tool",
    "test_unicode_tool_call_integration": "the argument must be the Chinese name in the question",
    "test_json_mode": "the keys must be those that the question names",
}


class HouseModel:
    """For suites on a house model. Comes before the suite's class."""

    chat_model_class: type[BaseChatModel]

    @pytest.fixture(autouse=True)
    def _asked(self, request: pytest.FixtureRequest) -> None:
        self._test = getattr(request.node, "originalname", "")

    @property
    def has_tool_calling(self) -> bool:
        takes_tools = self.chat_model_class.bind_tools is not BaseChatModel.bind_tools
        return takes_tools and self._test not in ASK_FOR_SENSE

    @property
    def supports_json_mode(self) -> bool:
        return self._test not in ASK_FOR_SENSE
