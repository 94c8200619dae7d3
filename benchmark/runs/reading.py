"""Read a method off the stored run of its host, instead of training it."""

from __future__ import annotations

from collections.abc import Sequence

from lnlbench.benchmark.runs.estimate_recipe import passes_read
from lnlbench.benchmark.runs.record import identity_of
from lnlbench.benchmark.runs.run import Run
from lnlbench.leaderboard.results.result import Result, pack, unpack
from lnlbench.methods.base import History


def read_run(run: Run, host: Result) -> Result:
    """Return the result of a method that only reads its host's history: the host's, up to where the method stops."""
    full = history_of(host, run.method.told)
    length = len(full.validation)
    for epoch in range(1, length + 1):
        if run.method.stop(_upto(full, epoch)):
            length = epoch
            break
    curves = {name: row[:length] for name, row in host.curves.items()}
    seconds = [sum(row[e] or 0.0 for name, row in curves.items() if name.startswith("seconds_")) for e in range(length)]
    estimate = host.cost.get("estimate_seconds", 0.0)
    trained = sum(value or 0.0 for value in curves["seconds_train"]) + estimate
    passes = {name: passes_read(host, name, length) for name in ("forward_passes", "backward_passes")}
    cost = host.cost | {"train_seconds": trained, "total_seconds": sum(seconds) + estimate, "epochs": length} | passes
    return Result(
        **identity_of(run, host.identity),
        curves=curves,
        report=run.method.report(_upto(full, length)),
        diverged=host.diverged and length == host.trained,
        predictions=pack(unpack(host.predictions)[:length]),
        cost=cost,
        environment=host.environment,
    )


def history_of(result: Result, told: Sequence[str]) -> History:
    """Return what a reading may know of a stored run; true labels only where it declares them."""

    def row(name: str) -> tuple[float, ...]:
        return tuple(float("nan") if value is None else value for value in result.curves.get(name, ()))

    clean = row("clean_validation_accuracy") if "clean_validation" in told else ()
    return History(result.epochs, row("validation_accuracy"), row("objective"), row("prediction_changes"), clean)


def _upto(history: History, epochs: int) -> History:
    rows = (history.validation, history.loss, history.changes, history.clean_validation)
    return History(history.epochs, *(row[:epochs] for row in rows))
