"""The site builds without a warning, and shows every method with its source."""

import subprocess
import sys
from pathlib import Path

import pytest

from lnlbench.methods import methods

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.slow
def test_the_site_builds_strictly(tmp_path):
    pytest.importorskip("furo", reason="needs the dependency group docs; `tox -e docs` builds the site")
    pytest.importorskip("myst_parser", reason="needs the dependency group docs; `tox -e docs` builds the site")
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "-q",
        "-b",
        "html",
        "-d",
        tmp_path / "trees",
        DOCS,
        tmp_path / "site",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "site" / "methods.html").read_text(encoding="utf-8")
    assert [name for name in methods() if f"<h2>{name}<" not in page] == []
    assert page.count("Source:") >= len(methods()) - 1
    links = {method.paper.link for method in methods().values() if method.paper}
    assert [link for link in links if f'href="{link}"' not in page] == []
    assert "pre-wrap" in (tmp_path / "site" / "_static" / "wrap.css").read_text(encoding="utf-8")
    pages = {path.stem for path in (tmp_path / "site").glob("*.html")}
    assert {path.stem for path in DOCS.glob("*.md")} <= pages
