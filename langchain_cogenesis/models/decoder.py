"""One llama.cpp model and context: tokens in, logits out, and what its cache holds.

`llama_cpp` comes as an argument: `langchain_cogenesis.models.llamacpp` alone imports it.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from langchain_cogenesis.exceptions import ModelError, ModelFileError

# With 64 rows the flash attention of a CPU takes another path, whose last bits differ: what is in
# the cache would depend on how it was batched.
N_BATCH_CPU = 32
N_BATCH_GPU = 512
MAX_DEFAULT_N_CTX = 4096

_ERROR_LEVEL = 4
_UNUSED = 1 << 1  # LLAMA_TOKEN_ATTR_UNUSED


class LogSink:
    """Takes llama.cpp's own log, and keeps its errors while a model loads."""

    def __init__(self, library: ModuleType) -> None:
        self.errors: list[str] = []

        def take(level: int, text: bytes, _: object) -> None:
            if level == _ERROR_LEVEL and len(self.errors) < 20:
                self.errors.append(text.decode("utf-8", "replace").strip())

        # The library calls this for as long as the process lives: it must not be collected.
        self._callback = library.llama_log_callback(take)
        library.llama_log_set(self._callback, ctypes.c_void_p(0))


class Decoder:
    """A loaded model with one context and one sequence. Not thread-safe but for its vocabulary.

    Args:
        library: The module `llama_cpp`.
        log: Where its log goes.
        path: A GGUF file that was checked.
        n_ctx: Tokens of context; `None` is what the model was trained for, 4,096 at most.
        n_threads: Threads of a decode.
        n_gpu_layers: Layers on the GPU; -1 is all.
        flash_attn: Whether to use flash attention.
        owner: A `llama_cpp.Llama` whose weights are shared, in a context of their own; None loads
            the file.

    Raises:
        ModelFileError: If llama.cpp does not take the file.
        ModelError: If there is no memory for the context.
    """

    def __init__(
        self,
        library: ModuleType,
        log: LogSink,
        path: Path,
        *,
        n_ctx: int | None,
        n_threads: int,
        n_gpu_layers: int,
        flash_attn: bool,
        owner: Any = None,
    ) -> None:
        self._lib: Any = library
        model = owner.model if owner else _load_model(library, log, path, n_gpu_layers)
        self._vocab = library.llama_model_get_vocab(model)
        self.n_batch = N_BATCH_GPU if n_gpu_layers else N_BATCH_CPU
        trained = max(1, library.llama_model_n_ctx_train(model))
        self.n_ctx = n_ctx or min(trained, MAX_DEFAULT_N_CTX)
        params = _context_params(library, self.n_ctx, self.n_batch, n_threads, flash_attn)
        context = library.llama_init_from_model(model, params)
        if not context:
            if owner is None:
                library.llama_model_free(model)
            raise ModelError(
                f"llama.cpp could not make a context of {self.n_ctx} tokens for {path}.",
                hint="Set a smaller n_ctx.",
            )
        self._context = context
        self._memory = library.llama_get_memory(context)
        self._batch = library.llama_batch_init(self.n_batch, 0, 1)
        self._finalizer = weakref.finalize(self, _free, library, model, context, self._batch, owner)
        self._fill_batch()
        self._n_rows: int = library.llama_vocab_n_tokens(self._vocab)
        self.n_vocab: int = self._count_used()
        self.bos_id: int = library.llama_vocab_bos(self._vocab)
        self.eos_id: int = library.llama_vocab_eos(self._vocab)
        self.add_bos: bool = library.llama_vocab_get_add_bos(self._vocab) and self.bos_id >= 0
        self.eog_ids = frozenset(
            token for token in range(self.n_vocab) if library.llama_vocab_is_eog(self._vocab, token)
        )
        self._pieces: dict[int, bytes] = {}
        self._cached: list[int] = []

    def _count_used(self) -> int:
        """Tokens without the padding at the end.

        Models of one family have one tokenizer and matrices of several widths: Qwen2.5 up to 3B has
        151,936 rows, from 7B on 152,064, for 151,665 tokens. Converters name the rest unused.
        """
        count = self._n_rows
        while count > 1 and self._lib.llama_vocab_get_attr(self._vocab, count - 1) & _UNUSED:
            count -= 1
        return count

    def _fill_batch(self) -> None:
        batch, size = self._batch, (self.n_batch,)
        for at in range(self.n_batch):
            batch.n_seq_id[at] = 1
            batch.seq_id[at][0] = 0
        self._tokens = np.ctypeslib.as_array(batch.token, size)
        self._positions = np.ctypeslib.as_array(batch.pos, size)
        self._outputs = np.ctypeslib.as_array(batch.logits, size)

    def keep(self, ids: Sequence[int], limit: int) -> int:
        """Cuts the cache down to what it has in common with `ids`.

        Args:
            ids: The sequence to come.
            limit: Keep this many at most.

        Returns:
            How many of `ids` need not be decoded again.
        """
        kept = min(_common_prefix(self._cached, ids), limit)
        if kept < len(self._cached):
            # A recurrent model can't forget the end of a sequence: it begins anew.
            if not self._lib.llama_memory_seq_rm(self._memory, 0, kept, -1):
                self._clear()
                return 0
            del self._cached[kept:]
        return kept

    def decode(self, ids: Sequence[int], *, outputs: bool) -> NDArray[np.float32] | None:
        """Decodes tokens after those in the cache, in one batch.

        Args:
            ids: At most `n_batch` token ids.
            outputs: Whether logits are wanted.

        Returns:
            `(len(ids), n_vocab)` logits, a copy; `None` without `outputs`.

        Raises:
            ModelError: If llama.cpp fails; the cache is empty then.
        """
        count, start = len(ids), len(self._cached)
        self._tokens[:count] = ids
        self._positions[:count] = np.arange(start, start + count)
        self._outputs[:count] = outputs
        self._batch.n_tokens = count
        status = self._lib.llama_decode(self._context, self._batch)
        if status != 0:
            self._clear()
            raise ModelError(
                f"llama.cpp could not decode {count} tokens at position {start} (status {status}).",
                hint="Set a smaller n_ctx, or use another build of the model.",
            )
        self._cached.extend(ids)
        if not outputs:
            return None
        logits = self._lib.llama_get_logits(self._context)
        rows: NDArray[np.float32] = np.ctypeslib.as_array(logits, (count, self._n_rows))
        return rows[:, : self.n_vocab].copy()

    def _clear(self) -> None:
        self._lib.llama_memory_clear(self._memory, True)
        self._cached.clear()

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """Token ids of a text, without BOS.

        Args:
            text: The text; what UTF-8 can't express becomes '?'.
            special: Whether control tokens are recognised in it.
        """
        data = text.encode("utf-8", "replace")
        room = len(data) + 8
        while True:
            ids = (ctypes.c_int32 * room)()
            count: int = self._lib.llama_tokenize(
                self._vocab, data, len(data), ids, room, False, special
            )
            if count >= 0:
                return list(ids[:count])
            room = -count

    def token_bytes(self, token: int) -> bytes:
        """Bytes of a token; none for a control token."""
        piece = self._pieces.get(token)
        if piece is None:
            piece = self._pieces[token] = self._piece(token)
        return piece

    def _piece(self, token: int) -> bytes:
        room = 64
        while True:
            buffer = ctypes.create_string_buffer(room)
            count = self._lib.llama_token_to_piece(self._vocab, token, buffer, room, 0, False)
            if count >= 0:
                return buffer.raw[:count]
            room = -count

    def is_control(self, token: int) -> bool:
        """Whether a token is markup and never part of a text."""
        return bool(self._lib.llama_vocab_is_control(self._vocab, token))

    def token_text(self, token: int) -> str:
        """How the vocabulary spells a token, control tokens included; '' for no token."""
        if token < 0:
            return ""
        text: bytes = self._lib.llama_vocab_get_text(self._vocab, token)
        return text.decode("utf-8", "replace")


def _load_model(library: Any, log: LogSink, path: Path, n_gpu_layers: int) -> Any:
    params = library.llama_model_default_params()
    params.n_gpu_layers = 2**31 - 1 if n_gpu_layers < 0 else n_gpu_layers
    log.errors.clear()
    model = library.llama_model_load_from_file(str(path).encode(), params)
    if not model:
        said = f" It says: {log.errors[0][:300]}" if log.errors else ""
        raise ModelFileError(
            f"llama.cpp can't load {path}.{said}",
            hint="Its architecture may be newer than this llama-cpp-python: update it.",
        )
    return model


def _context_params(
    library: Any, n_ctx: int, n_batch: int, n_threads: int, flash_attn: bool
) -> Any:
    params = library.llama_context_default_params()
    params.n_ctx = n_ctx
    params.n_batch = params.n_ubatch = n_batch
    params.n_threads = params.n_threads_batch = n_threads
    params.no_perf = True
    # A cache of the whole window, so that a common prefix can be kept with sliding attention too.
    params.swa_full = True
    # Older releases have a switch where newer ones have a type; both read 1 as 'on'.
    name = "flash_attn_type" if hasattr(params, "flash_attn_type") else "flash_attn"
    setattr(params, name, int(flash_attn))
    return params


def _free(library: Any, model: Any, context: Any, batch: Any, owner: Any) -> None:
    library.llama_batch_free(batch)
    library.llama_free(context)
    # An owner, which is kept alive as an argument of this function, frees the weights itself.
    if owner is None:
        library.llama_model_free(model)


def _common_prefix(left: Sequence[int], right: Sequence[int]) -> int:
    length = min(len(left), len(right))
    if left[:length] == right[:length]:
        return length
    return next(at for at in range(length) if left[at] != right[at])
