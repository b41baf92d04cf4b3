"""What the house models can't do of what LangChain's standard suites ask, all in one place.

They are toys that write letters: under a grammar their calls are well-formed and valid, and the
values in them mean nothing. The tests below ask for values that answer a question, for the wish to
call a tool at all, or for the end of a text that has no limit. For them the suite's own switches
are turned off, and for nothing else; `test_standard_gguf.py` runs them all with a model that can.
"""

from __future__ import annotations

import pytest
from langchain_core.language_models import BaseChatModel

_ARGUMENT = "the arguments must be those of the question"
_ENDLESS = "a text without a limit must come to an end"

ASK_FOR_SENSE = {
    "test_tool_calling": _ARGUMENT,
    "test_tool_calling_async": _ARGUMENT,
    "test_unicode_tool_call_integration": _ARGUMENT,
    "test_bind_runnables_as_tools": _ENDLESS,
    "test_tool_choice": _ENDLESS,
    "test_structured_output": _ENDLESS,
    "test_structured_output_async": _ENDLESS,
    "test_structured_output_pydantic_2_v1": _ENDLESS,
    "test_structured_output_optional_param": _ENDLESS,
    "test_agent_loop": "the model must choose by itself to call a tool",
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
    def has_structured_output(self) -> bool:
        return self.has_tool_calling

    @property
    def supports_json_mode(self) -> bool:
        return self._test not in ASK_FOR_SENSE
