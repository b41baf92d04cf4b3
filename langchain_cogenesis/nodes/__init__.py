"""The parts of a chain: Runnables that are joined with `|`, each of use alone.

`create_sketch_node()` asks the remote, `create_context_node()` retrieves, `create_private_prompt()`
puts both before the local model, `create_writer()` lets a model write. To the remote goes the
instruction and nothing else of what a chain carries: the sketch node looks at no other key.
"""

from __future__ import annotations

from langchain_cogenesis.nodes.instruction import Instruction, InstructionNode, read_instruction
from langchain_cogenesis.nodes.private import (
    ContextNode,
    PrivatePromptNode,
    create_context_node,
    create_private_prompt,
)
from langchain_cogenesis.nodes.sketching import GatedSketchNode, create_sketch_node
from langchain_cogenesis.nodes.writing import WriterNode, create_writer

__all__ = [
    "ContextNode",
    "GatedSketchNode",
    "Instruction",
    "InstructionNode",
    "PrivatePromptNode",
    "WriterNode",
    "create_context_node",
    "create_private_prompt",
    "create_sketch_node",
    "create_writer",
    "read_instruction",
]
