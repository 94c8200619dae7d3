"""What the figures of studies share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lnlbench.benchmark.studies.simulators.array import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CLEAN, NOISY, TEST, OTHER, EXTRA = "#0072b2", "#d55e00", "#222222", "#009e73", "#cc79a7"  # safe for the colour-blind


def panels(figure: Figure, titles: list[str], rows: int = 1) -> list[Any]:
    """Axes in a grid, each with its title, without frames at top and right."""
    found: list[Any] = list(figure.subplots(rows, len(titles) // rows, squeeze=False).flat)
    for axes, title in zip(found, titles, strict=True):
        axes.set_title(title, fontsize=10, loc="left")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25, linewidth=0.6)
        axes.tick_params(labelsize=8)
    return found


def lines(axes: Axes, curves: dict[str, tuple[Array, Array]], colours: dict[str, str], **style: Any) -> None:
    """Curves with their names."""
    for name, (x, y) in curves.items():
        axes.plot(x, y, label=name, color=colours.get(name), linewidth=1.4, **style)


def finish(axes: Axes, x: str, y: str = "", legend: bool = True) -> None:
    """Labels and a legend."""
    if x.startswith("step") and axes.get_xscale() == "linear":  # five digits and more
        axes.locator_params(axis="x", nbins=5)
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    if legend:
        axes.legend(fontsize=8, frameon=False)
