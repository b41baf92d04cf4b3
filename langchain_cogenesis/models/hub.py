"""Model files from a hub that speaks Hugging Face's protocol."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from langchain_cogenesis.exceptions import ConfigurationError, ModelDownloadError

_NAME = re.compile(
    r"(?P<repo>[\w][\w.-]*/[\w][\w.-]*):(?P<file>[^:@]+\.gguf)(?:@(?P<revision>[\w./-]+))?"
)
_OFF = ("", "0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file on the hub.

    Attributes:
        repo: `owner/repository`.
        file: Path of the file in the repository.
        revision: Branch, tag or commit; `None` is the main branch.
    """

    repo: str
    file: str
    revision: str | None = None

    @classmethod
    def parse(cls, name: str) -> HubFile | None:
        """Reads `owner/repository:file.gguf[@revision]`; `None` if it is no such name."""
        match = _NAME.fullmatch(name)
        return cls(match["repo"], match["file"], match["revision"]) if match else None


def download(name: str) -> Path:
    """Gets a file from the cache, or from the hub with progress, resume and checksum.

    `HF_ENDPOINT`, `HF_HOME`, `HF_HUB_CACHE` and `HF_HUB_OFFLINE` are read at each call. With no
    connection a cached file is used.

    Args:
        name: `owner/repository:file.gguf[@revision]`.

    Returns:
        The file in the cache.

    Raises:
        ConfigurationError: If the name is malformed.
        ModelDownloadError: If the hub can't be reached, has no such file, wants a token, or what
            came is not what it announced.
    """
    wanted = HubFile.parse(name)
    if wanted is None:
        raise ConfigurationError(
            f"{name!r} is no hub name.", hint="Write owner/repository:file.gguf[@revision]."
        )
    cached = _cached(wanted)
    path = _download(wanted, name)
    if path != cached:
        _verify(path, name)
    return path


def cached_file(name: str) -> Path | None:
    """The file in the cache, or None; the hub isn't asked.

    Args:
        name: `owner/repository:file.gguf[@revision]`.
    """
    wanted = HubFile.parse(name)
    return _cached(wanted) if wanted is not None else None


def _cache() -> Path:
    if cache := os.environ.get("HF_HUB_CACHE"):
        return Path(cache).expanduser()
    home = os.environ.get("HF_HOME") or "~/.cache/huggingface"
    return Path(home).expanduser() / "hub"


def _endpoint() -> str:
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def _cached(wanted: HubFile) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(
        wanted.repo, wanted.file, cache_dir=_cache(), revision=wanted.revision
    )
    return Path(found) if isinstance(found, str) else None


def _download(wanted: HubFile, name: str) -> Path:
    from huggingface_hub import errors, hf_hub_download

    try:
        return Path(
            hf_hub_download(
                wanted.repo,
                wanted.file,
                revision=wanted.revision,
                cache_dir=_cache(),
                endpoint=_endpoint(),
                local_files_only=os.environ.get("HF_HUB_OFFLINE", "").lower() not in _OFF,
            )
        )
    except errors.GatedRepoError:
        problem, hint = "it is gated", "Accept its terms on the hub and set HF_TOKEN."
    except errors.RepositoryNotFoundError:
        problem, hint = "there is no such repository", "Check its name; set HF_TOKEN if private."
    except errors.RevisionNotFoundError:
        problem, hint = "there is no such revision", "Check what follows the '@'."
    except errors.LocalEntryNotFoundError:
        problem = "it is not in the cache and the hub can't be reached"
        hint = "Check the connection, HF_ENDPOINT and HF_HUB_OFFLINE, or give a local file."
    except errors.EntryNotFoundError:
        problem, hint = "the repository has no such file", "Check what follows the ':'."
    except Exception as error:  # noqa: BLE001 - the hub's client lets its HTTP library's errors out
        problem = f"the transfer failed ({type(error).__name__})"
        hint = "Try again; what came is kept and the rest is fetched."
    raise ModelDownloadError(f"{name} did not come from {_endpoint()}: {problem}.", hint=hint)


def _verify(path: Path, name: str) -> None:
    """Compares a new file with the checksum by which the hub named it."""
    blob = path.resolve()
    announced = blob.name
    if re.fullmatch(r"[0-9a-f]{64}", announced):
        digest = hashlib.sha256()
    elif re.fullmatch(r"[0-9a-f]{40}", announced):
        digest = hashlib.sha1(f"blob {blob.stat().st_size}\0".encode(), usedforsecurity=False)
    else:
        return
    with blob.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    if digest.hexdigest() != announced:
        path.unlink()
        blob.unlink(missing_ok=True)
        raise ModelDownloadError(
            f"{name} came damaged from {_endpoint()}: its checksum is not {announced[:12]}….",
            hint="It was removed. Try again.",
        )
