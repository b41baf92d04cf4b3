"""Every notebook runs from top to bottom on the house models, and is stored with its outputs."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def test_notebooks_are_numbered_without_gaps() -> None:
    """In the order of the data flow."""
    assert [int(path.name[:2]) for path in NOTEBOOKS] == [*range(1, len(NOTEBOOKS) + 1)]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path, tmp_path: Path) -> None:
    """No cell fails, and cells that printed something when it was stored still do."""
    stored = nbformat.read(path, as_version=4)
    run = nbformat.read(path, as_version=4)
    client = NotebookClient(
        run, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    for before, after in zip(stored.cells, run.cells, strict=True):
        assert bool(before.get("outputs")) <= bool(after.get("outputs"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_outputs_are_clean(path: Path) -> None:
    """Outputs are there, in order, without errors and without a machine's paths."""
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == [*range(1, len(code) + 1)]
    kinds = {output.output_type for cell in code for output in cell.outputs}
    assert kinds
    assert "error" not in kinds
    assert not re.search(r"/(?:tmp|home|root|work|Users|var)/", path.read_text(encoding="utf-8"))
