"""Writes a trained model as a GGUF file that llama.cpp runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, get_args

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.training.config import CHAT_TEMPLATE, CONTROL_TOKENS
from langchain_cogenesis.training.vocabulary import special_id

if TYPE_CHECKING:
    from gguf import GGUFWriter
    from tokenizers import Tokenizer

    from langchain_cogenesis.training.model import HouseModel

Precision = Literal["F32", "F16", "Q8_0"]

_BLOCK_TENSORS = {
    "attention_norm": "attn_norm",
    "attention.q": "attn_q",
    "attention.k": "attn_k",
    "attention.v": "attn_v",
    "attention.o": "attn_output",
    "feed_forward_norm": "ffn_norm",
    "feed_forward.gate": "ffn_gate",
    "feed_forward.up": "ffn_up",
    "feed_forward.down": "ffn_down",
}


def parse_precision(text: str) -> Precision:
    """Checks a precision that a user gave.

    Raises:
        ConfigurationError: It is none of the known ones.
    """
    for known in get_args(Precision):
        if text == known:
            return cast("Precision", known)
    known_ones = ", ".join(get_args(Precision))
    raise ConfigurationError(f"{text!r} is no precision.", hint=f"Use one of {known_ones}.")


def export_gguf(
    model: HouseModel, tokenizer: Tokenizer, path: Path, *, name: str, precision: Precision = "Q8_0"
) -> None:
    """Writes weights, vocabulary and chat template into one file.

    Args:
        model: The trained model.
        tokenizer: Its vocabulary.
        path: File to write; an older one is replaced at the end, never half-written.
        name: The model's name.
        precision: Storage of the matrices. Norms stay F32.
    """
    from gguf import GGUFWriter

    partial = path.with_suffix(".partial")
    writer = GGUFWriter(str(partial), "llama")
    _write_shape(writer, model, name, precision)
    _write_vocabulary(writer, tokenizer)
    _write_tensors(writer, model, precision)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    partial.replace(path)


def _write_shape(writer: GGUFWriter, model: HouseModel, name: str, precision: Precision) -> None:
    from gguf import LlamaFileType

    shape = model.shape
    types = {
        "F32": LlamaFileType.ALL_F32,
        "F16": LlamaFileType.MOSTLY_F16,
        "Q8_0": LlamaFileType.MOSTLY_Q8_0,
    }
    writer.add_name(name)
    writer.add_license("mit")
    writer.add_file_type(types[precision])
    writer.add_context_length(shape.context_length)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_key_length(shape.head_width)
    writer.add_value_length(shape.head_width)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_vocab_size(shape.vocabulary)


def _write_vocabulary(writer: GGUFWriter, tokenizer: Tokenizer) -> None:
    from gguf import TokenType

    state = json.loads(tokenizer.to_str())
    ordered = sorted(tokenizer.get_vocab().items(), key=lambda entry: entry[1])
    added = {entry["content"] for entry in state["added_tokens"]}
    types = [
        TokenType.CONTROL
        if token in CONTROL_TOKENS
        else TokenType.USER_DEFINED
        if token in added
        else TokenType.NORMAL
        for token, _ in ordered
    ]
    merges = [m if isinstance(m, str) else " ".join(m) for m in state["model"]["merges"]]
    end = special_id(tokenizer, "<|end|>")
    writer.add_tokenizer_model("gpt2")
    # Without it llama.cpp guesses another pre-tokenizer, and most texts come out differently.
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([token for token, _ in ordered])
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(end)
    writer.add_eos_token_id(end)
    writer.add_eot_token_id(end)
    writer.add_pad_token_id(special_id(tokenizer, "<|pad|>"))
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def _write_tensors(writer: GGUFWriter, model: HouseModel, precision: Precision) -> None:
    import numpy as np
    from gguf import GGMLQuantizationType, quants

    quantisation = GGMLQuantizationType[precision]
    for name, weight in model.state_dict().items():
        # GGUF fixtures must not be float64: NumPy promotes silently and llama.cpp crashes on it.
        values = weight.detach().float().numpy().astype(np.float32)
        target = _tensor_name(name)
        if values.ndim == 2 and precision != "F32":
            packed = quants.quantize(values, quantisation)
            writer.add_tensor(target, packed, raw_dtype=quantisation)
        else:
            writer.add_tensor(target, values)


def _tensor_name(name: str) -> str:
    if name == "embedding.weight":
        return "token_embd.weight"
    if name == "norm.weight":
        return "output_norm.weight"
    _, number, rest = name.split(".", 2)
    return f"blk.{number}.{_BLOCK_TENSORS[rest.removesuffix('.weight')]}.weight"
