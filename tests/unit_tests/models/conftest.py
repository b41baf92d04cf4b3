"""Tiny models, written when a test asks for them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFWriter, TokenType

from langchain_cogenesis.models.llamacpp import LlamaCppEngine

CHARACTERS = [chr(code) for code in range(33, 127)]
SPECIALS = ["<pad>", "<bos>", "<eos>", "<|im_start|>", "<|im_end|>"]
N_EMBD = 32

# Its server has no way to stop: it lives in a child, which ends with its stdin.
SERVE = """
import os, sys
import xllamacpp
params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.hostnames = ["127.0.0.1"]
params.port, params.n_parallel, params.n_ctx, params.verbosity = 0, 1, 1024, 0
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_ENABLED
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
os._exit(0)
"""

TinyGguf = Callable[..., Path]


def _vocabulary(writer: GGUFWriter, *, add_bos: bool, padding: int) -> int:
    # In GPT-2's alphabet 'Ġ' is the space and 'Ċ' the line feed.
    tokens = [*SPECIALS, "Ġ", "Ċ", *CHARACTERS, "ĠĠ"]
    kinds = [TokenType.CONTROL] * len(SPECIALS) + [TokenType.NORMAL] * (len(tokens) - len(SPECIALS))
    # As llama.cpp's converter names the rows behind the last token.
    tokens += [f"[PAD{len(tokens) + number}]" for number in range(padding)]
    kinds += [TokenType.UNUSED] * padding
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(["Ġ Ġ"])
    writer.add_pad_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(add_bos)
    return len(tokens)


def _llama(writer: GGUFWriter, random: np.random.Generator, n_vocab: int, n_ctx: int) -> None:
    n_ff = 64
    writer.add_context_length(n_ctx)
    writer.add_embedding_length(N_EMBD)
    writer.add_block_count(1)
    writer.add_feed_forward_length(n_ff)
    writer.add_head_count(1)
    writer.add_layer_norm_rms_eps(1e-5)
    shapes = {
        "token_embd.weight": (n_vocab, N_EMBD),
        "blk.0.attn_q.weight": (N_EMBD, N_EMBD),
        "blk.0.attn_k.weight": (N_EMBD, N_EMBD),
        "blk.0.attn_v.weight": (N_EMBD, N_EMBD),
        "blk.0.attn_output.weight": (N_EMBD, N_EMBD),
        "blk.0.ffn_gate.weight": (n_ff, N_EMBD),
        "blk.0.ffn_up.weight": (n_ff, N_EMBD),
        "blk.0.ffn_down.weight": (N_EMBD, n_ff),
    }
    for name, shape in shapes.items():
        writer.add_tensor(name, random.normal(0, 0.4, shape).astype(np.float32))
    for name in ("blk.0.attn_norm.weight", "blk.0.ffn_norm.weight", "output_norm.weight"):
        writer.add_tensor(name, np.ones(N_EMBD, dtype=np.float32))


def _mamba(writer: GGUFWriter, random: np.random.Generator, n_vocab: int, n_ctx: int) -> None:
    """A recurrent model, which can't forget the end of a sequence."""
    inner, state, rank, kernel = 2 * N_EMBD, 16, 2, 4
    writer.add_context_length(n_ctx)
    writer.add_embedding_length(N_EMBD)
    writer.add_feed_forward_length(0)
    writer.add_head_count(0)
    writer.add_block_count(1)
    writer.add_ssm_conv_kernel(kernel)
    writer.add_ssm_inner_size(inner)
    writer.add_ssm_state_size(state)
    writer.add_ssm_time_step_rank(rank)
    writer.add_layer_norm_rms_eps(1e-5)
    shapes = {
        "token_embd.weight": (n_vocab, N_EMBD),
        "blk.0.ssm_in.weight": (2 * inner, N_EMBD),
        "blk.0.ssm_conv1d.weight": (inner, kernel),
        "blk.0.ssm_conv1d.bias": (inner,),
        "blk.0.ssm_x.weight": (rank + 2 * state, inner),
        "blk.0.ssm_dt.weight": (inner, rank),
        "blk.0.ssm_dt.bias": (inner,),
        "blk.0.ssm_d": (inner,),
        "blk.0.ssm_out.weight": (N_EMBD, inner),
    }
    for name, shape in shapes.items():
        writer.add_tensor(name, random.normal(0, 0.4, shape).astype(np.float32))
    writer.add_tensor("blk.0.ssm_a", -np.ones((inner, state), dtype=np.float32))
    for name in ("blk.0.attn_norm.weight", "output_norm.weight"):
        writer.add_tensor(name, np.ones(N_EMBD, dtype=np.float32))


@pytest.fixture(scope="session")
def tiny_gguf(tmp_path_factory: pytest.TempPathFactory) -> TinyGguf:
    """Writes a GGUF file of a few kilobytes with random float32 weights."""

    def write(
        *,
        architecture: str = "llama",
        chat_template: str | None = None,
        add_bos: bool = False,
        n_ctx: int = 256,
        seed: int = 0,
        padding: int = 0,
    ) -> Path:
        path = tmp_path_factory.mktemp("gguf") / f"tiny-{architecture}.gguf"
        writer = GGUFWriter(path, architecture)
        n_vocab = _vocabulary(writer, add_bos=add_bos, padding=padding)
        if chat_template is not None:
            writer.add_chat_template(chat_template)
        fill = {"llama": _llama, "mamba": _mamba}.get(architecture, _llama)
        fill(writer, np.random.default_rng(seed), n_vocab, n_ctx)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return path

    return write


@pytest.fixture(scope="session")
def chatml() -> str:
    """A chat template for the tiny models."""
    return (
        "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}"
        "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )


@pytest.fixture(scope="session")
def tiny(tiny_gguf: TinyGguf, chatml: str) -> Path:
    """A tiny Llama with a chat template."""
    return tiny_gguf(chat_template=chatml)


@pytest.fixture(scope="session")
def house(house_small: Path) -> Iterator[LlamaCppEngine]:
    """An engine of its own on the small house model, single-threaded."""
    engine = LlamaCppEngine(house_small, n_threads=1)
    yield engine
    engine.close()


@pytest.fixture
def letter(house: LlamaCppEngine) -> list[int]:
    """A prompt of some length."""
    return house.apply_template(
        [
            {"role": "system", "content": "name: Renata\nplace: Lisbon\n" * 8},
            {"role": "user", "content": "Write to [NAME_1] about the trip."},
        ]
    )


@pytest.fixture(scope="module")
def serve_llama() -> Iterator[Callable[[Path], str]]:
    """Starts llama.cpp's own server, out of the package xllamacpp, and gives its base URL."""
    pytest.importorskip("xllamacpp")
    with ExitStack() as stack:

        def serve(path: Path) -> str:
            child = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", SERVE, str(path)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                )
            )
            assert child.stdin is not None
            assert child.stdout is not None
            stack.callback(child.wait, 10)
            stack.callback(child.stdin.close)
            return child.stdout.readline().strip() + "/v1"

        yield serve
