"""New results beside the best two methods of each setting: what a results repository says of a change."""

from __future__ import annotations

from collections.abc import Sequence

from lnlbench.leaderboard.ranking.grid import sort_into_grid
from lnlbench.leaderboard.ranking.versus import Versus, versus
from lnlbench.leaderboard.results.comparable import comparable
from lnlbench.leaderboard.results.interval import difference_text
from lnlbench.leaderboard.results.markdown import table
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import PRIMARY, can_score, score

BEST = 2
HEADER = ["setting", "method", "accuracy, %", "against", "its accuracy, %", "difference", "p (Holm)", "verdict"]


def beside_best(rows: Sequence[Result], others: Sequence[Result]) -> str:
    """Return a Markdown table under the primary rule: every new method beside the best two others of its setting.

    Args:
        rows: the new results; readings without their hosts, which the check refuses, are left out.
        others: what the repository held before.
    """
    hosts = {run.key: run for run in (*others, *rows)}
    rows, others = ([run for run in runs if can_score(run, PRIMARY, hosts)] for runs in (rows, others))
    lines: list[list[str]] = []
    for group in sorted({comparable(run) for run in rows}):
        setting = group[0]
        new, old = ([run for run in runs if comparable(run) == group] for runs in (rows, others))
        labels, texts = ({getattr(run, name) for run in new} for name in ("label", "method"))
        mine = _rows(new)
        theirs = _rows([run for run in old if run.label not in labels and run.method not in texts])
        every = theirs | mine
        cells = {name: {s: 100 * score(run, PRIMARY, hosts) for s, run in row.items()} for name, row in every.items()}
        unstable = {name for name, row in every.items() if any(run.diverged or run.host for run in row.values())}
        best = sorted(theirs, key=lambda name: (-_mean(cells[name]), name))[:BEST]
        for name in sorted(mine):
            if not best:
                lines.append([setting, name, f"{_mean(cells[name]):.2f}", "nothing yet", "", "", "", ""])
                continue
            held = {one: cells[one] for one in (name, *best)}
            found = versus({setting: held}, name, best, {setting: cells}, {setting: unstable})
            lines += [_line(name, one) for one in found]
    return table(HEADER, lines, "llrlrrrl") if lines else "There is no new result."


def _line(name: str, one: Versus) -> list[str]:
    p = "" if one.p is None else f"{one.p:.3g}"
    own = f"{one.mean:.2f} (n = {one.n})"
    other = f"{one.other_mean:.2f} (n = {one.other_n})"
    return [one.setting, name, own, one.other, other, difference_text(one.difference, one.half), p, one.verdict]


def _rows(runs: Sequence[Result]) -> dict[str, dict[int, Result]]:
    """Return the runs of one setting by replicate, two methods of one label as two rows."""
    return {name: run for name, of in sort_into_grid(runs)[0].items() for run in of.values()}


def _mean(scores: dict[int, float]) -> float:
    return sum(scores.values()) / len(scores)
