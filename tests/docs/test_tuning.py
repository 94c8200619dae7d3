"""The first table of the page on tuning says what the sections of the searches say."""

import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "docs" / "scripts" / "tuning.py"
pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="needs the folder docs of a clone")


@pytest.fixture(scope="module")
def page():
    return runpy.run_path(str(SCRIPT))


def test_the_first_table_says_what_the_sections_say(page):
    text, searches = (page[name].read_text(encoding="utf-8") for name in ("PAGE", "SEARCHES"))
    assert page["renewed"](text, searches) == text


def test_both_kinds_of_tables_are_read(page):
    text = (
        "### a by epoch\n\n| method | default | tuned | tuned − default |\n|---|---|---|---|\n"
        "| ce | 1 | 2 | -1.00 ± 0.50 |\n| gce | 1 | 1 | the same runs |\n\n"
        "### a by window\n\n| method | − default | confirmed − default | regret |\n|---|---|---|---|\n"
        "| ce | -1.00 ± 1.50 | +1.00 ± 0.50 | 0.00 → 1.00 |\n"
    )
    _, _, ce, gce, _, said = page["summary"](text).splitlines()
    assert ce == "| a | ce | **-1.00 ± 0.50** | – | – | -1.00 ± 1.50 | +1.00 ± 0.50 | 0.00 → 1.00 |"
    assert gce == "| a | gce | 0 | – | – | – | – | – |"
    assert "epoch, alone: 1 of 2; epoch, confirmed: 0 of 0; window, alone: 0 of 1" in said
