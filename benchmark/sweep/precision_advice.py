"""What to say of runs in bf16 where that is slower than fp32; nothing is chosen by it."""

from __future__ import annotations

from collections.abc import Iterable

from lnlbench.benchmark.engine import bf16
from lnlbench.benchmark.engine.device import check_device
from lnlbench.benchmark.runs.run import Run


class PrecisionWarning(UserWarning):
    """Runs are computed in a precision that is slower than another one on this machine."""


def slow_bf16(runs: Iterable[Run], device: str) -> str:
    """Return a sentence where the recipe of runs says bf16 and that is slower than fp32 here; else nothing.

    Args:
        runs: about to be trained.
        device: as in `fit`; only on a CPU is there something to measure.
    """
    names = sorted({run.setting.task for run in runs if run.precision == run.setting.precision == "bf16"})
    if not names or check_device(device).type != "cpu" or max((gains := bf16.measure()).values()) >= 1:
        return ""
    return (
        f"the recipe of {', '.join(names)} is in bf16, {bf16.in_words(gains)}: --precision fp32 is faster here, "
        "and makes other results, with other keys"
    )
