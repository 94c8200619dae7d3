"""`run --until-decided`: the grid of a command line, run until it is told who is first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lnlbench.benchmark.protocol.settings import SettingError

if TYPE_CHECKING:
    from lnlbench.benchmark.runs.run import Run
    from lnlbench.benchmark.sweep.options import Options
    from lnlbench.benchmark.sweep.scheduler import Report
    from lnlbench.benchmark.sweep.until_decided import Decision, Spending
    from lnlbench.leaderboard.results.result import Result


def check(runs: Sequence[Run]) -> None:
    """Refuse runs that nothing can be decided by.

    Raises:
        SettingError: settings of several tasks, methods that are told in several ways, or fewer than two methods.
    """
    from lnlbench.benchmark.sweep.until_decided import check_contest

    if len({run.setting.task for run in runs}) > 1:
        raise SettingError("--until-decided decides on one board; name one suite, or settings of one task")
    if told := [run.name for run in runs if run.name != run.label]:
        raise SettingError(f"--until-decided is for methods told by an estimate, not for {told[0]!r}")
    check_contest({run.label: None for run in runs})


def decide(
    runs: Sequence[Run],
    plan: Callable[[str, str], list[Run]],
    sweep: Callable[[Sequence[Run]], Report],
    options: Options,
    *,
    rule: str,
    margin: float,
    budget: Spending,
    say: Callable[[str], None],
) -> Decision:
    """Run a grid, and its contenders on more replicates.

    Args:
        runs: of the command line, as `check` lets them pass.
        plan: gives the runs of methods and replicates, both as the command line writes them.
        sweep: makes those that are missing.
        options: with the store.
        rule: that scores.
        margin: points within which methods are practically equal.
        budget: of what may be spent.
        say: is told what comes next.
    """
    from lnlbench.benchmark.sweep.until_decided import Race
    from lnlbench.leaderboard.store.reader import StoreReader

    methods = list(dict.fromkeys(run.label for run in runs))
    held: set[str] = set()
    known: set[int] = set()
    if options.store.exists:
        with StoreReader(options.store) as store:
            held = set(store.stored())
            known = store.replicates({run.text for run in runs}, {run.setting.name for run in runs})

    race = Race(
        plan=lambda names, replicates: plan(", ".join(names), ",".join(map(str, replicates))),
        sweep=sweep,
        results=lambda wanted: stored(wanted, options),
        stored=held,
        rule=rule,
        margin=margin,
        budget=budget,
        say=say,
    )
    return race.decide(methods, sorted({run.replicate for run in runs}), known)


def stored(runs: Sequence[Run], options: Options) -> list[Result]:
    """Return the stored results of runs, oldest first and without predictions, under the names that the runs have here.

    A run may be stored under another spelling of its method.
    """
    from lnlbench.leaderboard.store.reader import StoreReader

    names, settings = {run.key: run.name for run in runs}, {run.setting.name for run in runs}
    with StoreReader(options.store) as store:
        results = list(store.stream(settings=settings, predictions=False))
    return [replace(result, label=names[result.key]) for result in results if result.key in names]


def as_json(decision: Decision) -> dict[str, Any]:
    """Return what came of it, JSON-able."""
    best = [row.name for row in decision.board.rows if row.score and row.score.could_be_best]
    return {"why": decision.why, "looks": decision.looks, "could_be_best": best}
