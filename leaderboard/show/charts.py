"""Small charts as SVG text, without a plotting library: drawn in a millisecond, so that every run can have them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape

Curve = Sequence[float | None]
Place = Callable[[float, float], tuple[float, float]]

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
"""Okabe and Ito's colours, which most colour-blind readers tell apart."""

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 420, 250, 46, 12, 44, 34
_FONT = "font-family='system-ui,Helvetica,Arial,sans-serif' font-size='11'"


@dataclass(frozen=True)
class Series:
    """A name and its curves, one value per epoch and replicate; what was not measured is skipped."""

    name: str
    curves: Sequence[Curve]


@dataclass(frozen=True)
class Panel:
    """One pair of axes; marks are epochs (counted from 0) with a word each."""

    title: str
    series: Sequence[Series]
    top: float | None = None  # of the vertical axis, from 0; by default what the values need
    marks: dict[str, int] = field(default_factory=dict)


def lines(panels: Sequence[Panel]) -> str:
    """Return panels of curves over epochs, two in a row, as SVG; of several replicates thin lines and their mean."""
    drawn = [
        f"<g transform='translate({WIDTH * (i % 2)},{HEIGHT * (i // 2)})'>{_panel(panel)}</g>"
        for i, panel in enumerate(panels)
    ]
    columns = min(2, len(panels))
    return _svg(WIDTH * columns, HEIGHT * -(-len(panels) // 2), drawn)


def matrix(rows: Sequence[Sequence[float]], title: str) -> str:
    """Return a transition matrix as SVG: rows are true classes, columns given labels; numbers up to 20 classes."""
    count = len(rows)
    side = 34 if count <= 12 else 26 if count <= 20 else 5
    step = max(1, -(-count // 20))  # labels of every n-th class
    left, top, parts = 56, 52, [_text(14, 20, title, weight="600")]
    for k in range(0, count, step):
        parts.append(_text(left - 6, top + (k + 0.5) * side + 4, str(k), "end"))
        parts.append(_text(left + (k + 0.5) * side, top - 6, str(k), "middle"))
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            x, y, share = left + j * side, top + i * side, min(1.0, max(0.0, value))
            if share > 0 or side > 5:
                parts.append(f"<rect x='{x}' y='{y}' width='{side}' height='{side}' fill='{_shade(share)}'/>")
            if side > 5 and share >= 0.005:
                colour = "#fff" if share > 0.5 else "#222"
                parts.append(
                    _text(x + side / 2, y + side / 2 + 4, f"{share:.2f}"[1 - (share >= 1) :], "middle", colour)
                )
    end = top + count * side
    parts.append(
        f"<rect x='{left}' y='{top}' width='{count * side}' height='{count * side}' fill='none' stroke='#999'/>"
    )
    parts.append(_text(left, end + 20, "rows: true class; columns: given label; values: share of the row"))
    return _svg(max(left + count * side + 20, 440), end + 34, parts)


def mean(curves: Sequence[Curve]) -> list[float | None]:
    """Return the mean of curves at each epoch, over those that have a finite value there."""
    found: list[float | None] = []
    for epoch in range(max(map(len, curves), default=0)):
        values = [v for curve in curves if epoch < len(curve) and (v := curve[epoch]) is not None and math.isfinite(v)]
        found.append(sum(values) / len(values) if values else None)
    return found


def _panel(panel: Panel) -> str:
    means = [mean(series.curves) for series in panel.series]
    values = [v for s in panel.series for c in s.curves for v in c if v is not None and math.isfinite(v)]
    top = panel.top or _nice(max(values, default=1.0))
    last = max(1, *(len(curve) - 1 for curve in means), 1)
    across, down = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(epoch: float, value: float) -> tuple[float, float]:
        return LEFT + across * epoch / last, TOP + down * (1 - min(1.0, max(0.0, value / top)))

    parts = [_text(LEFT, 18, panel.title, weight="600")]
    for i in range(5):
        x, y = place(0, top * i / 4)
        parts.append(f"<path d='M{x:.1f} {y:.1f}H{WIDTH - RIGHT}' stroke='#ddd' fill='none'/>")
        parts.append(_text(LEFT - 5, y + 4, f"{top * i / 4:.3g}", "end"))
    below, shown = HEIGHT - BOTTOM + 15, sorted({0, last // 2, last})
    parts += [_text(place(epoch, 0)[0], below, str(1 + epoch), "middle") for epoch in shown]  # from 1
    parts.append(_text(LEFT + across / 2, HEIGHT - 5, "epoch", "middle", "#666"))
    for word, epoch in panel.marks.items():
        x, _ = place(epoch, 0)
        side = "end" if epoch > last / 2 else "start"
        parts.append(f"<path d='M{x:.1f} {TOP}V{HEIGHT - BOTTOM}' stroke='#888' stroke-dasharray='3 3' fill='none'/>")
        parts.append(_text(x + (-4 if side == "end" else 4), HEIGHT - BOTTOM - 5, word, side, "#666"))
    x = float(LEFT)
    for series, average, colour in zip(panel.series, means, COLOURS, strict=False):
        if len(series.curves) > 1:
            thin = (_path(place, curve) for curve in series.curves)
            parts += [f"<path d='{path}' stroke='{colour}' opacity='.35' fill='none'/>" for path in thin]
        parts.append(f"<path d='{_path(place, average)}' stroke='{colour}' stroke-width='2' fill='none'/>")
        parts.append(f"<rect x='{x:.0f}' y='28' width='12' height='4' fill='{colour}'/>")
        parts.append(_text(x + 16, 34, series.name))
        x += 30 + 6.2 * len(series.name)
    return "".join(parts)


def _path(place: Place, curve: Curve) -> str:
    points = [place(epoch, value) for epoch, value in enumerate(curve) if value is not None and math.isfinite(value)]
    if len(points) == 1:  # a line of one point would not be seen
        points = [(points[0][0] - 2, points[0][1]), (points[0][0] + 2, points[0][1])]
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) if points else ""


def _nice(value: float) -> float:
    """Return the next of 1, 2, 4, 5, 8 times a power of ten: an upper end of an axis."""
    if value <= 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(value))
    return next(step * unit for step in (1, 2, 4, 5, 8, 10) if step * unit >= value * (1 - 1e-9))


def _shade(share: float) -> str:
    """Return a colour between white and dark blue."""
    return "#" + "".join(f"{round(255 + (end - 255) * share):02x}" for end in (0x08, 0x45, 0x94))


def _text(x: float, y: float, text: str, anchor: str = "start", colour: str = "#222", weight: str = "400") -> str:
    place = f"x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}'"
    return f"<text {place} fill='{colour}' font-weight='{weight}'>{escape(text)}</text>"


def _svg(width: float, height: float, parts: Sequence[str]) -> str:
    size = f"width='{width:g}' height='{height:g}' viewBox='0 0 {width:g} {height:g}'"
    paper = "<rect width='100%' height='100%' fill='#fff'/>"
    return f"<svg xmlns='http://www.w3.org/2000/svg' {size} {_FONT}>{paper}{''.join(parts)}</svg>\n"
