"""Accuracy against cost, as SVG that takes its colours from the page."""

import math
from collections.abc import Mapping, Sequence

from markupsafe import Markup

WIDTH = 360  # as wide as a phone, so that letters keep their size there

Span = tuple[float, float]


def scatter(points: Mapping[str, Span], front: Sequence[str], across: str, up: str) -> Markup:
    """Return accuracy against cost, on a log scale, with the front of what nobody beats in both.

    Args:
        points: method → (cost above 0, value).
        front: methods on the front, cheapest first.
        across: what the horizontal axis shows.
        up: what the vertical axis shows.
    """
    logs = [math.log10(x) for x, _ in points.values()]
    values = [y for _, y in points.values()]
    horizontal = _Scale(min(logs), max(logs), 44, WIDTH - 70)
    vertical = _Scale(min(values), max(values), 214, 26)
    parts = []
    for tick in vertical.ticks():
        y = vertical(tick)
        parts.append(_line(36, y, WIDTH - 8, y, "grid") + _text(32, y + 4, f"{tick:g}", "end"))
    for power in _decades(min(logs), max(logs)):
        x = horizontal(math.log10(power))
        parts.append(_line(x, 20, x, 222, "grid") + _text(x, 238, f"{power:g}", "middle"))
    at = {name: (horizontal(math.log10(x)), vertical(y)) for name, (x, y) in points.items()}
    if len(front) > 1:
        line = " ".join(f"{at[name][0]:.1f},{at[name][1]:.1f}" for name in front)
        parts.append(Markup('<polyline class="front" points="{}"/>').format(line))
    taken: list[Span] = []
    for name in sorted(at, key=lambda name: at[name][1]):
        x, y = at[name]
        level = y + 4
        while any(abs(level - b) < 12 and abs(x - a) < 90 for a, b in taken):
            level += 12  # names of neighbours stand below each other
        taken.append((x, level))
        mark = Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="4"><title>{}: {:.4g}, {:.4g}</title></circle>')
        parts.append(mark.format("on" if name in front else "off", x, y, name, *points[name]))
        parts.append(_text(x + 7, level, _short(name, 14), "start", name))
    parts.append(_text(WIDTH / 2, 256, across, "middle") + _text(4, 12, up, "start"))
    bottom = max([262.0, *(level + 6 for _, level in taken)])
    return _svg(bottom, parts, f"{up} against {across}. Beaten by nobody in both: {', '.join(front)}.")


class _Scale:
    """Maps values onto pixels, with a little room at both ends."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        room = (high - low) * 0.04 or max(abs(high), 1.0) * 0.01
        self.low, self.high, self.start, self.end = low - room, high + room, start, end

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """About four round values."""
        step = 10.0 ** math.floor(math.log10((self.high - self.low) / 4))
        step = next(step * by for by in (1, 2, 5, 10) if (self.high - self.low) / (step * by) <= 5)
        first = math.ceil(self.low / step)
        return [round(i * step, 10) for i in range(first, math.floor(self.high / step) + 1)]


def _decades(low: float, high: float) -> list[float]:
    """Round costs between two powers of ten: 1, 2, 5, 10, …; every one of them where there are few."""
    steps = [by * 10.0**power for power in range(math.floor(low) - 1, math.ceil(high) + 1) for by in (1, 2, 5)]
    inside = [step for step in steps if low - 0.05 <= math.log10(step) <= high + 0.05]
    return inside if len(inside) <= 6 else [step for step in inside if f"{step:e}".startswith("1")]


def _short(name: str, longest: int = 16) -> str:
    return name if len(name) <= longest else name[: longest - 1] + "…"


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    return Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(kind, x1, y1, x2, y2)


def _text(x: float, y: float, text: str, anchor: str, title: str = "") -> Markup:
    whole = Markup("<title>{}</title>").format(title) if title and title != text else ""
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}{}</text>').format(x, y, anchor, text, whole)


def _svg(height: float, parts: Sequence[Markup], label: str) -> Markup:
    opening = Markup('<svg class="diagram" viewBox="0 0 {} {:.0f}" role="img" aria-label="{}">')
    return opening.format(WIDTH, height, label) + Markup("").join(parts) + Markup("</svg>")
