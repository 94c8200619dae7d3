"""Every registered study, run in its fast configuration: all of its gating criteria hold, and the figure is drawn."""

import time

import pytest

from lnlbench.benchmark.studies.base import FAST, Context
from lnlbench.benchmark.studies.outcome import FIGURE, execute
from lnlbench.benchmark.studies.registry import studies

BUDGET = 120  # CPU seconds that one study may take, several times what the slowest of them does
SHORTER = {
    "E003": {"epochs": 4, "replicates": 3},  # no criterion of it gates: intervals of any width will do
    "E002-5": {"seeds": 2},  # of the plateau, which one noise shows
}


@pytest.mark.slow
@pytest.mark.parametrize("study", studies().values(), ids=studies())
def test_a_fast_study_holds_without_any_download(study, record_property):
    begin = time.process_time()
    outcome, files, points = execute(study, FAST, Context(device="cpu"), SHORTER.get(study.name))
    seconds = time.process_time() - begin
    record_property("cpu_seconds", round(seconds, 1))  # in the XML report; `--durations` shows wall time
    assert not [
        f"{v.criterion.name} {v.criterion.claim}: {v.measured}, not {v.criterion.threshold}" for v in outcome.failed
    ]
    assert files[FIGURE].startswith(b"\x89PNG") and points
    assert seconds < BUDGET
