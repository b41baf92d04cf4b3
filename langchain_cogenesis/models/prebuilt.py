"""llama.cpp out of the `xllamacpp` wheel, for machines without a compiler.

That wheel carries llama.cpp's C interface in one shared library. The few functions that the decoder
calls are declared here, under the names that `llama_cpp` has for them. The layout of two structures
belongs to a build; it is checked against the default values that the library itself fills in, and a
build that fills in others is refused: a wrong layout would set the wrong switches in silence.

`python -m langchain_cogenesis.models.prebuilt` prints what to install instead of llama-cpp-python.
"""

from __future__ import annotations

import ctypes
import sys
from ctypes import POINTER, c_bool, c_char_p, c_float, c_int8, c_int32, c_uint32, c_void_p
from importlib import metadata, util
from pathlib import Path
from typing import Any

from langchain_cogenesis.exceptions import ModelError

REQUIREMENT = "xllamacpp==2026.10.11549"
"""The build whose layout is declared here."""

_PACKAGE = "xllamacpp"
_DISTRIBUTION = "langchain-cogenesis"
_REPLACED = "llama-cpp-python"


class ModelParams(ctypes.Structure):
    """`llama_model_params`, as far as it is set here."""

    _fields_ = (
        ("devices", c_void_p),
        ("tensor_buft_overrides", c_void_p),
        ("n_gpu_layers", c_int32),
        ("split_mode", c_int32),
        ("_rest", ctypes.c_byte * 56),
    )


class ContextParams(ctypes.Structure):
    """`llama_context_params`, as far as it is set here."""

    _fields_ = (
        ("n_ctx", c_uint32),
        ("n_batch", c_uint32),
        ("n_ubatch", c_uint32),
        ("n_seq_max", c_uint32),
        ("_counts", c_uint32 * 3),
        ("n_threads", c_int32),
        ("n_threads_batch", c_int32),
        ("_kinds", c_int32 * 4),
        ("flash_attn_type", c_int32),
        ("_rope", ctypes.c_byte * 80),
        ("embeddings", c_bool),
        ("offload_kqv", c_bool),
        ("no_perf", c_bool),
        ("op_offload", c_bool),
        ("swa_full", c_bool),
        ("kv_unified", c_bool),
        ("_rest", ctypes.c_byte * 26),
    )


class Batch(ctypes.Structure):
    """`llama_batch`."""

    _fields_ = (
        ("n_tokens", c_int32),
        ("token", POINTER(c_int32)),
        ("embd", POINTER(c_float)),
        ("pos", POINTER(c_int32)),
        ("n_seq_id", POINTER(c_int32)),
        ("seq_id", POINTER(POINTER(c_int32))),
        ("logits", POINTER(c_int8)),
    )


_LOG = ctypes.CFUNCTYPE(None, ctypes.c_int, c_char_p, c_void_p)
_VOCAB = (c_void_p,)
_TOKEN = (c_void_p, c_int32)
_SIGNATURES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "llama_backend_init": (None, ()),
    "llama_log_set": (None, (_LOG, c_void_p)),
    "llama_model_default_params": (ModelParams, ()),
    "llama_model_load_from_file": (c_void_p, (c_char_p, ModelParams)),
    "llama_model_free": (None, (c_void_p,)),
    "llama_model_get_vocab": (c_void_p, (c_void_p,)),
    "llama_model_n_ctx_train": (c_int32, (c_void_p,)),
    "llama_context_default_params": (ContextParams, ()),
    "llama_init_from_model": (c_void_p, (c_void_p, ContextParams)),
    "llama_free": (None, (c_void_p,)),
    "llama_get_memory": (c_void_p, (c_void_p,)),
    "llama_memory_clear": (None, (c_void_p, c_bool)),
    "llama_memory_seq_rm": (c_bool, (c_void_p, c_int32, c_int32, c_int32)),
    "llama_batch_init": (Batch, (c_int32, c_int32, c_int32)),
    "llama_batch_free": (None, (Batch,)),
    "llama_decode": (c_int32, (c_void_p, Batch)),
    "llama_get_logits": (POINTER(c_float), (c_void_p,)),
    "llama_vocab_n_tokens": (c_int32, _VOCAB),
    "llama_vocab_bos": (c_int32, _VOCAB),
    "llama_vocab_eos": (c_int32, _VOCAB),
    "llama_vocab_get_add_bos": (c_bool, _VOCAB),
    "llama_vocab_is_eog": (c_bool, _TOKEN),
    "llama_vocab_get_attr": (c_int32, _TOKEN),
    "llama_vocab_is_control": (c_bool, _TOKEN),
    "llama_vocab_get_text": (c_char_p, _TOKEN),
    "llama_tokenize": (
        c_int32,
        (c_void_p, c_char_p, c_int32, POINTER(c_int32), c_int32, c_bool, c_bool),
    ),
    "llama_token_to_piece": (
        c_int32,
        (c_void_p, c_int32, c_char_p, c_int32, c_int32, c_bool),
    ),
}


class PrebuiltLibrary:
    """The functions of `llama_cpp` that the decoder calls, out of another wheel.

    Args:
        path: The shared library.

    Raises:
        ModelError: It can't be loaded, lacks a function, or lays its structures out otherwise.
    """

    llama_log_callback = _LOG

    def __init__(self, path: Path) -> None:
        try:
            library = ctypes.CDLL(str(path))
            for name, (result, arguments) in _SIGNATURES.items():
                function = library[name]
                function.restype, function.argtypes = result, arguments
                setattr(self, name, function)
        except (OSError, AttributeError) as error:
            raise _unknown_build(path, type(error).__name__) from error
        if not self._layout_fits():
            raise _unknown_build(path, "other structures")

    def __getattr__(self, name: str) -> Any:
        # For type checkers: the functions are attributes set at construction.
        raise AttributeError(f"{type(self).__name__} has no {name}")

    def _layout_fits(self) -> bool:
        context = self.llama_context_default_params()
        switches = ("embeddings", "offload_kqv", "no_perf", "op_offload", "swa_full", "kv_unified")
        numbers = ("n_ctx", "n_batch", "n_ubatch", "n_seq_max", "n_threads", "flash_attn_type")
        filled = [bytes(bytearray(context))[getattr(ContextParams, n).offset] for n in switches]
        model = self.llama_model_default_params()
        return (
            filled == [0, 1, 1, 1, 1, 0]
            and [getattr(context, n) for n in numbers] == [512, 2048, 512, 1, 4, -1]
            and (model.n_gpu_layers, model.split_mode) == (-1, 1)
        )


def load_prebuilt() -> PrebuiltLibrary:
    """Loads llama.cpp out of the wheel.

    Raises:
        ModelError: The wheel isn't installed, or it is another build than the declared one.
    """
    spec = util.find_spec(_PACKAGE)
    places = spec.submodule_search_locations if spec is not None else None
    found = [file for place in places or () for file in _libraries(Path(place))]
    if not found:
        raise ModelError(
            "no llama.cpp is installed.",
            hint=f"pip install llama-cpp-python (needs a C++ compiler), or {REQUIREMENT!r}.",
        )
    return PrebuiltLibrary(found[0])


def _libraries(folder: Path) -> list[Path]:
    kinds = (".so", ".pyd", ".dylib")
    return sorted(file for file in folder.glob(f"{_PACKAGE}*") if file.suffix in kinds)


def _unknown_build(path: Path, why: str) -> ModelError:
    return ModelError(
        f"the llama.cpp in {path.name} is another build than the one that is known ({why}).",
        hint=f"pip install {REQUIREMENT!r}, or llama-cpp-python (needs a C++ compiler).",
    )


def requirements() -> list[str]:
    """What this package needs, with the prebuilt llama.cpp in place of the one that is compiled."""
    needed = metadata.requires(_DISTRIBUTION) or []
    kept = [line for line in needed if "extra ==" not in line and not line.startswith(_REPLACED)]
    return [*kept, REQUIREMENT]


if __name__ == "__main__":
    sys.stdout.write("\n".join(requirements()) + "\n")
