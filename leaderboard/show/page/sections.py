"""The sections of the page: each a function from a view, or from the runs, to HTML."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from markupsafe import Markup

from lnlbench.leaderboard.published.beside import beside, verdict
from lnlbench.leaderboard.ranking.board import Board, Column, Row
from lnlbench.leaderboard.ranking.build import ALPHA
from lnlbench.leaderboard.ranking.cost import pareto
from lnlbench.leaderboard.ranking.letters import groups
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import PRIMARY, RULES, score
from lnlbench.leaderboard.show.page.curves import curves
from lnlbench.leaderboard.show.page.diagrams import critical_difference, scatter
from lnlbench.leaderboard.show.page.scope import Scope, group_name, noise_family

Links = Mapping[str, str]
"""Run key → address in MLflow's UI."""


def ranking(scope: Scope, board: Board) -> Markup:
    """The board itself: accuracies, ranks, groups, and what a reader must know."""
    return _render("ranking.html", scope=scope, board=board, diagram=_overall(board))


def settings(scope: Scope, board: Board) -> Markup:
    """Every setting by itself: its methods in order, their groups, and the difference to the first."""
    parts = [_setting(board, column) for column in board.columns]
    return _render("settings.html", scope=scope, board=board, parts=parts)


def switch(scope: Scope, board: Board) -> Markup:
    """The same runs under every rule."""
    return _render("switch.html", scope=scope, board=board, rules=list(RULES), primary=PRIMARY)


def cost(scope: Scope, board: Board) -> Markup:
    """Accuracy against device-seconds, and the other costs."""
    averages = {row.name: 100 * row.average for row in board.rows if row.average is not None}
    # Only `final` stops where a reading stops; under any other rule it is its host, at its host's cost.
    same = {row.name for row in board.rows if row.reading and board.rule != "final"}
    costs = [c for c in scope.costs if c.name not in same]
    points = {c.name: (c.seconds, averages[c.name]) for c in costs if c.seconds and c.name in averages}
    front = pareto(points)
    tuned = any(c.tuning_seconds is not None for c in scope.costs)
    axis = "device-seconds a run" + (" (tuning + training)" if tuned else " (training)")
    drawn = scatter(points, front, axis, "mean accuracy, %") if points else None
    costs.sort(key=lambda c: (c.seconds is None, c.seconds or 0.0, c.name))
    return _render(
        "cost.html", scope=scope, board=board, costs=costs, averages=averages, front=front, diagram=drawn, tuned=tuned
    )


def curve_section(results: Sequence[Result], links: Links) -> Markup:
    """Accuracy, memorised and corrected of every run, drawn by the page's script."""
    return _render("curves.html", data=curves(results))


def runs(results: Sequence[Result], links: Links) -> Markup:
    """Every run with its scores, and where it is in MLflow."""
    hosts = {result.key: result for result in results}
    rows = [
        {
            "result": result,
            "group": group_name(result),
            "noise": noise_family(result),
            "scores": [score(result, rule, hosts) for rule in RULES],
            "link": links.get(result.key),
        }
        for result in results
    ]
    return _render("runs.html", rows=rows, rules=list(RULES), linked=bool(links))


def published(results: Sequence[Result], links: Links) -> Markup:
    """Published means of the same methods under the same noise, compared where that is fair."""
    runs = {(run.setting, run.track, run.label): run for run in results}
    rows = []
    for one in beside(results):
        run = runs[one.setting, one.track, one.label]
        about = {"group": group_name(run), "noise": noise_family(run), "told": len(run.told)}
        rows.append({"one": one, "verdict": verdict(one), **about})
    return _render("published.html", rows=rows)


OF_BOARDS: tuple[Callable[[Scope, Board], Markup], ...] = (ranking, settings, switch, cost)
"""Shown once per view and rule, in this order."""

OF_RUNS: tuple[Callable[[Sequence[Result], Links], Markup], ...] = (curve_section, published, runs)
"""Shown once."""


def _percent(value: float | None) -> str:
    return "—" if value is None else f"{100 * value:.2f}"


def _number(value: float | None, digits: int = 3) -> str:
    return "—" if value is None else f"{value:.{digits}g}"


def _seconds(value: float | None) -> str:
    return "—" if value is None else f"{value:,.1f}"


def _breakable(name: str) -> Markup:
    """A name that may be broken after a slash or an underscore."""
    return Markup("<wbr>").join(re.split(r"(?<=[/_,+])", name))


FILTERS: dict[str, Callable[..., str]] = {
    "percent": _percent,
    "number": _number,
    "seconds": _seconds,
    "noise_family": noise_family,
    "breakable": _breakable,
}


def _overall(board: Board) -> Markup | None:
    ranked = [row for row in board.rows if row.mean_rank is not None]
    if len(ranked) < 2:
        return None
    names = [row.name for row in ranked]
    bars = groups(names, board.across.higher) if board.across.decidable else []
    positions = {row.name: row.mean_rank for row in ranked if row.mean_rank is not None}
    return critical_difference(positions, {row.name: row.rank_interval for row in ranked}, bars, "mean rank")


def _setting(board: Board, column: Column) -> dict[str, Any]:
    """What the template of a setting shows."""
    rows = [row for row in board.rows if column.setting in row.cells]
    rows.sort(key=lambda row: (-row.cells[column.setting].mean, row.name))
    tested = [row for row in rows if row.cells[column.setting].letters is not None]
    to_first = {pair.b: pair for pair in column.pairs if tested and pair.a == tested[0].name}
    return {
        "column": column,
        "rows": rows,
        "to_first": to_first,
        "first": tested[0].name if tested else None,
        "diagram": _of_setting(column, tested),
    }


def _of_setting(column: Column, rows: Sequence[Row]) -> Markup | None:
    if len(rows) < 2:
        return None
    cells = {row.name: row.cells[column.setting] for row in rows}
    apart = {(pair.a, pair.b) for pair in column.pairs if pair.p is not None and pair.p < ALPHA}
    spans = {
        n: None if c.half is None else (100 * (c.mean - c.half), 100 * (c.mean + c.half)) for n, c in cells.items()
    }
    positions = {name: 100 * cell.mean for name, cell in cells.items()}
    return critical_difference(positions, _cut(spans), groups(list(cells), apart), "accuracy, %, with 95 % interval")


def _cut(spans: Mapping[str, tuple[float, float] | None]) -> dict[str, tuple[float, float] | None]:
    """Accuracies end at 0 and 100 %, whatever an interval says."""
    return {n: None if span is None else (max(0.0, span[0]), min(100.0, span[1])) for n, span in spans.items()}


def _render(template: str, **values: Any) -> Markup:
    return Markup(environment().get_template(template).render(**values))


@cache
def environment() -> Any:
    """The templates, which escape every value."""
    from pathlib import Path

    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(Path(__file__).parent / "templates")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters.update(FILTERS)
    return made
