"""Puts the page together: views, sections, style and script in one file."""

from collections.abc import Sequence

from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import PRIMARY, RULES
from lnlbench.leaderboard.show.page.scope import Scope, noise_family, scopes
from lnlbench.leaderboard.show.page.sections import OF_BOARDS, OF_RUNS, Links, environment


def page(results: Sequence[Result], links: Links | None = None, *, seed: int = 0) -> str:
    """Return the leaderboard as HTML that works from a file: no request is made, nothing is stored.

    Args:
        results: in order of age; not necessarily of one protocol, length or track.
        links: run key → address in MLflow's UI.
        seed: of the chances of being first.

    Raises:
        StoreError: there are no results.
    """
    if not results:
        raise StoreError("there are no results to make a page of")
    views = scopes(results, seed)
    blocks = [
        {"scope": scope, "board": board, "parts": [section(scope, board) for section in OF_BOARDS]}
        for scope in views
        for board in scope.boards
    ]
    template = environment().get_template("page.html")
    html: str = template.render(
        blocks=blocks,
        parts=[section(results, links or {}) for section in OF_RUNS],
        results=results,
        choices=_choices(results, views),
        primary=PRIMARY,
        versions=sorted({str(run.environment.get("lnlbench", "unknown")) for run in results}),
    )
    return html


def _choices(results: Sequence[Result], views: Sequence[Scope]) -> dict[str, list[str]]:
    """What each filter offers."""
    return {
        "group": list(dict.fromkeys(view.group for view in views)),
        "suite": list(dict.fromkeys(view.suite for view in views)),
        "rule": list(RULES),
        "noise": ["all", *sorted({noise_family(run) for run in results})],
        "told": ["all", "nothing"],
    }
