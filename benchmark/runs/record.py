"""The numbers of a run's epochs, and the Result that is made of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from lnlbench.benchmark.engine.device import Compute
from lnlbench.benchmark.engine.job import Epoch
from lnlbench.benchmark.protocol.keys import PROTOCOL
from lnlbench.benchmark.protocol.splits import TEST, Blind, Prepared
from lnlbench.benchmark.runs.facts import Facts, stated
from lnlbench.benchmark.runs.metrics import accuracy, diagnose
from lnlbench.benchmark.runs.provenance import environment
from lnlbench.leaderboard.results.precision import PLAIN
from lnlbench.leaderboard.results.result import Result, pack

if TYPE_CHECKING:
    from lnlbench.benchmark.runs.run import Run


@dataclass
class Curves:
    """The numbers of a run, one value per epoch, in the form that results keep."""

    values: dict[str, list[float | None]] = field(default_factory=dict)
    predictions: list[np.ndarray] = field(default_factory=list)
    epochs: int = 0

    def add(self, numbers: dict[str, float | None], predictions: np.ndarray) -> None:
        """Append one epoch; a number that appears for the first time is missing in the epochs before."""
        for name in dict.fromkeys((*self.values, *numbers)):  # in this order: of a set it would be another each time
            row = self.values.setdefault(name, [None] * self.epochs)
            row.append(numbers.get(name))
        self.predictions.append(predictions)
        self.epochs += 1


def result_of(
    run: Run,
    prepared: Prepared | Blind,
    curves: Curves,
    last: Epoch,
    how: Compute,
    facts: Facts,
    start: dict[str, Any] | None = None,
) -> Result:
    """Return the result of a run that is trained; `start` has its full diagnostics before the first epoch."""
    identity = prepared.identity | ({"told": facts.ledger} if facts.ledger else {})
    identity |= {"diagnostics": start} if start else {}
    return Result(
        **identity_of(run, identity) | {"host": None},  # trained itself, even where it could be read off a host
        curves=curves.values,
        report=run.method.report(last.history),
        diverged=last.diverged,
        predictions=pack(np.stack(curves.predictions)),
        cost=_cost(run, curves.values, len(prepared.split.given), how, facts, start),
        environment=environment(how, last, run.method.files),
    )


def observed(epoch: Epoch) -> dict[str, float | None]:
    """Return the numbers of an epoch that need no label but the given ones."""
    changes = epoch.history.changes[-1]
    return {
        "objective": epoch.loss,
        "validation_accuracy": epoch.validation_accuracy,
        "learning_rate": epoch.lr,
        "weight_norm": epoch.weight_norm,
        "distance": epoch.distance,
        "seconds_train": epoch.train_seconds,
        "seconds_evaluate": epoch.evaluate_seconds,
        "forward_passes": epoch.forward,
        "backward_passes": epoch.backward,
        "prediction_changes": None if math.isnan(changes) else changes,
    }


def measure(epoch: Epoch, prepared: Prepared) -> dict[str, float | None]:
    """Return the numbers of an epoch that results keep; the only step at which true labels are read."""
    split, truth = prepared.split, prepared.truth
    numbers = observed(epoch) | {"test_accuracy": accuracy(epoch.predictions[TEST], truth.test)}
    if TEST in epoch.ensemble:
        numbers["test_accuracy_ensemble"] = accuracy(epoch.ensemble[TEST].unsqueeze(0), truth.test)
    if prepared.manifest.get("realised_rate", 0.0) is None:  # nobody knows the true labels of training
        return numbers
    numbers["clean_validation_accuracy"] = accuracy(epoch.validation_predictions, truth.validation)
    for name, value in diagnose(epoch.online, split.given, truth.train).items():
        numbers[f"{name}_online"] = value
    if epoch.exact is not None:
        for name, value in diagnose(epoch.exact, split.given, truth.train).items():
            numbers[f"{name}_exact"] = value
    return numbers


def identity_of(run: Run, identity: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a result that say which run it is."""
    return run.names | {
        "protocol": PROTOCOL,
        "told": stated(run.method.told, run.told),
        "networks": run.method.networks,
        "classes": identity["noise"]["classes"],
        "epochs": run.setting.epochs,
        "identity": {
            **identity,
            "setting": run.setting.identity(),
            **({"tuning": run.tuning} if run.tuning else {}),
            **({"precision": run.precision} if run.precision != PLAIN else {}),
            **({"sources": [*run.method.sources]} if run.method.sources else {}),
        },
    }


def _cost(
    run: Run,
    curves: dict[str, list[float | None]],
    samples: int,
    how: Compute,
    facts: Facts,
    start: dict[str, Any] | None,
) -> dict[str, Any]:
    def total(name: str) -> float:
        return sum(value or 0.0 for value in curves[name])

    epochs = len(curves["objective"])
    diagnosed = start["seconds"] + total("seconds_diagnostics") if start else 0.0
    return {
        "train_seconds": total("seconds_train") + facts.seconds,
        "total_seconds": total("seconds_train") + total("seconds_evaluate") + facts.seconds + diagnosed,
        "estimate_seconds": facts.seconds,  # of what the method is told, charged to each that needs it
        "samples_per_second": samples * epochs / max(total("seconds_train"), 1e-9),
        "peak_memory_mb": how.peak_memory(),  # of the process on a CPU; of all runs of a stack together
        "forward_passes": (total("forward_passes") + facts.passes + facts.evaluations) / epochs,
        "backward_passes": (total("backward_passes") + facts.passes) / epochs,
        "networks": run.method.networks,
        "epochs": epochs,
        **({"diagnostics_seconds": diagnosed} if start else {}),  # of `--diagnostics full`, in the total alone
        **{f"tuning_{name}": run.tuning[name] for name in ("trials", "seconds") if name in run.tuning},
    }
