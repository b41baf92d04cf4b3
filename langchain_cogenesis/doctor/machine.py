"""Whether the machine can run the package, and what it keeps of a process."""

from __future__ import annotations

import base64
import hashlib
import os
import platform
import re
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

from langchain_cogenesis.doctor.finding import Finding
from langchain_cogenesis.exceptions import CoGenesisError
from langchain_cogenesis.models.gguf_file import GgufHeader, read_header
from langchain_cogenesis.models.model_source import (
    BUNDLED,
    HOUSE_MODELS,
    is_hub_name,
    model_name,
    resolve_model,
)

_OLDEST_PYTHON = (3, 11)
_LONGEST_CONTEXT = 4096
_HISTORIES = (".bash_history", ".zsh_history", ".local/share/fish/fish_history")
# An instruction that is a file or standard input leaves no text in the history.
_TYPED = re.compile(r"\bcogenesis\s+(?:write|preview)\s+(?!-|@|['\"]@)\S")


def check_machine(local: str, home: Path) -> Iterator[Finding]:
    """Looks at Python, models, memory, core dumps and shell history.

    Args:
        local: The local model: a house model, a file, or a hub name, which is not downloaded.
        home: The user's home directory.
    """
    version = platform.python_version()
    if sys.version_info >= _OLDEST_PYTHON:
        yield Finding("Python", "ok", version)
    else:
        yield Finding("Python", "fail", version, "Install Python 3.11 or newer.")
    for name in HOUSE_MODELS:
        yield _house_model(name)
    yield from _local_model(local)
    yield _core_dumps()
    yield _shell_history(home)


def _house_model(name: str) -> Finding:
    path = BUNDLED / f"{name}.gguf"
    try:
        header = read_header(path)
    except CoGenesisError as error:
        return Finding(name, "fail", error.message, "Install the package again.")
    recorded = _recorded_digest(path.name)
    if recorded is not None and recorded != hashlib.sha256(path.read_bytes()).digest():
        return Finding(name, "fail", "not the file that was installed", "Install it again.")
    size = path.stat().st_size / 1e6
    return Finding(name, "ok", f"whole, {size:.1f} MB, {header.n_tensors} tensors")


def _recorded_digest(file_name: str) -> bytes | None:
    """The SHA-256 by which the installer knows a file; an editable installation has none."""
    try:
        files = metadata.files("langchain-cogenesis") or []
    except metadata.PackageNotFoundError:
        return None
    for file in files:
        if file.name == file_name and file.hash is not None and file.hash.mode == "sha256":
            return base64.urlsafe_b64decode(file.hash.value + "=" * (-len(file.hash.value) % 4))
    return None


def _local_model(model: str) -> Iterator[Finding]:
    name = model_name(model)
    if is_hub_name(model):
        from langchain_cogenesis.models.hub import cached_file

        path = cached_file(model)
        if path is None:
            yield Finding(
                "local model", "warn", f"{name} is not on this machine; its first use downloads it"
            )
            return
    else:
        path = resolve_model(model)
    try:
        header = read_header(path)
    except CoGenesisError as error:
        yield Finding("local model", "fail", error.message, error.hint or "")
        return
    memory = _memory(header, path)
    yield memory
    if memory.status != "fail":
        yield _loads(str(path), name)


def _loads(model: str, name: str) -> Finding:
    from langchain_cogenesis.models.llamacpp import LlamaCppEngine

    engine = LlamaCppEngine(model, n_ctx=64)
    try:
        tokens = engine.count_tokens("Write a short note.")
        engine.close()
    except (CoGenesisError, ImportError, OSError) as error:
        text = error.message if isinstance(error, CoGenesisError) else type(error).__name__
        return Finding(
            "llama.cpp",
            "fail",
            f"{name} does not load: {text}",
            "Install llama-cpp-python or xllamacpp again.",
        )  # fmt: skip
    return Finding("llama.cpp", "ok", f"{_version()} loads {name} ({tokens} tokens in a test text)")


def _version() -> str:
    """The package that llama.cpp comes from here, and its version."""
    from langchain_cogenesis.models.llamacpp import engine_package

    package = engine_package()
    return f"{package} {metadata.version(package)}"


def _memory(header: GgufHeader, path: Path) -> Finding:
    needed = path.stat().st_size + _cache_bytes(header.metadata)
    available = available_memory()
    if available is None:
        return Finding("memory", "ok", f"{needed / 1e9:.2f} GB needed; free memory not known")
    found = f"{needed / 1e9:.2f} GB needed, {available / 1e9:.2f} GB available"
    if needed > available:
        return Finding("memory", "fail", found, "Use a smaller or more quantised local model.")
    if needed > 0.8 * available:
        return Finding("memory", "warn", found, "Close other programs, or use a smaller model.")
    return Finding("memory", "ok", found)


def _cache_bytes(known: Mapping[str, object]) -> int:
    """Keys and values of a full context in 16 bits."""

    def number(key: str, default: int) -> int:
        value = known.get(f"{known.get('general.architecture')}.{key}")
        return int(value) if isinstance(value, int) else default

    heads = max(1, number("attention.head_count", 1))
    width = number("embedding_length", 0) * number("attention.head_count_kv", heads) // heads
    n_ctx = min(_LONGEST_CONTEXT, number("context_length", _LONGEST_CONTEXT))
    return 2 * 2 * number("block_count", 0) * width * n_ctx


def available_memory() -> int | None:
    """Bytes that a process can have without swapping, or None where the system doesn't say."""
    try:
        told = Path("/proc/meminfo").read_text(encoding="ascii", errors="replace")
        if match := re.search(r"^MemAvailable:\s+(\d+) kB", told, re.MULTILINE):
            return int(match[1]) * 1024
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return None


def _core_dumps() -> Finding:
    check = "core dumps"
    try:
        import resource
    except ImportError:
        return Finding(check, "ok", "not of this system")
    if resource.getrlimit(resource.RLIMIT_CORE)[0] == 0:
        return Finding(check, "ok", "off")
    return Finding(
        check,
        "warn",
        "on: a crash writes the process's memory, private context in it, to a file",
        "Run `ulimit -c 0` before.",
    )


def _shell_history(home: Path) -> Finding:
    found = []
    for name in _HISTORIES:
        try:
            text = (home / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        if count := len(_TYPED.findall(text)):
            found.append(f"{count} in {name}")
    if not found:
        return Finding("shell history", "ok", "no instruction in it")
    return Finding(
        "shell history",
        "warn",
        f"instructions typed on the command line: {', '.join(found)}",
        "Give them as @FILE or - (standard input), and remove those lines.",
    )
