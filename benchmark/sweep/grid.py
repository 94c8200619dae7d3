"""What a command line asks for: the grid of runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lnlbench.benchmark.engine.device import check_device, choose_precision
from lnlbench.benchmark.engine.models import check_fit, check_model
from lnlbench.benchmark.engine.stacking import check_execution, check_optimiser
from lnlbench.benchmark.protocol.settings import Setting, SettingError, default_methods, default_replicates, find
from lnlbench.benchmark.protocol.splits import canonical, fingerprint, images_of
from lnlbench.benchmark.runs.diagnostics import check_diagnostics
from lnlbench.benchmark.runs.estimate_recipe import ESTIMATED
from lnlbench.benchmark.runs.facts import modes, varies
from lnlbench.benchmark.runs.run import Run
from lnlbench.benchmark.sweep.options import Options
from lnlbench.benchmark.sweep.plugins import choose_methods
from lnlbench.leaderboard.results.setting_name import SettingName
from lnlbench.methods._parse import parse

MOST = 10_000
"""Replicates of one command: more are a slip of the keyboard, and would fill the memory."""
NUMBERS = 1_000_000_000
"""Beyond the number of any replicate."""


def grid(
    targets: Iterable[str],
    methods: str,
    replicates: str,
    changes: Mapping[str, Any],
    options: Options,
    told: str = ESTIMATED,
    precision: str = "auto",
    blind: bool = False,
) -> list[Run]:
    """Return the runs of a command line.

    Args:
        targets: suites, settings and patterns.
        methods: separated by commas; the suites' own where empty.
        replicates: as in "0,1,2" or "0-4"; the suites' own where empty.
        changes: fields of the settings to change; None changes nothing.
        options: where the data sets are, and the plug-ins that `choose_methods` gave.
        told: how methods are told what they must know, as in "estimated,true"; "all" is the mis-specification sweep.
        precision: as in `fit`; what is chosen for "auto" is part of what a run is, and stays with it.
        blind: whether no test label may enter this process.

    Raises:
        SettingError, MethodError, FactError, DataError, ModelError, ExecutionError, DiagnosticsError: something of this
            does not exist or cannot be.
    """
    check_execution(options.execution, check_device(options.device, precision))
    check_diagnostics(options.diagnostics)
    wanted = numbers(replicates or default_replicates())
    changes = {name: value for name, value in changes.items() if value is not None}
    settings = [_changed(setting, changes) for setting in find(targets, blind)]
    for setting in settings:
        check_optimiser(options.execution, setting.optimizer)
    texts = choose_methods(methods or default_methods(), options.plugins).texts
    return plan(settings, texts, wanted, options.data_dir, modes(told), options.device, precision, blind)


def numbers(text: str) -> list[int]:
    """Return the replicates of "0,2" or "0-4", sorted.

    Raises:
        SettingError: anything else, or more of them than `MOST`.
    """
    limit = f"{MOST:,}, numbered below {NUMBERS:,}"
    replicates: set[int] = set()
    for part in text.split(","):
        first, dash, last = (word.strip() for word in part.partition("-"))
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise SettingError(f"replicates are written '0,1,2' or '0-4', but got {text[:100]!r}")
        if max(len(first), len(last)) > len(str(NUMBERS)):  # before it is a number: Python reads 4,300 digits
            raise SettingError(f"replicates are at most {limit}, but got {text[:100]!r}")
        begin, end = int(first), int(last or first) + 1
        if end <= begin:
            raise SettingError(f"replicates are written '0,1,2' or '0-4', but got {text[:100]!r}")
        if end - begin > MOST or end > NUMBERS:
            raise SettingError(f"replicates are at most {limit}, but got {text[:100]!r}")
        replicates |= set(range(begin, end))
    if len(replicates) > MOST:
        raise SettingError(f"replicates are at most {limit}, but got {text[:100]!r}")
    return sorted(replicates)


def plan(
    settings: Iterable[Setting],
    methods: Sequence[str],
    replicates: Iterable[int],
    data_dir: Path | None = None,
    told: Sequence[str] = (ESTIMATED,),
    device: str = "auto",
    precision: str = "auto",
    blind: bool = False,
) -> list[Run]:
    """Return all runs of a grid, each once; the host of a reading comes before the reading.

    Device and precision are as in `fit`: here, before anything is claimed, "auto" becomes the precision of each run.
    With `blind` no test label enters this process.

    Raises:
        ExecutionError: an unknown device or precision.
        DataError: a data set or noise that is not available.
        MethodError: a text that is no method.
        ModelError: an unknown network, or one that cannot take images of that size.
    """
    runs: dict[str, Run] = {}
    place = check_device(device, precision)
    replicates = list(replicates)
    for wanted in settings:
        check_model(wanted.model)  # at once: loading the images may take a while
        images = images_of(wanted.dataset, data_dir, blind)
        channels, height, width = images.train_images.shape[1:]
        check_fit(wanted.model, images.card.classes, (channels, height, width))
        setting = canonical(wanted, images)
        chosen = choose_precision(place, precision, setting.precision)
        content = fingerprint(setting, images)
        parsed = [(" ".join(text.split()), parse(text, images.card.classes)) for text in methods]
        for replicate in replicates:
            cells = [(*known, mode) for known in parsed for mode in (told if varies(known[1].told) else told[:1])]
            grid = [
                Run(setting, method, label, replicate, content, setting.track, told=mode, precision=chosen)
                for label, method, mode in cells
            ]
            hosts = [run.host for run in grid if run.host is not None]
            for run in sorted([*grid, *hosts], key=lambda run: run.host is not None):
                runs.setdefault(run.key, run)
    return list(runs.values())


def _changed(setting: Setting, changes: Mapping[str, Any]) -> Setting:
    """Return a setting as the options change it; a change in its name is not undone by one of them unseen."""
    if twice := sorted(changes.keys() & SettingName.parse(setting.name).values()):
        raise SettingError(f"{twice[0]} is changed in the name {setting.task!r} already; change it once")
    return setting.override(**changes)
