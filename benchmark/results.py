"""What a run leaves: the numbers of its epochs, and the Result that is made of them."""

from __future__ import annotations

import math
import platform
import resource
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lnlbench.benchmark.data import TEST, Blind, Prepared
from lnlbench.benchmark.execution import Execution
from lnlbench.benchmark.job import Epoch
from lnlbench.benchmark.keys import PROTOCOL
from lnlbench.benchmark.metrics import accuracy, diagnose
from lnlbench.benchmark.told import Facts, stated
from lnlbench.leaderboard.result import Result, pack, unpack
from lnlbench.methods.base import History

if TYPE_CHECKING:
    from lnlbench.benchmark.runs import Run


@dataclass
class Curves:
    """The numbers of a run, one value per epoch, in the form that results keep."""

    values: dict[str, list[float | None]] = field(default_factory=dict)
    predictions: list[np.ndarray] = field(default_factory=list)
    epochs: int = 0

    def add(self, numbers: dict[str, float | None], predictions: np.ndarray) -> None:
        """Append one epoch; what was never measured before counts as missing until now."""
        for name in self.values.keys() | numbers.keys():
            row = self.values.setdefault(name, [None] * self.epochs)
            row.append(numbers.get(name))
        self.predictions.append(predictions)
        self.epochs += 1


def result_of(
    run: Run,
    prepared: Prepared | Blind,
    curves: Curves,
    last: Epoch,
    how: Execution,
    facts: Facts,
    start: dict[str, Any] | None = None,
) -> Result:
    """The result of a run whose last epoch has been trained; `start` is what full diagnostics say before the first."""
    identity = prepared.identity | ({"told": facts.ledger} if facts.ledger else {})
    identity |= {"diagnostics": start} if start else {}
    return Result(
        **_identity(run, identity),
        host=None,
        curves=curves.values,
        report=run.method.report(last.history),
        diverged=last.diverged,
        predictions=pack(np.stack(curves.predictions)),
        cost=_cost(run, curves.values, len(prepared.split.given), how, facts, start),
        environment=_environment(how, last),
    )


def read_run(run: Run, host: Result) -> Result:
    """The result of a method that only reads its host's history: the host's, up to where the method stops."""
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
    cost = host.cost | {"train_seconds": trained, "total_seconds": sum(seconds) + estimate, "epochs": length}
    return Result(
        **_identity(run, host.identity),
        host=host.key,
        curves=curves,
        report=run.method.report(_upto(full, length)),
        diverged=host.diverged and length == host.trained,
        predictions=pack(unpack(host.predictions)[:length]),
        cost=cost,
        environment=host.environment,
    )


def observed(epoch: Epoch) -> dict[str, float | None]:
    """The numbers of an epoch that training itself tells, without any label but the given ones."""
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
    """The numbers of an epoch that results keep; the only step at which true labels are read."""
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


def _identity(run: Run, identity: dict[str, Any]) -> dict[str, Any]:
    setting = run.setting
    return {
        "key": run.key,
        "protocol": PROTOCOL,
        "dataset": setting.dataset,
        "setting": setting.name,
        "noise": setting.noise,
        "length": setting.length,
        "track": run.track,
        "method": run.text,
        "label": run.name,
        "replicate": run.replicate,
        "told": stated(run.method.told, run.told),
        "networks": run.method.networks,
        "classes": identity["noise"]["classes"],
        "epochs": setting.epochs,
        "identity": {**identity, "setting": setting.identity(), **({"tuning": run.tuning} if run.tuning else {})},
    }


def _cost(
    run: Run,
    curves: dict[str, list[float | None]],
    samples: int,
    how: Execution,
    facts: Facts,
    start: dict[str, Any] | None,
) -> dict[str, Any]:
    def total(name: str) -> float:
        return sum(value or 0.0 for value in curves[name])

    epochs = len(curves["objective"])
    diagnosed = start["seconds"] + total("seconds_diagnostics") if start else 0.0
    if how.device.type == "cuda":
        peak = torch.cuda.max_memory_allocated(how.device) / 2**20
    else:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return {
        "train_seconds": total("seconds_train") + facts.seconds,
        "total_seconds": total("seconds_train") + total("seconds_evaluate") + facts.seconds + diagnosed,
        "estimate_seconds": facts.seconds,  # of what the method is told, charged to each that needs it
        "samples_per_second": samples * epochs / max(total("seconds_train"), 1e-9),
        "peak_memory_mb": peak,  # of the process on a CPU; of all runs of a stack together
        "forward_passes": (total("forward_passes") + facts.passes + facts.evaluations) / epochs,
        "backward_passes": (total("backward_passes") + facts.passes) / epochs,
        "networks": run.method.networks,
        "epochs": epochs,
        **({"diagnostics_seconds": diagnosed} if start else {}),  # of `--diagnostics full`, in the total alone
        **{f"tuning_{name}": run.tuning[name] for name in ("trials", "seconds") if name in run.tuning},
    }


def _environment(how: Execution, last: Epoch) -> dict[str, Any]:
    return {
        "lnlbench": version("lnlbench"),
        "commit": commit(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "hardware": how.describe(),
        "device": str(how.device),
        "execution": "graph" if last.replayed else "stack" if last.stacked else "loop",
        "stacked": last.stacked,  # slots of the stack at the end
        "precision": how.precision,
        "threads": torch.get_num_threads(),
    }


@cache
def commit() -> str | None:
    """The commit of the checkout that this file lies in, with a + where it was changed; None elsewhere."""
    folder = Path(__file__).parent
    try:
        told = subprocess.run(
            ["git", "describe", "--always", "--abbrev=12", "--exclude=*", "--dirty=+"],
            cwd=folder, capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
        tracked = subprocess.run(["git", "ls-files", "--error-unmatch", __file__], cwd=folder, capture_output=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return told.stdout.strip() if tracked.returncode == 0 else None


def history_of(result: Result, told: Sequence[str]) -> History:
    """What a reading may know of a stored run; true labels only where it declares them."""

    def row(name: str) -> tuple[float, ...]:
        return tuple(float("nan") if value is None else value for value in result.curves.get(name, ()))

    clean = row("clean_validation_accuracy") if "clean_validation" in told else ()
    return History(result.epochs, row("validation_accuracy"), row("objective"), row("prediction_changes"), clean)


def _upto(history: History, epochs: int) -> History:
    rows = (history.validation, history.loss, history.changes, history.clean_validation)
    return History(history.epochs, *(row[:epochs] for row in rows))
