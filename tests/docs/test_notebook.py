"""The notebook of the documentation runs, cell by cell, and says what it shows."""

import json
from pathlib import Path

import matplotlib
import pytest

NOTEBOOK = Path(__file__).parents[2] / "docs" / "first-figure.ipynb"
pytestmark = pytest.mark.skipif(not NOTEBOOK.exists(), reason="needs the folder docs of a clone")


@pytest.mark.slow
def test_every_cell_runs(tmp_path, monkeypatch):
    """The code is that of the notebook but for fewer replicates."""
    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LNLBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    cells = [cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"]
    names = {}
    for cell in cells:
        exec("".join(cell["source"]).replace("range(5)", "range(2)"), names)
    assert (tmp_path / "curves.pdf").read_bytes().startswith(b"%PDF")
    assert len(names["results"]) == 8
    assert "against gce" in repr(names["verdict"])


def test_its_outputs_are_kept():
    text = NOTEBOOK.read_text()
    outputs = [cell["outputs"] for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    assert all(outputs) and '"image/png"' in text
    assert "Traceback" not in text
