"""What methods cost: device-seconds of training and tuning against accuracy, passes, memory, networks."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lnlbench.leaderboard.results.result import Result

TUNING_SECONDS = "tuning_seconds"
TUNING_TRIALS = "tuning_trials"
"""Fields of a result's cost that say what the search behind it took; absent where nothing was tuned."""


@dataclass(frozen=True)
class Cost:
    """Mean cost of a method's run over settings, each setting weighing the same; None where nothing is recorded.

    `train_seconds` and `tuning_seconds` are device-seconds, of training without evaluation and of the whole search;
    passes are per sample and epoch, so `passes` of 2 against 1 is twice the work; memory is in megabytes, and on a CPU
    that of the process. `stacked` says that runs shared the device, so that their seconds are shares.
    """

    name: str
    train_seconds: float | None
    tuning_seconds: float | None
    tuning_trials: float | None
    forward: float | None
    backward: float | None
    epochs: float | None
    samples_per_second: float | None
    peak_memory: float | None
    networks: int
    hardware: tuple[str, ...] = field(default=())
    stacked: bool = False

    @property
    def passes(self) -> float | None:
        """Forward passes per training sample over the whole run."""
        return None if self.forward is None or self.epochs is None else self.forward * self.epochs

    @property
    def seconds(self) -> float | None:
        """Training, and tuning where it is recorded."""
        return None if self.train_seconds is None else self.train_seconds + (self.tuning_seconds or 0.0)


def cost(name: str, runs: Mapping[str, Sequence[Result]]) -> Cost:
    """Return what a method costs.

    Args:
        name: of the row.
        runs: setting → its results there, at least one.
    """
    every = [run for results in runs.values() for run in results]

    def mean(field: str) -> float | None:
        values = [_mean([run.cost.get(field) for run in results]) for results in runs.values()]
        return _mean(values) if None not in values else None

    return Cost(
        name=name,
        train_seconds=mean("train_seconds"),
        tuning_seconds=mean(TUNING_SECONDS),
        tuning_trials=mean(TUNING_TRIALS),
        forward=mean("forward_passes"),
        backward=mean("backward_passes"),
        epochs=mean("epochs"),
        samples_per_second=mean("samples_per_second"),
        peak_memory=mean("peak_memory_mb"),
        networks=max(run.networks for run in every),
        hardware=tuple(sorted({str(run.environment.get("hardware", "unknown")) for run in every})),
        stacked=any(run.environment.get("stacked") for run in every),
    )


def pareto(points: Mapping[str, tuple[float, float]]) -> list[str]:
    """Return the names that nobody beats in both: (cost, value) with less cost and more value; cheapest first.

    Equal points beat each other in nothing, so both stay.
    """

    def beaten(cost: float, value: float) -> bool:
        return any((c <= cost and v >= value) and (c < cost or v > value) for c, v in points.values())

    front = [name for name, (cost, value) in points.items() if not beaten(cost, value)]
    return sorted(front, key=lambda name: (points[name], name))


def _mean(values: Sequence[object]) -> float | None:
    numbers = [float(v) for v in values if isinstance(v, (int, float)) and not isinstance(v, bool) and math.isfinite(v)]
    return math.fsum(numbers) / len(numbers) if numbers else None
