from __future__ import annotations

import random
import re
import struct
from pathlib import Path

import pytest

from langchain_cogenesis.exceptions import ModelFileError
from langchain_cogenesis.models.gguf_file import read_header


def test_reads_single_values(tiny: Path, chatml: str) -> None:
    """Single values are read as they were written, arrays are left out."""
    header = read_header(tiny)
    assert header.metadata["general.architecture"] == "llama"
    assert header.metadata["llama.context_length"] == 256
    assert header.metadata["tokenizer.chat_template"] == chatml
    assert "tokenizer.ggml.tokens" not in header.metadata
    assert header.n_tensors == 11


def test_needed_bytes_are_the_files_up_to_padding(tiny: Path) -> None:
    """The extent of the tensors is the file's size but for the padding at its end."""
    size = tiny.stat().st_size
    assert size - 32 < read_header(tiny).n_bytes <= size


def test_quantised_house_model_is_whole(house_small: Path) -> None:
    """Block types are counted as llama.cpp stores them."""
    size = house_small.stat().st_size
    assert size - 32 < read_header(house_small).n_bytes <= size


def test_missing_last_byte_is_found(tiny: Path, tmp_path: Path) -> None:
    """A file that lacks one byte of its tensors is refused, with both lengths."""
    needed = read_header(tiny).n_bytes
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(tiny.read_bytes()[: needed - 1])
    with pytest.raises(ModelFileError) as caught:
        read_header(cut)
    text = str(caught.value)
    assert str(cut) in text
    assert "truncated" in text
    assert f"{needed:,}" in text
    assert f"{needed - 1:,}" in text


@pytest.mark.parametrize("size", [4, 7, 10, 23, 24, 60, 500, 2000])
def test_cut_within_the_header_is_truncated(tiny: Path, tmp_path: Path, size: int) -> None:
    """A file that ends within its header is called truncated, not damaged."""
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(tiny.read_bytes()[:size])
    with pytest.raises(ModelFileError, match=f"cut.gguf is truncated.*{size:,} bytes"):
        read_header(cut)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "a web page"),
        (struct.pack("<Q", 40) + b'{"__metadata__":{"format":"pt"}}', "safetensors"),
        (b"PK\x03\x04" + bytes(60), "a torch checkpoint"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "a Git LFS pointer"),
        (b"Dear Sir or Madam, ", "something else"),
        (b"GGUF" + struct.pack("<IQQ", 1, 0, 0), "version 1 "),
        (b"GGUF" + struct.pack("<IQQ", 99, 0, 0), "version 99 "),
        (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "big-endian"),
    ],
)
def test_wrong_file_is_named(tmp_path: Path, data: bytes, says: str) -> None:
    """What is no readable GGUF file is refused by name, with what it seems to be."""
    path = tmp_path / "model.gguf"
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match=re.escape(says)) as caught:
        read_header(path)
    assert str(path) in str(caught.value)


def test_missing_part_is_named(tmp_path: Path) -> None:
    """Of a model in several files, the part that is missing is named."""
    key = b"split.count"
    pair = struct.pack("<Q", len(key)) + key + struct.pack("<IH", 2, 2)
    data = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + pair
    first, second = (tmp_path / f"big-0000{n}-of-00002.gguf" for n in (1, 2))
    first.write_bytes(data)
    with pytest.raises(ModelFileError, match=r"missing: big-00002-of-00002\.gguf"):
        read_header(first)
    second.write_bytes(data)
    assert read_header(first).metadata["split.count"] == 2
    with pytest.raises(ModelFileError, match=r"give big-00001-of-00002\.gguf"):
        read_header(second)


def test_directory_hints_at_what_is_in_it(tiny: Path) -> None:
    """A directory is no model; the hint names the GGUF files in it."""
    with pytest.raises(ModelFileError, match=r"is a directory\. In it: tiny-llama\.gguf\."):
        read_header(tiny.parent)


def test_missing_file_hints_at_names(tmp_path: Path) -> None:
    """A missing file's error says which names would do."""
    with pytest.raises(ModelFileError, match=r"no model file .*house-small"):
        read_header(tmp_path / "none.gguf")


def test_damaged_header_never_escapes(tiny: Path, tmp_path: Path) -> None:
    """Whatever bytes of the header are changed, the file is read or refused, and nothing else."""
    data = tiny.read_bytes()
    source = random.Random(0)
    path = tmp_path / "damaged.gguf"
    refused = 0
    for _ in range(300):
        damaged = bytearray(data)
        damaged[source.randrange(8, 400)] = source.randrange(256)
        path.write_bytes(damaged)
        try:
            read_header(path)
        except ModelFileError:
            refused += 1
    assert 0 < refused < 300
