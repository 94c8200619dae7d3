"""Sorts results into the rows and columns of a board, and says where they do not fit together."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lnlbench.leaderboard.results.precision import precision_of
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.spelling import one_label
from lnlbench.leaderboard.results.versions import latest

Grid = dict[str, dict[str, dict[int, Result]]]
"""Row → setting → replicate → result."""


class Note(NamedTuple):
    """A sentence on how results were sorted, and the label that it is about, nothing where it is about all."""

    text: str
    label: str = ""


def sort_into_grid(results: Sequence[Result]) -> tuple[Grid, list[Note]]:
    """Sort results into rows by method, and by full text where a label means two methods in one setting.

    A method is one row however it was written, see `one_label`. One that has results of two precisions in one setting
    has a row for each: `ce [bf16]`. Of several versions of a user's own file the latest counts alone, of several
    results of one row, setting and replicate the last one. Also returned: notes.

    Args:
        results: that may be compared; in order of age.
    """
    results, several_versions = latest(results)
    labels = one_label(results)
    texts: dict[tuple[str, str], set[str]] = defaultdict(set)
    precisions: dict[tuple[str, str], set[str]] = defaultdict(set)
    for result in results:
        texts[labels[result.label], result.setting].add(result.method)
        precisions[labels[result.label], result.setting].add(precision_of(result))
    ambiguous = {label for (label, _), methods in texts.items() if len(methods) > 1}
    twice = {label for (label, _), found in precisions.items() if len(found) > 1}
    grid: Grid = {}
    older = 0
    for result in results:
        label = labels[result.label]
        name = result.method if label in ambiguous else label
        name += f" [{precision_of(result)}]" if label in twice else ""
        runs = grid.setdefault(name, {}).setdefault(result.setting, {})
        older += result.replicate in runs
        runs[result.replicate] = result
    notes = [Note(f"{older} older results of the same method, setting and replicate are not shown.")] if older else []
    several, rows = "stands for several methods; they are shown in full.", "they are rows of their own."
    notes += [Note(f"The label {label!r} {several}", label) for label in sorted(ambiguous)]
    notes += [Note(f"{label!r} has results of several precisions; {rows}", label) for label in sorted(twice)]
    notes += [Note(text, found.label) for found in several_versions for text in found.notes]
    return grid, notes + [Note(text) for text in (*map(other_data, unpaired(grid)), *_changed(grid))]


def data_of(run: Result) -> str:
    """Return what stands for the labels and the split that a run saw."""
    noise, split = run.identity.get("noise", {}), run.identity.get("split", {})
    return f"{noise.get('labels_sha256')} {split.get('sha256')}"


def other_data(setting: str) -> str:
    """Say that the methods of a setting did not get the same noise or split."""
    return f"Noise or split differ between methods in {setting}: they saw other data."


def unpaired(grid: Grid) -> list[str]:
    """Return the settings in which methods did not get the same noise or split, replicate by replicate."""
    seen: dict[tuple[str, int], set[str]] = defaultdict(set)
    for setting, runs in _cells(grid):
        for replicate, run in runs.items():
            seen[setting, replicate].add(data_of(run))
    return sorted({setting for (setting, _), made in seen.items() if len(made) > 1})


def _changed(grid: Grid) -> list[str]:
    """Say where methods did not get the same controls."""
    controls: dict[str, set[str]] = defaultdict(set)
    for setting, runs in _cells(grid):
        for run in runs.values():
            if run.track == "default":
                controls[setting].add(json.dumps(run.identity.get("setting"), sort_keys=True, default=str))
    changed = sorted(setting for setting, made in controls.items() if len(made) > 1)
    return [f"The settings of the runs differ within {setting}: methods did not train alike." for setting in changed]


def _cells(grid: Grid) -> Iterator[tuple[str, dict[int, Result]]]:
    for cells in grid.values():
        yield from cells.items()
