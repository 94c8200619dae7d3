"""Figures of a tuning as SVG: expected accuracy after n configurations, and the importance of each value."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from lnlbench.benchmark.tuning.outcome import Outcome
from lnlbench.benchmark.tuning.space import short_names
from lnlbench.leaderboard.ranking.budget import curve, incumbents
from lnlbench.leaderboard.show.board_figures import written

COLUMNS = 4


def budget(outcomes: Sequence[Outcome]) -> bytes:
    """One panel per method: expected test accuracy of the validation winner after n configurations, and interval."""
    from matplotlib.figure import Figure

    rows = -(-len(outcomes) // COLUMNS)
    columns = min(COLUMNS, len(outcomes))
    figure = Figure(figsize=(2.6 * columns, 2.1 * rows + 0.3), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flat
    for outcome, panel in zip(outcomes, panels, strict=False):
        pairs = [(a, 100 * b) for a, b in outcome.scores()]
        sizes, mean, low, high = zip(*curve(pairs), strict=True)
        panel.fill_between(sizes, low, high, alpha=0.25, linewidth=0)
        panel.plot(sizes, mean, marker="o", markersize=3, label="expected")
        path = incumbents(pairs)
        panel.step(range(1, len(path) + 1), path, where="post", color="0.5", linewidth=0.8, label="as it went")
        panel.plot(1, pairs[0][1], "k_", markersize=8, label="defaults")
        panel.set_title(outcome.spec.run.label, fontsize=9)
        panel.set_xscale("log", base=2)
        panel.set_xticks(sizes, [str(size) for size in sizes])
        panel.minorticks_off()
        panel.tick_params(labelsize=8)
    for panel in panels:  # what is left of the last row
        panel.set_axis_off()
    for panel in figure.axes[len(outcomes) - columns : len(outcomes)]:
        panel.tick_params(labelbottom=True)  # the lowest of its column
    first = figure.axes[0]
    first.legend(fontsize=7, frameon=False, loc="lower right")
    figure.supxlabel("configurations", fontsize=9)
    figure.supylabel("test accuracy, %", fontsize=9)
    return written(figure, "svg")


def importance(outcomes: Sequence[Outcome]) -> bytes:
    """One bar per method: the share of the validation accuracy's variance that each value explains."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 0.33 * len(outcomes) + 0.8), layout="constrained")
    panel = figure.subplots()
    for place, outcome in enumerate(outcomes):
        left = 0.0
        # What every method has comes first, in the same colours; then what is a method's own.
        shares = sorted(outcome.importance.items(), key=lambda item: ("." in item[0], item[0]))
        called = short_names(outcome.importance)
        for number, (name, share) in enumerate(shares):
            panel.barh(place, share, left=left, color=f"C{number % 10}", edgecolor="white")
            if share > 0.12:
                panel.text(left + share / 2, place, called[name], ha="center", va="center", fontsize=7)
            left += share
    panel.set_yticks(range(len(outcomes)), [outcome.spec.run.label for outcome in outcomes], fontsize=8)
    panel.set_ylim(len(outcomes) - 0.5, -0.5)
    panel.set_xlim(0, 1)
    panel.set_xlabel("share of the variance of noisy-validation accuracy (fANOVA)", fontsize=8)
    panel.tick_params(labelsize=8)
    return written(figure, "svg")


def drawn(plot: Callable[[], Any]) -> bytes:
    """Return a plot of another library, which draws by `pyplot`, and leave Matplotlib's global state as it was.

    Args:
        plot: draws it and returns its axes.
    """
    import matplotlib

    with matplotlib.rc_context({"backend": "agg"}), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from matplotlib import pyplot

        figure = plot().figure
        content = written(figure, "svg", bbox_inches="tight")
        pyplot.close(figure)
    return content
