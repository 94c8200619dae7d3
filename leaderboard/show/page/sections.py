"""The sections of the page: each a function from a view, or from the runs, to HTML."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from markupsafe import Markup

from lnlbench.leaderboard.published.beside import beside, verdict
from lnlbench.leaderboard.ranking.board import Board, Column
from lnlbench.leaderboard.ranking.cost import pareto
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import PRIMARY, RULES, score
from lnlbench.leaderboard.show.page.curves import curves
from lnlbench.leaderboard.show.page.diagrams import scatter
from lnlbench.leaderboard.show.page.scope import Scope, group_name, noise_family, suite_name
from lnlbench.leaderboard.show.words import interval, mark, percent, rank_range, state

Links = Mapping[str, str]
"""Run key → address in MLflow's UI."""


def ranking(scope: Scope, board: Board) -> Markup:
    """Return the board itself: accuracies, rank ranges, and what a reader must know."""
    return _render("ranking.html", scope=scope, board=board)


def settings(scope: Scope, board: Board) -> Markup:
    """Return every setting by itself: its methods in order, and the difference to the first."""
    parts = [_setting(board, column) for column in board.columns]
    return _render("settings.html", scope=scope, board=board, parts=parts)


def switch(scope: Scope, board: Board) -> Markup:
    """The same runs under every rule."""
    return _render("switch.html", scope=scope, board=board, rules=list(RULES), primary=PRIMARY)


def cost(scope: Scope, board: Board) -> Markup:
    """Accuracy against device-seconds, and the other costs."""
    averages = {row.name: row.score.mean for row in board.rows if row.score}
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
            "suite": suite_name(result),
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
        about = {"group": group_name(run), "suite": suite_name(run), "noise": noise_family(run), "told": len(run.told)}
        rows.append({"one": one, "verdict": verdict(one), **about})
    return _render("published.html", rows=rows)


OF_BOARDS: tuple[Callable[[Scope, Board], Markup], ...] = (ranking, settings, switch, cost)
"""Shown once per view and rule, in this order."""

OF_RUNS: tuple[Callable[[Sequence[Result], Links], Markup], ...] = (curve_section, published, runs)
"""Shown once."""


def _points(value: float | None) -> str:
    return "—" if value is None else percent(value)


def _share(value: float | None) -> str:
    return "—" if value is None else percent(100 * value)


def _number(value: float | None, digits: int = 3) -> str:
    return "—" if value is None else f"{value:.{digits}g}"


def _seconds(value: float | None) -> str:
    return "—" if value is None else f"{value:,.1f}"


def _breakable(name: str) -> Markup:
    """A name that may be broken after a slash or an underscore."""
    return Markup("<wbr>").join(re.split(r"(?<=[/_,+])", name))


FILTERS: dict[str, Callable[..., str]] = {
    "points": _points,
    "share": _share,
    "interval": interval,
    "rank_range": rank_range,
    "mark": mark,
    "state": state,
    "number": _number,
    "seconds": _seconds,
    "noise_family": noise_family,
    "breakable": _breakable,
}


def _setting(board: Board, column: Column) -> dict[str, Any]:
    """What the template of a setting shows."""
    rows = [row for row in (*board.rows, *board.below) if column.setting in row.cells]
    rows.sort(key=lambda row: (-row.cells[column.setting].mean, row.name))
    first = column.tests.names[0] if column.tests else None
    to_first = {row.name: column.tests.pair(first, row.name) for row in rows} if column.tests and first else {}
    return {"column": column, "rows": rows, "to_first": to_first, "first": first}


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
