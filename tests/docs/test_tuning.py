"""The tables of the page on tuning say what the sections of the searches say."""

import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "docs" / "scripts" / "tuning.py"
pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="needs the folder docs of a clone")


@pytest.fixture(scope="module")
def page():
    return runpy.run_path(str(SCRIPT))


def test_the_tables_say_what_the_sections_say(page):
    text, searches = (page[name].read_text(encoding="utf-8") for name in ("PAGE", "SEARCHES"))
    assert page["renewed"](text, searches) == text


TEXT = """### a by epoch

| method | default | tuned | tuned − default | p (Holm, 2) | regret |
|---|---|---|---|---|---|
| ce | 1 | 2 | -1.00 ± 0.50 | 0.06 | 3.00 |
| gce | 1 | 1 | the same runs | – | 1.00 |

### a by window

Of 3 methods tuned 1 is surely above their defaults.

| method | default | search alone | − default | p (Holm, 4) | confirmed | confirmed − default | p (Holm, 4) | regret |
|---|---|---|---|---|---|---|---|---|
| ce | 1 | 0 | -1.00 ± 0.50 | 0.01 | 2 | +1.00 ± 0.50 | <0.001 | 0.00 → 1.00 |
| sam | 3 | 0 | -3.00 ± 0.50 | 0.01 | 2 | -1.00 ± 0.40 | 0.04 | 2.00 → 2.00 |
| elr | 3 | 2 | -1.00 ± 0.90 | 0.3 | 3 | -0.20 ± 0.90 | 0.6 | 1.00 → 0.00 |

### The search at a by window

| method | trials |
|---|---|
| ce | 20 |
"""
"""Two sections as reports write them: the search alone, and with what confirmed it."""


def test_both_kinds_of_tables_are_read(page):
    _, _, ce, gce, *_, said = page["every_row"](TEXT).splitlines()
    assert ce == "| a | ce | **-1.00 ± 0.50** | – | 3.00 | **-1.00 ± 0.50** | +1.00 ± 0.50 | 0.00 → 1.00 |"
    assert gce == "| a | gce | 0 | – | 1.00 | – | – | – |"
    assert "epoch, alone: 1 of 2; epoch, confirmed: 0 of 0; window, alone: 3 of 3; window, confirmed: 1 of 3" in said


def test_what_came_of_it_is_the_choice_in_the_end(page):
    """Sure by Holm's p of that choice; below by the interval alone is counted by itself."""
    _, _, epoch, window = page["outcome"](TEXT).splitlines()
    assert epoch == "| a | epoch | no | 2 | 1 | 0 | 0 | 1 | 2.00 |"
    assert window == "| a | window | yes | 3 | 0 | 1 | 1 | 1 | 1.00 → 1.00 |"
