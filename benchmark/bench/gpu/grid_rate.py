"""How long the grid of MNIST and the small CNN takes, from a few epochs of each method's runs on random images."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lnlbench.benchmark.bench.gpu.part import Finding, Place
from lnlbench.benchmark.engine.capture import RECORDERS
from lnlbench.benchmark.engine.device import Compute, check_device, choose_compute
from lnlbench.benchmark.protocol.settings import Setting, setting, suites
from lnlbench.benchmark.protocol.splits import Prepared, canonical, prepare
from lnlbench.benchmark.runs.noise_estimate import out_of_fold
from lnlbench.benchmark.runs.run import Run
from lnlbench.benchmark.runs.training import train_runs
from lnlbench.datasets.loading.images import Images
from lnlbench.datasets.loading.registry import card
from lnlbench.methods._parse import parse

if TYPE_CHECKING:
    from lnlbench.benchmark.bench.gpu.parts import Grid

TASK, NOISES = "mnist-cnn", "mnist-mlp"
"""The task, and the suite whose noises the grid has."""
METHODS = 7
"""Of the grid; a sweep prepares the data of each of them anew."""


class _Enough(BaseException):
    """The time for a method is over; no failure, which training would try to mend."""


def data(place: Place, grid: Grid) -> Iterator[Finding]:
    """Time the preparation of the data: noise is drawn and split for each run."""
    begin = time.perf_counter()
    _members(grid)
    spent = METHODS * (time.perf_counter() - begin)
    yield Finding(f"data of {grid.runs} runs, for each of {METHODS} methods", spent, "s", total=True)


def estimates(place: Place, grid: Grid) -> Iterator[Finding]:
    """Time one estimate of the noise; the grid makes one for each noise and replicate."""
    recipe, _, prepared = _members(grid)[0]
    spent = out_of_fold(recipe, prepared.split, 0, _compute(place, recipe), grid.estimate).seconds
    yield Finding(f"estimates for {grid.runs} runs", grid.runs * spent, "s", said=f"{spent:.2f} s each", total=True)


def rate(place: Place, method: str, grid: Grid) -> Iterator[Finding]:
    """Train all runs of a method together for some seconds, and reckon how long all their epochs take.

    Exact passes fall on the epochs 1, 2, 4 and so on, and so weigh more here than in the whole.
    """
    precision = _compute(place, _members(grid)[0][0]).precision
    members = [
        (Run(recipe, parse(method), method, i, "random", told="true", precision=precision), prepared)
        for recipe, i, prepared in _members(grid)
    ]
    execution = "graph" if check_device(place.device).type in RECORDERS else "auto"
    begin, ends, told = time.perf_counter(), list[float](), 0

    def watch(*_: object) -> None:
        nonlocal told
        told += 1
        if told % grid.runs == 0:
            ends.append(time.perf_counter())
            if len(ends) > 1 and ends[-1] - begin > grid.seconds:
                raise _Enough

    try:
        for _ in train_runs(members, device=place.device, execution=execution, watch=watch):
            pass
    except _Enough:
        pass
    epoch, first = (ends[-1] - ends[0]) / (len(ends) - 1), ends[0] - begin
    samples = grid.runs * len(members[0][1].split.given)
    said = f"{samples / epoch:,.0f} samples/s in {len(ends)} epochs, {first:.1f} s until the first had ended"
    spent = first + (grid.epochs - 1) * epoch
    yield Finding(f"{method}, {grid.runs} runs of {grid.epochs} epochs", spent, "s", said=said, total=True)


@lru_cache(maxsize=1)
def _members(grid: Grid) -> list[tuple[Setting, int, Prepared]]:
    """Return settings, replicates and data of one method's runs; what a step costs does not depend on the images."""
    source, of = np.random.default_rng(0), card("mnist")

    def side(count: int) -> tuple[np.ndarray, np.ndarray]:
        pixels = source.integers(256, size=(count, of.channels, of.size, of.size), dtype=np.uint8)
        return pixels, source.integers(of.classes, size=count)

    (train, given), (test, true) = map(side, grid.images)
    images = Images(of.name, of.revision, "random", "random", of, train, given, test, true)
    noises = [one.noise for one in suites()[NOISES]][: grid.noises]
    recipes = [canonical(setting(f"{TASK}/{noise}").override(epochs=grid.epochs), images) for noise in noises]
    return [(recipe, i, prepare(recipe, i, images)) for recipe in recipes for i in range(grid.replicates)]


def _compute(place: Place, recipe: Setting) -> Compute:
    return choose_compute(place.device, "auto", recipe.precision)
