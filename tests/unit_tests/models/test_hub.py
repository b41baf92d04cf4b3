from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from langchain_cogenesis.exceptions import ConfigurationError, ModelDownloadError, ModelFileError
from langchain_cogenesis.models import hub
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
from langchain_cogenesis.models.model_source import is_hub_name, model_name

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAME = "someone/tiny-models:tiny.gguf"


class FakeHub(ThreadingHTTPServer):
    """Answers as the hub does for one repository: redirects big files, and knows ranges."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.announced: dict[str, str] = {}
        self.cut_after: int | None = None
        self.requests: list[tuple[str, str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def digest(self, name: str) -> str:
        return self.announced.get(name) or hashlib.sha256(self.files[name]).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeHub

    def log_message(self, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        self.server.requests.append((self.command, self.path, self.headers.get("Range")))
        parts = self.path.strip("/").split("/")
        if parts[0] == "storage":
            self._send_file(self.server.files[parts[1]], body=body)
        elif parts[:2] != ["someone", "tiny-models"]:
            self._fail("RepoNotFound")
        elif parts[3] not in ("main", "v1", COMMIT):
            self._fail("RevisionNotFound")
        elif parts[4] not in self.server.files:
            self._fail("EntryNotFound")
        else:
            self._redirect(parts[4])

    def _redirect(self, name: str) -> None:
        self.send_response(302)
        # Another host, as with the real one: redirects within a host are followed for the headers.
        self.send_header("Location", f"http://localhost:{self.server.server_port}/storage/{name}")
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("X-Linked-Size", str(len(self.server.files[name])))
        self.send_header("X-Linked-Etag", f'"{self.server.digest(name)}"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _fail(self, code: str) -> None:
        self.send_response(404)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send_file(self, data: bytes, *, body: bool) -> None:
        start = 0
        if wanted := self.headers.get("Range"):
            start = int(wanted.removeprefix("bytes=").split("-")[0])
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        if not body:
            return
        data, cut = data[start:], self.server.cut_after
        self.wfile.write(data if cut is None else data[:cut])
        if cut is not None:
            self.server.cut_after = None
            self.close_connection = True


@pytest.fixture
def fake_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: Path) -> Iterator[FakeHub]:
    """A hub on loopback that has the tiny model; the cache is empty."""
    with FakeHub() as server:
        server.files["tiny.gguf"] = tiny.read_bytes()
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("name", "parsed"),
    [
        ("a/b:c.gguf", hub.HubFile("a/b", "c.gguf")),
        ("a-1/b.2:dir/c-Q8_0.gguf@v1.0", hub.HubFile("a-1/b.2", "dir/c-Q8_0.gguf", "v1.0")),
        ("b:c.gguf", None),
        ("a/b:c.bin", None),
        ("a/b/c.gguf", None),
        ("/a/b:c.gguf", None),
        ("house-small", None),
    ],
)
def test_names(name: str, parsed: hub.HubFile | None) -> None:
    """`owner/repository:file.gguf[@revision]` is a hub name, and nothing else is."""
    assert hub.HubFile.parse(name) == parsed


def test_existing_file_is_no_hub_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that exists is taken as a file, whatever it is called."""
    monkeypatch.chdir(tmp_path)
    assert is_hub_name("a/b:c.gguf")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b:c.gguf").touch()
    assert not is_hub_name("a/b:c.gguf")
    assert model_name("a/b:c.gguf") == "b:c"


def test_downloaded_model_works(fake_hub: FakeHub) -> None:
    """A model by hub name is fetched when it is first used, and not before."""
    engine = LlamaCppEngine(NAME, n_threads=1)
    assert engine.name == NAME
    assert fake_hub.requests == []
    assert len(list(engine.generate(engine.tokenize("Hi"), max_tokens=2))) <= 2
    assert engine.path.read_bytes() == fake_hub.files["tiny.gguf"]


def test_cached_file_is_not_fetched_again(fake_hub: FakeHub) -> None:
    """The second time the file comes from the cache: no more than its version is asked for."""
    first = hub.download(NAME)
    fake_hub.requests.clear()
    assert hub.download(NAME) == first
    assert all(method == "HEAD" for method, _, _ in fake_hub.requests)


def test_revision_is_asked_for(fake_hub: FakeHub) -> None:
    """What follows the '@' reaches the hub."""
    hub.download(f"{NAME}@v1")
    assert any("/resolve/v1/tiny.gguf" in path for _, path, _ in fake_hub.requests)


def test_broken_transfer_is_resumed(fake_hub: FakeHub) -> None:
    """A transfer that breaks off goes on where it stopped, and the file is whole."""
    # The client keeps what came in pieces of ten mebibytes.
    fake_hub.files["tiny.gguf"] += bytes(11 << 20)
    fake_hub.cut_after = 21 << 19
    path = hub.download(NAME)
    assert path.read_bytes() == fake_hub.files["tiny.gguf"]
    assert f"bytes={10 << 20}-" in {wanted for _, _, wanted in fake_hub.requests}


def test_corrupted_download_is_found_and_removed(fake_hub: FakeHub, tmp_path: Path) -> None:
    """A file that isn't what its checksum says is refused and doesn't stay in the cache."""
    fake_hub.announced["tiny.gguf"] = hashlib.sha256(fake_hub.files["tiny.gguf"]).hexdigest()
    data = bytearray(fake_hub.files["tiny.gguf"])
    data[-50] ^= 1
    fake_hub.files["tiny.gguf"] = bytes(data)
    with pytest.raises(ModelDownloadError, match=r"damaged.*checksum"):
        hub.download(NAME)
    assert not [path for path in (tmp_path / "cache").rglob("*.gguf") if path.exists()]
    data[-50] ^= 1
    fake_hub.files["tiny.gguf"] = bytes(data)
    assert hub.download(NAME).read_bytes() == bytes(data)


def test_git_checksums_are_checked_too(fake_hub: FakeHub) -> None:
    """A small file outside large-file storage is checked by git's digest."""
    data = fake_hub.files["tiny.gguf"]
    right = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    fake_hub.announced["tiny.gguf"] = "0" * 40
    with pytest.raises(ModelDownloadError, match="damaged"):
        hub.download(NAME)
    fake_hub.announced["tiny.gguf"] = right
    assert hub.download(NAME).read_bytes() == data


def test_truncated_upload_is_found(fake_hub: FakeHub) -> None:
    """A file that is truncated on the hub itself downloads, and is refused when it is loaded."""
    fake_hub.files["tiny.gguf"] = fake_hub.files["tiny.gguf"][:-5000]
    with pytest.raises(ModelFileError, match="truncated"):
        LlamaCppEngine(NAME).load()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("someone/else:tiny.gguf", "no such repository"),
        ("someone/tiny-models:other.gguf", "no such file"),
        (f"{NAME}@v9", "no such revision"),
    ],
)
def test_what_is_missing_is_named(fake_hub: FakeHub, name: str, says: str) -> None:
    """The error says which part of the name the hub doesn't have, and which hub that was."""
    with pytest.raises(ModelDownloadError, match=says) as caught:
        hub.download(name)
    assert name in str(caught.value)
    assert fake_hub.url in str(caught.value)


def test_without_a_connection_the_cache_serves(
    fake_hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the hub gone or offline mode on, a cached file is used; another is an error."""
    path = hub.download(NAME)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert hub.download(NAME) == path
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert hub.download(NAME) == path
    with pytest.raises(ModelDownloadError, match="not in the cache"):
        hub.download("someone/tiny-models:other.gguf")


def test_offline_asks_nobody(fake_hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """In offline mode no request is made."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelDownloadError):
        hub.download(NAME)
    assert fake_hub.requests == []


def test_malformed_name_is_refused() -> None:
    """A name that isn't the hub's never gets to it."""
    with pytest.raises(ConfigurationError, match="no hub name"):
        hub.download("tiny.gguf")
