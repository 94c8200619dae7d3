"""Curves over epochs as SVG: the mean of the replicates, and a band from the lowest to the highest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lnlbench.leaderboard.results.result import Curve, Result
from lnlbench.leaderboard.show.page.data import CURVES

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 420, 240, 40, 8, 10, 34
TICKS = (0, 25, 50, 75, 100)


@dataclass(frozen=True)
class Line:
    """One quantity, in the coordinates of the drawing."""

    words: str
    number: int  # of its colour
    points: str
    band: str  # nothing for a single replicate
    last: float  # percent, of the last epoch that was measured


@dataclass(frozen=True)
class Drawing:
    """The curves of one method in one setting, in percent from 0 to 100."""

    setting: str
    replicates: int
    epochs: int
    lines: tuple[Line, ...]

    @property
    def ticks(self) -> list[tuple[float, int]]:
        """Return heights and values of the horizontal lines."""
        return [(round(_y(tick), 1), tick) for tick in TICKS]


def drawing(setting: str, runs: Sequence[Result]) -> Drawing | None:
    """Return the curves of runs of one method and setting; None where nothing can be drawn."""
    epochs = max(run.trained for run in runs)
    lines = [
        _line(words, number, [run.curves[name] for run in runs if name in run.curves], epochs)
        for number, (name, words) in enumerate(CURVES.items())
    ]
    kept = tuple(line for line in lines if line is not None)
    return Drawing(setting, len(runs), epochs, kept) if kept else None


def _line(words: str, number: int, curves: Sequence[Curve], epochs: int) -> Line | None:
    means: list[tuple[int, float]] = []
    low: list[tuple[int, float]] = []
    high: list[tuple[int, float]] = []
    for epoch in range(epochs):
        values = [curve[epoch] for curve in curves if epoch < len(curve)]
        known = [100 * value for value in values if value is not None and math.isfinite(value)]
        if known:
            means.append((epoch, math.fsum(known) / len(known)))
            low.append((epoch, min(known)))
            high.append((epoch, max(known)))
    if not means:
        return None
    band = _points([*high, *reversed(low)], epochs) if len(curves) > 1 else ""
    return Line(words, number, _points(means, epochs), band, means[-1][1])


def _points(values: Sequence[tuple[int, float]], epochs: int) -> str:
    """Return points of a line, to a tenth of a pixel."""
    room = WIDTH - LEFT - RIGHT
    return " ".join(f"{LEFT + room * epoch / max(1, epochs - 1):.1f},{_y(value):.1f}" for epoch, value in values)


def _y(percent: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - percent / 100)
