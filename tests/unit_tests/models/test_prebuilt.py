"""llama.cpp out of a wheel: the same engine, without a compiler."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("xllamacpp")

from langchain_cogenesis.exceptions import ConfigurationError, ModelError
from langchain_cogenesis.models import llamacpp, prebuilt
from langchain_cogenesis.models.llamacpp import LlamaCppEngine

_SCRIPT = """
import json, sys
from pathlib import Path
import numpy as np
from langchain_cogenesis.doctor.machine import check_machine
from langchain_cogenesis.models.llamacpp import LlamaCppEngine
engine = LlamaCppEngine("house-small", n_threads=1)
ids = engine.tokenize("Dear [NAME_1], we meet at the café on Friday 😀.")
rows = [row.copy() for row in engine.score(ids, first=1)]
singly = [next(iter(engine.score(ids[:n], first=n))).copy() for n in range(1, len(ids) + 1)]
prompt = engine.apply_template([{"role": "user", "content": "Invite [NAME_1] to the party."}])
print(json.dumps({
    "ids": ids,
    "loss": [-float(row[token]) for row, token in zip(rows, ids[1:])],
    "same singly": all((a == b).all() for a, b in zip(rows, singly, strict=True)),
    "bytes": engine.detokenize(ids).hex(),
    "special": [engine.bos_ids, sorted(engine.eog_ids), engine.n_ctx, engine.vocabulary.digest],
    "template": prompt,
    "written": len(list(engine.generate(prompt, max_tokens=12))),
    "compiled": "llama_cpp" in sys.modules,
    "named": [f.found for f in check_machine("house-small", Path.home())
              if f.check == "llama.cpp"],
}))
"""


def _run(engine: str) -> dict[str, Any]:
    environment = {**os.environ, llamacpp.ENGINE_VARIABLE: engine}
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_prebuilt_engine_is_the_same_engine() -> None:
    """Tokens, templates and special ids are equal; probabilities but for another build's rounding;
    and many rows in one decode are those of single decodes, bit by bit."""
    ours, wheel = _run("compiled"), _run("prebuilt")
    assert [told.split()[0] for told in ours.pop("named")] == ["llama-cpp-python"]
    assert [told.split()[0] for told in wheel.pop("named")] == ["xllamacpp"]
    assert ours.pop("compiled") is True
    assert wheel.pop("compiled") is False
    losses = ours.pop("loss"), wheel.pop("loss")
    assert losses[0] == pytest.approx(losses[1], abs=0.5)
    assert np.mean(losses[0]) == pytest.approx(np.mean(losses[1]), abs=0.05)
    assert ours == wheel
    assert wheel["same singly"]


def test_another_build_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A library whose structures hold other defaults is not driven on a guess."""
    [path] = prebuilt._libraries(Path(str(sys.modules["xllamacpp"].__path__[0])))

    signatures = dict(prebuilt._SIGNATURES)
    signatures["llama_context_default_params"] = (_Shifted, ())
    monkeypatch.setattr(prebuilt, "_SIGNATURES", signatures)
    with pytest.raises(ModelError, match="another build"):
        prebuilt.PrebuiltLibrary(path)


class _Shifted(prebuilt.ctypes.Structure):
    """A layout with a field more before the switches, as a later build may have."""

    _fields_ = (("_new", prebuilt.c_void_p), *prebuilt.ContextParams._fields_)


@pytest.mark.parametrize("content", [b"", b"no library"])
def test_a_file_that_is_no_library_is_refused(tmp_path: Path, content: bytes) -> None:
    """The error names the file, and what to install."""
    broken = tmp_path / "xllamacpp.so"
    broken.write_bytes(content)
    with pytest.raises(ModelError, match="pip install"):
        prebuilt.PrebuiltLibrary(broken)


def test_an_unknown_engine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable's value is checked when a model is loaded."""
    monkeypatch.setenv(llamacpp.ENGINE_VARIABLE, "magic")
    llamacpp._library.cache_clear()
    try:
        with pytest.raises(ConfigurationError, match=r"magic.*prebuilt"):
            LlamaCppEngine("house-small").load()
    finally:
        llamacpp._library.cache_clear()


def test_requirements_leave_the_compiled_engine_out() -> None:
    """What is printed is what the package needs, with one engine in place of the other."""
    lines = subprocess.run(
        [sys.executable, "-m", "langchain_cogenesis.models.prebuilt"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert prebuilt.REQUIREMENT in lines
    assert not any(line.startswith("llama-cpp-python") for line in lines)
    assert any(line.startswith("langchain-core") for line in lines)
    assert not any("extra ==" in line for line in lines)
