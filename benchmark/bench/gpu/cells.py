"""One run of a real setting, whose result is kept as `lnlbench export` writes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lnlbench.benchmark.bench.gpu.part import Finding, Place, Record
from lnlbench.benchmark.engine.capture import RECORDERS
from lnlbench.benchmark.engine.device import check_device
from lnlbench.benchmark.protocol.settings import find
from lnlbench.benchmark.protocol.splits import Prepared, images_of
from lnlbench.benchmark.runs.training import train_runs
from lnlbench.benchmark.sweep.grid import plan
from lnlbench.leaderboard.results.result import to_json


def cell(
    place: Place, target: str, method: str, replicate: int, changes: Mapping[str, Any]
) -> Iterator[Finding | Record]:
    """Make one run, replayed where the device can.

    Args:
        place: where.
        target: name of a setting.
        method: text of a method that is trained, not read off.
        replicate: number.
        changes: fields of the setting to change.
    """
    settings = [setting.override(**changes) for setting in find([target])]
    (run,) = plan(settings, [method], [replicate], place.data_dir, device=place.device)
    prepared = run.prepare(images_of(run.setting.dataset, place.data_dir))
    assert isinstance(prepared, Prepared)  # only tuning prepares anything else
    execution = "graph" if check_device(place.device).type in RECORDERS else "auto"
    for _, result in train_runs([(run, prepared)], device=place.device, execution=execution):
        yield Record(to_json(result))
        accuracy = [100 * (value or 0.0) for value in result.curves["test_accuracy"]]
        cost = result.cost
        said = f"best {max(accuracy):.2f}; {cost['samples_per_second']:,.0f} images/s, {cost['total_seconds']:.0f} s"
        said += f", {cost['peak_memory_mb']:,.0f} MB, {result.environment['execution']}"
        yield Finding("test accuracy after the last epoch", accuracy[-1], "%", said=said)
