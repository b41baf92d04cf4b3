"""The part that asks the remote model, behind the egress gate."""

from __future__ import annotations

from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import Runnable, RunnableConfig

from langchain_cogenesis.answering import endpoint_of
from langchain_cogenesis.collaboration import Request
from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.nodes.instruction import Instruction, read_instruction
from langchain_cogenesis.privacy.gate import ClearedText, EgressGate
from langchain_cogenesis.prompts import SketchStyle
from langchain_cogenesis.sketch import Sketch, SketchNode
from langchain_cogenesis.tracing import untraced_config


def create_sketch_node(
    remote: BaseChatModel,
    *,
    gate: EgressGate | None = None,
    max_tokens: int = 400,
    style: SketchStyle = SketchStyle(),
) -> GatedSketchNode:
    """Creates the part that asks the remote for an outline.

    Args:
        remote: The remote model.
        gate: The egress gate; by default that of the remote, which one from `create_remote()` has.
        max_tokens: Length of the outline, tokens.
        style: What kind of outline to ask for.

    Returns:
        A Runnable: an instruction in, a `Sketch` with private values restored out.

    Raises:
        ConfigurationError: There is no gate, or the remote has another one.
    """
    return GatedSketchNode(remote, gate=gate, max_tokens=max_tokens, style=style)


class GatedSketchNode(Runnable[Any, Sketch]):
    """Masks an instruction, asks the remote for an outline, and puts private values back in it.

    Of a mapping it takes the `instruction`, of messages those from a human. See
    `create_sketch_node`.
    """

    name = "RemoteSketch"

    def __init__(
        self,
        remote: BaseChatModel,
        *,
        gate: EgressGate | None = None,
        max_tokens: int = 400,
        style: SketchStyle = SketchStyle(),
    ) -> None:
        self.remote = remote
        self.gate = _one_gate(remote, gate)
        self._node = SketchNode(remote, max_tokens=max_tokens, style=style)

    def invoke(
        self, input: Instruction, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Sketch:
        """Asks for an outline.

        Args:
            input: The instruction.
            config: Passed on to the remote model.
            **kwargs: Passed on to the remote model.

        Raises:
            EgressDeniedError: The gate refused the instruction.
            SketchError: The remote gave no outline, twice.
            RemoteError: The endpoint failed.
            ConfigurationError: There is no instruction.
        """
        config, request = untraced_config(config), read_instruction(input)
        cleared = self._cleared(request)
        return self._node.invoke(cleared, config, **kwargs).restored(request.conversation)

    async def ainvoke(
        self, input: Instruction, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Sketch:
        """Asks for an outline asynchronously; see `invoke`."""
        config, request = untraced_config(config), read_instruction(input)
        cleared = self._cleared(request)
        sketch = await self._node.ainvoke(cleared, config, **kwargs)
        return sketch.restored(request.conversation)

    def _cleared(self, request: Request) -> ClearedText:
        return self.gate.require(
            request.typed,
            endpoint=endpoint_of(self.remote),
            conversation=request.conversation,
        )


def _one_gate(remote: BaseChatModel, gate: EgressGate | None) -> EgressGate:
    own = getattr(remote, "gate", None)
    if gate is not None and own is not None and gate is not own:
        raise ConfigurationError(
            "the remote has another egress gate.", hint="Create it with create_remote(…, gate=…)."
        )
    found: EgressGate | None = gate or own
    if found is None:
        raise ConfigurationError(
            f"{type(remote).__name__} has no egress gate.", hint="Pass gate=session.gate."
        )
    return found
