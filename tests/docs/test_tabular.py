"""The page on trials shows what its examples give, within seconds."""

import time
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "docs" / "scripts" / "tabular.py"
pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="needs the folder docs of a clone")


def test_the_page_shows_what_its_examples_give():
    spec = spec_from_file_location("tabular_page", SCRIPT)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    text, began = module.PAGE.read_text(encoding="utf-8"), time.process_time()
    assert module.shown(text) == text
    assert time.process_time() - began < 5
