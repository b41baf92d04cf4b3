"""Environment variables and files around a process that could carry private text elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from langchain_cogenesis.doctor.finding import Finding, Status
from langchain_cogenesis.tracing import ALLOW_VARIABLE

_TRACING = (
    "LANGSMITH_TRACING",
    "LANGCHAIN_TRACING_V2",
    "LANGSMITH_TRACING_V2",
    "LANGCHAIN_TRACING",
)
_NAME_IN_FILE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=", re.MULTILINE)
_OFF = ("", "0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class _Door:
    """Variables that open one door.

    Attributes:
        check: Its name.
        names: Variables; one that ends in an underscore stands for all that begin so.
        status: What it means if one is set.
        means: What the variables do.
        advice: What to do.
    """

    check: str
    names: tuple[str, ...]
    status: Status
    means: str
    advice: str


_DOORS = (
    _Door(
        "other tracers",
        ("LANGCHAIN_WANDB_TRACING", "LANGCHAIN_COMET_TRACING", "LANGFUSE_", "TRACELOOP_",
         "OTEL_EXPORTER_", "OPENINFERENCE_", "PHOENIX_", "SENTRY_DSN"),
        "warn",
        "a tracer or error reporter that an app starts takes prompts, answers and local variables",
        "Unset them where private text is written, or make sure that the tracer hides texts.",
    ),
    _Door(
        "gateways",
        ("OPENAI_BASE_URL", "OPENAI_API_BASE", "LANGSMITH_GATEWAY", "OLLAMA_HOST",
         "ANTHROPIC_BASE_URL", "AZURE_OPENAI_ENDPOINT"),
        "warn",
        "create_remote() goes where it is told; other models of an app follow these",
        "Unset them, or use create_remote() for every remote model.",
    ),
    _Door(
        "proxies",
        ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "OPENAI_PROXY"),
        "warn",
        "remote models of this package don't use them; model downloads and other clients do",
        "Where the remote can only be reached through a proxy, run one at the endpoint's address.",
    ),
    _Door(
        "certificates",
        ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
        "warn",
        "whoever owns a certificate in there can read what other clients send; ours don't use it",
        "Unset them if you don't know who set them.",
    ),
    _Door(
        "TLS keys",
        ("SSLKEYLOGFILE",),
        "fail",
        "Python writes the keys of every encrypted connection to that file",
        "Unset it, and remove the file.",
    ),
    _Door(
        "index server",
        ("CHROMA_",),
        "fail",
        "Chroma reads its settings from them, a server for your vectors and traces among them",
        "Unset them where cogenesis runs.",
    ),
    _Door(
        "model hub",
        ("HF_ENDPOINT",),
        "warn",
        "models named owner/repository:file.gguf come from there, and so do their checksums",
        "Unset it if you don't know who set it.",
    ),
    _Door(
        "request logs",
        ("OPENAI_LOG",),
        "warn",
        "the openai client logs requests: masked ones of ours, unmasked ones of other models",
        "Unset it when you don't look for a fault.",
    ),
)  # fmt: skip


def check_environment(environ: Mapping[str, str], directory: Path) -> Iterator[Finding]:
    """Looks at environment variables, and at the `.env` file of the working directory.

    Args:
        environ: The variables.
        directory: The working directory.
    """
    yield _tracing(environ)
    for door in _DOORS:
        found = _set(environ, door.names)
        if door.check == "request logs" and environ.get("OPENAI_LOG") != "debug":
            found = []
        if found:
            yield Finding(door.check, door.status, f"{_list(found)}: {door.means}", door.advice)
        else:
            yield Finding(door.check, "ok", "none set")
    yield _dotenv(directory)


def _tracing(environ: Mapping[str, str]) -> Finding:
    check = "LangSmith tracing"
    on = [name for name in _TRACING if environ.get(name, "").strip().lower() not in _OFF]
    allowed = environ.get(ALLOW_VARIABLE, "").strip().lower() == "allow"
    if not on:
        also = f"; {ALLOW_VARIABLE} would allow it" if allowed else ""
        return Finding(check, "warn" if allowed else "ok", f"off{also}", "Unset it." * allowed)
    hidden = all(
        any(environ.get(f"{prefix}_HIDE_{what}") == "true" for prefix in ("LANGSMITH", "LANGCHAIN"))
        for what in ("INPUTS", "OUTPUTS")
    )
    if hidden:
        return Finding(check, "ok", f"{_list(on)} set; inputs and outputs are hidden")
    if allowed:
        return Finding(
            check,
            "fail",
            f"{_list([*on, ALLOW_VARIABLE])} set: instructions, private context and finished texts "
            "are sent to LangSmith",
            f"Unset {ALLOW_VARIABLE}, or set LANGSMITH_HIDE_INPUTS and LANGSMITH_HIDE_OUTPUTS.",
        )
    return Finding(
        check,
        "warn",
        f"{_list(on)} set: models and chains of this package stay out of it, and refuse to run "
        "inside a chain that is traced",
        "Set it to false, or set LANGSMITH_HIDE_INPUTS and LANGSMITH_HIDE_OUTPUTS to true.",
    )


def _dotenv(directory: Path) -> Finding:
    check = ".env file"
    try:
        text = (directory / ".env").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return Finding(check, "ok", "none in the working directory")
    # Only the names are taken: the values may be keys.
    names = dict.fromkeys(_NAME_IN_FILE.findall(text), "1")
    known = [*(n for n in _TRACING if n in names), *(n for n in (ALLOW_VARIABLE,) if n in names)]
    for door in _DOORS:
        known += _set(names, door.names)
    if not known:
        return Finding(check, "ok", "one is there; it sets nothing that matters here")
    return Finding(
        check,
        "warn",
        f"sets {_list(known)}; cogenesis doesn't read it, but an app may (load_dotenv)",
        "Take them out of the file.",
    )


def _set(environ: Mapping[str, str], names: tuple[str, ...]) -> list[str]:
    """The variables that are set, as they are spelled; proxies count in lower case too."""
    found = []
    for name, value in environ.items():
        upper = name.upper()
        if value and any(
            upper.startswith(wanted) if wanted.endswith("_") else upper == wanted
            for wanted in names
        ):
            found.append(name)
    return sorted(found)


def _list(names: list[str]) -> str:
    shown = ", ".join(names[:6])
    return f"{shown} and {len(names) - 6} more" if len(names) > 6 else shown
