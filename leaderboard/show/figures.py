"""The figures of runs and cells: their curves and the noise that they were trained under, as SVG."""

from collections.abc import Sequence

from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import best_epoch
from lnlbench.leaderboard.show import charts

_PANELS = (
    ("accuracy", 1.0, {"clean test": "test_accuracy", "noisy validation": "validation_accuracy"}),
    ("wrongly labelled: predicted as", 1.0, {"given": "memorised", "true": "corrected", "other": "other"}),
    ("loss against the given label", None, {"correctly labelled": "loss_correct", "wrongly labelled": "loss_wrong"}),
    ("loss as a detector of wrong labels", 1.0, {"AUROC": "auroc"}),
)


def curves(results: Sequence[Result]) -> str:
    """Return the curves of a run, or of the replicates of a cell, as SVG."""
    panels = []
    for title, top, names in _PANELS:
        series = []
        for name, quantity in names.items():
            chosen = [_curve(result, quantity) for result in results]
            if any(value is not None for row in chosen for value in row):
                series.append(charts.Series(name, chosen))
        marks = _marks(results[0]) if title == "accuracy" and len(results) == 1 else {}
        if series:
            panels.append(charts.Panel(title, series, top, marks))
    return charts.lines(panels)


def _marks(result: Result) -> dict[str, int]:
    if result.diverged:
        return {}
    return {"best validation": best_epoch(result.curves["validation_accuracy"])}


def _curve(result: Result, name: str) -> list[float | None]:
    """Return the curve of that name; of diagnostics the one of the training pass, which has a value for every epoch."""
    return result.curves.get(name) or result.curves.get(f"{name}_online") or []


def noise(result: Result) -> str | None:
    """Return the realised transition matrix of a run's noise as SVG; None where the record has none."""
    manifest = result.identity.get("noise", {})
    rows, rate = manifest.get("transition_matrix"), manifest.get("realised_rate")
    if not rows or rate is None:
        return None
    return charts.matrix(rows, f"{result.noise}, draw of replicate {result.replicate}: realised rate {rate:.4f}")
