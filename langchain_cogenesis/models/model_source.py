"""What a model's name stands for: a house model, a file, or a file on the hub."""

from __future__ import annotations

import os
from pathlib import Path

from langchain_cogenesis.models import hub

_ENGLISH = ("house-small", "house-large")
_OTHERS = {"de": ("house-small-de", "house-large-de")}

HOUSE_MODELS: tuple[str, ...] = (*_ENGLISH, *(name for pair in _OTHERS.values() for name in pair))
"""Names of the models that come with the package."""

BUNDLED = Path(__file__).parent / "bundled"


def house_pair(language: str) -> tuple[str, str]:
    """The small and the large house model of a language; the English ones, where it has none.

    >>> house_pair("de")
    ('house-small-de', 'house-large-de')
    """
    return _OTHERS.get(language, _ENGLISH)


def house_remote(local: str | os.PathLike[str]) -> str:
    """The house model that stands in for the remote beside a local model.

    Args:
        local: A house model's name, whose language counts; for anything else the English one.
    """
    return next((pair for pair in _OTHERS.values() if local in pair), _ENGLISH)[1]


def model_name(model: str | os.PathLike[str]) -> str:
    """The name under which answers report a model: no directories in it.

    Args:
        model: A house model's name, a path, or a hub name.
    """
    text = os.fspath(model)
    if text in HOUSE_MODELS or is_hub_name(text):
        return text
    return Path(text).stem


def model_key(model: str | os.PathLike[str]) -> str:
    """What two names of one model have in common; touches neither file nor network.

    Args:
        model: A house model's name, a path, or a hub name.
    """
    text = os.fspath(model)
    return text if is_hub_name(text) else str(resolve_model(text))


def is_hub_name(text: str) -> bool:
    """Whether a name means a file on the hub; a file that exists is never meant so."""
    return hub.HubFile.parse(text) is not None and not Path(text).exists()


def resolve_model(model: str | os.PathLike[str]) -> Path:
    """Finds a model's file; downloads it, if it is on the hub and not in the cache.

    Args:
        model: A house model's name, a path, or `owner/repository:file.gguf[@revision]`.

    Returns:
        The file's absolute path. It need not exist, if `model` is a path.

    Raises:
        ModelDownloadError: If the hub does not deliver.
    """
    text = os.fspath(model)
    if text in HOUSE_MODELS:
        return BUNDLED / f"{text}.gguf"
    if is_hub_name(text):
        return hub.download(text)
    return Path(text).expanduser().resolve()
