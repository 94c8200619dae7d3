"""What a sweep would do and how long it would take, without making anything."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from lnlbench.benchmark.engine.device import check_device, default_jobs, hardware
from lnlbench.benchmark.protocol import settings
from lnlbench.benchmark.runs.run import Run
from lnlbench.benchmark.sweep.options import Options
from lnlbench.benchmark.sweep.worker import kept_epochs
from lnlbench.leaderboard.ranking.cost import shortest
from lnlbench.leaderboard.ranking.scored import REFERENCE
from lnlbench.leaderboard.ranking.sentences import duration
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.setting_name import SettingName
from lnlbench.leaderboard.shipped import shipped
from lnlbench.leaderboard.store.reader import StoreReader
from lnlbench.methods._compose import Composition
from lnlbench.methods._parse import parse

STANDARD = "mnist-fast"
"""The task whose cross-entropy is trained for a moment, to compare this machine with that of the shipped results."""
IMAGES = 2560  # that the measurement trains on, twice: half a second on an idle CPU

Timings = Mapping[tuple[str, str], float]
"""Task and method, its whole text → seconds of device time of a run."""


def forecast(runs: Sequence[Run], options: Options) -> list[dict[str, Any]]:
    """Return what a sweep would do, cell by cell, and in the last row the sum of it.

    Seconds are device time: what runs of the same task and method took on the same hardware; where none is stored,
    what they took in the shipped results, times how much slower this machine is; where there are some of another length
    alone, their share of that, `8/20 of package`; where there is none of the method
    either, what cross-entropy took, times the number of networks, or times what is known of the parts of a composition
    where that is more; 0 for what is read off, and "unknown" where nothing tells. `from` says which it was: of
    cross-entropy `about ce`, or `about 2 ce`; of parts `about dal × sam`.

    Raises:
        StoreError: the store cannot be used.
    """
    cells: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        cells.setdefault((run.setting.name, run.name), []).append(run)
    held: Collection[str] = ()
    stored: Timings = {}
    if options.store.exists:
        here = hardware(check_device(options.device))
        texts = {run.text for first, *_ in cells.values() for run in (first, *_alike(first))}
        with StoreReader(options.store) as store:
            held, timings = store.stored(), store.timings(texts)
        stored = {(task, text): seconds for (task, text, place), seconds in timings.items() if place == here}
    kept = kept_epochs(runs, options)
    carried = Carried(lambda: slower(options.device))
    rows: list[dict[str, Any]] = []
    spent: list[float] = []  # seconds of the runs that are to be trained, as far as they are known
    unknown = 0
    for (setting, label), members in cells.items():
        missing = [run.replicate for run in members if run.key not in held]
        seconds, source = _seconds(members[0], stored, carried) if missing else (0.0, "")
        spent += [seconds] * len(missing) if seconds else []
        unknown += len(missing) if seconds is None else 0
        host = members[0].host
        going_on = [f"s{run.replicate} from epoch {kept[run.key] + 1}" for run in members if run.key in kept]
        length = ", ".join([f"{members[0].setting.epochs} epochs", *going_on])
        rows.append(
            {
                "setting": setting,
                "method": label,
                "stored": [run.replicate for run in members if run.key in held],
                "missing": missing,
                "how": f"read off {host.name}" if host else length,
                "seconds": "unknown" if seconds is None else float(f"{seconds * len(missing):.2g}"),
                "from": source,
            }
        )
    return [*rows, _total(rows, spent, unknown, options)]


def in_the_package(runs: Sequence[Run], options: Options) -> str:
    """Say how many of the runs that the store lacks come with the package; nothing where none does or can be read.

    Raises:
        StoreError: the store cannot be used.
    """
    held: Collection[str] = ()
    if options.store.exists:
        with StoreReader(options.store) as store:
            held = store.stored()
    missing = [run for run in runs if run.key not in held]
    kinds = {(_suite(run), run.label) for run in missing}
    try:
        carried = {result.key for kind in kinds for result in _shipped(*kind)}
    except OSError:  # it is advice alone
        return ""
    count = sum(run.key in carried for run in missing)
    if not count:
        return ""
    return (
        f"{count} of {len(missing)} missing runs come with the package: `lnlbench import shipped` stores all that do."
    )


class Carried:
    """What runs took in the shipped results, in seconds of this machine; those of a task and method are read once.

    Args:
        slower: measures how many times as long this machine takes; asked only for what is shipped.
    """

    def __init__(self, slower: Callable[[], float]) -> None:
        self._slower = slower
        self._timings: dict[tuple[str, str], Timings] = {}

    def seconds(self, run: Run) -> float | None:
        """Return the seconds of a run, None where no such run is shipped."""
        task, text = run.setting.task, run.text
        if (task, text) not in self._timings:
            names = {run.label, " + ".join(part.name for part in run.method.parts) or run.text}
            self._timings[task, text] = _timings(result for name in names for result in _shipped(_suite(run), name))
        known = self._timings[task, text].get((task, text))
        return None if known is None else known * self._slower()


@cache
def slower(device: str) -> float:
    """Return how many times as long this machine takes for cross-entropy as that of the shipped results.

    It trains for about half a second on one thread, once in a process; 1 where no result is shipped of it.
    """
    import torch

    from lnlbench.benchmark.engine.job import Job
    from lnlbench.benchmark.engine.threads import threads
    from lnlbench.benchmark.engine.trainer import fit
    from lnlbench.benchmark.protocol.splits import Split

    speeds = [
        float(result.cost["samples_per_second"])
        for result in shipped(suites=[STANDARD], methods=[REFERENCE])
        if result.method == REFERENCE and result.cost.get("samples_per_second")
    ]
    if not speeds:
        return 1.0
    generator = torch.Generator().manual_seed(0)

    def images(count: int) -> torch.Tensor:
        return torch.randint(0, 256, (count, 1, 28, 28), dtype=torch.uint8, generator=generator)

    labels = torch.arange(IMAGES) % 10
    split = Split(images(IMAGES), labels, images(100), labels[:100], 10, (0.5,), (0.25,))
    job = Job(settings.setting(f"{STANDARD}/clean").override(epochs=2), parse(REFERENCE), "forecast", split)
    with threads():
        spent = min(epoch.train_seconds for epoch in fit(job, device=device))  # the first one warms up
    return math.fsum(speeds) / len(speeds) / (IMAGES / spent)


@cache
def _shipped(suite: str, method: str) -> tuple[Result, ...]:
    """Return what ships of a method in a suite; the files are read once in a process."""
    return tuple(shipped(suites=[suite], methods=[method]))


def _suite(run: Run) -> str:
    return SettingName.parse(run.setting.name).task


def _seconds(run: Run, stored: Timings, carried: Carried) -> tuple[float | None, str]:
    """Return what a run takes, and where that is known from."""
    if run.host is not None:
        return 0.0, ""
    known, where = _known(run, stored, carried)
    if known is not None:
        return known, where
    reference, *parts = _alike(run)
    usual, _ = _known(reference, stored, carried)
    if usual is None:
        return None, ""
    times = {part.label: seconds / usual for part in parts if (seconds := _known(part, stored, carried)[0]) is not None}
    networks = run.method.networks
    if (factor := math.prod(times.values())) > networks:
        return usual * factor, f"about {' × '.join(times)}"
    return usual * networks, f"about {networks} {REFERENCE}" if networks > 1 else f"about {REFERENCE}"


def _alike(run: Run) -> list[Run]:
    """Return the run of cross-entropy that a run is estimated by, and those of its parts where it has several."""
    parts = run.method.parts if len(run.method.parts) > 1 else ()
    alone = [replace(run, method=Composition((part,)), label=part.name) for part in parts]
    return [replace(run, method=parse(REFERENCE), label=REFERENCE), *alone]


def _known(run: Run, stored: Timings, carried: Carried) -> tuple[float | None, str]:
    """Return what runs of this method took in this task, and where that is known from."""
    if (known := stored.get((run.setting.task, run.text))) is not None:
        return known, "store"
    if (known := carried.seconds(run)) is not None:
        return known, "package"
    name = SettingName.parse(run.setting.name)
    if name.task not in settings.tasks() or [change.partition("=")[0] for change in name.changes] != ["epochs"]:
        return None, ""
    usual = settings.setting(str(name.unchanged))
    known, source = _known(replace(run, setting=usual), stored, carried)
    share = f"{run.setting.epochs}/{usual.epochs}"
    return (None, "") if known is None else (known * run.setting.epochs / usual.epochs, f"{share} of {source}")


def _timings(results: Iterable[Result]) -> Timings:
    made: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        if result.host is None:
            made.setdefault((result.setting.partition("/")[0], result.method), []).append(result)
    found = {what: shortest(runs, "total_seconds") for what, runs in made.items()}
    return {what: seconds for what, seconds in found.items() if seconds is not None}


def _total(rows: Sequence[Mapping[str, Any]], spent: Sequence[float], unknown: int, options: Options) -> dict[str, Any]:
    """Return the row of sums, with the time by the clock: a run is of one process, however many there are."""
    missing = sum(len(row["missing"]) for row in rows)
    left, clock = math.fsum(spent), ""
    if spent:
        jobs = min(options.jobs or default_jobs(options.device), len(spent) + unknown)
        time = duration(max(left / jobs, *spent))
        clock = f"{'at least' if unknown else 'about'} {time} with {jobs} process{'es' if jobs != 1 else ''}"
    more = f"{unknown} of {missing} runs unknown" if unknown else ""
    return {
        "setting": "total",
        "method": "",
        "stored": sum(len(row["stored"]) for row in rows),
        "missing": missing,
        "how": "; ".join(part for part in (clock, more) if part),
        "seconds": float(f"{left:.2g}") if left or not unknown else "unknown",
        "from": "",
    }
