"""Readings without the runs that they were read off: what to say of them, and results without them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lnlbench.leaderboard.results.result import Result


def apart(results: Iterable[Result]) -> tuple[list[Result], list[Result]]:
    """Return results whose hosts are among them or that have none, and the readings whose hosts are not."""
    every = list(results)
    keys = {result.key for result in every}
    kept = [result for result in every if result.host is None or result.host in keys]
    return kept, [result for result in every if result.host is not None and result.host not in keys]


def said(alone: Sequence[Result]) -> str:
    """Return what to say of readings without their hosts; nothing where there are none."""
    if not alone:
        return ""
    labels = ", ".join(dict.fromkeys(result.label for result in alone))
    one, of = "reading is without the run that it was", "readings are without the runs that they were"
    what = one if len(alone) == 1 else of
    return f"{len(alone)} {what} read off, and scored under `final` alone: {labels}"
