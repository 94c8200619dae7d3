"""The page: data, style and script in one file that makes no request and opens from a disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from lnlbench.leaderboard.published.beside import beside, verdict
from lnlbench.leaderboard.ranking.labels import board_labels
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import PRIMARY, RULES
from lnlbench.leaderboard.results.standing import Standings
from lnlbench.leaderboard.results.text import visible
from lnlbench.leaderboard.show.page.about import About
from lnlbench.leaderboard.show.page.data import CURVES, curve_data, run_data, view_data
from lnlbench.leaderboard.show.page.scope import group_name, scopes, suite_name
from lnlbench.leaderboard.show.words import interval, mark, rank_range, state


def page(
    results: Sequence[Result],
    links: Mapping[str, str] | None = None,
    *,
    about: Mapping[str, About] | None = None,
    date: str = "",
    rule: str = PRIMARY,
    standings: Standings | None = None,
) -> str:
    """Return the leaderboard as HTML that works from a file: no request is made, nothing is stored.

    Args:
        results: in order of age; not necessarily of one protocol, length or track.
        links: run key → address in MLflow's UI.
        about: method → where it comes from; methods that are not there have no links.
        date: on which the page is made, as it is to be shown.
        rule: that the page opens on; a reader may choose another.
        standings: how far results were checked, by key, where that is kept.

    Raises:
        StoreError: there are no results.
    """
    if not results:
        raise StoreError("there are no results to make a page of")
    views = scopes(results, standings)
    main = max(views, key=lambda view: (len(view.boards[0].rows), len(view.boards[0].columns)))
    first = next(board for board in main.boards if board.rule == PRIMARY)
    data = {
        "views": [view_data(view, about or {}) for view in views],
        "start": views.index(main),
        "rules": {name: rule.words for name, rule in RULES.items()},
        "primary": PRIMARY,
        "rule": rule,
        "quantities": list(CURVES.items()),
    }
    html: str = (
        _environment()
        .get_template("page.html")
        .render(
            data=data,
            board=first,
            runs=run_data(results, links or {}),
            curves=curve_data(results),
            published=_published(results),
            methods=len({*board_labels(results).values()}),
            settings=len({run.setting for run in results}),
            versions=sorted({str(run.environment.get("lnlbench", "unknown")) for run in results}),
            commits=sorted({str(run.environment["commit"]) for run in results if run.environment.get("commit")}),
            date=date,
        )
    )
    return visible(html)


def _published(results: Sequence[Result]) -> list[dict[str, Any]]:
    labels = board_labels(results)
    runs = {(run.setting, run.track, labels[run.key]): run for run in results if run.key in labels}
    rows = []
    for one in beside(results):
        run = runs[one.setting, one.track, one.label]
        rows.append({"one": one, "verdict": verdict(one), "group": group_name(run), "suite": suite_name(run)})
    return rows


@cache
def _environment() -> Any:
    """Return the templates, which escape every value."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(Path(__file__).parent / "templates")
    templates = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    templates.filters.update(interval=interval, rank_range=rank_range, mark=mark, state=state)
    return templates
