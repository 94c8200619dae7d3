"""What methods cost: device-seconds of training and tuning against accuracy, passes, memory, networks."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lnlbench.leaderboard.results.form import is_number
from lnlbench.leaderboard.results.result import Result

TUNING_SECONDS = "tuning_seconds"
TUNING_TRIALS = "tuning_trials"
"""Fields of a result's cost that say what the search behind it took; absent where nothing was tuned."""
UNKNOWN = "unknown"
"""The hardware of runs that do not record theirs."""


@dataclass(frozen=True)
class Cost:
    """Mean cost of a method's run over settings, each setting weighing the same; None where nothing is recorded.

    `train_seconds` and `tuning_seconds` are device-seconds, of training without evaluation and of the whole search; the
    former of the replicate whose epochs were the shortest, since what else a machine does makes runs longer and never
    shorter. Passes are per sample and epoch, so `passes` of 2 against 1 is twice the work; memory is in megabytes, and
    on a CPU that of the process. `stacked` says that runs shared the device, so that their seconds are shares.
    """

    name: str
    train_seconds: float | None
    tuning_seconds: float | None
    tuning_trials: float | None
    forward: float | None
    backward: float | None
    epochs: float | None
    peak_memory: float | None
    networks: int
    hardware: tuple[str, ...] = field(default=())
    stacked: bool = False

    @property
    def passes(self) -> float | None:
        """Forward passes per training sample over the whole run."""
        return None if self.forward is None or self.epochs is None else self.forward * self.epochs

    @property
    def work(self) -> float | None:
        """Forward and backward passes per training sample over the whole run: the same on every machine."""
        if self.forward is None or self.backward is None or self.epochs is None:
            return None
        return (self.forward + self.backward) * self.epochs

    @property
    def seconds(self) -> float | None:
        """Training, and tuning where it is recorded."""
        return None if self.train_seconds is None else self.train_seconds + (self.tuning_seconds or 0.0)


def cost(name: str, runs: Mapping[str, Sequence[Result]], timed: Mapping[str, Sequence[Result]] | None = None) -> Cost:
    """Return what a method costs.

    Args:
        name: of the row.
        runs: setting → its results there, at least one.
        timed: those whose seconds and memory count, see `on_one_machine`; all where None.
    """
    timed = timed or runs
    every = [run for results in timed.values() for run in results]

    def mean(field: str, of: Mapping[str, Sequence[Result]] = runs) -> float | None:
        return _mean_of([_mean([run.cost.get(field) for run in results]) for results in of.values()])

    return Cost(
        name=name,
        train_seconds=_mean_of([shortest(results, "train_seconds") for results in timed.values()]),
        tuning_seconds=mean(TUNING_SECONDS, timed),
        tuning_trials=mean(TUNING_TRIALS),
        forward=mean("forward_passes"),
        backward=mean("backward_passes"),
        epochs=mean("epochs"),
        peak_memory=mean("peak_memory_mb", timed),
        networks=max(run.networks for run in every),
        hardware=tuple(sorted({_hardware(run) for run in every})),
        stacked=any(run.environment.get("stacked") for run in every),
    )


def costs(grid: Mapping[str, Mapping[str, Mapping[int, Result]]], settings: Sequence[str]) -> list[Cost]:
    """Return what the rows cost that have results in all of these settings, as far as may be on one machine.

    Args:
        grid: row → setting → replicate → result.
        settings: over which costs are compared, as accuracies are; where there are none, so are no costs.
    """
    whole = {
        name: {setting: list(cells[setting].values()) for setting in settings}
        for name, cells in grid.items()
        if settings and all(setting in cells for setting in settings)
    }
    return [cost(name, whole[name], timed) for name, timed in on_one_machine(whole).items()]


def on_one_machine(methods: Mapping[str, Mapping[str, Sequence[Result]]]) -> dict[str, dict[str, Sequence[Result]]]:
    """Return the runs whose costs compare: those on the hardware that has most of the methods in all their settings.

    A method that was not run there keeps its runs, whose hardware its `Cost` names.

    Args:
        methods: name → setting → its results there.
    """

    def there(runs: Mapping[str, Sequence[Result]], machine: str) -> dict[str, Sequence[Result]]:
        return {setting: [run for run in found if _hardware(run) == machine] for setting, found in runs.items()}

    every = {name: dict(runs) for name, runs in methods.items()}
    machines = sorted({_hardware(run) for runs in every.values() for found in runs.values() for run in found})
    here = {machine: {name: there(runs, machine) for name, runs in every.items()} for machine in machines}
    whole = {machine: {n: runs for n, runs in found.items() if all(runs.values())} for machine, found in here.items()}
    shared = max(machines, key=lambda machine: len(whole[machine]), default=None)
    return every if shared is None else every | whole[shared]


def shortest(runs: Sequence[Result], field: str) -> float | None:
    """Return the seconds of the run whose epochs took the shortest time, times the epochs of a run on average."""
    spent = [run.cost.get(field) for run in runs]
    epochs = [run.cost.get("epochs") for run in runs]
    pairs = [(s, n) for s, n in zip(spent, epochs, strict=True) if is_number(s) and is_number(n) and n > 0]
    if not pairs or len(pairs) < len(runs):
        return _mean(spent)
    return min(s / n for s, n in pairs) * math.fsum(n for _, n in pairs) / len(pairs)


def _hardware(run: Result) -> str:
    return str(run.environment.get("hardware", UNKNOWN))


def _mean_of(values: Sequence[float | None]) -> float | None:
    """Return the mean, None where any is unknown."""
    return _mean(values) if None not in values else None


def _mean(values: Sequence[object]) -> float | None:
    numbers = [value for value in values if is_number(value)]
    return math.fsum(numbers) / len(numbers) if numbers else None
