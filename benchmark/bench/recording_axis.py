"""What recording costs: runs made by a sweep, into MLflow, against the same training of which nothing is kept."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from lnlbench.benchmark.bench.paired import Row, compare

if TYPE_CHECKING:
    from lnlbench.benchmark.bench.suite import Bench
    from lnlbench.benchmark.bench.workloads import Kind
    from lnlbench.benchmark.runs.run import Run
    from lnlbench.benchmark.sweep.options import Options

GRIDS = {
    "digits": ("digits", "ce, gce, dal, sam"),
    "mnist": ("mnist-mlp/symmetric-0.4", "ce"),
}
"""Data set to settings and methods; a round is one replicate of them, the next round the next replicate."""


def recording(bench: Bench, kind: Kind) -> Iterator[Row]:
    """Measure a sweep of one process against `train_runs`, for the kind `mlp` alone; the store grows on the way.

    Both draw noise and split, and stack what is stacked by itself. Left out where mlflow or a data set is not at hand.
    """
    if kind.name != "mlp" or find_spec("mlflow") is None:
        return
    from lnlbench.benchmark.sweep.options import Options
    from lnlbench.datasets.loading.images import locate
    from lnlbench.leaderboard.store.address import store_address
    from lnlbench.leaderboard.store.store import Store

    for dataset, (target, methods) in GRIDS.items():
        if locate(dataset) is None:
            continue
        with TemporaryDirectory(prefix="lnlbench-") as folder:
            address = store_address(f"sqlite:///{Path(folder) / 'mlflow.db'}")
            options = Options(store=address, device=str(bench.how.device))
            Store(address).close()  # makes the tables, which takes seconds and happens once
            alone, sweeping = (_rounds(target, methods, options, bench.how.precision) for _ in range(2))

            def ours(runs: Iterator[list[Run]] = alone, how: Options = options) -> int:
                return _train(next(runs), how)

            def theirs(runs: Iterator[list[Run]] = sweeping, how: Options = options) -> int:
                return _sweep(next(runs), how)

            yield compare(
                "recording",
                target,
                ours,
                theirs,
                "without recording",
                "with recording",
                threads=(1, 1),
                rounds=bench.rounds,
                finish=bench.how.finish,
            )


def _rounds(target: str, methods: str, options: Options, precision: str) -> Iterator[list[Run]]:
    from lnlbench.benchmark.sweep.grid import grid

    return (grid([target], methods, str(i), {}, options, precision=precision) for i in itertools.count())


def _train(runs: Sequence[Run], options: Options) -> int:
    """Train as a sweep does, and forget it."""
    from lnlbench.benchmark.protocol.splits import Prepared, images_of
    from lnlbench.benchmark.runs.run import with_data
    from lnlbench.benchmark.runs.training import train_runs
    from lnlbench.benchmark.sweep.worker import groups

    data = {run.key: data for run, data in with_data(runs, partial(images_of, data_dir=None))}
    for group in groups(runs, set(), options, 1):
        members = [(run, part) for run in group if isinstance(part := data[run.key], Prepared)]
        assert len(members) == len(group)
        for _ in train_runs(members, device=options.device):
            pass
    return _samples(runs)


def _sweep(runs: Sequence[Run], options: Options) -> int:
    from lnlbench.benchmark.sweep.scheduler import sweep

    report = sweep(runs, options)
    assert len(report.done) == len(runs), report.failed
    return _samples(runs)


def _samples(runs: Sequence[Run]) -> int:
    """How many samples all of them train on, over their epochs."""
    from lnlbench.datasets.loading.registry import card

    sizes = ((1 - run.setting.validation) * card(run.setting.dataset).train_size for run in runs)
    return sum(round(size) * run.setting.epochs for size, run in zip(sizes, runs, strict=True))
