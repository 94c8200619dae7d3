"""New results beside the best two methods of each setting: what a results repository says of a change."""

from __future__ import annotations

from collections.abc import Sequence

from lnlbench.leaderboard.ranking.versus import Versus, versus
from lnlbench.leaderboard.results.markdown import table
from lnlbench.leaderboard.results.precision import precision_of
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import PRIMARY, can_score, score

BEST = 2
HEADER = ["setting", "method", "accuracy, %", "against", "its accuracy, %", "difference", "p (Holm)", "verdict"]
Group = tuple[str, str, str, int, str]
"""Setting, track, length, protocol version and precision: what is compared."""


def beside_best(rows: Sequence[Result], others: Sequence[Result], rule: str = PRIMARY) -> str:
    """Return a Markdown table: every new method in every setting, beside the best two of the others there.

    Args:
        rows: the new results; readings without their hosts, which the check refuses, are left out.
        others: what the repository held before.
        rule: that scores.
    """
    hosts = {run.key: run for run in (*others, *rows)}
    rows, others = ([run for run in runs if can_score(run, rule, hosts)] for runs in (rows, others))
    lines: list[list[str]] = []
    for group in sorted({_group(run) for run in rows}):
        new, old = ([run for run in runs if _group(run) == group] for runs in (rows, others))
        names = sorted({run.label for run in new})
        cells = {label: _scores([r for r in new if r.label == label], rule, hosts) for label in names}
        rivals = {label: _scores([r for r in old if r.label == label], rule, hosts) for label in {r.label for r in old}}
        rivals = {label: cell for label, cell in rivals.items() if label not in cells}
        best = sorted(rivals, key=lambda label: (-_mean(rivals[label]), label))[:BEST]
        unstable = {run.label for run in (*new, *old) if run.diverged or run.host is not None}
        for name in names:
            if not best:
                lines.append([group[0], name, f"{_mean(cells[name]):.2f}", "nothing yet", "", "", "", ""])
                continue
            held = {name: cells[name], **{label: rivals[label] for label in best}}
            found = versus({group[0]: held}, name, best, {group[0]: rivals | cells}, {group[0]: unstable})
            lines += [_line(name, one) for one in found]
    return table(HEADER, lines, "llrlrrrl") if lines else "There is no new result."


def _line(name: str, one: Versus) -> list[str]:
    half = "" if one.half is None else f" ± {one.half:.2f}"
    p = "" if one.p is None else f"{one.p:.3g}"
    own = f"{one.mean:.2f} (n = {one.n})"
    other = f"{one.other_mean:.2f} (n = {one.other_n})"
    return [one.setting, name, own, one.other, other, f"{one.difference:+.2f}{half}", p, one.verdict]


def _group(run: Result) -> Group:
    return run.setting, run.track, run.length, run.protocol, precision_of(run)


def _scores(runs: Sequence[Result], rule: str, hosts: dict[str, Result]) -> dict[int, float]:
    return {run.replicate: 100 * score(run, rule, hosts) for run in runs}


def _mean(scores: dict[int, float]) -> float:
    return sum(scores.values()) / len(scores)
