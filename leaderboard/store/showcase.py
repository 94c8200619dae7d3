"""Makes a store worth looking at: saved views, a logged model per cell, and figures, curves and texts on its runs.

All of it follows from what is stored, so it is made when someone wants to look and not while runs are made; what is
up to date is not made again.
"""

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lnlbench.leaderboard.ranking.statistics import interval
from lnlbench.leaderboard.results.errors import StoreError, StoreWarning, one_line
from lnlbench.leaderboard.results.interval import mean_text
from lnlbench.leaderboard.results.markdown import table
from lnlbench.leaderboard.results.precision import mixed_precisions
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import PRIMARY, RULES, can_score, score
from lnlbench.leaderboard.show import figures
from lnlbench.leaderboard.store import naming, views
from lnlbench.leaderboard.store.colours import RUN_COLOUR, colours
from lnlbench.leaderboard.store.index import LABEL, SETTING, TRACK, Entry
from lnlbench.leaderboard.store.store import Store

if TYPE_CHECKING:
    from lnlbench.leaderboard.store.tracking import Experiment

FIGURES = "lnlbench.figures"
LAYOUT = "4"
"""Raised when the figures, models or texts of cells change, so that those of stored cells are made again."""


def prepare(store: Store) -> dict[str, str]:
    """Bring views, figures, curves and texts up to date; as `save_views`, then `decorate`."""
    paths = save_views(store)
    decorate(store)
    return paths


def save_views(store: Store) -> dict[str, str]:
    """Bring the saved views up to date.

    Returns:
        where the views open, below the server's address, by name: of each setting and of each data set as a whole,
        one for each track.

    Raises:
        StoreError: the store cannot be read.

    Warns:
        StoreWarning: a view could not be made or saved; the rest is there.
    """
    paths: dict[str, str] = {}
    for experiment in store.experiments():
        dataset = experiment.tags.get("lnlbench.dataset")
        if not dataset:
            continue
        tracks: dict[str, set[str]] = {}
        for cell in store.shown.cells(experiment.name, [SETTING, TRACK]):
            tracks.setdefault(cell.tags[SETTING], set()).add(cell.tags[TRACK])
        settings = [view for name in sorted(tracks) for view in views.by_method(name, tracks[name])]
        notes = {"mlflow.note.content": naming.experiment_description(dataset)}
        for view in (*settings, *views.overview(dataset, set().union(*tracks.values()))):
            try:
                notes |= [view.tag()]
            except ValueError as error:
                warnings.warn(one_line(error), StoreWarning, stacklevel=2)
            else:
                paths[view.name] = view.path(experiment.experiment_id)
        _tag(store, experiment, notes)
    return paths


def decorate(store: Store, first: str = "") -> None:
    """Bring numbers, figures, curves and texts of cells up to date.

    Args:
        store: to look at.
        first: the setting whose cells come first: it is looked at already.

    Raises:
        StoreError: the store cannot be read or written.

    Warns:
        StoreWarning: the figures of a cell could not be made; the rest is there.
    """
    for experiment in store.experiments():
        cells = store.shown.cells(experiment.name, [SETTING, LABEL, FIGURES, RUN_COLOUR])
        members = store.shown.members(experiment.name, cells)
        _colour(store, cells)
        for cell in sorted(cells, key=lambda cell: cell.tags[SETTING] != first):
            _decorate(store, cell, members[cell.run_id])


def _colour(store: Store, cells: Sequence[Entry]) -> None:
    """Give a method one colour in all settings, and no two methods the same; what a user has picked stays."""
    chosen = colours(cell.tags[LABEL] for cell in cells)
    ours = {None, *chosen.values()}
    try:
        for cell in cells:
            colour, now = chosen[cell.tags[LABEL]], cell.tags.get(RUN_COLOUR)
            if now != colour and now in ours:
                store.annotate(cell.run_id, {}, more={RUN_COLOUR: colour})
    except StoreError as error:
        warnings.warn(f"methods could not be given their colours: {one_line(error)}", StoreWarning, stacklevel=3)


def _tag(store: "Store", experiment: "Experiment", notes: dict[str, str]) -> None:
    try:
        store.tag_experiment(experiment, notes)
    except StoreError as error:  # a store that only may be read still can be looked at
        warnings.warn(f"the views of {experiment.name!r} could not be saved: {error}", StoreWarning, stacklevel=3)


def _decorate(store: Store, cell: Entry, members: Sequence[Entry]) -> None:
    """Sum up, draw, rank and describe a cell, unless the same runs were drawn before."""
    content = "\n".join([LAYOUT, *(entry.run_id for entry in members)])
    state = hashlib.sha256(content.encode()).hexdigest()[:16]
    if not members or cell.tags.get(FIGURES) == state:
        return
    try:
        results = {entry.run_id: store.read(entry, predictions=False) for entry in members}
        runs, hosts = [(entry, results[entry.run_id]) for entry in members], store.hosts_of(results.values())
        store.shown.complete(runs)
        members = store.shown.rescore(runs, hosts)
        by_replicate = {result.replicate: result for result in results.values()}  # the last one counts
        ordered = [by_replicate[i] for i in sorted(by_replicate)]
        contents = {"curves.svg": figures.curves(ordered)}
        if noise := figures.noise(ordered[0]):
            contents["noise.svg"] = noise
        store.shown.sum_up([cell], {cell.run_id: members})
        first = ordered[0]
        facts = {"method": first.label, "method_text": first.method, "track": first.track, "length": first.length}
        store.shown.model(cell, facts | {"noise": first.noise}, members)
        store.annotate(cell.run_id, {}, contents, summary(ordered, hosts), {FIGURES: state})
    except StoreError as error:
        name = f"{cell.tags.get(LABEL)} {cell.tags.get(SETTING)}"
        warnings.warn(f"the figures of {name!r} could not be made: {one_line(error)}", StoreWarning, stacklevel=3)


def summary(results: Sequence[Result], hosts: Mapping[str, Result]) -> str:
    """Return what a cell's page says, in Markdown: its scores under each rule, its noise, its cost."""
    first = results[0]
    lines = [f"`{first.method}` on **{first.setting}**, track {first.track}, length {first.length}.", ""]
    rows = []
    for name in RULES:
        scores = [score(result, name, hosts) for result in results if can_score(result, name, hosts)]
        if not scores:
            continue
        found = interval(scores)
        shown = mean_text(100 * found.mean, None if found.half is None else 100 * found.half)
        rows.append([f"{name}{' (ranks)' if name == PRIMARY else ''}", shown, str(found.n)])
    lines.append(table(["rule", "test accuracy, % ± half of the 95 % interval", "n"], rows))
    lines += ["", *mixed] if (mixed := mixed_precisions(results)) else []
    if diverged := sum(result.diverged for result in results):
        lines += ["", f"{diverged} of {len(results)} diverged and score chance, 1/{first.classes}."]
    noise = [result.identity.get("noise", {}) for result in results]
    rates = [manifest["realised_rate"] for manifest in noise if manifest.get("realised_rate") is not None]
    if rates:
        nominal = noise[0].get("nominal_rate")
        spread = f"{min(rates):.4f}" if min(rates) == max(rates) else f"{min(rates):.4f} to {max(rates):.4f}"
        lines += ["", f"Noise: nominal rate {'none' if nominal is None else nominal}, realised {spread}."]
        of_class = [rate for rate in noise[0].get("class_rates", []) if rate is not None]
        if of_class and max(of_class) > 0:
            lines.append(f"By true class the rate goes from {min(of_class):.4f} to {max(of_class):.4f}.")
    seconds = [result.cost.get("train_seconds", 0.0) for result in results]
    told = ", ".join(first.told) or "nothing"
    lines += ["", f"Told beyond the labels: {told}. {sum(seconds) / len(seconds):.1f} s of training a run, on average."]
    lines += ["", "Files: `curves.svg` (thin: replicates, bold: their mean), `noise.svg` (transition matrix), "]
    lines[-1] += "`examples.png` (wrongly labelled images), where there are any."
    return "\n".join(lines) + "\n"
