"""Say what a run of a method costs beside one of cross-entropy, by the computation of the page that `--html` writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lnlbench.leaderboard.ranking.cost import Cost, costs
from lnlbench.leaderboard.ranking.grid import sort_into_grid
from lnlbench.leaderboard.ranking.scored import REFERENCE
from lnlbench.leaderboard.results.markdown import table
from lnlbench.leaderboard.results.result import Result


def to_markdown(tasks: Mapping[str, Sequence[Result]], methods: Sequence[str]) -> str:
    """Return a table with a row per method, those of the fewest passes first, and a column of seconds per task.

    Args:
        tasks: results by task, of cross-entropy too; a cost is the mean over the settings of a task.
        methods: the rows to show, each in a task at least; where one is missing stands a dash.
    """
    found = {task: _costs(runs) for task, runs in tasks.items()}
    rows = []
    for name in methods:
        held = next(known for known in found.values() if name in known)
        passes = _passes(held[name], held[REFERENCE])
        ratios = [_seconds(known, name) for known in found.values()]
        seconds = ["—" if ratio is None else f"{ratio:.2f}" for ratio in ratios]
        shown = [f"`{name}`", " + ".join(f"{round(share, 2):g}" for share in passes), str(held[name].networks)]
        rows.append(((sum(passes), ratios[0] or 0.0), [*shown, *seconds]))
    head = ["", "passes, forward + backward", "networks", *(f"seconds, {task}" for task in found)]
    return table(head, [row for _, row in sorted(rows, key=lambda row: row[0])], "lr") + "\n"


def _costs(runs: Sequence[Result]) -> dict[str, Cost]:
    """Return the costs of the rows that have all settings."""
    settings = sorted({run.setting for run in runs})
    return {cost.name: cost for cost in costs(sort_into_grid(runs)[0], settings)}


def _passes(one: Cost, usual: Cost) -> tuple[float, float]:
    """Return the passes of a whole run, forward and backward, those of the usual method being 1 and 1."""
    share = (one.epochs or 0.0) / (usual.epochs or 1.0)
    pairs = (one.forward, usual.forward), (one.backward, usual.backward)
    forward, backward = ((passes or 0.0) * share / (of or 1.0) for passes, of in pairs)
    return forward, backward


def _seconds(known: Mapping[str, Cost], name: str) -> float | None:
    one, usual = (known[key].train_seconds if key in known else None for key in (name, REFERENCE))
    return one / usual if one is not None and usual else None
